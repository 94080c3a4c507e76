"""The tensor graph: the pictures that the kernels draw, whoever shares its batch and its bank."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from support import rig_by_hand
from support.four_avatars import NAMES, four_avatars, states
from support.parity import MEAN, WORST, apart

from visavis.engines.base import FaceState
from visavis.engines.render import posing
from visavis.engines.render.warp import draw
from visavis.models import arkit
from visavis.models.errors import AvatarError, ModelError
from visavis.models.graph import packing
from visavis.models.graph.bank import Bank
from visavis.models.graph.spec import STATE, Spec
from visavis.models.graph.warp import LayeredWarp
from visavis.models.warp import scene

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SMALL = (512, 512)
TALL = (720, 1280)


@cache
def prepared(name, size):
    return scene.build(four_avatars(name), *size)


@cache
def stage(size, names=NAMES):
    """The graph of one size, and a bank with some avatars in the order of their names."""
    spec = Spec(*size)
    bank = Bank(spec, "cpu", len(names))
    for name in names:
        bank.add(packing.packed(prepared(name, size), spec))
    return LayeredWarp(spec), bank


def row(shown, state):
    return packing.row(shown, posing.controls(state), posing.view(shown.body, state.pose))


def pictures(graph, bank, slots, rows):
    with torch.inference_mode():
        avatar = torch.tensor(slots, dtype=torch.int32)
        return graph(avatar, torch.from_numpy(np.stack(rows)), *bank.arrays.values()).numpy()


def compare(size, count, seed, names=NAMES):
    """Each state with each avatar, all avatars in one batch: the worst of both measures."""
    graph, bank = stage(size, names)
    means, worst = [], []
    for state in states(count, seed):
        shown = [prepared(name, size) for name in names]
        drawn = pictures(graph, bank, range(len(names)), [row(s, state) for s in shown])
        for ours, s in zip(drawn, shown, strict=True):
            mean, region = apart(ours, draw(s, state))
            means.append(mean)
            worst.append(region)
    return max(means), max(worst)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pictures_are_the_kernels():
    mean, worst = compare(SMALL, 9, seed=1)
    assert mean <= MEAN
    assert worst <= WORST


@pytest.mark.timeout(300)
def test_pictures_of_another_size_are_the_kernels():
    mean, worst = compare(TALL, 2, seed=2, names=("frontal",))
    assert mean <= MEAN
    assert worst <= WORST


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("size", [SMALL, TALL])
def test_two_hundred_states_of_four_avatars_are_the_kernels(size):
    mean, worst = compare(size, 200, seed=3)
    assert mean <= MEAN
    assert worst <= WORST


def test_a_picture_does_not_depend_on_who_else_is_drawn():
    graph, bank = stage(SMALL)
    first, second = states(2, seed=4)
    one, other = row(prepared("frontal", SMALL), first), row(prepared("ada", SMALL), second)
    together = pictures(graph, bank, [3, 0], [other, one])
    assert np.array_equal(together[1], pictures(graph, bank, [0], [one])[0])
    assert apart(together[0], draw(prepared("ada", SMALL), second))[1] <= WORST


def test_a_patch_that_is_out_of_the_picture_draws_nothing():
    graph, bank = stage(SMALL)
    state = FaceState(pose=np.array([0, 0, 0, 0, 6, 0], np.float32))
    shown = prepared("tomas", SMALL)
    ours = pictures(graph, bank, [1], [row(shown, state)])[0]
    mean, worst = apart(ours, draw(shown, state))
    assert (mean, worst) <= (MEAN, WORST)


def test_an_avatar_with_fewer_sprites_and_no_lids_is_drawn_too():
    size = (rig_by_hand.SIDE, rig_by_hand.SIDE)
    made = rig_by_hand.avatar()
    made = replace(made, patches={k: made.patches[k] for k in ("mouth", "eye_left")})
    shown, spec = scene.build(made, *size), Spec(*size)
    bank = Bank(spec, "cpu")
    slot = bank.add(packing.packed(shown, spec))
    for state in (FaceState(), *states(3, seed=5)):
        ours = pictures(LayeredWarp(spec), bank, [slot], [row(shown, state)])[0]
        mean, worst = apart(ours, draw(shown, state))
        assert (mean <= MEAN, worst <= WORST) == (True, True)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30])
def test_nothing_is_read_outside_whatever_a_state_and_the_bank_hold(value):
    spec = Spec(64, 96)
    graph, bank = LayeredWarp(spec), Bank(spec, "cpu")
    for filled in (False, True):
        if filled:
            for array in bank.arrays.values():
                if array.is_floating_point():
                    array.fill_(max(value, torch.finfo(array.dtype).min))
        drawn = pictures(graph, bank, [0, 5], [np.full(STATE.size, value, np.float32)] * 2)
        assert drawn.shape == (2, 144, 64)


def test_a_bank_grows_keeps_what_it_holds_and_gives_places_again():
    shown, spec = prepared("frontal", SMALL), Spec(*SMALL)
    packed = packing.packed(shown, spec)
    bank = Bank(spec, "cpu")
    assert bank.add(packed) == 0
    before = bank.arrays
    assert bank.add(packed) == 1
    assert (bank.places, bank.generation) == (2, 1)
    assert bank.arrays["texels"] is not before["texels"]
    assert torch.equal(bank.arrays["texels"][0], bank.arrays["texels"][1])
    bank.remove(0)
    assert bank.add(packed) == 0
    assert (bank.places, bank.generation) == (2, 1)
    assert [(t.name, t.shape[1:]) for t in spec.bank] == [
        (name, tuple(array.shape[1:])) for name, array in bank.arrays.items()
    ]
    with pytest.raises(ModelError, match="at most"):
        Bank(Spec(2048, 2048), "cpu", 200)


def test_an_avatar_that_is_too_large_is_refused_by_name():
    shown, spec = prepared("frontal", SMALL), Spec(*SMALL)
    mouth = shown.gaps[0]
    wide = replace(mouth.sheets, share=np.zeros((200, 100), np.float32))
    for gap, what in (
        (replace(mouth, sheets=wide), "nodes"),
        (replace(mouth, side="Right"), "eye"),
    ):
        with pytest.raises(AvatarError, match=what) as caught:
            packing.packed(replace(shown, gaps=(gap, *shown.gaps[1:])), spec)
        assert caught.value.code == "avatar-too-large"
    with pytest.raises(ValueError, match="the graph's not"):
        packing.packed(shown, Spec(*TALL))


class Brighter(torch.nn.Module):
    """Adds as much light as the jaw is open."""

    def forward(self, luma, chroma, how):
        opened = how["amounts"][:, arkit.INDEX["jawOpen"]]
        return luma + 40 * opened[:, None, None, None], chroma


def test_a_refiner_sees_pictures_and_amounts_before_they_are_rounded():
    graph, bank = stage(SMALL)
    refined = LayeredWarp(graph.spec, Brighter())
    shown = prepared("frontal", SMALL)
    rows = [row(shown, FaceState()), row(shown, FaceState(np.ones(arkit.COUNT, np.float32)))]
    plain = pictures(graph, bank, [0, 0], rows).astype(int)
    better = pictures(refined, bank, [0, 0], rows).astype(int)
    assert np.array_equal(plain[0], better[0])
    assert np.array_equal(np.minimum(plain[1, :512] + 40, 255), better[1, :512])
    assert np.array_equal(plain[1, 512:], better[1, 512:])


def test_a_row_is_written_in_place():
    shown = prepared("frontal", SMALL)
    (state,) = states(1, seed=6)
    out = np.full(STATE.size, np.nan, np.float32)
    made = packing.row(shown, posing.controls(state), posing.view(shown.body, state.pose), out)
    assert made is out
    assert np.array_equal(out, row(shown, state))


def test_sizes_that_video_cannot_have_are_refused():
    for size in ((511, 512), (512, 62)):
        with pytest.raises(ModelError, match="both even"):
            Spec(*size)
