"""The weights of Resemblyzer's voice encoder as numpy reads them: `speaker.npz`.

python -m visavis.models.tools.voices.speaker pretrained.pt models/data/speaker.npz

pretrained.pt lies in the wheel Resemblyzer-0.1.4 (Apache-2.0). float16: the embeddings differ from
those of its own code by a cosine of 0.9995 and more where both hear the same frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    # The file holds its optimizer as well, in a form of 2019 that `weights_only` cannot read.
    found = torch.load(options.weights, map_location="cpu", weights_only=False)["model_state"]
    parts = {"out": found["linear.weight"].T, "out_bias": found["linear.bias"]}
    for layer in range(3):
        parts[f"into{layer}"] = found[f"lstm.weight_ih_l{layer}"].T
        parts[f"back{layer}"] = found[f"lstm.weight_hh_l{layer}"].T
        parts[f"bias{layer}"] = found[f"lstm.bias_ih_l{layer}"] + found[f"lstm.bias_hh_l{layer}"]
    np.savez(options.output, **{k: v.numpy().astype(np.float16) for k, v in parts.items()})


if __name__ == "__main__":
    main()
