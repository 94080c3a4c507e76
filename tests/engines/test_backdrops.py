"""A person before another background, and cut out: by the CPU's kernels and by the graph."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from visavis.engines.base import Before, FaceState, Portrayal, draw_one
from visavis.engines.render.graph import GraphGenerator
from visavis.engines.render.on_torch import TorchRuntime
from visavis.engines.render.refining import RefiningGenerator
from visavis.engines.render.warp import WarpGenerator
from visavis.models import arkit
from visavis.models.avatar import backdrop
from visavis.models.avatar.backdrop import BLUR, NOTHING, Backdrop
from visavis.models.avatar.file import load_avatar
from visavis.models.errors import AvatarError
from visavis.models.graph.bank import Bank
from visavis.models.graph.spec import Spec
from visavis.models.graph.warp import LayeredWarp
from visavis.models.pictures import double as cutout
from visavis.models.warp import matting, plates
from visavis.server.avatars.store import SHIPPED

SIZE = 128
GREEN = Backdrop("colour", (0, 177, 64))
BLACK, WHITE = Backdrop("colour"), Backdrop("colour", (255, 255, 255))


def state(pose=(0, 0, 0), **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        face[arkit.INDEX[name]] = value
    return FaceState(face, np.array([*pose, 0, 0, 0], np.float32))


STATES = [FaceState(), state((14, 5, -4), jawOpen=1), state((-14, -8, 6), eyeBlinkLeft=1)]


@pytest.fixture(scope="module")
def mira():
    return load_avatar(SHIPPED / "mira.avatar")


@pytest.fixture(scope="module")
def cpu():
    return WarpGenerator(SIZE, SIZE)


@pytest.fixture(scope="module")
def device(one_torch_thread):
    spec = Spec(SIZE, SIZE)
    return GraphGenerator(spec, TorchRuntime(LayeredWarp(spec), spec, "cpu"), Bank(spec, "cpu", 1))


def before(avatar, what):
    return replace(avatar, backdrop=what)


def pictures(generator, avatar, what):
    puppet = generator.prepare(before(avatar, what))
    return [draw_one(generator, puppet, each) for each in STATES]


def apart(first, second):
    """(mean, the worst of 8 x 8) of 255."""
    gap = np.abs(first.astype(int) - second)
    tiles = gap.reshape(gap.shape[0] // 8, 8, gap.shape[1] // 8, 8).mean(axis=(1, 3))
    return gap.mean(), tiles.max()


def test_a_matte_is_what_shows_through_of_black_and_white(cpu, mira):
    cut, black, white = (pictures(cpu, mira, what) for what in (NOTHING, BLACK, WHITE))
    for double, dark, bright in zip(cut, black, white, strict=True):
        assert double.shape == cutout.shape(SIZE, SIZE)
        assert (cutout.opaque(double, SIZE) == dark).all()
        told = cutout.matte(double, SIZE).astype(int)
        shown = cutout.matte(cutout.joined(dark, bright), SIZE)
        assert np.abs(told - shown).mean() < 0.05
        assert told[:8, :8].max() == 16, "the corner is background"
        assert told[SIZE // 2, SIZE // 2] == 235, "and the face is not"
        below = double[: 2 * cutout.rows(SIZE)][cutout.rows(SIZE) + SIZE :]
        assert below.size == 0 or below.max() == 16


def test_the_graph_cuts_out_what_the_cpu_does(cpu, device, mira):
    for what in (NOTHING, GREEN, BLUR):
        for made, sure in zip(pictures(device, mira, what), pictures(cpu, mira, what), strict=True):
            mean, worst = apart(made, sure)
            assert mean < 1
            assert worst < 12


def test_one_that_is_cut_out_and_one_that_is_not_are_drawn_in_one_call(device, mira):
    cut, whole = device.prepare(before(mira, NOTHING)), device.prepare(mira)
    asked = [Portrayal(whole, STATES[1]), Portrayal(cut, STATES[1]), Portrayal(whole, STATES[0])]
    drawn = device.draw(asked, 0)
    assert [each.shape for each in drawn] == [(192, 128), (384, 128), (192, 128)]
    assert (drawn[0] == draw_one(device, whole, STATES[1])).all()
    assert (drawn[1] == draw_one(device, cut, STATES[1])).all()
    device.release(cut)
    device.release(whole)


def test_of_a_background_of_ones_own_none_of_the_photos_is_left(cpu, mira):
    (seen, *_), (own, *_) = pictures(cpu, mira, GREEN), pictures(cpu, mira, backdrop.ORIGINAL)
    assert (seen[:20, :20] == plates.i420(np.full((2, 2, 3), GREEN.colour, np.uint8))[0, 0]).all()
    assert np.abs(seen[60:70, 60:70].astype(int) - own[60:70, 60:70]).max() <= 1, "nor of the face"


def test_the_mouth_alone_keeps_the_matte(cpu, mira):
    puppet = cpu.prepare(before(mira, NOTHING))
    first = draw_one(cpu, puppet, STATES[0])
    speaks = state(jawOpen=0.8)
    (mouth,) = cpu.draw([Portrayal(puppet, speaks, Before(first, STATES[0]))], 0)
    assert (cutout.matte(mouth, SIZE) == cutout.matte(first, SIZE)).all()
    assert (mouth != first).any()


def test_a_refined_one_keeps_its_matte(cpu, mira):
    def ask(*planes):
        return [np.full((1, 6, *each.shape[2:]), 20, np.float32) for each in planes[:3]]

    refining = RefiningGenerator(cpu, ask)
    before_nothing, before_black = (
        draw_one(refining, refining.prepare(before(mira, what)), STATES[0])
        for what in (NOTHING, BLACK)
    )
    plain = draw_one(cpu, cpu.prepare(before(mira, NOTHING)), STATES[0])
    assert (cutout.opaque(before_nothing, SIZE) == before_black).all()
    assert (cutout.matte(before_nothing, SIZE) == cutout.matte(plain, SIZE)).all()
    assert (before_nothing != plain).any()


def test_a_picture_covers_and_its_middle_stays_in_the_middle(tmp_path, cpu, mira):
    wide = np.zeros((90, 160, 3), np.uint8)
    wide[:, 80:] = 255
    path = tmp_path / "hall.png"
    Image.fromarray(wide).save(path)
    (seen, *_) = pictures(cpu, mira, Backdrop("picture", picture=path))
    assert seen[2, SIZE // 2 - 6] == 16
    assert seen[2, SIZE // 2 + 6] == 235


def test_a_background_that_is_no_picture_says_so(tmp_path, cpu, mira):
    for name, content, why in (("no.png", b"nothing", "JPEG"), ("gone.png", None, "such file")):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(AvatarError, match=why) as raised:
            cpu.prepare(before(mira, Backdrop("picture", picture=path)))
        assert raised.value.code == "background-unreadable"
        assert name in raised.value.message


@pytest.mark.parametrize("height", [128, 360, 512, 640, 722, 1080])
def test_halves_keep_to_an_encoders_blocks_in_every_size_that_is_sent(height):
    half = cutout.rows(height)
    assert half >= height
    for scale in (1.0, 0.75, 0.5):
        assert (half * scale) % 16 == 0


@pytest.mark.parametrize(
    ("text", "is_it"),
    [("#00b140", (0, 177, 64)), ("#FFF", (255, 255, 255)), ("green", None), ("#12345", None)],
)
def test_a_colour_is_written_as_pages_write_it(text, is_it):
    found = backdrop.colour(text)
    assert (found and found.colour) == is_it


def test_a_matte_made_firm_is_opaque_inside_and_has_no_halo():
    rows, columns = np.mgrid[:200, :200]
    away = np.hypot(rows - 100, columns - 100)
    opacity = np.clip((70 - away) / 12 + 0.5, 0, 1)  # soft over 12 px
    opacity[90:110, 90:110] = 0.85  # skin that lets something through
    opacity = (opacity * 255).astype(np.uint8)
    person = np.full((200, 200, 3), 100, np.uint8)
    alike = matting.firm(person, opacity, person, 1.0)
    unlike = matting.firm(person, opacity, person + 155, 1.0)
    assert (alike[95:105, 95:105] == 255).all()
    soft = [int(((each > 12) & (each < 243)).sum()) for each in (opacity, unlike, alike)]
    assert soft[2] < 0.6 * soft[0], "an edge that was guessed is drawn in"
    assert soft[1] > 0.75 * soft[0] - 400, "one that was seen stays as it was"
