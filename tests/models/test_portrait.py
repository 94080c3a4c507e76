"""From a photo to a face that does as told: decoding, checks, and the whole bake measured."""

import io
import time
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support.pace import within

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.models import arkit
from visavis.models.avatar.file import Consent, load_avatar
from visavis.models.bake import contour, framing, photo, portrait
from visavis.models.bake import landmarks as lm
from visavis.models.errors import AvatarError, PortraitError

PERSONA = Path(__file__).parents[1] / "data" / "persona.webp"
CONSENT = Consent("nobody: synthetic", "made for tests", "the tests", "2026-01-01")


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@cache
def persona():
    return Image.open(PERSONA).convert("RGB")


def code_of(data):
    with pytest.raises(PortraitError) as caught:
        photo.frame(data)
    assert len(caught.value.message) > 20
    return caught.value.code


# --- decoding and checks -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_any_kind_of_picture_becomes_rgb(mode):
    grey = persona().convert("L")
    if mode == "I;16":
        source = Image.fromarray(np.asarray(grey, np.uint16) * 200)
    else:
        source = persona().convert(mode)
    out = photo.decode(encoded(source, "JPEG" if mode == "CMYK" else "PNG"))
    assert out.shape == (512, 512, 3)
    assert out.dtype == np.uint8
    # from afar: "1" has dots for greys
    shown, meant = (
        cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), 4).ravel()
        for picture in (out.mean(-1), grey)
    )
    assert np.corrcoef(shown, meant)[0, 1] > 0.99


def test_transparent_parts_become_grey():
    clear = persona().convert("RGBA")
    clear.putalpha(0)
    out = photo.decode(encoded(clear))
    assert np.ptp(out, axis=(0, 1)).max() == 0
    assert 100 < out.min() <= out.max() < 150


def test_a_picture_taken_sideways_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees to show
    data = encoded(persona().rotate(90, expand=True), "JPEG", exif=exif, quality=95)
    assert np.abs(photo.decode(data).astype(int) - np.asarray(persona())).mean() < 4


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture(data):
    assert code_of(data) == "image-unreadable"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_picture(kind):
    data = encoded(persona(), kind)
    assert code_of(data[: len(data) // 2]) == "image-unreadable"


def test_a_decompression_bomb_is_refused_by_its_header():
    data = bytearray(encoded(Image.new("L", (8, 8))))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    started = time.thread_time()
    assert code_of(bytes(data)) == "image-too-large"
    assert within(time.thread_time() - started, 1)


def test_too_large_a_file():
    assert code_of(b"\0" * (photo.MAX_BYTES + 1)) == "image-too-large"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PortraitError) as caught:
        photo.read(tmp_path / "none.jpg")
    assert caught.value.code == "image-unreadable"
    assert "none.jpg" in caught.value.message


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (80, 80)])
def test_too_small_a_picture(size):
    assert code_of(encoded(Image.new("RGB", size))) == "image-too-small"


def test_no_face():
    noise = np.random.default_rng(1).integers(0, 255, (400, 300, 3)).astype(np.uint8)
    assert code_of(encoded(Image.fromarray(noise))) == "no-face"
    assert code_of(encoded(Image.new("RGB", (400, 400), (90, 120, 200)))) == "no-face"


def test_several_faces():
    two = Image.new("RGB", (1024, 512))
    two.paste(persona(), (0, 0))
    two.paste(persona(), (512, 0))
    assert code_of(encoded(two)) == "several-faces"


def test_a_small_bystander_is_no_reason_to_refuse():
    whole = persona().resize((1024, 1024))
    whole.paste(persona().resize((200, 200)), (0, 0))
    assert framing.face_height(photo.find_face(np.asarray(whole))) > 300


def test_too_small_a_face():
    wide = Image.new("RGB", (500, 500), (90, 90, 90))
    wide.paste(persona().resize((110, 110)), (200, 150))
    assert code_of(encoded(wide)) == "face-too-small"


