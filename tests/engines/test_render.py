"""The layered warp, on a small rig made by hand: what moves, what closes, what it costs."""

import math
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np
import pytest
from support.rig_by_hand import SIDE, avatar

from visavis.engines.base import Before, EngineError, FaceState, Portrayal, Puppet, draw_one
from visavis.engines.render.posing import controls, view
from visavis.engines.render.warp import WarpGenerator, draw
from visavis.models import arkit
from visavis.models.avatar.file import load_avatar
from visavis.models.avatar.rig import CONTROLS
from visavis.models.warp import kernel, kernel_patch, scene

PERSONAS = files("visavis.models") / "data" / "personas"
JAW = arkit.INDEX["jawOpen"]


def state(pose=(), gaze=(0, 0), breath=0.0, **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        face[arkit.INDEX[name]] = value
    whole = np.zeros(6, np.float32)
    whole[: len(pose)] = pose
    return FaceState(face, whole, np.array(gaze, np.float32), breath)


@pytest.fixture(scope="module")
def rig():
    return avatar()


@pytest.fixture(scope="module")
def drawn(rig):
    return partial(draw, scene.build(rig, SIDE, SIDE))


def luma(picture):
    return picture[: picture.shape[0] * 2 // 3].astype(int)


def centre_of_head(picture):
    """Mean position of the bright disc, px; the shoulders below it left out."""
    y, x = np.nonzero(luma(picture)[: SIDE * 3 // 4] > 120)
    return x.mean(), y.mean()


def test_a_face_at_rest_is_the_photo(rig, drawn):
    expected = rig.picture().astype(float) @ [0.257, 0.504, 0.098] + 16
    shown = luma(drawn(FaceState()))
    away_from_patches = np.ones((SIDE, SIDE), bool)
    away_from_patches[SIDE // 3 : SIDE * 4 // 5, SIDE // 4 : SIDE * 3 // 4] = False
    assert np.abs(shown - expected)[away_from_patches].mean() < 1.0


def test_each_picture_is_a_new_one_of_the_right_kind(drawn):
    first, second = drawn(FaceState()), drawn(state(jawOpen=1))
    assert first.shape == (SIDE * 3 // 2, SIDE)
    assert first.dtype == np.uint8
    assert not np.shares_memory(first, second)
    assert np.abs(first.astype(int) - second).max() > 20


def test_the_same_state_gives_the_same_picture(drawn):
    before = drawn(state(pose=(9, -4, 3), jawOpen=0.4))
    drawn(state(pose=(-15, 10, -8), jawOpen=0.9, eyeBlinkLeft=1))
    assert np.array_equal(before, drawn(state(pose=(9, -4, 3), jawOpen=0.4)))


@pytest.mark.parametrize(
    ("pose", "axis", "way"),
    [
        ((12, 0, 0), 0, 1), ((-12, 0, 0), 0, -1), ((0, 10, 0), 1, -1), ((0, -10, 0), 1, 1),
        ((0, 0, 0, 0.3), 0, 1), ((0, 0, 0, 0, 0.3), 1, -1),
    ],
)  # fmt: skip
def test_the_nose_goes_where_the_pose_says(drawn, pose, axis, way):
    moved = centre_of_head(drawn(state(pose=pose)))[axis]
    assert (moved - centre_of_head(drawn(FaceState()))[axis]) * way > 1


def test_roll_is_clockwise_as_the_viewer_sees_it(drawn):
    picture = luma(drawn(state(pose=(0, 0, 15))))
    top = picture[: SIDE // 4]
    x = np.nonzero(top > 120)[1]
    assert x.mean() > SIDE / 2 + 3


def test_nearer_is_larger(drawn):
    poses = ((0, 0, 0, 0, 0, z) for z in (0, 1.5))
    rest, near = (luma(drawn(state(pose=p)))[: SIDE * 3 // 4] for p in poses)
    assert (near > 120).sum() > 1.1 * (rest > 120).sum()


def test_breath_lifts_the_shoulders(drawn):
    rest, full = (luma(drawn(state(breath=b))) for b in (0, 1))
    low = slice(SIDE * 7 // 8, None)
    assert np.abs(rest - full)[low].max() > 10


def mouth_pixels(drawn, **coefficients):
    """px of the bare gap, which is drawn black in this rig."""
    picture = luma(drawn(state(**coefficients)))
    return int((picture[SIDE // 2 :] < 40).sum())


def test_the_jaw_opens_the_mouth_in_proportion(drawn):
    steps = np.linspace(0, 1, 6)
    gaps = [mouth_pixels(drawn, jawOpen=v) for v in steps]
    assert gaps[0] == 0
    assert gaps[-1] > 100
    assert np.corrcoef(steps, gaps)[0, 1] > 0.97


def test_a_closed_mouth_stays_closed_whatever_the_jaw_does(drawn):
    assert mouth_pixels(drawn, jawOpen=0.6, mouthClose=0.6) < 0.1 * mouth_pixels(drawn, jawOpen=0.6)


def test_gaze_and_coefficients_join_and_are_limited():
    left = controls(state(gaze=(15, 0)))
    assert left[arkit.INDEX["eyeLookOutLeft"]] == pytest.approx(0.5)
    assert left[arkit.INDEX["eyeLookInRight"]] == pytest.approx(0.5)
    assert left[arkit.INDEX["eyeLookOutRight"]] == 0
    both = controls(state(gaze=(0, -30), eyeLookDownLeft=1))
    assert both[arkit.INDEX["eyeLookDownLeft"]] < 1.5
    against = controls(state(gaze=(0, 30), eyeLookDownLeft=1))
    assert against[arkit.INDEX["eyeLookDownLeft"]] == pytest.approx(0)


def test_a_closing_lid_wins_over_wide_eyes():
    amounts = controls(state(eyeBlinkLeft=1, eyeWideLeft=1, eyeSquintLeft=1))
    assert amounts[arkit.INDEX["eyeWideLeft"]] == 0
    assert amounts[arkit.INDEX["eyeSquintLeft"]] == 0


def test_out_of_range_coefficients_are_limited():
    assert controls(state(jawOpen=7))[JAW] == 1
    assert controls(state(jawOpen=-7))[JAW] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_a_number_is_an_engine_error(drawn, bad):
    with pytest.raises(EngineError, match="finite"):
        drawn(state(pose=(bad, 0, 0, 0, 0, 0)))


@pytest.mark.parametrize("pose", [(0, 0, 1e9, 0, 0, 0), (0, 0, 0, 0, 0, 1e30)])
def test_a_pose_that_no_neck_has_is_an_engine_error(drawn, pose):
    with pytest.raises(EngineError, match="pose"):
        drawn(state(pose=pose))


@pytest.mark.parametrize("pose", [(90, -90, 90, 20, -20, 20), (-90, 90, -90, -20, 20, -20)])
def test_a_neck_may_be_broken(drawn, pose):
    assert drawn(state(pose=pose)).shape == drawn(state()).shape


def test_a_state_of_another_shape_is_an_engine_error(drawn):
    with pytest.raises(EngineError, match="shapes"):
        drawn(FaceState(coefficients=np.zeros(51, np.float32)))


@pytest.mark.parametrize("size", [(101, 128), (128, 33), (0, 0)])
def test_sizes_that_cannot_be_drawn_are_refused(size):
    with pytest.raises(EngineError, match="even"):
        WarpGenerator(*size)


@pytest.mark.parametrize("size", [(320, 240), (128, 128), (200, 360), (512, 512)])
def test_any_size_and_shape_is_filled(rig, size):
    prepared = scene.build(rig, *size)
    picture = draw(prepared, state(pose=(10, 5, 5), jawOpen=0.5))
    assert picture.shape == (size[1] * 3 // 2, size[0])
    x, _ = centre_of_head(draw(prepared, FaceState()))
    assert x == pytest.approx(size[0] / 2, abs=size[0] * 0.03)


def test_wild_states_neither_crash_nor_leave_the_picture(drawn):
    random = np.random.default_rng(7)
    for _ in range(40):
        wild = FaceState(
            random.uniform(-1, 2, arkit.COUNT).astype(np.float32),
            (random.uniform(-1, 1, 6) * [60, 60, 60, 2, 2, 2]).astype(np.float32),
            random.uniform(-90, 90, 2).astype(np.float32),
            float(random.uniform(-1, 2)),
        )
        picture = luma(drawn(wild))
        assert picture.min() >= 16  # video black
        assert picture.max() <= 235  # video white: nothing has run over


def test_the_generator_draws_a_prepared_avatar(rig, drawn):
    generator = WarpGenerator(SIDE, SIDE)
    puppet = generator.prepare(rig)
    smile = state(mouthSmileLeft=1, pose=(5, 0, 0))
    assert np.array_equal(draw_one(generator, puppet, smile), drawn(smile))
    generator.release(puppet)
    generator.close()


def test_a_puppet_of_another_generator_is_an_engine_error():
    with pytest.raises(EngineError, match="another generator"):
        draw_one(WarpGenerator(SIDE, SIDE), Puppet("grey"), FaceState())


def test_inverting_a_smooth_map_gives_it_back():
    y, x = np.mgrid[0:40, 0:40].astype(np.float32) * 8
    seen = np.stack([x + 6 * np.sin(y / 60), y + 0.2 * x + 5 * np.cos(x / 50)], -1)
    box = np.array([0, 0, 8], np.float32)
    out = np.empty((20, 20, 2), np.float32)
    kernel.invert(seen.astype(np.float32), box, 8, 80, 100, out)
    back_x = out[..., 0] + 6 * np.sin(out[..., 1] / 60)
    back_y = out[..., 1] + 0.2 * out[..., 0] + 5 * np.cos(out[..., 0] / 50)
    grid = np.mgrid[0:20, 0:20] * 8
    # The grid is linear between its nodes: allow what that costs.
    assert np.abs(back_x - (80 + grid[1])).max() < 0.25
    assert np.abs(back_y - (100 + grid[0])).max() < 0.25


@pytest.fixture
def patient_threads():
    """None takes the GIL from another that does not give it away."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize(
    ("module", "name"),
    [(kernel, "forward"), (kernel, "open_base"), (kernel_patch, "open_patch")],
)
def test_drawing_lets_other_threads_run(rig, monkeypatch, patient_threads, module, name):
    counted, during, stop = [0], [0], threading.Event()
    own = getattr(module, name)

    def watched(*args):
        before = counted[0]
        made = own(*args)
        during[0] += counted[0] - before
        return made

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    monkeypatch.setattr(module, name, watched)
    large = partial(draw, scene.build(rig, 512, 512))
    large(state(jawOpen=0.5))  # compiled before anybody counts
    counter = threading.Thread(target=count)
    counter.start()
    for _ in range(20):
        large(state(jawOpen=0.5))
    stop.set()
    counter.join()
    assert during[0] > 0


def test_controls_are_the_52_the_breath_and_the_hair():
    assert CONTROLS[: arkit.COUNT] == arkit.NAMES
    assert controls(FaceState(breath=0.5, hair=-0.25))[-2:] == pytest.approx([0.5, -0.25])


def test_the_body_takes_its_share_of_what_lags_behind_the_head(rig):
    pose, torso = np.zeros(6, np.float32), np.array([12, 0, 0, 0, 0, 0], np.float32)
    head, body, _ = view(rig.body, pose, torso)
    assert head == pytest.approx(view(rig.body, pose)[0])
    assert math.degrees(math.asin(body[0, 2])) == pytest.approx(12 * rig.body.follow[0], abs=0.01)
    assert rig.body.follow.min() >= 0.3
    assert view(rig.body, torso)[1] == pytest.approx(body)


def spoken(generator, puppet, before, after):
    """The picture of `before`, and one with only the mouth of `after`."""
    (whole,) = generator.draw([Portrayal(puppet, before)], 0)
    (mouth,) = generator.draw([Portrayal(puppet, after, Before(whole, before))], 0)
    return whole, mouth


@pytest.fixture(scope="module")
def persona():
    generator = WarpGenerator(512, 512)
    return generator, generator.prepare(load_avatar(PERSONAS / "mira.avatar"))


LISTENING = state(pose=(4, -3, 2, 0.02, 0.01), gaze=(3, 1), browInnerUp=0.3, mouthSmileLeft=0.2)
OPENS = state(
    pose=(5, -4, 2.5, 0.03, 0.01), gaze=(9, 4), jawOpen=0.5, eyeBlinkLeft=1, eyeBlinkRight=1
)


def test_a_mouth_alone_changes_nothing_but_the_mouth(persona):
    generator, puppet = persona
    whole, mouth = spoken(generator, puppet, LISTENING, OPENS)
    changed = np.abs(luma(whole) - luma(mouth))
    y, x = np.nonzero(changed)
    assert x.max() - x.min() < 150
    assert y.max() - y.min() < 150
    assert y.min() > 512 // 2
    assert changed.max() > 60


def test_a_mouth_alone_leaves_no_seam_around_it(persona):
    generator, puppet = persona
    begins, goes_on = (state(pose=(4, -3, 2), jawOpen=jaw) for jaw in (0.1, 0.3))
    whole, mouth = spoken(generator, puppet, begins, goes_on)
    changed = np.abs(luma(whole) - luma(mouth))
    y, x = np.nonzero(changed)
    rim = np.zeros_like(changed, bool)
    rim[y.min() : y.max() + 1, x.min() : x.max() + 1] = True
    rim[y.min() + 3 : y.max() - 2, x.min() + 3 : x.max() - 2] = False
    assert changed[rim].max() <= 6


def test_a_mouth_alone_opens_as_far_as_in_a_whole_picture(persona):
    generator, puppet = persona
    still = replace(OPENS, pose=LISTENING.pose)
    _, mouth = spoken(generator, puppet, LISTENING, OPENS)
    (whole,) = generator.draw([Portrayal(puppet, still)], 0)
    lips = np.s_[300:350, 230:282]
    gap = (luma(whole)[lips] < 70).sum()
    assert gap > 200
    assert abs((luma(mouth)[lips] < 70).sum() - gap) < 0.05 * gap


def test_a_mouth_alone_is_cheap(persona):
    generator, puppet = persona
    whole, _ = spoken(generator, puppet, LISTENING, OPENS)
    times = {}
    for name, over in (("whole", None), ("mouth", Before(whole, LISTENING))):
        began = time.thread_time()
        for _ in range(20):
            generator.draw([Portrayal(puppet, OPENS, over)], 0)
        times[name] = time.thread_time() - began
    assert times["mouth"] < 0.6 * times["whole"]


def test_a_mouth_is_drawn_over_pictures_of_its_size_only(persona):
    generator, puppet = persona
    other = np.zeros((96, 64), np.uint8)
    with pytest.raises(EngineError):
        generator.draw([Portrayal(puppet, OPENS, Before(other, LISTENING))], 0)
