"""Faces as numbers: one person stays near, another is far, and the crop lies as SFace has it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from visavis.models import recognition
from visavis.models.avatar.file import SHIPPED
from visavis.models.bake import landmarks as lm
from visavis.models.pictures import opening
from visavis.server.avatars.likeness import SAME_MADE

PORTRAITS = Path(__file__).parents[2] / "bench" / "face" / "portraits"


def picture(path):
    return np.asarray(opening.upright(path.read_bytes()).convert("RGB"))


@pytest.fixture(scope="module")
def network():
    return recognition.locate()


@pytest.fixture(scope="module")
def mira(network):
    return recognition.of_picture(picture(SHIPPED / "mira.webp"), network)


def test_a_template_is_a_direction(mira):
    assert mira.shape == (recognition.SIZE,)
    assert mira.dtype == np.float32
    assert float(np.linalg.norm(mira)) == pytest.approx(1, abs=1e-5)


def compressed(image):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], -1)


def dark(image):
    return (image.astype(np.float32) ** 1.5 / 255**0.5).astype(np.uint8)


def turned(image):
    size = image.shape[1::-1]
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), 10, 1)
    return cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    "changed", [compressed, dark, turned, lambda image: np.ascontiguousarray(image[:, ::-1])]
)
def test_the_same_picture_stays_the_same_person(mira, network, changed):
    again = recognition.of_picture(changed(picture(SHIPPED / "mira.webp")), network)
    assert mira @ again > SAME_MADE


@pytest.mark.parametrize("name", ["kofi", "bruno", "ada"])
def test_somebody_else_is_somebody_else(mira, network, name):
    other = recognition.of_picture(picture(PORTRAITS / f"{name}.webp"), network)
    assert mira @ other < SAME_MADE - 0.1


def test_the_crop_has_the_eyes_where_the_network_expects_them():
    image = picture(SHIPPED / "mira.webp")
    crop = recognition.aligned(image, lm.find_landmarks(image, lm.detect(image)[0]).points)
    assert crop.shape == (recognition.SIDE, recognition.SIDE, 3)
    big = cv2.copyMakeBorder(cv2.resize(crop, (336, 336)), 100, 100, 100, 100, cv2.BORDER_REPLICATE)
    found = lm.detect(big)[0]
    at = (found.eyes - 100) / 3
    assert np.abs(at - recognition.EXPECTED[:2]).max() < 5


def test_no_face_is_none(network):
    grey = np.full((200, 200, 3), 120, np.uint8)
    assert recognition.of_picture(grey, network) is None