@pytest.mark.parametrize("box", [(256, 0, 512, 512), (100, 100, 412, 300)])
def test_a_face_that_is_cut_off(box):
    assert code_of(encoded(persona().crop(box).resize((700, 500)))) == "face-cut-off"


def test_a_close_crop_is_warned_of():
    warnings = photo.frame(encoded(persona().crop((135, 60, 385, 372)))).warnings
    assert any("cut close" in w for w in warnings)


def test_a_dark_photo_is_warned_of():
    warnings = photo.frame(encoded(persona().point(lambda v: v // 5))).warnings
    assert any("dark" in w for w in warnings)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_photo_that_lies_on_its_side_is_turned(turns):
    lying = Image.fromarray(np.rot90(np.asarray(persona()), turns))
    framed = photo.frame(encoded(lying))
    chin, brow = framed.face.points[lm.CHIN], framed.face.points[lm.FOREHEAD]
    assert chin[1] - brow[1] > 0.9 * framing.face_height(framed.face)
    assert (
        np.abs(framed.small()[200:300, 200:300].astype(int) - upright()[200:300, 200:300]).mean()
        < 12
    )


def upright():
    return photo.frame(PERSONA.read_bytes()).small()


def test_a_tiny_face_in_a_large_picture_is_found_by_looking_closer():
    wide = Image.new("RGB", (2400, 1600), (90, 110, 90))
    wide.paste(persona().resize((300, 300)), (1700, 900))
    face = photo.find_face(np.asarray(wide))
    assert face.points[4, 0] == pytest.approx(1700 + 256 * 300 / 512, abs=12)


def test_warnings_are_plain_words():
    warnings = photo.frame(encoded(persona().resize((250, 250)))).warnings
    assert any("soft" in w for w in warnings)


def test_a_good_photo_is_warned_of_nothing():
    assert photo.frame(encoded(persona().resize((1024, 1024)))).warnings == ()


def test_a_blurred_face_is_warned_of():
    soft = cv2.GaussianBlur(np.asarray(persona()), (0, 0), 6)
    warnings = photo.frame(encoded(Image.fromarray(soft))).warnings
    assert any("out of focus" in w for w in warnings)


@pytest.mark.parametrize("angle", [-35, 20])
def test_a_tilted_head_is_followed(angle):
    level = photo.find_face(np.asarray(persona()))
    turned = photo.find_face(np.asarray(persona().rotate(angle, expand=True)))
    line = turned.points[263, :2] - turned.points[33, :2]
    flat = level.points[263, :2] - level.points[33, :2]
    change = np.degrees(np.arctan2(line[1], line[0]) - np.arctan2(flat[1], flat[0]))
    assert change == pytest.approx(-angle, abs=3)


def test_the_frame_shows_head_and_shoulders_of_a_wide_picture():
    wide = Image.new("RGB", (1600, 600), (80, 80, 80))
    wide.paste(persona(), (900, 60))
    framed = photo.frame(encoded(wide))
    assert framed.face.points[4, 0] == pytest.approx(photo.SIDE / 2, abs=20)
    assert photo.SIDE * 0.35 < framing.face_height(framed.face) < photo.SIDE * 0.5
    middle = framed.matte[framed.matte.shape[0] // 2]
    assert middle[len(middle) // 2] > 0.95
    assert middle[8] < 0.05


# --- geometry ----------------------------------------------------------------------------------


def test_signed_distance_of_a_square():
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)
    at = np.array([[[20, 20], [20, 12], [20, 5], [40, 20]]], np.float32)
    assert contour.signed_distance(at, square)[0] == pytest.approx([-10, -2, 5, 10])


def test_the_dark_line_is_found():
    picture = np.full((80, 120, 3), 200, np.uint8)
    x = np.arange(120)
    y = 40.5 + 2.5 * np.sin(x / 30)  # rows round(y) - 1 and round(y): their middle is y - 0.5
    for column, row in zip(x, y, strict=True):
        picture[round(row) - 1 : round(row) + 1, column] = 60
    guess = np.stack([np.linspace(30, 90, 41), np.full(41, 40.0)], -1).astype(np.float32)
    line = contour.dark_line(picture, 0, guess, np.array([0, 1], np.float32))
    assert np.abs(line[:, 1] - (40 + 2.5 * np.sin(line[:, 0] / 30))).max() < 1.0


# --- the whole bake ----------------------------------------------------------------------------


def state(pose=(), gaze=(0, 0), breath=0.0, **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        for whole in (name, f"{name}Left", f"{name}Right"):
            if whole in arkit.INDEX:
                face[arkit.INDEX[whole]] = value
    whole_pose = np.zeros(6, np.float32)
    whole_pose[: len(pose)] = pose
    return FaceState(face, whole_pose, np.array(gaze, np.float32), breath)


@pytest.fixture(scope="module")
def seen():
    """What a progress bar was told."""
    return []


@pytest.fixture(scope="module")
def avatar(seen):
    return portrait.create_avatar(
        PERSONA, "test", CONSENT, "CC0-1.0", lambda what, share: seen.append((what, share))
    )


@pytest.fixture(scope="module")
def draw(avatar):
    return load.drawing(avatar)


@pytest.fixture(scope="module")
def marked(avatar):
    """The same face with magenta behind lips and lids."""
    patches = {}
    for name, patch in avatar.patches.items():
        blank = tuple(replace(s, picture=np.zeros_like(s.picture)) for s in patch.sprites)
        patches[name] = replace(patch, back=(255, 0, 255), shade=(0, 1, 0, 1), sprites=blank)
    return load.drawing(replace(avatar, patches=patches))


def rgb(picture):
    return cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)


def magenta(draw, face):
    picture = rgb(draw(face)).astype(int)
    red, green, blue = np.moveaxis(picture, -1, 0)
    return (red - green > 90) & (blue - green > 90)


@cache
def rest_points():
    picture = np.asarray(persona())
    return lm.find_landmarks(picture, lm.detect(picture)[0]).points


def measured(draw, face, first, second):
    """Mean distance of landmark pairs in a rendered frame, px."""
    points = lm.follow(rgb(draw(face)), rest_points()).points[:, :2]
    return float(np.linalg.norm(points[list(first)] - points[list(second)], axis=1).mean())


def test_no_consent_no_avatar():
    with pytest.raises(AvatarError) as caught:
        portrait.create_avatar(PERSONA, "test", replace(CONSENT, given_by=" "))
    assert caught.value.code == "consent-missing"


def test_progress_goes_from_nothing_to_done(avatar, seen):
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(what for what, _ in seen)


def test_the_file_is_compact_and_quick_to_load(avatar, tmp_path):
    path = tmp_path / "t.avatar"
    avatar.save(path)
    assert path.stat().st_size < 2_500_000
    started = time.thread_time()
    load_avatar(path)
    assert within(time.thread_time() - started, 0.4)


def test_a_face_at_rest_is_as_sharp_as_the_photo(avatar, tmp_path):
    path = tmp_path / "t.avatar"
    avatar.save(path)
    shown = rgb(load.drawing(load_avatar(path))(FaceState()))

    def sharpness(picture):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[120:370, 160:350]
        return cv2.Laplacian(grey, cv2.CV_32F).var()

    assert sharpness(shown) > 0.9 * sharpness(np.asarray(persona()))
    assert np.abs(shown.astype(int) - np.asarray(persona())).mean() < 3


def test_lips_part_as_the_jaw_is_told(draw):
    steps = np.linspace(0, 1, 9)
    gaps = [measured(draw, state(jawOpen=v), (13, 82, 312), (14, 87, 317)) for v in steps]
    assert np.corrcoef(steps, gaps)[0, 1] > 0.97
    assert gaps[-1] > 8 * gaps[0]


@pytest.mark.parametrize(("unit", "way"), [("mouthSmile", 1), ("mouthPucker", -1)])
def test_the_mouth_widens_and_narrows(draw, unit, way):
    steps = np.linspace(0, 1, 7)
    widths = [measured(draw, state(**{unit: v}), (61,), (291,)) for v in steps]
    assert way * np.corrcoef(steps, widths)[0, 1] > 0.97


@pytest.mark.parametrize("gaze", [(0, 0), (15, 0), (0, -20)])
def test_a_blink_closes(marked, gaze):
    open_eyes = magenta(marked, state()).sum()
    assert open_eyes > 200
    assert magenta(marked, state(eyeBlink=1, gaze=gaze)).sum() < 0.15 * open_eyes


def test_a_photo_with_closed_eyes_is_warned_of(draw):
    asleep = Image.fromarray(rgb(draw(state(eyeBlink=1))))
    assert any("eyes are closed" in w for w in photo.frame(encoded(asleep)).warnings)
    awake = Image.fromarray(rgb(draw(state())))
    assert photo.frame(encoded(awake)).warnings == ()


def test_half_a_blink_is_half(marked):
    open_eyes = magenta(marked, state()).sum()
    assert 0.3 < magenta(marked, state(eyeBlink=0.5)).sum() / open_eyes < 0.7


def test_a_closed_mouth_does_not_leak_at_any_pose(marked):
    random = np.random.default_rng(5)
    lids = magenta(marked, state(eyeBlink=1)).sum()
    for _ in range(12):
        pose = random.uniform(-1, 1, 3) * [15, 10, 10]
        assert magenta(marked, state(tuple(pose), eyeBlink=1)).sum() < lids + 60


@pytest.mark.parametrize("jaw", [0.1, 0.3, 0.6])
def test_bilabials_close_fully(marked, jaw):
    lids = magenta(marked, state(eyeBlink=1)).sum()
    parted = magenta(marked, state(eyeBlink=1, jawOpen=jaw)).sum()
    closed = magenta(marked, state(eyeBlink=1, jawOpen=jaw, mouthClose=jaw)).sum()
    assert closed - lids < 0.1 * (parted - lids)


def test_no_background_shows_through_the_person(avatar):
    plate = np.broadcast_to(np.array([255, 0, 255], np.uint8), avatar.plate.shape).copy()
    through = load.drawing(replace(avatar, plate=plate))
    head = cv2.erode((~magenta(through, FaceState())).astype(np.uint8), np.ones((101, 101)))
    head[360:] = 0  # below the chin shoulders may turn away from the frame's sides
    random = np.random.default_rng(9)
    for _ in range(12):
        pose = random.uniform(-1, 1, 3) * [15, 10, 10]
        holes = magenta(through, state(tuple(pose), jawOpen=random.uniform(0, 1)))
        assert not (holes & (head > 0)).any()


def test_nothing_is_missing_at_the_lower_edge(avatar):
    plate = np.broadcast_to(np.array([255, 0, 255], np.uint8), avatar.plate.shape).copy()
    through = load.drawing(replace(avatar, plate=plate))
    covered = ~magenta(through, FaceState())[-1]
    inner = np.convolve(covered, np.ones(81), "same") > 80
    for pose in ((15, 0, 0), (-15, 10, 0), (0, 10, 0), (0, 0, 10), (0, 0, -10), (0, 0, 0, 0, 0.2)):
        assert not (magenta(through, state(pose, breath=1.0))[-1] & inner).any()


def test_irises_follow_the_gaze(draw):
    def irises(gaze):
        face = lm.follow(rgb(draw(state(gaze=gaze))), rest_points())
        return np.mean([face.eye_right.centre, face.eye_left.centre], axis=0)

    rest = irises((0, 0))
    assert irises((20, 0))[0] - rest[0] > 2
    assert rest[0] - irises((-20, 0))[0] > 2
    assert irises((0, -20))[1] - rest[1] > 1


def test_a_frame_costs_little(draw):
    states = [state((k % 11 - 5, k % 7 - 3, k % 5 - 2), jawOpen=k % 10 / 10) for k in range(40)]
    times = []
    for face in states:
        started = time.thread_time()
        draw(face)
        times.append(time.thread_time() - started)
    assert within(np.median(times), 0.01)  # twice the usual
