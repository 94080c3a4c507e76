"""The refiner in the graph: the pictures that the CPU draws and refines afterwards."""

from dataclasses import replace
from functools import cache

import numpy as np
import onnxruntime
import pytest
import torch
from support.four_avatars import NAMES, four_avatars, states
from support.parity import MEAN, WORST, apart

from visavis.engines.render import posing
from visavis.engines.render.warp import draw
from visavis.models import manifest
from visavis.models.errors import ModelError
from visavis.models.graph import export, packing, refining
from visavis.models.graph.bank import Bank
from visavis.models.graph.spec import REFINED_STATE, STATE, Spec
from visavis.models.graph.warp import LayeredWarp
from visavis.models.refine import apply, weights, windows
from visavis.models.warp import scene

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SMALL = (512, 512)
TALL = (720, 1280)


@cache
def ask():
    return apply.network(manifest.locate("refiner"))


@cache
def stage(name, size):
    """The graph with the refiner, a bank with one avatar, its scene, and where it is refined."""
    spec = Spec(*size, refine=True)
    shown, bank = scene.build(four_avatars(name), *size), Bank(spec, "cpu")
    bank.add(packing.packed(shown, spec))
    return LayeredWarp(spec, refining.shipped(spec)), bank, shown, windows.places(shown)


def row(shown, at, state):
    motion = posing.view(shown.body, state.pose)
    return packing.refined_row(shown, at, posing.controls(state), motion, state.pose)


def pictures(graph, bank, rows):
    with torch.inference_mode():
        avatar = torch.zeros(len(rows), dtype=torch.int32)
        return graph(avatar, torch.from_numpy(np.stack(rows)), *bank.arrays.values()).numpy()


def refined(shown, at, state):
    """What the CPU makes of it: the plain picture, and the refined one."""
    plain = draw(shown, state)
    picture, motion = plain.copy(), posing.view(shown.body, state.pose)
    told = windows.amounts(posing.controls(state), state.pose)
    apply.refine(picture, at, motion, told, ask())
    return plain, picture


def compare(name, size, given):
    """The worst of both measures; and how far the refiner moved any region, at the most."""
    graph, bank, shown, at = stage(name, size)
    found = []
    for state in given:
        plain, expected = refined(shown, at, state)
        (ours,) = pictures(graph, bank, [row(shown, at, state)])
        found.append((*apart(ours, expected), apart(plain, expected)[1]))
    return np.max(found, 0)


@pytest.mark.parametrize(
    ("name", "size", "count"), [("frontal", SMALL, 3), ("tomas", SMALL, 2), ("frontal", TALL, 1)]
)
def test_pictures_are_those_refined_afterwards(name, size, count):
    mean, worst, moved = compare(name, size, states(count, seed=11))
    assert mean <= MEAN
    assert worst <= WORST
    assert moved > 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("size", [SMALL, TALL])
@pytest.mark.parametrize("name", NAMES)
def test_many_pictures_are_those_refined_afterwards(name, size):
    mean, worst, moved = compare(name, size, states(40, seed=12))
    assert mean <= MEAN
    assert worst <= WORST
    assert moved > 5


def test_what_is_not_refined_is_the_plain_graph_s_picture():
    """An avatar without places, and one with glasses, beside one that is."""
    graph, bank, shown, at = stage("frontal", SMALL)
    (state,) = states(1, seed=11)
    behind_glasses = replace(at, eyes=False)
    rows = [row(shown, where, state) for where in (None, behind_glasses, at)]
    plain = pictures(LayeredWarp(Spec(*SMALL)), bank, [rows[0][: STATE.size]])[0]
    nowhere, mouth, everywhere = pictures(graph, bank, rows)
    assert np.array_equal(nowhere, plain)
    _, expected = refined(shown, behind_glasses, state)
    assert apart(mouth, expected)[1] <= WORST
    assert apart(mouth, everywhere)[1] > 5


@pytest.mark.parametrize("step", [1, 2, 3])
def test_windows_are_cut_and_laid_as_on_the_cpu(step):
    """Wherever they are, and however much of them is out of the picture."""
    rng = np.random.default_rng(step)
    picture = rng.integers(60, 180, (96 * 3 // 2, 128), np.uint8)
    luma = torch.from_numpy(picture[:96].astype(np.float32))[None, None]
    chroma = torch.from_numpy(picture.ravel()[96 * 128 :].reshape(1, 2, 48, 64).astype(np.float32))
    corners = np.array([(-30, -18), (60, 2), (100, 80)], np.int32)
    looks = torch.tensor([[[x, y, step, 1] for x, y in corners]], dtype=torch.float32)
    whole = refining._cut(luma, looks, 1, refining.LUMA_BLACK)
    half = refining._cut(chroma, looks, 2, refining.CHROMA_BLACK)
    added, parts = picture.copy(), []
    for k, size in enumerate(windows.SIZES.values()):
        ours = torch.cat([torch.nn.functional.pixel_unshuffle(whole[k], 2), half[k]], 1)[0].numpy()
        assert np.allclose(ours, windows.cut(picture, corners[k], size, step), atol=1e-3)
        parts.append(rng.uniform(-9, 9, ours.shape).astype(np.float32))
        windows.add(added, corners[k], parts[k], step)
    given = [torch.from_numpy(part)[None] for part in parts]
    fine = [torch.nn.functional.pixel_shuffle(part[:, :4], 2) for part in given]
    luma = luma + refining._laid(fine, luma, looks)
    chroma = chroma + refining._laid([part[:, 4:] for part in given], chroma, looks, 2)
    ours = np.concatenate([luma.numpy().ravel(), chroma.numpy().ravel()])
    assert np.abs(ours - added.ravel()).max() <= 1.501  # each of three windows is rounded there


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30])
def test_no_sample_is_looked_for_outside_whatever_a_state_holds(value):
    spec = Spec(64, 96, refine=True)
    graph, bank = LayeredWarp(spec, refining.shipped(spec)), Bank(spec, "cpu")
    drawn = pictures(graph, bank, [np.full(REFINED_STATE.size, value, np.float32)] * 2)
    assert drawn.shape == (2, 144, 64)


def test_an_engine_with_the_refiner_has_another_name():
    spec = Spec(*SMALL, refine=True)
    refiner = refining.shipped(spec)
    named = {export.digest(spec, refiner), export.digest(Spec(*SMALL))}
    assert export.digest(spec, refining.shipped(spec)) in named
    assert len(named) == 2
    assert refining.shipped(Spec(*SMALL)) is None


def test_a_file_without_the_weights_is_named(tmp_path):
    path = tmp_path / "refiner.onnx"
    for content in (b"no network", b""):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"refiner\.onnx does not hold the refiner's weights"):
            weights.load(path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_another_run_time_refines_the_same():
    graph, bank, shown, at = stage("frontal", SMALL)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    model = export.onnx_bytes(graph.spec, graph.refiner)
    other = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    arrays = {name: array.numpy() for name, array in bank.arrays.items()}
    rows = [row(shown, at, state) for state in states(3, seed=11)]
    for chosen in ([0], [2, 0, 1]):
        given = np.stack([rows[k] for k in chosen])
        avatar = np.zeros(len(chosen), np.int32)
        (theirs,) = other.run(None, {"avatar": avatar, "state": given, **arrays})
        assert np.array_equal(theirs, pictures(graph, bank, given))
