"""Resemblyzer's voice encoder as an ONNX file: `speaker.onnx`.

python -m visavis.models.tools.voices.speaker pretrained.pt models/data/speaker.onnx

pretrained.pt lies in the wheel Resemblyzer-0.1.4 (Apache-2.0). Weights are kept as float16: the
embeddings differ from those of its own code by a cosine of 0.9995 where both hear the same frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

_HIDDEN = 256


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    # The file holds its optimizer as well, in a form of 2019 that `weights_only` cannot read.
    found = torch.load(options.weights, map_location="cpu", weights_only=False)["model_state"]
    onnx.save(network({name: each.numpy() for name, each in found.items()}), options.output)


def network(weights: dict[str, Any]) -> onnx.ModelProto:
    """mels (160, parts, 40) -> embedding (parts, 256) of length 1."""
    parts: dict[str, Any] = {"out": weights["linear.weight"].T, "out_bias": weights["linear.bias"]}
    nodes, x = [], "mels"
    for layer in range(3):
        given, back = weights[f"lstm.weight_ih_l{layer}"], weights[f"lstm.weight_hh_l{layer}"]
        into, again = weights[f"lstm.bias_ih_l{layer}"], weights[f"lstm.bias_hh_l{layer}"]
        parts[f"w{layer}"] = _gates(given)[None]
        parts[f"r{layer}"] = _gates(back)[None]
        parts[f"b{layer}"] = np.concatenate([_gates(into), _gates(again)])[None]
        names = [x, f"w{layer}", f"r{layer}", f"b{layer}"]
        lstm = helper.make_node("LSTM", names, [f"y{layer}", f"h{layer}"], hidden_size=_HIDDEN)
        nodes += [lstm, helper.make_node("Squeeze", [f"y{layer}", "one"], [f"x{layer}"])]
        x = f"x{layer}"
    nodes += [
        helper.make_node("Squeeze", ["h2", "zero"], ["last"]),
        helper.make_node("Gemm", ["last", "out", "out_bias"], ["raw"]),
        helper.make_node("Relu", ["raw"], ["positive"]),
        helper.make_node("LpNormalization", ["positive"], ["embedding"], axis=1, p=2),
    ]
    casts = [helper.make_node("Cast", [f"{n}_half"], [n], to=TensorProto.FLOAT) for n in parts]
    constants = [
        numpy_helper.from_array(v.astype(np.float16), f"{n}_half") for n, v in parts.items()
    ]
    constants += [numpy_helper.from_array(np.array([at]), n) for n, at in (("one", 1), ("zero", 0))]
    graph = helper.make_graph(
        [*casts, *nodes], "speaker",
        [helper.make_tensor_value_info("mels", TensorProto.FLOAT, [160, "parts", 40])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["parts", _HIDDEN])],
        constants,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def _gates(weights: Any) -> Any:
    """From PyTorch's order (input, forget, cell, output) to ONNX's: input, output, forget, cell."""
    enters, keeps, new, leaves = np.split(weights, 4)
    return np.concatenate([enters, leaves, keeps, new])


if __name__ == "__main__":
    main()
