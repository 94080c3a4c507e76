"""Every persona that ships: its own picture's avatar, baked without a warning, and still itself."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.models import arkit, recognition
from visavis.models.avatar.file import SHIPPED, load_avatar, read_card
from visavis.models.avatar.rig import nodes
from visavis.models.bake import layers
from visavis.models.quality.subject import as_rgb

NAMES = sorted(path.stem for path in SHIPPED.glob("*.avatar"))
LIKE = 0.93  # cosine of SFace from the picture to the neutral frame


def test_there_are_six_people_and_a_drawing():
    assert NAMES == ["amara", "ingrid", "jun", "mira", "nila", "samir", "tomas"]


@pytest.mark.parametrize("name", NAMES)
def test_it_was_baked_from_the_picture_beside_it_without_a_warning(name):
    card = read_card(SHIPPED / f"{name}.avatar")
    picture = SHIPPED / f"{name}.webp"
    assert card.photo_sha256 == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert card.warnings == ()
    assert (card.name, card.licence, card.consent.until) == (name, "CC0-1.0", "")
    assert card.voice in ("heart", "joe")
    with Image.open(picture) as image:
        assert min(image.size) >= 1024


@pytest.mark.parametrize("name", NAMES)
def test_at_rest_it_is_the_person_of_the_picture(name):
    network = recognition.locate()
    with Image.open(SHIPPED / f"{name}.webp") as image:
        picture = np.asarray(image.convert("RGB"))
    at_rest = FaceState(np.zeros(arkit.COUNT, np.float32), np.zeros(6, np.float32))
    frame = as_rgb(load.drawing(load_avatar(SHIPPED / f"{name}.avatar"))(at_rest))
    person, shown = (recognition.of_picture(each, network) for each in (picture, frame))
    assert person is not None
    assert shown is not None
    assert float(person @ shown) >= LIKE


@pytest.mark.parametrize("name", NAMES)
def test_its_patches_lie_on_its_face(name):
    avatar = load_avatar(SHIPPED / f"{name}.avatar")
    base = avatar.base
    for patch in avatar.patches.values():
        for grid in (patch.upper, patch.lower):
            at = nodes(grid.corner, grid.pitch, grid.share.shape)
            around = layers.read_grid(base.rest[..., 2:], base.corner, base.pitch, at)[..., 0]
            # Otherwise a head that turns shows the same strip of skin in two places: of a turned
            # head the patch reaches beyond the far jaw.
            assert np.abs(grid.rest[..., 2] - around).max() < 16  # px
