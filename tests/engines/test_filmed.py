"""Avatars made of a clip: the clip is drawn as it is, and our mouth goes where it goes."""

from dataclasses import replace

import numpy as np
import pytest
from support.clip_by_hand import COUNT, shift, with_clip
from support.rig_by_hand import SIDE, avatar

from visavis.engines import load
from visavis.engines.base import Before, EngineError, FaceState, Portrayal, can_patch
from visavis.engines.render.filmed import FilmedGenerator
from visavis.engines.render.graph import GraphGenerator
from visavis.engines.render.warp import WarpGenerator
from visavis.models import arkit
from visavis.models.avatar.backdrop import BLUR, Backdrop
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.warp import bearing, scene
from visavis.models.warp.reel import Reel


@pytest.fixture(scope="module")
def rig():
    return with_clip(avatar())


@pytest.fixture(scope="module")
def generator():
    return FilmedGenerator(WarpGenerator(SIDE, SIDE))


@pytest.fixture(scope="module")
def face(rig, generator):
    return generator.prepare(rig)


def state(number=0, pose=(0, 0, 0, 0, 0, 0), **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        face[arkit.INDEX[name]] = value
    return FaceState(face, np.array(pose, np.float32), elapsed=number / 25)


def drawn(generator, face, state, over=None):
    return generator.draw([Portrayal(face, state, over)], 0)[0]


def changed(one, other):
    """Bounds of what differs in luma: left, top, right, bottom."""
    away = np.abs(one[:SIDE].astype(int) - other[:SIDE]) > 12
    rows, columns = (np.flatnonzero(away.any(axis)) for axis in (1, 0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]])


