"""The refiner as ONNX with a free batch, for onnxruntime and as part of a larger graph."""

from __future__ import annotations

import warnings
from typing import Any, Final

import torch

from visavis.models.refine.network import Refiner
from visavis.models.refine.windows import AMOUNTS, EYE, MOUTH, PLANES

INPUTS: Final = ("mouth", "eye_right", "eye_left", "amounts")
OUTPUTS: Final = ("mouth_residual", "eye_right_residual", "eye_left_residual")


def onnx_bytes(network: Refiner) -> bytes:
    """Weights inside; inputs and outputs as in Refiner.forward, batch from 1 on."""
    shapes = [(PLANES, n // 2, m // 2) for n, m in (MOUTH, EYE, EYE)]
    # An example of two: a batch of one would be taken for a constant.
    planes = [torch.full((2, *shape), 128.0) for shape in shapes]
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own parts that are to go
        program = torch.onnx.export(
            network.eval(),
            (*planes, torch.zeros(2, AMOUNTS)),
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=({0: batch},) * 4,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    parts: list[Any] = [*model.graph.node, *model.graph.value_info, *model.functions]
    for part in (model.graph, *parts):
        del part.metadata_props[:]  # where in whose sources each node came from
    return bytes(model.SerializeToString())
