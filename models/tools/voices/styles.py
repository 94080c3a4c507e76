"""Kokoro's 54 styles, how each sounds, and the plane between both: `voice_styles.npz`.

python -m visavis.models.tools.voices.styles VOICES models/data/voice_styles.npz

VOICES: the folder voices of the npm package kokoro-js 1.2.1 (Apache-2.0), 54 files of (510, 256)
float32: a style for each number of symbols. The 510 of one voice differ by little, and by the same
in all voices, so a mean of each voice and one table for all are kept. The plane is fitted to the 54
and to MIXES random mixtures, each heard saying TEXTS by the speaker network: 2 s of work each.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import PLAY_RATE, Voice
from visavis.engines.voices.kokoro import KokoroTts
from visavis.engines.voices.speaker import encoder

MIXES: Final = 124
TEXTS: Final = (
    "The breakfast room is open from seven until half past ten.",
    "We look forward to seeing you again, and wish you a safe journey home.",
)
_STEPS: Final = 24  # directions of the plane, of 54 styles: 0.9 of what they differ by
_KEPT: Final = 12  # directions of the table of lengths: all but nothing of it
_LEASH: Final = 1.0  # ridge of the fit
Array = npt.NDArray[np.float64]


def main() -> None:
    """Read the voices, listen, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voices", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    tables = np.stack([_table(path) for path in sorted(options.voices.glob("*.bin"))])
    styles = tables.mean(axis=1)
    lengths = (tables - styles[:, None]).mean(axis=0)
    middle = styles.mean(axis=0)
    mixes = _mixes(styles, np.random.default_rng(1))
    heard = np.stack([_heard(style + lengths) for style in (*styles, *mixes)])
    _, _, directions = np.linalg.svd(styles - middle, full_matrices=False)
    scale = ((styles - middle) @ directions[:_STEPS].T).std(axis=0)
    basis = scale[:, None] * directions[:_STEPS]
    steps = (np.concatenate([styles, mixes]) - middle) @ directions[:_STEPS].T / scale
    given = np.column_stack([steps, np.ones(len(steps))])
    plane = np.linalg.solve(given.T @ given + _LEASH * np.eye(_STEPS + 1), given.T @ heard)
    left, sizes, right = np.linalg.svd(lengths, full_matrices=False)
    found = {
        "styles": styles, "heard": heard[: len(styles)], "basis": basis, "plane": plane,
        "length_weights": left[:, :_KEPT] * sizes[:_KEPT], "length_directions": right[:_KEPT],
    }  # fmt: skip
    np.savez(options.output, **{name: each.astype(np.float16) for name, each in found.items()})


def _table(path: Path) -> Array:
    return np.fromfile(path, "<f4").reshape(510, 256).astype(np.float64)


def _mixes(styles: Array, rng: np.random.Generator) -> Array:
    """Of two to four voices each, some of them beyond those that there are."""
    made = []
    for _ in range(MIXES):
        count = int(rng.integers(2, 5))
        chosen = rng.choice(len(styles), count, replace=False)
        mixed = rng.dirichlet(np.ones(count)) @ styles[chosen]
        made.append(styles.mean(axis=0) + rng.uniform(0.8, 1.6) * (mixed - styles.mean(axis=0)))
    return np.stack(made)


def _heard(table: Array) -> Array:
    tts = KokoroTts(Voice("style", "en", "", ""), table.astype(np.float32))
    said = np.concatenate([p.pcm for text in TEXTS for p in tts.synthesize(text)])
    audio = np.asarray(said / 32_768, np.float32)
    return encoder().embedding(audio, PLAY_RATE).astype(np.float64)


if __name__ == "__main__":
    main()
