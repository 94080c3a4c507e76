"""The network's weights out of the file that onnxruntime runs: there is no second copy of them."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from visavis.models.errors import ModelError
from visavis.models.refine.network import Refiner


def load(path: Path) -> Refiner:
    """The network of an ONNX file as export.onnx_bytes writes it. Raises ModelError, OSError."""
    network = Refiner()
    try:
        values = {v.name: v for v in onnx.load(path).graph.initializer}
        network.load_state_dict(
            {
                name: torch.from_numpy(numpy_helper.to_array(values[name]).copy())
                for name in network.state_dict()
            }
        )
    except (DecodeError, KeyError, RuntimeError, ValueError) as error:
        message = f"{path.name} does not hold the refiner's weights: reinstall visavis"
        raise ModelError("refiner-invalid", message) from error
    return network.eval()
