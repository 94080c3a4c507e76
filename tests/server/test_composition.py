"""A scene's pictures: what is behind, before and beside the person, and what cannot be used."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image
from support.films import moving

from visavis.engines.marking.label import Label
from visavis.engines.settings import Lettered
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.pictures import double
from visavis.server.studio.document.project import (
    ASPECTS,
    Background,
    Beside,
    Frame,
    LowerThird,
    Project,
    Scene,
)
from visavis.server.studio.layers import blending, contrast
from visavis.server.studio.layers.composition import Composition
from visavis.server.studio.layers.cues import Cue
from visavis.server.studio.layers.easing import Shown
from visavis.server.studio.layers.framing import Box
from visavis.server.studio.layers.sheets import Drawing
from visavis.server.system.errors import Unprocessable

GREEN = Background("colour", "#00b140")


@cache
def mira():
    return load_avatar(SHIPPED / "mira.avatar")


def drawn(wanted):
    """What a generator makes of it, but for the looks: grey from the crown down."""
    width, height = wanted.width, wanted.height
    if wanted.backdrop.kind != "nothing":
        return np.full((height * 3 // 2, width), 128, np.uint8)
    image = double.empty(width, height)
    head = slice(height // 5, None), slice(width // 3, 2 * width // 3)
    double.planes(image, height)[0][head] = 150
    double.matte(image, height)[head] = 235
    return image


def composed(folder, scene, frame=Frame("16:9", 360), *, avatar=None, **others):  # noqa: B008
    project = Project(scenes=(scene,), frame=frame, subtitles="cues" in others)
    return Composition(project, scene, folder, frame.size, avatar or mira(), **others)


def seen(composition, at=3.0):
    return composition.frame(drawn(composition.face), at)


def luma(composition, at=3.0):
    return composition.canvas.planes(seen(composition, at))[0]


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 180), (200, 30, 30)).save(tmp_path / "slide.png")
    logo = np.zeros((100, 100, 4), np.uint8)
    logo[20:80, 20:80] = 30, 30, 200, 255
    Image.fromarray(logo).save(tmp_path / "logo.png")
    return tmp_path


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_person_stands_before_a_colour_and_before_nothing(folder, aspect):
    frame = Frame(aspect, 360)
    coloured = composed(folder, Scene("a", background=GREEN), frame)
    image = seen(coloured)
    assert image.shape == (frame.size[1] * 3 // 2, frame.size[0])
    top, blue, red = (plane[2, 2] for plane in coloured.canvas.planes(image))
    assert (top, blue, red) == (111, 105, 58), "the colour as it was asked for, up to its corner"
    nothing = composed(folder, Scene("a", background=Background("transparent")), frame)
    assert nothing.canvas.is_double
    cut_out = seen(nothing)
    matte = nothing.canvas.matte(cut_out)
    assert matte[:8].max() == 16
    assert matte[-60:, frame.size[0] // 2].min() == 235
    whole = nothing.canvas.planes(cut_out)[0][matte == 235]
    assert np.array_equal(coloured.canvas.planes(image)[0][matte == 235], whole)


def test_the_photo_s_own_background_fills_the_picture(folder):
    for kind in ("own", "blur"):
        plane = luma(composed(folder, Scene("a", background=Background(kind))))
        assert plane[:, :8].std() > 0.5, "there is no empty side"
        assert plane[:, -8:].std() > 0.5
    square = composed(folder, Scene("a"), Frame("1:1", 360))
    assert square.face.backdrop.kind == "original", "no matte where the generator can do it alone"


def test_what_is_laid_over_comes_and_goes(folder):
    scene = Scene("a", title="Hello", lower_third=LowerThird("Mira", "Host"), background=GREEN)
    cues = [Cue(1.0, 2.0, ("read this",))]
    bare = luma(composed(folder, replace(scene, title="", lower_third=None), cues=[]))
    whole = composed(folder, scene, seconds=9, cues=cues)
    room, low = whole._layout.title, whole._layout.low

    def title(at):
        part = luma(whole, at)[room.top : room.bottom, room.left : room.right].astype(int)
        return np.abs(part - 111).max()

    def third(at):
        part = luma(whole, at)[low.bottom - 30 : low.bottom, low.left : low.left + 40].astype(int)
        return np.abs(part - 111).max()

    assert title(0) < 2
    assert 10 < title(0.35) < title(2) > 60
    assert title(8.99) < 2, "it leaves before the scene ends"
    assert third(0.5) < 2
    assert third(3) > 60
    assert third(7.5) < 2
    bottom = slice(whole._layout.subtitle.bottom - 20, whole._layout.subtitle.bottom)
    middle = slice(280, 360)
    read = [luma(whole, at)[bottom, middle].astype(int) for at in (0.5, 1.5, 2.5)]
    assert np.abs(read[0] - read[1]).max() > 40
    assert np.array_equal(read[0], read[2])
    assert bare.shape == (360, 640)


def test_a_sheet_is_laid_exactly_and_no_farther_than_the_picture(folder):
    drawing = Drawing(20, 20)
    drawing.fill(np.full((20, 20), 0.5, np.float32), (255, 255, 255))
    canvas = composed(folder, Scene("a", background=Background("transparent"))).canvas
    image = double.empty(canvas.width, canvas.height)
    drawing.sheet(-10, -10).lay(canvas, image)
    assert abs(int(canvas.planes(image)[0][0, 0]) - 126) <= 1, "16 and 235, half of each"
    assert abs(int(canvas.matte(image)[9, 9]) - 126) <= 1
    assert canvas.matte(image)[10, 10] == 16
    shown = Shown(drawing.sheet(0, 0), 1.0, 3.0, rise=10)
    shares = [shown.at(at)[0] for at in (0.9, 1.2, 2.0, 2.9, 3.0)]
    assert shares[0] == shares[4] == 0 < shares[1] < shares[2] == 256 > shares[3]
    assert shown.at(1.0)[1] == 10 > shown.at(1.2)[1] > shown.at(1.6)[1] == 0


def test_mixing_is_what_the_formula_says():
    rng = np.random.default_rng(0)
    before, person = (rng.integers(16, 236, (40, 60)).astype(np.uint8) for _ in range(2))
    matte = rng.choice([16, 60, 126, 235], (40, 60)).astype(np.uint8)
    share = (matte.astype(float) - 16) / 219
    black = np.round(16 + (person - 16.0) * share).astype(np.uint8)
    image = before.copy()
    blending.stand(image, black, matte, 16)
    wanted = before + (person - before.astype(float)) * share
    assert np.abs(image - wanted).max() < 1.1
    assert np.array_equal(image[matte == 16], before[matte == 16])
    opacity, plain = np.zeros_like(matte), black.copy()
    blending.undo(plain, matte, opacity)
    assert np.abs(opacity - share * 255).max() <= 0.5
    assert np.abs(plain.astype(int) - person)[matte > 100].max() <= 2


def test_letters_can_be_read_before_whatever_is_behind_them():
    light, dark, room = (251, 245, 234), (34, 27, 22), Box(0, 0, 64, 64)

    def before(value):
        image = np.full((96, 64), 128, np.uint8)
        image[:64] = value
        return image

    assert contrast.reading(before(230), room, light, dark) == contrast.Reading(dark, 0.0)
    assert contrast.reading(before(30), room, light, dark) == contrast.Reading(light, 0.0)
    mixed = np.concatenate([before(30)[:32], before(235)[:32], before(30)[64:]])
    assert contrast.reading(mixed, room, light, dark).veil >= 0.6


def test_texts_from_the_right_are_set_there(folder):
    scene = Scene("a", title="ثلاثة أشياء", lower_third=LowerThird("ليلى"), background=GREEN)
    whole = composed(folder, scene)
    changed = np.abs(luma(whole).astype(int)[:, :] - 111) > 40
    assert whole._layout.title.left > 320
    assert changed[100:200, 440:].any(), "the title is at the right"
    assert not changed[100:200, :60].any()


def test_a_picture_beside_is_whole_and_a_logo_has_no_corners(folder):
    for side, columns in (("left", slice(0, 320)), ("right", slice(320, 640))):
        scene = Scene("a", background=GREEN, beside=Beside("slide.png", side))
        red = composed(folder, scene)
        rows, across = np.nonzero(red.canvas.planes(seen(red))[2][:, columns.start // 2 :] > 180)
        assert len(rows)
        assert np.ptp(across) / np.ptp(rows) == pytest.approx(16 / 9, rel=0.05)
    logo = composed(folder, Scene("a", background=GREEN, beside=Beside("logo.png")))
    blue = logo.canvas.planes(seen(logo))[1]
    rows, across = np.nonzero(blue > 180)
    assert abs(np.ptp(rows) - np.ptp(across)) <= 1


def test_keys_tell_what_is_seen_and_no_more(folder):
    scene = Scene("a", title="Hello", background=GREEN, text="one")
    one = composed(folder, scene)
    assert one.key(3, 5) == composed(folder, replace(scene, text="two")).key(3, 5)
    assert one.key(3, 5) == one.key(5, 7), "nothing moves there"
    assert one.key(0, 2) != one.key(3, 5), "the title comes"
    assert one.key(3, 5) != composed(folder, replace(scene, title="Hallo")).key(3, 5)
    assert one.key(3, 5) != composed(folder, replace(scene, background=None)).key(3, 5)
    cued = [composed(folder, scene, cues=[Cue(3, 4, (text,))]) for text in ("a", "b")]
    assert cued[0].key(3, 5) != cued[1].key(3, 5)
    assert cued[0].key(5, 7) == cued[1].key(5, 7)
    beside = replace(scene, beside=Beside("slide.png"))
    before = composed(folder, beside).key(3, 5)
    Image.new("RGB", (320, 180), (0, 0, 0)).save(folder / "slide.png")
    assert composed(folder, beside).key(3, 5) != before, "another picture under the same name"


def test_what_no_font_has_is_told(folder):
    scene = Scene("a", title="Hello 😀", lower_third=LowerThird("नमस्ते", "Host"))
    assert composed(folder, scene).notes == [
        "left out of the title, for no font has it: 😀",
        "left out of the lower third, for no font has it: नमस्ते",
    ]
    assert composed(folder, Scene("a", title="😀")).notes
    seen(composed(folder, Scene("a", lower_third=LowerThird("😀"))))


def test_sides_that_the_photo_cut_go_over_into_nothing(folder):
    matte = mira().matte.copy()
    matte[500:] = 255  # hair or shoulders to both sides, from above the chin
    near = composed(
        folder,
        Scene("a", background=Background("transparent")),
        avatar=replace(mira(), matte=matte),
    )
    box = near._layout.person
    face = double.empty(box.width, box.height)
    double.matte(face, box.height)[:] = 235
    seen_ = near.canvas.matte(near.frame(face, 0))[-20]
    assert seen_[box.left] < 40
    assert np.all(np.diff(seen_[box.left : box.left + near._layout.fade].astype(int)) >= 0)
    assert seen_[320] == 235
    assert double.matte(face, box.height)[0, 0] == 235, "the generator's picture is not touched"


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("colour", "greenish", "#rrggbb"),
        ("picture", "", "name a file"),
        ("picture", "../slide.png", "project's folder"),
        ("picture", "/etc/passwd", "project's folder"),
        ("picture", "missing.png", "no such file"),
        ("picture", "a\0b", "not the name of a file"),
        ("picture", "words.txt", "JPEG, PNG or WebP"),
        ("video", "words.txt", "H.264"),
        ("video", "slide.png", "H.264"),
        ("video", "cut.mp4", "H.264"),
        ("video", "list.m3u8", "H.264"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_way_out(folder, kind, value, words):
    (folder / "words.txt").write_text("not a picture")
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    moving(folder / "whole.mp4")
    (folder / "cut.mp4").write_bytes((folder / "whole.mp4").read_bytes()[:900])
    with pytest.raises(Unprocessable) as raised:
        composed(folder, Scene("a", background=Background(kind, value)))
    assert words in raised.value.detail
    assert raised.value.code == "unusable-file"
    assert len(raised.value.detail) < 300


def test_a_link_leads_nowhere_out_of_the_folder(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    (folder / "link.png").symlink_to(secret)
    with pytest.raises(Unprocessable, match="project's folder"):
        composed(folder, Scene("a", beside=Beside("link.png")))


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_letters_keep_clear_of_the_label(folder, corner, aspect):
    frame = Frame(aspect, 720)
    scene = Scene("a", title="Hello", lower_third=LowerThird("Mira", "Host"), background=GREEN)

    def label(canvas):
        return Label(Lettered(corner=corner, size=0.05), canvas).shown

    whole = composed(folder, scene, frame, label=label, cues=[Cue(0, 9, ("read this",))])
    width, height = frame.size
    left, top, across, down = label(whole.canvas).box
    taken = Box(*(round(v) for v in (left * width, top * height, across * width, down * height)))
    image = luma(whole, 3).astype(int)
    part = image[taken.top : taken.bottom, taken.left : taken.right]
    assert np.abs(part - np.median(part)).max() < 12 or corner.startswith("bottom")
    layout = whole._layout
    for room in (layout.low, layout.subtitle):
        assert room.bottom <= taken.top or corner.startswith("top")
    assert layout.title.top >= taken.bottom or corner.startswith("bottom")


def test_names_and_subtitles_can_be_read_before_white(folder):
    white = Background("colour", "#ffffff")
    scene = Scene("a", lower_third=LowerThird("Mira", "Host"), background=white)
    whole = composed(folder, scene, Frame("16:9", 720), cues=[Cue(0, 9, ("read this",))])
    rgb = cv2.cvtColor(seen(whole), cv2.COLOR_YUV2RGB_I420)
    for room, middle in ((whole._layout.low, False), (whole._layout.subtitle, True)):
        row = rgb[room.bottom - 6]
        column = (room.left + room.right) // 2 if middle else room.left + 40
        plate = contrast._luminance(row[column].astype(np.float32))
        letters = contrast._luminance(np.array((226, 214, 196), np.float32))
        assert contrast._ratio(plate, letters) >= contrast.ENOUGH
