"""A short recording, and when it says which sound."""

from __future__ import annotations

from pathlib import Path

# "Pamela bought a big purple map, maybe." by flite's voice rms, which nobody trained on, and when
# it says which sound (s).
RECORDING = Path(__file__).parents[1] / "data" / "rms_map.flac"
LIPS = {"p": [(0.136, 0.233), (1.219, 1.339), (1.416, 1.481), (1.860, 1.975)],
        "b": [(0.655, 0.743), (0.985, 1.089), (2.331, 2.386)],
        "m": [(0.370, 0.458), (1.634, 1.707), (2.098, 2.174)]}  # fmt: skip
