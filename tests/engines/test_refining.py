"""A generator whose pictures are refined: where they change, and where they must not."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from support.parity import MEAN, WORST, apart
from support.rig_by_hand import SIDE, avatar

from visavis.engines import load
from visavis.engines.base import EngineError, FaceState, Portrayal, draw_one
from visavis.engines.render import posing
from visavis.engines.render.refining import RefiningGenerator, network
from visavis.engines.render.warp import WarpGenerator
from visavis.models import arkit
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.refine import windows
from visavis.models.warp import scene

TURNED = FaceState(pose=np.array([4, 2, 1, 0, 0, 0], np.float32))


def adding(amount):
    asked = []

    def ask(*values):
        asked.append(values)
        return [np.full(part.shape, amount, np.float32) for part in values[:3]]

    return ask, asked


@pytest.fixture(scope="module")
def rig():
    return avatar()


@pytest.fixture(scope="module")
def plain(rig):
    generator = WarpGenerator(SIDE, SIDE)
    return draw_one(generator, generator.prepare(rig), TURNED)


def test_nothing_added_is_the_warp_to_the_bit(rig, plain):
    ask, asked = adding(0)
    generator = RefiningGenerator(WarpGenerator(SIDE, SIDE), ask)
    assert (draw_one(generator, generator.prepare(rig), TURNED) == plain).all()
    (told,) = asked
    assert told[3].shape == (1, windows.AMOUNTS)
    np.testing.assert_allclose(told[3][0, -3:], np.array([4, 2, 1]) / windows.TURN)


def test_windows_change_and_nothing_else(rig, plain):
    prepared = scene.build(rig, SIDE, SIDE)
    at = windows.places(prepared)
    corners = windows.corners(at, posing.view(prepared.body, TURNED.pose))
    inside = np.zeros((SIDE, SIDE), bool)
    for (x, y), (rows, columns), shown in zip(
        corners, windows.SIZES.values(), at.shown, strict=True
    ):
        if shown:
            inside[max(y, 0) : max(y + rows * at.step, 0), max(x, 0) : x + columns * at.step] = True
    generator = RefiningGenerator(WarpGenerator(SIDE, SIDE), adding(9)[0])
    picture = draw_one(generator, generator.prepare(rig), TURNED)
    changed = picture[:SIDE] != plain[:SIDE]
    assert changed.any()
    assert not changed[~inside].any()


def test_a_stranger_s_puppet_is_refused(rig):
    generator = RefiningGenerator(WarpGenerator(SIDE, SIDE), adding(0)[0])
    other = WarpGenerator(SIDE, SIDE).prepare(rig)
    with pytest.raises(EngineError, match="another generator"):
        generator.draw([Portrayal(other, FaceState())], math.inf)


def test_the_shipped_network_changes_a_speaking_face_and_leaves_one_at_rest(rig):
    warp = WarpGenerator(SIDE, SIDE)
    refining = load.refined(warp)
    spoken = np.zeros(arkit.COUNT, np.float32)
    spoken[[arkit.INDEX["jawOpen"], arkit.INDEX["mouthFunnel"]]] = 0.4
    changes = []
    for state in (FaceState(), FaceState(spoken)):
        plain = draw_one(warp, warp.prepare(rig), state).astype(int)
        first, again = (draw_one(refining, refining.prepare(rig), state) for _ in range(2))
        assert (first == again).all()
        changes.append(np.abs(first - plain).mean())
    assert changes[0] == 0
    assert changes[1] > 0


def test_a_broken_network_is_named(tmp_path):
    path = tmp_path / "refiner.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(EngineError, match=r"refiner\.onnx cannot be loaded: .* set refine to off"):
        network(path)


def test_both_renderers_of_one_process_refine_alike(tmp_path):
    """With `refine`, the fast one is in force: what it draws is what the CPU draws, refined."""
    told, (width, height) = [], (256, 256)
    mira = load_avatar(SHIPPED / "mira.avatar")
    both = load.generator(width, height, "torch", tmp_path, told.append, refine=True)
    plain, alone = WarpGenerator(width, height), load.generator(width, height, refine=True)
    spoken = np.zeros(arkit.COUNT, np.float32)
    spoken[[arkit.INDEX["jawOpen"], arkit.INDEX["mouthFunnel"]]] = 0.6
    state = FaceState(spoken, TURNED.pose)
    try:
        puppet, end = both.prepare(mira), time.monotonic() + 30
        draw_one(both, puppet, state)
        while told[-1].renderer != "torch":
            assert time.monotonic() < end, told
            time.sleep(0.02)
        fast = draw_one(both, puppet, state)
    finally:
        both.close()
    expected = draw_one(alone, alone.prepare(mira), state)
    mean, worst = apart(fast, expected)
    assert mean <= MEAN
    assert worst <= WORST
    assert not np.array_equal(fast, expected)  # another renderer drew it
    assert apart(fast, draw_one(plain, plain.prepare(mira), state))[1] > WORST
