"""What runs the graph, on a small one and without a GPU."""

import numpy as np
import pytest
import torch
from support import toy_graph, toy_tensorrt
from support.toy_graph import HEIGHT, WIDTH, Toy, ToySpec

from visavis.engines.base import EngineError
from visavis.engines.render.on_tensorrt import TensorRtRuntime
from visavis.engines.render.on_torch import TorchRuntime
from visavis.engines.render.pool import PicturePool
from visavis.engines.render.runtimes import BUCKETS, bucket, filled
from visavis.engines.render.tensorrt_library import Library


def state(count):
    moved = np.random.default_rng(1).uniform(-1, 1, (count, 3)).astype(np.float32)
    return np.arange(count, dtype=np.int32) % 2, moved


def test_torch_draws_a_batch_as_it_draws_each():
    runtime = TorchRuntime(Toy(), ToySpec(), "cpu")
    bank = toy_graph.bank()
    runtime.warm(bank, state(1))
    avatars, moved = state(5)
    together = runtime.run(bank, (avatars, moved))
    assert together.shape == (5, HEIGHT * 3 // 2, WIDTH)
    for n in range(5):
        (alone,) = runtime.run(bank, (avatars[n : n + 1], moved[n : n + 1]))
        assert np.array_equal(alone, together[n])
    assert not np.array_equal(together[0], together[1])


def test_a_graph_that_makes_something_else_is_refused():
    def floats(*inputs):
        return Toy()(*inputs).float()

    with pytest.raises(EngineError, match=r"made \(2, 144, 64\) torch.float32 in place of"):
        TorchRuntime(floats, ToySpec(), "cpu").run(toy_graph.bank(), state(2))


@pytest.mark.parametrize(
    ("error", "words"),
    [(torch.OutOfMemoryError("tried to allocate 3 GiB"), "torch: the GPU is out of memory"),
     (RuntimeError("CUDA error: unknown\nCompile with TORCH_USE_CUDA_DSA"),
      "torch: RuntimeError: CUDA error: unknown"),
     (IndexError("slot 9"), "torch: IndexError: slot 9")],
)  # fmt: skip
def test_what_a_device_throws_is_an_engine_error(error, words):
    def broken(*_inputs):
        raise error

    runtime = TorchRuntime(broken, ToySpec(), "cpu")
    with pytest.raises(EngineError) as caught:
        runtime.run(toy_graph.bank(), state(1))
    assert str(caught.value) == words
    with pytest.raises(EngineError, match="torch: "):
        runtime.load(broken)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_engine_error():
    with pytest.raises(EngineError, match="this PyTorch finds no GPU"):
        TorchRuntime(Toy(), ToySpec(), "cuda")


def test_batches_are_filled_up_with_the_first_row():
    assert [bucket(n) for n in (1, 2, 3, 16, 17, 64)] == [1, 2, 4, 16, 32, 64]
    assert max(BUCKETS) == 64
    rows = np.arange(6).reshape(3, 2)
    assert np.array_equal(filled(rows, 4), [*rows, rows[0]])
    assert filled(rows, 3) is rows


def test_pictures_lie_in_memory_that_is_used_again_once_nobody_looks():
    pool = PicturePool(lambda shape: np.empty(shape, np.uint8), most=100)
    first = pool.take((2, 4, 5))
    first[:] = 7
    kept = list(first)[1]  # one picture of two
    del first
    second = pool.take((2, 4, 5))
    second[:] = 9
    assert kept.min() == kept.max() == 7
    assert pool.held == 80
    del kept
    assert pool.take((2, 4, 5)) is not None
    assert pool.held == 80


def test_pinned_memory_has_an_end():
    pool = PicturePool(lambda shape: np.empty(shape, np.uint8), most=100)
    held = [pool.take((2, 4, 5)) for _ in range(2)]
    assert pool.take((2, 4, 5)) is None
    assert pool.take((1, 4, 5)) is not None
    held.clear()
    assert pool.take((2, 4, 5)) is not None


@pytest.fixture
def trt(monkeypatch):
    monkeypatch.setattr(toy_tensorrt.Context, "bindings", 0)
    monkeypatch.setattr(toy_tensorrt.Context, "fails", False)
    return Library("support.toy_tensorrt")  # of no name that is known: taken for RTX


def test_tensorrt_is_bound_anew_when_batch_or_bank_change_and_only_then(trt):
    kept = []
    runtime = TensorRtRuntime(trt, b"toy", ToySpec(), "cpu", b"of an earlier run", kept.append)
    bank = toy_graph.bank()
    expected = TorchRuntime(Toy(), ToySpec(), "cpu")
    for count in (3, 4, 4, 1, 3):
        made = runtime.run(bank, state(count)).copy()
        assert np.array_equal(made, expected.run(bank, state(count)))
    assert toy_tensorrt.Context.bindings == 6 * 3  # batches of 4, 1 and 4
    larger = toy_graph.bank(5)
    assert np.array_equal(runtime.run(larger, state(3)), expected.run(larger, state(3)))
    assert toy_tensorrt.Context.bindings == 6 * 4
    runtime.warm(bank, state(1))
    assert kept == [b"kernels"]
    assert toy_tensorrt.Cache.loaded == b"of an earlier run"
    runtime.close()


@pytest.mark.parametrize(
    ("engine", "words"),
    [(b"old", "the engine cannot be loaded: engine plan file is not compatible"),
     (b"other", "the engine is for another graph")],
)  # fmt: skip
def test_an_engine_that_does_not_fit_is_refused(trt, engine, words):
    with pytest.raises(EngineError, match=words):
        TensorRtRuntime(trt, engine, ToySpec(), "cpu")


def test_tensorrt_that_fails_or_is_given_too_much_says_so(trt):
    runtime = TensorRtRuntime(trt, b"toy", ToySpec(), "cpu")
    with pytest.raises(EngineError, match=r"textures may not have the shape \(65, 1, 144, 64\)"):
        runtime.run(toy_graph.bank(65), state(1))
    toy_tensorrt.Context.fails = True
    with pytest.raises(EngineError, match="tensorrt_rtx: a picture failed: it does not say why"):
        runtime.run(toy_graph.bank(), state(1))