def test_a_face_at_rest_is_the_clip_itself(rig, generator, face):
    reel = Reel(rig.clip)
    for number in (0, 7, COUNT - 1):
        seen = drawn(generator, face, state(number))
        own = reel.picture(number)
        apart = np.abs(seen.astype(int) - own)
        assert apart.mean() < 0.2  # but for the rim of the lips, which are drawn anew
        assert (apart[: SIDE // 4] == 0).all()
        assert apart[SIDE:].max() < 8  # colours of that rim


def test_the_clip_begins_anew_after_its_last_picture(generator, face):
    assert np.array_equal(
        drawn(generator, face, state(3)), drawn(generator, face, state(3 + 4 * COUNT))
    )


def test_the_mouth_opens_where_the_clip_has_it(generator, face):
    far = int(np.argmax([shift(n) for n in range(COUNT)]))
    places = [
        changed(drawn(generator, face, state(n)), drawn(generator, face, state(n, jawOpen=0.6)))
        for n in (0, far)
    ]
    moved = places[1] - places[0]
    assert abs(moved[0] - shift(far)) <= 2
    assert abs(moved[2] - shift(far)) <= 2
    assert abs(moved[1]) <= 2


def test_head_eyes_and_breath_are_the_clips_own(generator, face):
    told = state(5, pose=(20, 10, 5, 0.2, 0, 0), eyeBlinkLeft=1, eyeBlinkRight=1)
    told = replace(told, breath=1.0, gaze=np.array([20, 10], np.float32))
    assert np.array_equal(drawn(generator, face, told), drawn(generator, face, state(5)))


def meant(number=0, bearing=(0, 0, 0, 0, 0, 0), glance=(0, 0), **coefficients):
    told = np.array(bearing, np.float32), np.array(glance, np.float32)
    return replace(state(number, **coefficients), bearing=told[0], glance=told[1])


def test_a_nod_comes_on_top_of_the_clips_own_head(generator, face):
    still = drawn(generator, face, state(5))
    nod = drawn(generator, face, meant(5, bearing=(0, -5, 0, 0, 0, 0)))
    own, alone = drawn(generator, face, state(9)), changed(still, nod)
    assert (alone[2:] - alone[:2] > SIDE // 4).all()  # all of the head
    border = np.ones((SIDE, SIDE), bool)
    border[4:-4, 4:-4] = False
    assert np.array_equal(still[:SIDE][border], nod[:SIDE][border])
    assert not np.array_equal(own, still)
    deeper = (meant(5, bearing=(0, -k, 0, 0, 0, 0)) for k in (1, 3, 5, 40))
    apart = (drawn(generator, face, one).astype(float) - still for one in deeper)
    steps = [float(np.abs(one).mean()) for one in apart]
    assert steps == sorted(steps)
    assert steps[3] < 2 * steps[2]  # a clip cannot be turned far


def test_a_look_moves_the_irises_and_nothing_beyond_the_lids():
    mira = load_avatar(SHIPPED / "mira.avatar")
    prepared = scene.build(mira, 256, 256)
    fields = bearing.fields(mira, prepared)
    unit, box = prepared.body.interocular, prepared.base.box
    for name in ("eye_right", "eye_left"):
        iris = mira.patches[name].sprites[0].grid.rest.mean((0, 1))
        x, y = iris[:2] * 256 / mira.side
        at = np.array([[x, y], [x, y + unit / 3], [x + unit / 2.2, y]])
        right, up = bearing.read(fields[6:], box, at[None].astype(np.float32))[:, 0]
        assert right[0, 0] / unit == pytest.approx(0.0033, abs=0.0004)  # of 12 mm, a degree
        assert up[0, 1] == pytest.approx(-right[0, 0], rel=0.01)
        assert np.abs(right[1:]).max() < 0.1 * right[0, 0]


def test_only_the_mouth_is_drawn_over_the_picture_before(generator, face):
    before = state(4, jawOpen=0.1)
    image = drawn(generator, face, before)
    after = drawn(generator, face, state(5, jawOpen=0.7), Before(image, before))
    same = drawn(generator, face, state(4, jawOpen=0.7))
    assert (after != image).any()
    box = changed(same, image)
    outside = after[:SIDE].astype(int) - image[:SIDE]
    outside[box[1] - 48 : box[3] + 48, box[0] - 48 : box[2] + 48] = 0
    assert (outside == 0).all()


def test_pictures_of_other_sizes(rig):
    for width, height in ((128, 96), (SIDE, 2 * SIDE)):
        generator = FilmedGenerator(WarpGenerator(width, height))
        face = generator.prepare(rig)
        still, open_ = (drawn(generator, face, state(2, jawOpen=a)) for a in (0, 0.6))
        assert still.shape == (height * 3 // 2, width)
        assert (np.abs(still.astype(int) - open_) > 20).any()


def test_it_lies_beside_avatars_without_a_clip(rig, generator, face):
    photo = replace(rig, clip=None)
    other = generator.prepare(photo)
    both = generator.draw([Portrayal(other, state()), Portrayal(face, state())], 0)
    assert np.array_equal(both[1], drawn(generator, face, state()))
    plain = WarpGenerator(SIDE, SIDE)
    assert np.array_equal(both[0], drawn(plain, plain.prepare(photo), state()))
    assert can_patch(generator)


@pytest.mark.parametrize(
    "backdrop", [Backdrop("colour", (0, 255, 0)), BLUR], ids=["colour", "blur"]
)
def test_before_another_background_its_portrait_is_drawn(rig, generator, backdrop):
    behind = generator.prepare(replace(rig, backdrop=backdrop))
    one, other = (drawn(generator, behind, state(n)) for n in (0, 9))
    assert np.array_equal(one, other)


def test_a_damaged_clip_is_an_engines_error(rig, generator):
    broken = replace(rig, clip=replace(rig.clip, stream=bytes(len(rig.clip.stream))))
    face = generator.prepare(broken)
    with pytest.raises(EngineError, match="clip cannot be decoded"):
        drawn(generator, face, state())


def test_no_gpu_draws_it(face):
    with pytest.raises(EngineError, match="made of a clip"):
        GraphGenerator.pack(None, face)


def test_a_state_without_a_time_is_refused(generator, face):
    with pytest.raises(EngineError, match="not finite"):
        drawn(generator, face, replace(state(), elapsed=float("nan")))


def test_motion_tells_how_long_it_goes_on():
    assert load.motion(1).state(96_000).elapsed == 2.0


def test_a_mouth_goes_with_the_nod_of_the_picture_before(generator, face):
    before = meant(4, bearing=(0, -5, 0, 0, 0, 0))
    image = drawn(generator, face, before)
    over = drawn(generator, face, state(5, jawOpen=0.7), Before(image, before))
    whole = drawn(generator, face, meant(4, bearing=(0, -5, 0, 0, 0, 0), jawOpen=0.7))
    assert np.abs(changed(image, over) - changed(image, whole)).max() <= 8


@pytest.mark.parametrize("told", [np.zeros(3, np.float32), np.full(6, np.nan, np.float32)])
def test_a_bearing_of_another_shape_is_refused(generator, face, told):
    with pytest.raises(EngineError, match="bearing"):
        drawn(generator, face, replace(state(), bearing=told))
