"""What a capture on a GPU forbids is not done, seen without one: on the device "meta"."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from visavis.models.graph.spec import Spec
from visavis.models.graph.warp import LayeredWarp

SPEC = Spec(128, 128)
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique")


class Watched(TorchDispatchMode):
    """Notes operators that mix in the host's memory, and those that wait for the device."""

    def __init__(self):
        super().__init__()
        self.faults = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        tensors = [each for each in tree_leaves((args, kwargs, made)) if torch.is_tensor(each)]
        if any(each.device.type != "meta" for each in tensors):
            self.faults.append(f"{func} in the host's memory")
        if any(word in str(func) for word in WAITS):
            self.faults.append(f"{func} waits")
        return made


def test_the_graph_stays_on_its_device_and_waits_for_nothing(monkeypatch):
    graph = LayeredWarp(SPEC).to("meta")
    inputs = [
        torch.empty(
            (4 if each in SPEC.state else 3, *each.shape[1:]),
            dtype=getattr(torch, each.dtype), device="meta",
        )
        for each in SPEC.inputs
    ]  # fmt: skip
    for name in ("tensor", "as_tensor", "from_numpy", "scalar_tensor"):
        monkeypatch.setattr(torch, name, lambda *_, **__: pytest.fail("a copy to the device"))
    with Watched() as watched, torch.inference_mode():
        made = graph(*inputs)
    assert watched.faults == []
    assert (made.shape, made.dtype) == ((4, 192, 128), torch.uint8)
