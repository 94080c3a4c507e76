"""What the bake promises: a likely head, lips that go as far as told, and stay shut when shut."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.models import arkit
from visavis.models.avatar.file import Consent
from visavis.models.avatar.rig import BREATH, HAIR, nodes
from visavis.models.bake import contour, fit, hair, layers, photo, portrait
from visavis.models.bake import landmarks as lm
from visavis.models.bake.head import load_head
from visavis.models.quality.subject import emptied
from visavis.models.warp import kernel_patch

PERSONAS = Path(portrait.__file__).parents[1] / "data" / "personas"
FRONTAL = Path(__file__).parents[1] / "data" / "frontal.webp"  # a rendered face seen straight on
EYES = ("eye_left", "eye_right")
CONSENT = Consent("nobody: synthetic", "made for tests", "the tests", "2026-01-01")
# Width of the shipped portraits at the eyes, dm: camera.FRAME by `framing` of models/tools/persona.
WIDE = {"mira": 0.82 * 4.1, "tomas": 0.87 * 4.1}


@cache
def framed(name):
    path = FRONTAL if name == "frontal" else PERSONAS / f"{name}.webp"
    return photo.frame(path.read_bytes())


@cache
def fitted(name):
    return fit.fit(load_head(), framed(name).face)


@cache
def baked():
    return portrait.create_avatar(FRONTAL, "frontal", CONSENT)


def state(pose=(0, 0, 0), **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        face[arkit.INDEX[name]] = value
    return FaceState(face, np.array([*pose, 0, 0, 0], np.float32))


@pytest.mark.parametrize("name", ["mira", "tomas"])
def test_the_fitted_head_has_the_size_of_the_one_that_was_rendered(name):
    scale = 512 / WIDE[name]  # the frame holds nearly the whole portrait
    # Personas are fitted to measured people, whose faces are longer than the mean head's.
    assert fitted(name).scale == pytest.approx(scale, rel=0.14)
    assert fitted(name).error < 0.035


@pytest.mark.parametrize("name", ["mira", "tomas"])
def test_a_closed_mouth_is_not_fitted_with_an_open_jaw(name):
    expression = fitted(name).expression
    assert expression[arkit.INDEX["jawOpen"]] < 0.05
    assert expression.max() < 0.6


def test_the_lower_lip_goes_all_the_way_that_the_jaw_says():
    mouth, jaw = baked().patches["mouth"], arkit.INDEX["jawOpen"]
    lip, chin = (framed("frontal").face.points[i, :2] for i in (14, 17))

    def drop(at):
        grid = mouth.lower
        place = at[None, None].astype(np.float32)
        return layers.read_grid(grid.shifts[jaw], grid.corner, grid.pitch, place)[0, 0, 1]

    assert drop(lip) > 0.95 * drop(chin)


@pytest.mark.parametrize("pose", [(0, 0, 0), (0, 10, 0), (0, -10, 0), (15, 0, 0), (-15, 10, 10)])
def test_shut_lips_show_nothing_of_the_mouth_in_any_pose(pose):
    avatar = baked()
    mouth = avatar.patches["mouth"]
    clear = tuple(replace(s, picture=np.zeros_like(s.picture)) for s in mouth.sprites)
    bright = replace(mouth, back=(255, 0, 255), sprites=clear, shade=(0.0, 1.0, 0.0, 1.0))
    patches = {**avatar.patches, "mouth": bright}
    marked = load.drawing(replace(avatar, patches=patches))(state(pose))
    usual = load.drawing(avatar)(state(pose))
    assert np.abs(marked.astype(int) - usual).max() <= 3
    opened = load.drawing(replace(avatar, patches=patches))(state(pose, jawOpen=0.5))
    assert np.abs(opened.astype(int) - usual).max() > 60


def marked(avatar, sprite):
    """The same face, one picture in its mouth in a colour that nothing else has."""
    mouth = avatar.patches["mouth"]
    picture = mouth.sprites[sprite].picture.copy()
    picture[..., :3] = (0, 255, 0)
    sprites = list(mouth.sprites)
    sprites[sprite] = replace(sprites[sprite], picture=picture)
    patches = {**avatar.patches, "mouth": replace(mouth, sprites=tuple(sprites))}
    return load.drawing(replace(avatar, patches=patches))


def test_the_tongues_tip_hides_behind_the_teeth_until_it_is_put_out():
    usual, tip = load.drawing(baked()), marked(baked(), 2)
    lips = {f"mouth{lip}{side}": v for lip, v in (("UpperUp", 0.3), ("LowerDown", 0.4))
            for side in ("Left", "Right")}  # fmt: skip
    for jaw in (0.0, 0.05, 0.2, 0.5):
        now = state(jawOpen=jaw, **lips)
        assert np.abs(tip(now).astype(int) - usual(now)).max() <= 6
    out = state(jawOpen=0.15, tongueOut=0.35, **lips)
    assert np.abs(tip(out).astype(int) - usual(out)).max() > 60


def test_a_raised_tongue_is_seen_where_it_was_dark():
    draw = load.drawing(baked())
    lips = {f"mouth{lip}{side}": v for lip, v in (("UpperUp", 0.12), ("LowerDown", 0.24))
            for side in ("Left", "Right")}  # fmt: skip
    low, high = (draw(state(jawOpen=0.25, tongueOut=v, **lips)).astype(int) for v in (0, 0.2))
    assert ((high - low)[:512] > 12).sum() > 40  # px


def test_a_blink_clears_the_skin_beside_the_eye_of_lashes():
    avatar = baked()
    draw = load.drawing(avatar)
    corner = framed("frontal").face.points[lm.EYE_LEFT[0], :2]
    x, y = np.round(corner + np.array([3, -3])).astype(int)
    lashes = np.s_[y - 6 : y + 2, x - 2 : x + 6]
    wide, shut = (draw(state(eyeBlinkLeft=v)).astype(int) for v in (0, 1))
    assert wide[lashes].min() < 90
    assert shut[lashes].min() > 100  # dark lashes have left that place, a soft shadow stays


def test_patches_are_as_deep_as_the_face_around_them():
    avatar = baked()
    for patch in avatar.patches.values():
        grid = patch.upper
        at = nodes(grid.corner, grid.pitch, grid.share.shape)
        depth = avatar.base.rest[..., 2:]
        around = layers.read_grid(depth, avatar.base.corner, avatar.base.pitch, at)[..., 0]
        # Otherwise a head that turns shows the same strip of skin in two places.
        assert np.abs(grid.rest[..., 2] - around).max() < 16  # px


def test_warming_draws_all_that_is_compiled(monkeypatch):
    called = set()
    for name in ("open_patch", "blend", "draw_lashes"):
        own = getattr(kernel_patch, name)
        monkeypatch.setattr(
            kernel_patch, name, lambda *a, own=own, name=name: called.add(name) or own(*a)
        )
    load.warm(load.drawing(baked()))
    assert called == {"open_patch", "blend", "draw_lashes"}


def behind_lids(size, lids):
    """Luma of what is behind the lids and shows, summed; `lids` are how far shut."""
    colours = ((0, 0, 0), (255, 255, 255))
    made = (load.drawing(emptied(baked(), colour, EYES), *size) for colour in colours)
    face = state(eyeBlinkLeft=lids, eyeBlinkRight=lids)
    dark, bright = (draw(face)[: size[1]].astype(int) for draw in made)
    return int((bright - dark).sum())


@pytest.mark.parametrize(
    ("size", "most"),
    [((96, 96), 0.25), ((128, 128), 0.25), ((360, 640), 0.01), ((640, 360), 0.01)],
)
def test_eyes_of_any_size_close(size, most):
    assert behind_lids(size, 1) < most * behind_lids(size, 0)


def test_even_eyes_of_two_px_move():
    """In the smallest picture a shut lid covers but a fifth: it has no rows to close over."""
    assert behind_lids((64, 64), 1) < 0.9 * behind_lids((64, 64), 0)


def test_long_hair_swings_below_the_ears_and_short_hair_does_not():
    base, face = baked().base, framed("frontal").face
    field = base.shifts[HAIR]
    at = nodes(base.corner, base.pitch, base.share.shape)
    assert 2 < np.abs(field[..., 0]).max() < 10  # px at its most
    assert not field[..., 1:].any()
    oval = np.ascontiguousarray(face.points[list(lm.OVAL), :2])
    assert np.abs(field[contour.signed_distance(at, oval) < 0]).max() < 1e-3
    assert np.abs(field[at[..., 1] < face.eye_left.centre[1]]).max() < 0.5
    values = np.zeros((*base.share.shape, layers.CHANNELS), np.float32)
    hair.swing(values, at, framed("tomas"), 80.0)
    assert not values.any()


def test_a_breath_lifts_shoulders_and_widens_the_chest():
    base, body, face = baked().base, baked().body, framed("frontal").face
    at, unit = nodes(base.corner, base.pitch, base.share.shape), body.interocular
    breath = base.shifts[BREATH] / unit
    low = at[..., 1] > face.points[lm.CHIN, 1] + 2 * unit
    assert (breath[low][:, 1] < -0.055).all()
    sides = np.abs(at[..., 0] - body.body_pivot[0]) > 2 * unit
    outwards = np.sign(at[..., 0] - body.body_pivot[0])
    assert (breath[..., 0] * outwards)[low & sides].min() > 0.015


def test_shoulders_turn_round_the_spine():
    base, body, face = baked().base, baked().body, framed("frontal").face
    at, unit = nodes(base.corner, base.pitch, base.share.shape), body.interocular
    chest = at[..., 1] > face.points[lm.CHIN, 1] + 2 * unit
    before = (base.rest[..., 2] - body.body_pivot[2]) / unit
    beside = np.abs(at[..., 0] - body.body_pivot[0]) / unit
    assert before[chest & (beside < 0.5)].min() > 0.9
    assert before[chest & (beside > 3)].max() < 0.6
