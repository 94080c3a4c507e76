"""The refiner: windows, network, export, and its training on pairs made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models.tools.refiner import pairs, train
from visavis.models.refine import apply, export, windows
from visavis.models.refine.network import Refiner

SHAPES = [(windows.PLANES, n // 2, m // 2) for n, m in windows.SIZES.values()]


@pytest.fixture(scope="module")
def network() -> Refiner:
    """One that changes something: trained it is not."""
    torch.manual_seed(5)
    made = Refiner().eval()
    with torch.no_grad():
        for part in (made.mouth, made.eye):
            part.out.weight.normal_(0, 0.2)
            part.out.bias.normal_(0, 0.2)
    return made


def given(count: int, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    planes = [rng.uniform(0, 255, (count, *shape)).astype(np.float32) for shape in SHAPES]
    return [*planes, rng.uniform(0, 1, (count, windows.AMOUNTS)).astype(np.float32)]


def ask(network: Refiner, values: list[np.ndarray]) -> list[np.ndarray]:
    with torch.no_grad():
        return [part.numpy() for part in network(*map(torch.from_numpy, values))]


def picture(seed: int = 3, width: int = 512, height: int = 512) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height * 3 // 2, width), np.uint8)


def test_same_state_same_residual_and_none_at_the_border(network: Refiner) -> None:
    first, again = (ask(network, given(2)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert (one == other).all()
        assert np.abs(one).max() > 1
        border = np.ones(one.shape[2:], bool)
        border[1:-1, 1:-1] = False
        assert (one[..., border] == 0).all()


def test_a_picture_of_a_batch_is_refined_as_alone(network: Refiner) -> None:
    values = given(3)
    together = ask(network, values)
    alone = ask(network, [value[1:2] for value in values])
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one[1:2], other, atol=0.02)


def test_a_mirrored_face_has_mirrored_eyes(network: Refiner) -> None:
    mouth, right, left, amounts = given(1)
    order, sign = windows.mirrored_amounts()

    def turned(planes: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(planes[..., ::-1][:, list(windows.MIRRORED)])

    plain = ask(network, [mouth, right, left, amounts])
    mirrored = ask(network, [mouth, turned(left), turned(right), amounts[:, order] * sign])
    np.testing.assert_allclose(turned(plain[1]), mirrored[2], atol=0.02)
    np.testing.assert_allclose(turned(plain[2]), mirrored[1], atol=0.02)


def test_an_untrained_network_changes_nothing() -> None:
    values = given(1)
    for residual in ask(Refiner().eval(), values):
        assert np.abs(residual).max() < 0.01  # of 255: nothing, once rounded


@pytest.mark.parametrize(("step", "size"), [(1, (512, 512)), (2, (720, 1280))])
def test_what_is_added_to_a_window_is_found_in_it(step: int, size: tuple[int, int]) -> None:
    before, corner = np.full((size[1] * 3 // 2, size[0]), 100, np.uint8), np.array([120, 200])
    after, shape = before.copy(), SHAPES[0]
    residual = np.zeros(shape, np.float32)
    for plane in range(6):
        residual[plane, 10:-10, 10:-10] = 20 if plane < 4 else 3 * plane
    windows.add(after, corner, residual, step)
    change = windows.cut(after, corner, windows.MOUTH, step) - windows.cut(
        before, corner, windows.MOUTH, step
    )
    inner = np.s_[:, 12:-12, 12:-12]
    np.testing.assert_allclose(change[inner], residual[inner], atol=0.01)
    assert (change[:, :8] == 0).all()


def test_planes_are_the_pictures_own_samples() -> None:
    whole, corner = picture(), np.array([10, 20])
    cut = windows.cut(whole, corner, windows.EYE)
    assert cut[0, 0, 0] == whole[20, 10]
    assert cut[1, 0, 0] == whole[20, 11]
    assert cut[2, 0, 0] == whole[21, 10]
    assert cut[3, 4, 5] == whole[29, 21]
    chroma = whole.reshape(-1)[512 * 512 :].reshape(2, 256, 256)
    assert (cut[4:] == chroma[:, 10 : 10 + 32, 5 : 5 + 44]).all()


@pytest.mark.parametrize("corner", [(-60, -40), (500, 490), (-300, 100), (600, 600)])
def test_a_window_may_lie_outside(corner: tuple[int, int]) -> None:
    whole, at = picture(), np.array(corner)
    cut = windows.cut(whole, at, windows.EYE)
    after = whole.copy()
    windows.add(after, at, np.zeros_like(cut))
    assert (after == whole).all()
    windows.add(after, at, np.full_like(cut, 300))
    inside = corner[0] > -88 and corner[1] > -64 and max(corner) < 512
    assert (after == 255).any() == (inside or bool((whole == 255).any()))
    assert (after != whole).sum() <= 88 * 64 * 3 // 2
    if not inside:
        assert (cut[:4] == 16).all()
        assert (cut[4:] == 128).all()


@pytest.mark.slow
def test_onnx_answers_as_torch_does(network: Refiner, tmp_path: Path) -> None:
    path = tmp_path / "refiner.onnx"
    path.write_bytes(export.onnx_bytes(network))
    assert path.stat().st_size < 1_000_000
    session = onnxruntime.InferenceSession(str(path))
    for count in (1, 3):
        values = given(count, seed=count)
        told = session.run(None, dict(zip(apply.INPUTS, values, strict=True)))
        for one, other in zip(told, ask(network, values), strict=True):
            np.testing.assert_allclose(one, other, atol=0.02)
    alone = apply.network(path)(*given(1, seed=1))
    np.testing.assert_allclose(alone[0], ask(network, given(1, seed=1))[0], atol=0.02)


def written(path: Path, seed: int) -> Path:
    """Two pairs; the truth is the warp, with a brighter mouth where it is open."""
    rng = np.random.default_rng(seed)
    warp = np.full((2, 768, 512), 110, np.uint8) + rng.integers(0, 20, (2, 768, 512), np.uint8)
    truth, amounts = warp.copy(), np.zeros((2, windows.AMOUNTS), np.float32)
    amounts[1, 24] = 1.0
    truth[1, 290:330, 220:290] += 40
    corners = np.array([[[184, 256], [168, 176], [256, 176]]] * 2, np.int32)
    edges = np.zeros((2, 512, 512), np.uint8)
    edges[:, 290:330, 220:290] = 1
    np.savez(
        path, state=np.arange(2), warp=warp, truth=truth, corners=corners, amounts=amounts,
        edges=edges,
    )  # fmt: skip
    return path


def test_windows_of_two_pairs(tmp_path: Path) -> None:
    mouths, eyes = pairs.read([written(tmp_path / "person-00.npz", 1)])
    assert len(mouths.warp) == len(eyes.warp) == 4  # the mirrored ones too
    rng = np.random.default_rng(0)
    batch = pairs.drawn(mouths, 8, rng)
    assert batch.given.shape == batch.own.shape == batch.true.shape == (8, *SHAPES[0])
    assert batch.given.min() >= 0
    assert batch.given.max() <= 255
    open_ = batch.amounts[:, 24] > 0
    brighter = np.abs((batch.true - batch.own)[:, :4]).max((1, 2, 3)) > 5
    assert (brighter == open_).all()  # neither noise nor compression is to be undone
    assert (batch.weight.max((1, 2, 3)) == pairs.EDGES).all()


def test_training_is_repeatable(tmp_path: Path) -> None:
    path = written(tmp_path / "person-00.npz", 1)
    first, again = (train.train([path], steps=3, batch=2) for _ in range(2))
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_training_learns_what_an_amount_does(tmp_path: Path) -> None:
    path = written(tmp_path / "person-00.npz", 1)
    network = train.train([path], steps=40, batch=4)
    with np.load(path) as data:
        cut = windows.cut(data["warp"][1], data["corners"][1][0], windows.MOUTH)[None]
        amounts = data["amounts"]
    eyes = [np.full((1, *SHAPES[1]), 120, np.float32)] * 2
    opened, shut = (ask(network, [cut, *eyes, amounts[k : k + 1]])[0] for k in (1, 0))
    lips = np.s_[:, :4, 20:34, 22:50]
    assert opened[lips].mean() > shut[lips].mean() + 0.3
