"""How much of a photo is shown, that heads stand upright in it, and that only persons are shown."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.models.bake import framing, photo
from visavis.models.bake import landmarks as lm
from visavis.models.errors import PortraitError

PERSONA = Path(__file__).parents[1] / "data" / "persona.webp"


@cache
def persona():
    return Image.open(PERSONA).convert("RGB")


@cache
def found():
    return photo.find_face(np.asarray(persona()))


def encoded(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@cache
def poster():
    """The portrait in a large picture, and the face in it."""
    wide = Image.new("RGB", (1500, 1500), (80, 90, 100))
    wide.paste(persona(), (500, 300))
    return np.asarray(wide), framing.moved(found(), np.eye(2), (500, 300))


def test_frames_show_as_much_as_their_names_say():
    tall = framing.face_height(found())
    sides = {how: framing.window(*poster(), how)[2] / tall for how in framing.FRAMINGS}
    assert sides["head"] < sides["bust"] < sides["wide"]
    assert sides["auto"] == sides["bust"] == pytest.approx(2.3)


@pytest.mark.parametrize("how", framing.FRAMINGS)
def test_the_whole_head_lies_in_every_frame(how):
    left, top, side = framing.window(*poster(), how)
    points = poster()[1].points[:, :2]
    assert left < points[:, 0].min() - 0.05 * side < points[:, 0].max() + 0.05 * side < left + side
    assert points[lm.FOREHEAD, 1] - top > 0.2 * framing.face_height(found())
    assert points[lm.CHIN, 1] < top + 0.85 * side


def test_a_photo_that_ends_at_the_neck_or_the_chest_is_shown_as_far_as_it_goes():
    for below in (0.35, 0.8):
        end = int(found().points[lm.CHIN, 1] + below * framing.face_height(found()))
        picture = np.asarray(persona())[:end]
        left, top, side = framing.window(picture, found(), "wide")
        assert top >= 0
        assert top + side <= end + 1e-3
        assert left >= 0
        assert side == pytest.approx(min(picture.shape[:2]))


@pytest.mark.parametrize("angle", [-28, 18])
def test_a_tilted_head_is_shown_upright(angle):
    tilted = persona().rotate(angle, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90))
    framed = photo.frame(encoded(tilted))
    assert abs(framing.tilt(framed.face)) < 3
    # Landmarks that were only turned along lie where the turned picture has its face.
    again = lm.follow(framed.small(), framed.face.points + np.array([1, 1, 0]) * photo.MARGIN)
    apart = again.points[:, :2] - photo.MARGIN - framed.face.points[:, :2]
    assert np.linalg.norm(apart, axis=1).mean() < 0.02 * framing.face_height(framed.face)


def test_a_head_that_hardly_leans_is_left_as_it_is():
    level = framing.levelled(np.asarray(persona()), found())
    assert level.photo is not None
    assert level.known is None
    assert level.face is found()


def test_what_is_made_up_beside_a_turned_photo_is_hardly_shown():
    picture = np.asarray(persona().rotate(-25, Image.Resampling.BICUBIC, expand=True))
    face = photo.find_face(picture)
    close = picture[100:-100, 100:-100]
    level = framing.levelled(close, framing.moved(face, np.eye(2), (-100, -100)))
    assert level.known is not None
    left, top, side = framing.window(level.photo, level.face, "auto", level.known)
    assert side >= framing.TIGHTEST * framing.face_height(level.face) - 1
    assert framing._unknown(level.known, left, top, side) < 0.12


def test_what_is_surely_no_person_is_refused(monkeypatch):
    monkeypatch.setattr(lm, "sureness", lambda *_: 0.99)
    with pytest.raises(PortraitError) as refused:
        photo.find_face(np.asarray(persona()))
    assert refused.value.code == "no-person"


def test_a_lamp_that_the_detector_takes_for_a_face_does_not_count(monkeypatch):
    real = lm.detect(np.asarray(persona()))
    lamp = lm.Detection(0.7, np.array([60, 60]), real[0].size * 0.9, np.array([[40, 50], [80, 50]]))
    monkeypatch.setattr(lm, "detect", lambda _: [*real, lamp])
    assert np.abs(photo.find_face(np.asarray(persona())).points - found().points).max() < 1


def test_one_face_found_twice_is_one(monkeypatch):
    real = lm.detect(np.asarray(persona()))
    again = lm.Detection(0.6, real[0].centre + 4, real[0].size * 0.6, real[0].eyes)
    monkeypatch.setattr(lm, "detect", lambda _: [*real, again])
    photo.find_face(np.asarray(persona()))


def test_a_persons_face_is_sure():
    assert lm.sureness(np.asarray(persona()), found().points) > 0.9999
