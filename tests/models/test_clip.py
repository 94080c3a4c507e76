"""A clip in an avatar's file, its decoding, and what is made of a stranger's film."""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.clip_by_hand import COUNT, film, with_clip
from support.rig_by_hand import CONSENT, avatar

from visavis.engines import load
from visavis.engines.base import FaceState, Portrayal
from visavis.engines.render.filmed import FilmedGenerator
from visavis.engines.render.warp import WarpGenerator
from visavis.models import arkit
from visavis.models.avatar.clip import FPS
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.bake import landmarks as lm
from visavis.models.clip import lips, looping, pictures, reading, registering, tracking
from visavis.models.errors import AvatarError, PortraitError
from visavis.models.warp.reel import MOST, Reel
from visavis.server.avatars.baking import Bake, Baked, Order


@pytest.fixture(scope="module")
def rig():
    return with_clip(avatar())


def refused(code, data):
    with pytest.raises(PortraitError) as caught:
        tracking.follow(reading.shots(data), lambda _: None)
    assert caught.value.code == code
    return caught.value.message


# --- the file


def test_a_clip_comes_back_as_it_was(rig, tmp_path):
    path = tmp_path / "moving.avatar"
    rig.save(path)
    again = load_avatar(path).clip
    assert again.stream == rig.clip.stream
    assert (again.side, again.corner, again.pitch) == (rig.clip.side, (0, 0), rig.clip.pitch)
    for name in ("packets", "cameras", "bends"):
        assert np.array_equal(getattr(again, name), getattr(rig.clip, name)), name
    assert np.allclose(again.hold, rig.clip.hold, atol=1e-3)


def test_a_file_without_a_clip_has_none(rig, tmp_path):
    path = tmp_path / "still.avatar"
    replace(rig, clip=None).save(path)
    assert load_avatar(path).clip is None


@pytest.mark.parametrize(
    "change",
    [
        {"packets": np.full(COUNT, 10, np.int32)},
        {"packets": np.full(3, 10, np.int32)},
        {"cameras": np.full((COUNT, 2, 4), np.nan, np.float32)},
        {"cameras": np.full((COUNT, 2, 4), 99, np.float32)},
        {"bends": np.full((COUNT, 3, 3, 2), 300, np.float32)},
        {"bends": np.zeros((COUNT, 99, 3, 2), np.float32)},
        {"hold": np.full((4, 4), 1, np.float32)},
        {"side": 4096},
    ],
)
def test_what_is_out_of_range_is_refused(rig, tmp_path, change):
    path = tmp_path / "broken.avatar"
    replace(rig, clip=replace(rig.clip, **change)).save(path)
    with pytest.raises(AvatarError, match="not valid"):
        load_avatar(path)


# --- decoding


