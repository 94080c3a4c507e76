"""The graph as a generator: many faces in one call, each as the CPU draws it."""

from dataclasses import replace

import numpy as np
import pytest
from support.rig_by_hand import SIDE
from support.rig_by_hand import avatar as by_hand

from visavis.engines.base import EngineError, FaceState, Portrayal, Puppet, draw_one
from visavis.engines.render import graph
from visavis.engines.render.graph import GraphGenerator
from visavis.engines.render.on_torch import TorchRuntime
from visavis.engines.render.warp import WarpGenerator
from visavis.models import arkit
from visavis.models.avatar.file import load_avatar
from visavis.models.graph.bank import Bank
from visavis.models.graph.spec import Spec
from visavis.models.graph.warp import LayeredWarp
from visavis.server.avatars.store import SHIPPED

SIZE = 128
SPEC = Spec(SIZE, SIZE)


def state(pose=(0, 0, 0), **coefficients):
    face = np.zeros(arkit.COUNT, np.float32)
    for name, value in coefficients.items():
        face[arkit.INDEX[name]] = value
    return FaceState(face, np.array([*pose, 0, 0, 0], np.float32), np.array([4, -3], np.float32))


STATES = [
    FaceState(), state(jawOpen=0.7), state((12, 4, -3), mouthSmileLeft=0.8),
    state((-9, -6, 2), eyeBlinkLeft=1, eyeBlinkRight=0.6, mouthPucker=0.5),
]  # fmt: skip


@pytest.fixture(scope="module")
def sure():
    return WarpGenerator(SIZE, SIZE)


@pytest.fixture(scope="module")
def rigs():
    """Two faces: the second is the negative of the first."""
    first = load_avatar(SHIPPED / "mira.avatar")
    return first, replace(first, photo=255 - first.photo)


@pytest.fixture
def made(rigs):
    runtime = TorchRuntime(LayeredWarp(SPEC), SPEC, "cpu")
    return GraphGenerator(SPEC, runtime, Bank(SPEC, "cpu", 1))


def apart(first, second):
    """(mean, the worst of 8 x 8) of 255."""
    gap = np.abs(first.astype(int) - second)
    tiles = gap.reshape(gap.shape[0] // 8, 8, gap.shape[1] // 8, 8).mean(axis=(1, 3))
    return gap.mean(), tiles.max()


def test_a_batch_of_several_faces_is_what_the_cpu_draws(made, sure, rigs):
    fast = [made.prepare(each) for each in rigs]
    slow = [sure.prepare(each) for each in rigs]
    asked = [(n % 2, each) for n, each in enumerate([*STATES, *STATES[1:3]])]
    together = made.draw([Portrayal(fast[n], each) for n, each in asked], 0)
    assert len(together) == len(asked)
    for (n, each), picture in zip(asked, together, strict=True):
        mean, worst = apart(picture, draw_one(sure, slow[n], each))
        assert mean < 2
        assert worst < 12
    assert apart(together[0], together[5])[0] > 20


def test_a_place_is_given_to_the_next_avatar(made, sure, rigs):
    first = made.prepare(rigs[0])
    made.release(first)
    second = made.prepare(rigs[1])
    assert second.slots == first.slots
    expected = draw_one(sure, sure.prepare(rigs[1]), STATES[0])
    assert apart(draw_one(made, second, STATES[0]), expected)[0] < 2


def test_a_bank_that_grew_is_warmed_up_again_before_anybody_draws(made, rigs, monkeypatch):
    warmed = []
    monkeypatch.setattr(
        made._runtime, "warm", lambda bank, _state: warmed.append(len(bank["rests"]))
    )
    puppets = [made.prepare(rigs[n % 2]) for n in range(3)]
    assert warmed == [1, 2, 4]
    assert len(made.draw([Portrayal(each, STATES[1]) for each in puppets], 0)) == 3


def test_an_avatar_that_could_not_be_shown_leaves_its_place(made, rigs, monkeypatch):
    def failing(*_):
        raise EngineError("out of memory")

    with monkeypatch.context() as broken:
        broken.setattr(made._runtime, "warm", failing)
        for _ in range(3):
            with pytest.raises(EngineError, match="memory"):
                made.prepare(rigs[0])
    assert made._bank.places == 1
    monkeypatch.setattr(graph, "AVATARS", 1)
    assert draw_one(made, made.prepare(rigs[0]), STATES[0]).shape == (SIZE * 3 // 2, SIZE)


def test_one_avatar_too_many_is_refused_until_one_goes(made, rigs, monkeypatch):
    monkeypatch.setattr(graph, "AVATARS", 1)
    first = made.prepare(rigs[0])
    with pytest.raises(EngineError, match="holds 1 avatars already"):
        made.prepare(rigs[1])
    made.release(first)
    made.prepare(rigs[1])


def test_an_avatar_that_is_too_large_is_refused(made):
    with pytest.raises(EngineError, match="larger patches than .* can be drawn on the CPU"):
        made.prepare(by_hand())


def test_an_avatar_of_another_size_is_refused(made, rigs):
    other = WarpGenerator(SIDE, SIDE).prepare(rigs[0])
    with pytest.raises(EngineError, match="prepared for 256 x 256 px, the graph draws 128 x 128"):
        made.pack(other)


def test_a_puppet_of_another_generator_is_refused(made):
    for work in (made.pack, made.release):
        with pytest.raises(EngineError, match="another generator"):
            work(Puppet("a stranger"))
    with pytest.raises(EngineError, match="another generator"):
        draw_one(made, Puppet("a stranger"), FaceState())


def test_a_state_that_is_none_is_refused(made, rigs):
    puppet = made.prepare(rigs[0])
    with pytest.raises(EngineError, match="not finite"):
        draw_one(made, puppet, state((np.nan, 0, 0)))


def test_nothing_asked_nothing_drawn(made):
    assert made.draw([], 0) == []


def test_where_it_runs_is_said(made):
    assert made.standing.renderer == "torch"
    assert "slow" in made.standing.device
    made.close()
