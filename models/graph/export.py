"""The graph as ONNX, for run times that build their engines from it, and what names it."""

from __future__ import annotations

import hashlib
import io
import warnings
from functools import cache
from pathlib import Path
from typing import Final

import torch

from visavis.models.graph.spec import AVATARS_NAME, BATCH, BATCH_NAME, VERSION, Spec
from visavis.models.graph.warp import LayeredWarp

OPSET: Final = 20
_SOURCES: Final = (Path(__file__).parent, Path(__file__).parents[1] / "warp")


def onnx_bytes(spec: Spec) -> bytes:
    """The model, opset 20: inputs and output as `spec` names them, "batch" and "avatars" dynamic."""
    module = LayeredWarp(spec).eval()
    batch = torch.export.Dim(BATCH_NAME, min=BATCH[0], max=BATCH[1])
    avatars = torch.export.Dim(AVATARS_NAME)
    dims = tuple({0: batch if t in spec.state else avatars} for t in spec.inputs)
    example = tuple(
        torch.zeros(
            (2 if t in spec.state else 3, *t.shape[1:]),  # type: ignore[arg-type]
            dtype=getattr(torch, t.dtype),
        )
        for t in spec.inputs
    )
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the exporter's own parts that are to go
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=dims,
            input_names=[t.name for t in spec.inputs],
            output_names=[spec.output.name],
            verbose=False,
        )
        assert program is not None  # noqa: S101
        program.save(file)
    return file.getvalue()


@cache
def _sources() -> bytes:
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()


def digest(spec: Spec) -> str:
    """What an engine of this graph is kept under: changes with whatever changes the graph."""
    whole = hashlib.sha256(_sources())
    whole.update(repr((VERSION, OPSET, torch.__version__, spec)).encode())
    return whole.hexdigest()[:16]