def test_pictures_in_any_order_and_from_several_threads(rig):
    whole = Reel(rig.clip)
    expected = [whole.picture(n) for n in range(COUNT)]
    reel, wrong = Reel(rig.clip), []

    def look(seed):
        for n in np.random.default_rng(seed).integers(0, COUNT, 20):
            if not np.array_equal(reel.picture(int(n)), expected[n]):
                wrong.append(n)

    threads = [threading.Thread(target=look, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_there_are_never_more_decoders_than_that(rig):
    reel = Reel(rig.clip)
    for n in np.random.default_rng(0).integers(0, COUNT, 3 * MOST):
        reel.picture(int(n))
    assert len(reel._free) <= MOST


# --- a stranger's film


def grey(count, size=(240, 320)):
    return [np.full((*size, 3), 90 + n % 2, np.uint8) for n in range(count)]


def test_no_face():
    assert "No face" in refused("clip-no-face", film(grey(40)))


def test_too_short_and_too_long():
    assert "10 to 60 s" in refused("clip-too-short", film(grey(12)))
    assert "one minute" in refused("clip-too-long", film(grey(250)))


def test_too_large_and_too_small():
    assert "1920 x 1080" in refused("clip-too-large", film(grey(1, (2160, 3840))))
    assert "720p" in refused("clip-too-small", film(grey(1, (120, 160))))


def test_what_is_no_film():
    whole = film(grey(8))
    for data in (b"", b"RIFF" * 50, whole[: len(whole) // 2], bytes(5000)):
        assert "cannot be read" in refused("clip-broken", data)


def test_a_cut():
    other = [255 - picture for picture in grey(20)]
    assert "one go" in refused("clip-cuts", film(grey(8) + other))


def test_a_stop():
    assert "one go" in refused("clip-cuts", film(grey(24), rate=2))


def test_a_film_is_known_by_its_first_bytes():
    assert reading.is_clip(film(grey(2))[:16])
    assert reading.is_clip(film(grey(2), codec="libvpx-vp9", form="webm")[:16])
    for other in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\0\0\0\x20ftypheic", b""):
        assert not reading.is_clip(other)


def test_two_faces():
    persona = load_avatar(SHIPPED / "mira.avatar").picture()
    small = persona[::2, ::2]
    both = np.concatenate([small, small[:, ::-1]], 1)
    both = both[: both.shape[0] // 2 * 2, : both.shape[1] // 2 * 2]
    assert "alone" in refused("clip-several-faces", film([both] * 2))


# --- the loop


def track(seconds=20, gap=0.01, yaw=0.0, sway=20.0):
    """Somebody who sways once in 8 s."""
    times = np.arange(0, seconds, 1 / FPS).astype(np.float32)
    rest = np.random.default_rng(1).uniform(100, 300, (lm.POINTS, 3)).astype(np.float32)
    rest[:, 2] = 0
    rest[lm.FOREHEAD], rest[lm.CHIN] = (200, 100, 0), (200, 320, 0)
    rest[33], rest[263] = (150, 180, 0), (250, 180, 100 * np.tan(np.radians(yaw / 1.4)))
    rest[61], rest[291] = (170, 270, 0), (230, 270, 0)
    for upper, lower in lm.LIP_PAIRS:
        rest[upper], rest[lower] = (200, 270, 0), (200, 270, 0)
    points = np.repeat(rest[None], len(times), 0)
    points[..., 0] += (sway * np.sin(2 * np.pi * times / 8))[:, None]
    wide = gap(times) if callable(gap) else np.full(len(times), gap)
    for upper, _ in lm.LIP_PAIRS:
        points[:, upper, 1] -= 60 * wide
    thumbs = np.full((len(times), 27, 48), 90, np.float32)
    return tracking.Track(
        times, points, thumbs, np.ones(len(times), bool), (400, 400), np.zeros(len(times), bool)
    )


def test_a_loop_ends_where_it_begins():
    line = looping.timeline(track())
    loop = looping.loop(line)
    assert len(loop.one) % (8 * FPS) == 0  # whole sways
    assert loop.apart < 0.005
    seen = loop.mixed(line.points)[..., 0].mean(1)
    steps = np.abs(np.diff(np.append(seen, seen[0])))
    assert steps[-1] <= steps.max() + 1e-3


def test_without_two_like_pictures_it_runs_to_and_fro():
    there = track()
    there.points[..., 0] += there.times[:, None] * 12
    line = looping.timeline(there)
    loop = looping.loop(line)
    seen = loop.mixed(line.points)[..., 0].mean(1)
    steps = np.diff(np.append(seen, seen[0]))
    assert np.abs(np.diff(steps)).max() < 0.35  # px a picture a picture: it turns round softly
    assert loop.apart == 0


def test_it_turns_round_with_open_eyes():
    there = track(seconds=14)
    there.points[..., 0] += there.times[:, None] * 12
    for upper, lower, ends in (
        (lm.LID_UPPER_RIGHT, lm.LID_LOWER_RIGHT, lm.EYE_RIGHT),
        (lm.LID_UPPER_LEFT, lm.LID_LOWER_LEFT, lm.EYE_LEFT),
    ):
        width = np.linalg.norm(np.diff(there.points[:, ends, :2], axis=1)[:, 0], axis=1)
        shut = (there.times < 0.6) | (there.times > 13.5)  # where the longest way would end
        there.points[:, upper[4]] = there.points[:, lower[4]]
        there.points[:, upper[4], 1] -= np.where(shut, 0.02, 0.35) * width
    line = looping.timeline(there)
    loop = looping.loop(line)
    assert loop.apart == 0
    assert loop.one.min() > 0.6 * FPS + 8
    assert loop.one.max() < 13.5 * FPS - 8
    seen = loop.mixed(line.points)
    eyes = tracking.openness(seen)
    assert eyes.min() > 0.3


def test_words_are_left_out():
    def gap(times):
        return np.where((times > 6) & (times < 9), 0.2 * np.abs(np.sin(12 * times)), 0.01)

    line = looping.timeline(track(gap=gap))
    loop = looping.loop(line)
    assert loop.one.min() > 9 * FPS
    assert loop.other.min() > 9 * FPS


def test_one_who_speaks_all_the_time_is_refused():
    with pytest.raises(PortraitError) as caught:
        looping.timeline(track(gap=lambda times: 0.2 * np.abs(np.sin(3 * times))))
    assert caught.value.code == "clip-talking"
    assert "closed lips" in caught.value.message


def test_one_who_looks_away_is_refused():
    with pytest.raises(PortraitError) as caught:
        looping.timeline(track(yaw=50))
    assert caught.value.code == "clip-turned"


def test_it_begins_another_picture_on():
    line = looping.timeline(track())
    loop = looping.loop(line)
    later = looping.turned(loop, 30)
    assert later.one[0] == loop.one[30]
    assert later.one[-1] == loop.one[29]


# --- the portrait in each picture


def test_a_rigid_motion_is_all_the_cameras():
    rng = np.random.default_rng(2)
    rest = rng.uniform(0, 200, (lm.POINTS, 3)).astype(np.float32)
    turn = rng.normal(0, 0.3, (4, 2, 3)).astype(np.float32)
    seen = np.einsum("ncf,mf->nmc", turn, rest) + 7
    found = registering.cameras(rest, seen.astype(np.float32))
    assert np.allclose(found[..., :3], turn, atol=1e-3)
    assert np.allclose(registering.projected(found, rest), seen, atol=0.05)


def test_what_is_not_rigid_is_bent():
    rest = np.random.default_rng(3).uniform(0, 200, (lm.POINTS, 3)).astype(np.float32)
    off = np.broadcast_to(np.float32([3, -2]), (5, lm.POINTS, 2))
    bends, corner = registering.bends(rest, np.ascontiguousarray(off))
    column, row = (int((100 - c) / registering.PITCH) for c in corner)
    assert np.allclose(bends[:, row, column], [3, -2], atol=0.2)
    assert np.abs(bends[:, 0, 0]).max() < 2  # less, where no landmark is


# --- pictures


def spot(x, y, side=96):
    at = np.mgrid[:side, :side]
    near = np.exp(-((at[1] - x) ** 2 + (at[0] - y) ** 2) / 60)
    textured = 60 + 120 * near
    return np.repeat(np.clip(textured, 0, 255).astype(np.uint8)[..., None], 3, -1)


def peak(picture):
    bright = picture[..., 0].astype(float)
    weight = np.maximum(bright - 130, 0)
    y, x = np.mgrid[: len(bright), : len(bright)]
    return (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()


def test_between_two_pictures_things_are_half_way():
    one, other = spot(40, 50), spot(48, 50)
    for part in (0.25, 0.5, 0.75):
        assert peak(pictures.between(one, other, part))[0] == pytest.approx(40 + 8 * part, abs=1)
        assert peak(pictures.blended(one, other, part))[0] == pytest.approx(40 + 8 * part, abs=1)


def test_noise_is_no_motion():
    rng = np.random.default_rng(4)
    one, other = (
        np.clip(spot(40, 50) + rng.normal(0, 2, (96, 96, 3)), 0, 255).astype(np.uint8)
        for _ in range(2)
    )
    assert np.abs(pictures.flow(one, other)).max() < 0.3


def mouth(opening, at=0.0):
    """Lines across lips `opening` samples apart, a dark line between them, or teeth."""
    y = np.arange(lips.SAMPLES)[:, None] - 16 - at
    line = 1.1 - 0.5 * np.exp(-(y**2) / 8)
    teeth = np.where(np.abs(y) < opening, 1.3, line)
    return np.repeat(teeth, 11, 1).astype(np.float32)


def test_lips_that_part_are_seen_where_landmarks_see_nothing():
    rng = np.random.default_rng(5)
    shut = [mouth(0, at) for at in rng.uniform(-1, 1, 60)]
    seen = np.stack([*shut, mouth(3), mouth(2), mouth(4, 1.0)])
    seen += rng.normal(0, 0.01, seen.shape)
    parted = lips.parted(seen)
    assert parted[-3:].all()
    assert parted[:-3].mean() < 0.05


def test_slightly_open_lips_are_shut():
    side, y = 200, 100
    picture = np.full((side, side, 3), 150, np.uint8)
    picture[y - 3 : y + 4, 60:141] = 20  # the dark between them
    points = np.zeros((lm.POINTS, 3), np.float32)
    points[:, :2] = 100
    across = np.linspace(60, 140, 11)
    for ids, at in ((lm.LIP_UPPER_INNER, y - 3), (lm.LIP_LOWER_INNER, y + 3)):
        points[list(ids), 0] = across
        points[list(ids), 1] = [y, *[at] * 9, y]
    points[61, :2], points[291, :2] = (60, y), (140, y)
    shut = pictures.shut(picture, points, 0.02)
    dark = (shut[..., 0] < 80)[:, 100]
    assert dark.sum() <= 2
    assert (shut[: y - 60] == 150).all()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_film_of_a_person_becomes_an_avatar_shut_in(tmp_path):
    persona = load_avatar(SHIPPED / "tomas.avatar")
    generator = WarpGenerator(480, 480)
    face, motion = generator.prepare(persona), load.motion(3)
    drawn = [
        cv2.cvtColor(
            generator.draw([Portrayal(face, motion.state(1920 * n))], 0)[0],
            cv2.COLOR_YUV2RGB_I420,
        )
        for n in range(12 * FPS)
    ]
    path = tmp_path / "filmed.avatar"
    order = Order("filmed", path, CONSENT, "for a test")
    *_, last = Bake(order, film(drawn, rate=FPS)).run()
    assert isinstance(last, Baked), last
    made = load_avatar(path)
    assert made.card.clip
    assert 5 * FPS <= made.clip.count <= 20 * FPS
    filmed = FilmedGenerator(generator)
    puppet = filmed.prepare(made)
    still = filmed.draw([Portrayal(puppet, FaceState())], 0)[0]
    jaw = np.zeros(arkit.COUNT, np.float32)
    jaw[arkit.INDEX["jawOpen"]] = 0.5
    spoken = filmed.draw([Portrayal(puppet, FaceState(jaw))], 0)[0]
    assert (np.abs(spoken.astype(int) - still) > 40).sum() > 200
