"""The graph as ONNX, for run times that build their engines from it, and what names it.

Newton's step is written down once, as a function of the model, and put in wherever it is called:
PyTorch's exporter takes 10 ms for every operation that it walks through.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import inliner, numpy_helper
from torch import Tensor, nn

from visavis.models.graph import inverse
from visavis.models.graph.spec import AVATARS_NAME, BATCH, BATCH_NAME, VERSION, Spec
from visavis.models.graph.warp import LayeredWarp

OPSET: Final = 20
DOMAIN: Final = "visavis"
SEARCH: Final = "Search"
STEP: Final = "NewtonStep"
Array = npt.NDArray[Any]

_ROOMS: Final = Path(__file__).parents[1]


def onnx_bytes(spec: Spec, refiner: nn.Module | None = None) -> bytes:
    """The model: inputs and output as `spec` names them, "batch" and "avatars" dynamic."""
    batch = torch.export.Dim(BATCH_NAME, min=BATCH[0], max=BATCH[1])
    avatars = torch.export.Dim(AVATARS_NAME)
    example = tuple(
        torch.zeros([2 if n == BATCH_NAME else 3 if n == AVATARS_NAME else int(n) for n in t.shape],
                    dtype=getattr(torch, t.dtype))
        for t in spec.inputs
    )  # fmt: skip
    model = _exported(
        LayeredWarp(spec, refiner, _named_search),
        example,
        tuple({0: batch if t in spec.state else avatars} for t in spec.inputs),
        [t.name for t in spec.inputs],
        [spec.output.name],
    )
    _step_by_step(model)
    model.functions.append(_step_function())
    whole: bytes = inliner.inline_local_functions(model).SerializeToString()
    return whole


def _exported(
    module: nn.Module,
    example: tuple[Tensor, ...],
    dims: tuple[Mapping[int, Any], ...],
    inputs: list[str],
    outputs: list[str],
) -> onnx.ModelProto:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own parts that are to go
        program = torch.onnx.export(
            module.eval(),
            example,
            dynamo=True,
            optimize=False,  # minutes; run times do it themselves
            opset_version=OPSET,
            dynamic_shapes=dims,
            input_names=inputs,
            output_names=outputs,
            verbose=False,
        )
    file = io.BytesIO()
    program.save(file)  # type: ignore[arg-type,union-attr]
    model = onnx.load_from_string(file.getvalue())
    for node in model.graph.node:  # which line of ours made it: of no use to a run time
        del node.metadata_props[:]
        node.ClearField("doc_string")
    _fold(model.graph)
    return model


def _fold(graph: onnx.GraphProto) -> None:
    """Write out what the exporter leaves to be computed from constants: TensorRT wants to see axes
    and bounds, and the exporter's own optimizer takes minutes."""
    known = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    nodes = []
    for node in graph.node:
        found = _constant(node, known)
        if found is None:
            nodes.append(node)
        else:
            known[node.output[0]] = found
    wanted = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in known.items() if name in wanted
    )


def _constant(node: onnx.NodeProto, known: Mapping[str, Array]) -> Array | None:
    """What a node says, if that does not depend on any input."""
    values = [known.get(name) for name in node.input]
    if node.op_type == "Constant":
        return _written(node.attribute[0])
    if any(value is None for value in values):
        return None
    given = [value for value in values if value is not None]
    if node.op_type == "Reshape":
        return given[0].reshape(given[1])
    if node.op_type == "Concat":
        return np.concatenate(given, node.attribute[0].i)
    if node.op_type == "Cast":
        return given[0].astype(onnx.helper.tensor_dtype_to_np_dtype(node.attribute[0].i))
    return None


def _written(attribute: onnx.AttributeProto) -> Array:
    """The value of a constant."""
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return numpy_helper.to_array(value)
    return np.array(value, np.float32 if "float" in attribute.name else np.int64)


def _named_search(
    cells: Tensor, each: Tensor, target: Tensor, place: Tensor, steps: int, limit: float
) -> tuple[Tensor, Tensor]:
    """Stands for inverse.search."""
    missed = inverse.unknown(place)
    found = torch.onnx.ops.symbolic_multi_out(
        f"{DOMAIN}::{SEARCH}",
        (cells, each, target, inverse.bounds(place, limit), place, missed),
        {"steps": steps},
        dtypes=[torch.float32] * 2,
        shapes=[place.shape, missed.shape],
        version=1,
    )
    return found[0], found[1]


def _step_by_step(model: onnx.ModelProto) -> None:
    """Write every search as the steps that it takes."""
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type != SEARCH:
            nodes.append(node)
            continue
        *given, place, missed = node.input
        now = [place, place, missed]
        for k in range(node.attribute[0].i + 1):
            following = [f"{node.output[0]}/{name}/{k}" for name in ("place", "best", "missed")]
            nodes.append(onnx.helper.make_node(STEP, [*given, *now], following, domain=DOMAIN))
            now = following
        nodes[-1].output[1:] = node.output
    del model.graph.node[:]
    model.graph.node.extend(nodes)


class _Step(nn.Module):
    def forward(
        self, cells: Tensor, each: Tensor, target: Tensor, limit: Tensor, place: Tensor,
        best: Tensor, missed: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """inverse.step as a graph of its own."""
        return inverse.step(cells, each, target, limit, place, best, missed)


def _step_function() -> onnx.FunctionProto:
    """inverse.step, in the form of one function of a model."""
    n, count, rows = (torch.export.Dim(name) for name in ("n", "count", "rows"))
    widths = {"cells": 16, "each": 5, "target": 2, "limit": 1, "place": 2, "best": 2, "missed": 1}
    shapes = {"cells": (12, 16), "limit": (1,)}
    dims: dict[str, dict[int, Any]] = {"cells": {0: rows}, "limit": {}}
    model = _exported(
        _Step(),
        tuple(torch.zeros(shapes.get(name, (3, 4, width))) for name, width in widths.items()),
        tuple(dims.get(name, {0: n, 1: count}) for name in widths),
        list(widths),
        ["next_place", "next_best", "next_missed"],
    )
    graph = model.graph
    constants = [
        onnx.helper.make_node("Constant", [], [value.name], value=value)
        for value in graph.initializer
    ]
    return onnx.helper.make_function(
        DOMAIN,
        STEP,
        [value.name for value in graph.input],
        [value.name for value in graph.output],
        [*constants, *graph.node],
        model.opset_import,
    )


@cache
def _sources(*rooms: str) -> bytes:
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((_ROOMS / room).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()


def digest(spec: Spec, refiner: nn.Module | None = None) -> str:
    """What an engine of this graph is kept under: changes with whatever changes the graph, of a
    refiner its weights and its form as PyTorch prints it."""
    whole = hashlib.sha256(_sources("graph", "warp"))
    if refiner is not None:
        whole.update(_sources("refine"))
        whole.update(repr(refiner).encode())
        for name, value in sorted(refiner.state_dict().items()):
            whole.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    whole.update(repr((VERSION, OPSET, torch.__version__, spec)).encode())
    return whole.hexdigest()[:16]
