"""What lies over a face, or turns it away, is noticed; what only looks unusual is not."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.bake import framing, occlusion, photo, remarks
from visavis.models.bake import landmarks as lm

SITTERS = sorted((Path(__file__).parents[2] / "bench" / "face" / "portraits").glob("*.webp"))
JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361,
       323, 454, 5)  # fmt: skip
NAMES = ("mira", "tomas")


@cache
def persona(name):
    """The portrait and its face."""
    picture = Image.open(SHIPPED / f"{name}.webp").convert("RGB")
    return picture, photo.find_face(np.asarray(picture))


def found(picture):
    """The picture as the checks see it: landmarks are looked for anew."""
    pixels = np.asarray(picture)
    return pixels, photo.find_face(pixels)


def masked(name, texture):
    """With cloth over everything from the nose down."""
    picture, face = persona(name)
    where = Image.new("L", picture.size, 0)
    ImageDraw.Draw(where).polygon([tuple(face.points[i, :2]) for i in JAW], fill=255)
    out = picture.copy()
    out.paste(Image.fromarray(texture(picture)), (0, 0), where)
    return out


def plain(picture):
    return np.full((picture.height, picture.width, 3), (140, 170, 190), np.uint8)


def knitted(picture):
    noise = np.random.default_rng(3).normal(130, 25, (picture.height // 4, picture.width // 4))
    whole = cv2.resize(noise.astype(np.float32), picture.size)
    return np.repeat(np.clip(whole, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def striped(picture):
    rows = 150 + 18 * np.sin(np.arange(picture.height) / 13)
    return np.broadcast_to(rows[:, None, None], (picture.height, picture.width, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("texture", [plain, knitted, striped])
def test_a_mouth_behind_cloth_is_hidden(name, texture):
    assert occlusion.mouth_hidden(*found(masked(name, texture)))


@pytest.mark.parametrize("name", NAMES)
def test_a_mouth_behind_a_microphone_is_hidden(name):
    picture, face = persona(name)
    x, y = face.points[[13, 14], :2].mean(0)
    reach = 0.16 * framing.face_height(face)
    out = picture.copy()
    ImageDraw.Draw(out).ellipse(
        [x - reach, y - reach, x + reach, y + 1.4 * reach], fill=(38, 38, 40)
    )
    assert occlusion.mouth_hidden(*found(out))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p,
        lambda p: p.convert("L").convert("RGB"),
        lambda p: p.resize((p.width // 4, p.height // 4), Image.Resampling.LANCZOS),
        lambda p: p.point(lambda v: v // 2),
        lambda p: p.point(lambda v: min(255, v * 3 // 2)),
        lambda p: p.rotate(12, expand=True),
    ],
    ids=str.split("colour grey small dark bright tilted"),
)
def test_a_bare_face_is_not_covered(name, change):
    pixels, face = found(change(persona(name)[0]))
    assert not occlusion.mouth_hidden(pixels, face)
    assert not occlusion.glare(pixels, face)


@pytest.mark.parametrize("path", SITTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("shrink", [1, 2, 3])
def test_beards_and_glasses_are_no_cover(path, shrink):
    with Image.open(path) as picture:
        size = (picture.width // shrink, picture.height // shrink)
        pixels, face = found(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    assert not occlusion.mouth_hidden(pixels, face)
    assert not occlusion.glare(pixels, face)


@pytest.mark.parametrize("name", NAMES)
def test_an_open_mouth_is_not_hidden(name):
    draw = load.drawing(load_avatar(SHIPPED / f"{name}.avatar"))
    for jaw in (0.2, 0.6):
        face = np.zeros(52, np.float32)
        face[24] = jaw  # jawOpen
        shown = cv2.cvtColor(draw(FaceState(face)), cv2.COLOR_YUV2RGB_I420)
        assert not occlusion.mouth_hidden(*found(Image.fromarray(shown)))


@pytest.mark.parametrize("name", ["mira", "ingrid", "samir", "amara", "jun", "tomas"])
@pytest.mark.parametrize("eyes", [1, 2])
def test_glare_on_glasses_is_noticed(name, eyes):
    picture, face = persona(name)
    out = picture.copy()
    pen = ImageDraw.Draw(out, "RGBA")
    for eye in (face.eye_right, face.eye_left)[:eyes]:
        (x, y), reach = eye.centre, eye.radius
        streak = [(-2, 2), (-0.7, 2), (2, -2), (0.7, -2)]
        pen.polygon([(x + a * reach, y + b * reach) for a, b in streak], fill=(255, 255, 255, 235))
    assert occlusion.glare(*found(out))


@pytest.mark.parametrize("name", NAMES)
def test_glasses_without_glare_are_no_fault(name):
    picture, face = persona(name)
    out = picture.copy()
    pen = ImageDraw.Draw(out)
    for eye in (face.eye_right, face.eye_left):
        (x, y), reach = eye.centre, 4.2 * eye.radius
        box = [x - reach, y - 0.8 * reach, x + reach, y + 0.8 * reach]
        pen.rounded_rectangle(box, 20, outline=(20, 20, 20), width=8)
    pixels, again = found(out)
    assert not occlusion.glare(pixels, again)
    assert not occlusion.mouth_hidden(pixels, again)


def test_an_iris_at_the_picture_s_edge_is_read_as_far_as_it_goes():
    white = np.full((40, 40, 3), 255, np.uint8)
    lids = np.zeros((9, 2), np.float32)
    for centre, share in (((0, 0), 1.0), ((39, 39), 1.0), ((-30, -30), 0.0), ((90, 20), 0.0)):
        eye = lm.Eye(np.array(centre, np.float32), 6.0, lids, lids)
        assert occlusion._glaring(white, eye) == share


@pytest.mark.parametrize(("yaw", "warned"), [(0, False), (33, False), (38, True), (-38, True)])
def test_a_face_that_is_turned_away_is_warned_of(yaw, warned):
    picture, face = persona("mira")
    more = np.radians(yaw - framing.turn(face)[0])  # than the portrait's own turn
    cosine, sine = np.cos(more), np.sin(more)
    middle = face.points.mean(0)
    turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    points = ((face.points - middle) @ turn.T + middle).astype(np.float32)
    turned = replace(face, points=points)
    assert framing.turn(turned)[0] == pytest.approx(yaw, abs=2)
    assert (
        any("turned away" in words for words in remarks.of(np.asarray(picture), turned)) == warned
    )


def test_what_covers_a_face_is_said_in_plain_words():
    (words,) = remarks.of(*found(masked("mira", plain)))
    assert words == "The mouth is hidden: use a photo in which nothing covers it."
    picture, face = persona("mira")
    out = picture.copy()
    x, y = face.eye_left.centre
    reach = 1.5 * face.eye_left.radius
    ImageDraw.Draw(out).ellipse([x - reach, y - reach, x + reach, y + reach], fill=(250, 252, 255))
    assert any("Glare hides an eye" in w for w in remarks.of(*found(out)))
    assert remarks.of(*found(picture)) == ()


def said_of(picture, begin):
    warned = remarks.of(*found(picture))
    return any(words.startswith(begin) for words in warned)


@pytest.mark.parametrize("name", NAMES)
def test_a_tilted_head_and_burnt_skin_are_noticed_and_others_are_not(name):
    picture, _ = persona(name)
    for begin in ("The head is tilted", "Part of the face is overexposed"):
        assert not said_of(picture, begin)
    assert not said_of(picture.rotate(20), "The head is tilted")
    assert said_of(picture.rotate(35), "The head is tilted")
    assert said_of(picture.point(lambda value: min(int(value * 2.6), 255)), "Part of the face is")


def covered(name, eye, colour, spread=0.14):
    """With a patch laid over an eye of the portrait."""
    picture, face = persona(name)
    out, (x, y) = picture.copy(), getattr(face, eye).centre
    across, down = spread * framing.face_height(face), 0.8 * spread * framing.face_height(face)
    box = (x - across, y - down, x + across, y + down)
    ImageDraw.Draw(out).ellipse([float(v) for v in box], fill=colour)
    return out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("colour", [(14, 12, 12), (196, 150, 126), (232, 230, 224)])
def test_an_eye_that_is_covered_is_noticed(name, colour):
    assert occlusion.hidden(*found(covered(name, "eye_left", colour))) == ("Left",)


@pytest.mark.parametrize("path", SITTERS, ids=lambda path: path.stem)
def test_eyes_behind_glasses_and_of_turned_heads_are_not_hidden(path):
    picture = photo.decode(path.read_bytes())
    assert not occlusion.eye_hidden(picture, photo.find_face(picture))


@pytest.mark.parametrize("name", NAMES)
def test_grey_and_dark_copies_have_eyes(name):
    picture, face = persona(name)
    for copy in (picture.convert("L").convert("RGB"), picture.point(lambda v: v // 3)):
        assert not occlusion.eye_hidden(np.asarray(copy), face)


def test_dark_skin_is_no_dark_photo_and_too_little_light_is():
    kofi = next(path for path in SITTERS if path.stem == "kofi")
    picture = photo.decode(kofi.read_bytes())
    face = photo.find_face(picture)
    assert not any("dark" in words for words in remarks.of(picture, face))
    dim = (picture * 0.45).astype(np.uint8)
    assert any("very dark" in words for words in remarks.of(dim, face))
