"""The trained sound-viseme network written as ONNX, node by node, so that no exporter is needed.

The same weights give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]

OPSET: Final = 17


def write(
    path: Path,
    weights: Mapping[str, Floats],
    names: Sequence[str],
    dilations: Sequence[int],
    frames: int,
) -> None:
    """Write the network.

    weights: those of `Network.state_dict()`. frames: how many a step takes and tells. Input `mel`
    (steps, frames * bands) and `state` (past steps, units); output `kinds` (steps * frames,
    classes), `jaw` (steps * frames,) and `next`, the state that follows.
    """
    parts = _Parts([], [])
    parts.constant("front_w", weights["front.weight"].T)
    parts.constant("front_b", weights["front.bias"])
    parts.node("MatMul", "mel front_w", "front_m")
    parts.node("Add", "front_m front_b", "front_a")
    parts.node("Relu", "front_a", "x0")
    parts.constant("past", np.array([2 * d for d in dilations], np.int64))
    parts.node("Split", "state past", " ".join(f"past{i}" for i in range(len(dilations))), axis=0)
    for index, dilation in enumerate(dilations):
        _layer(parts, weights, index, dilation)
    parts.node("Concat", " ".join(f"kept{i}" for i in range(len(dilations))), "next", axis=0)
    _heads(parts, weights, f"x{len(dilations)}", len(names))
    units, bands = weights["front.weight"].shape
    steps = 2 * sum(dilations)
    graph = _graph(parts, bands, [steps, units], len(names))
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="visavis")
    helper.set_model_props(model, {"kinds": " ".join(names), "step": str(frames)})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Nodes and constants of the graph as it grows."""

    nodes: list[onnx.NodeProto]
    constants: list[TensorProto]

    def constant(self, name: str, value: npt.NDArray[Any]) -> None:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))

    def node(self, kind: str, inputs: str, outputs: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs.split(), outputs.split(), **attributes))

    def rows(self, source: str, first: int, last: int | None, target: str) -> None:
        """Rows [first, last) of a tensor, counted from its end where negative."""
        end = np.iinfo(np.int64).max if last is None else last
        self.constant(f"{target}_first", np.array([first], np.int64))
        self.constant(f"{target}_last", np.array([end], np.int64))
        self.node("Slice", f"{source} {target}_first {target}_last zero", target)


def _layer(parts: _Parts, weights: Mapping[str, Floats], index: int, dilation: int) -> None:
    """Input x{index} and its past; output x{index + 1} and the past that is kept."""
    here = f"x{index}"
    parts.node("Concat", f"past{index} {here}", f"all{index}", axis=0)
    parts.rows(f"all{index}", -2 * dilation, None, f"kept{index}")
    parts.rows(f"all{index}", 0, -2 * dilation, f"far{index}")
    parts.rows(f"all{index}", dilation, -dilation, f"near{index}")
    parts.node("Concat", f"far{index} near{index} {here}", f"taps{index}", axis=1)
    parts.constant(f"w{index}", weights[f"layers.{index}.weight"].T)
    parts.constant(f"b{index}", weights[f"layers.{index}.bias"])
    parts.node("MatMul", f"taps{index} w{index}", f"m{index}")
    parts.node("Add", f"m{index} b{index}", f"a{index}")
    parts.node("Relu", f"a{index}", f"r{index}")
    parts.node("Add", f"{here} r{index}", f"x{index + 1}")


def _heads(parts: _Parts, weights: Mapping[str, Floats], below: str, count: int) -> None:
    """Classes and jaw of every frame of a step, one frame after the other."""
    parts.constant("zero", np.array([0], np.int64))
    parts.constant("head_w", weights["head.weight"].T)
    parts.constant("head_b", weights["head.bias"])
    parts.constant("shape", np.array([-1, count + 1], np.int64))
    parts.constant("sizes", np.array([count, 1], np.int64))
    parts.constant("flat", np.array([-1], np.int64))
    parts.node("MatMul", f"{below} head_w", "head_m")
    parts.node("Add", "head_m head_b", "head_a")
    parts.node("Reshape", "head_a shape", "told")
    parts.node("Split", "told sizes", "logits jaw_raw", axis=1)
    parts.node("Softmax", "logits", "kinds", axis=1)
    parts.node("Relu", "jaw_raw", "jaw_rows")
    parts.node("Reshape", "jaw_rows flat", "jaw")


def _graph(parts: _Parts, bands: int, state: Sequence[int], count: int) -> onnx.GraphProto:
    def tensor(name: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    return helper.make_graph(
        parts.nodes,
        "sound_visemes",
        [tensor("mel", ["steps", bands]), tensor("state", state)],
        [tensor("kinds", ["frames", count]), tensor("jaw", ["frames"]), tensor("next", state)],
        parts.constants,
        doc_string="log-mel to speech sounds and jaw",
    )
