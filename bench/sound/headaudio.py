"""The published peer: HeadAudio's 14 kB viseme model, run by its own code, told as frames of 10 ms.

Fetched from npm (MIT licence) when it is asked for; nothing of it lies in this repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import PLAY_RATE, Floats, Pcm
from visavis.engines.lips.sound_visemes import NAMES

Integers = npt.NDArray[np.int64]

PACKAGE: Final = "@met4citizen/headaudio@0.1.0"
VISEMES: Final = (
    "aa",
    "E",
    "I",
    "O",
    "U",
    "PP",
    "SS",
    "TH",
    "DD",
    "FF",
    "kk",
    "nn",
    "RR",
    "CH",
    "sil",
)
SILENCE: Final = VISEMES.index("sil")
# How its model file classes phonemes, for the classes of `sound_visemes`; it does not know /h/.
TABLE: Final = {
    "sil": "sil", "aa": "aa", "ae": "aa", "ah": "aa", "ax": "E", "eh": "E", "ee": "E", "er": "E",
    "ih": "I", "iy": "I", "jj": "I", "ao": "O", "oh": "O", "oe": "O", "uh": "U", "uw": "U",
    "ww": "U", "wy": "U", "uu": "U", "yy": "I", "pp": "PP", "mm": "PP", "ss": "SS", "sh": "SS",
    "th": "TH", "dd": "DD", "ff": "FF", "kk": "kk", "xx": "kk", "nn": "nn", "ng": "nn", "ll": "RR",
    "rr": "RR", "ch": "CH", "hh": "",
}  # fmt: skip
DIPHTHONGS: Final = {
    "aɪ": "I", "I": "I", "aʊ": "U", "W": "U", "eɪ": "E", "A": "E", "oʊ": "O", "əʊ": "O", "O": "O",
    "Q": "O", "ɔɪ": "I", "Y": "I",
}  # fmt: skip
# The same viseme in the set of `sound_visemes.OCULUS`.
TO_OCULUS: Final = {"I": "ih", "O": "oh", "U": "ou"}
MATRIX: Final = np.array([[TABLE[n] == v for v in VISEMES] for n in NAMES], np.float32)

# How it may be set up: as it comes, as its README's example does, and without its voice gate.
SETTINGS: Final = {
    "default": {},
    "readme": {"vadGateActiveDb": -40, "vadGateInactiveDb": -60},
    "no gate": {"vadMode": 0},
}
RATES: Final = (16_000, 48_000)
_HIGHEST: Final = np.array([0.75 if v in {"PP", "FF"} else 0.65 for v in VISEMES])
_EASE_MS: Final = 100.0


class PeerMissing(Exception):
    """node, npm or the package is not there."""


@dataclass(frozen=True, slots=True)
class Told:
    """What it tells of one clip: (frames,) the viseme in force at the middle of each."""

    visemes: Integers

    def weights(self) -> Floats:
        """(frames, 15) as its `update` eases them into the face, at 100 Hz.

        Its code takes viseme 0, "aa", for none and never shows it; here it is shown.
        """
        alphas = np.zeros(len(VISEMES))
        rows = np.zeros((len(self.visemes), len(VISEMES)), np.float32)
        for row, viseme in zip(rows, self.visemes, strict=True):
            target = np.arange(len(VISEMES)) == viseme
            target[SILENCE] = False
            alphas = np.clip(alphas + np.where(target, 10.0, -10.0) / _EASE_MS, 0.0, 1.0)
            row[:] = _HIGHEST * _eased(alphas)
        return rows


def _eased(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    def base(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 1.0 / (1.0 + np.exp(-5.0 * t)) - 0.5

    return np.asarray(0.5 / base(np.ones(1)) * base(2.0 * x - 1.0) + 0.5)


def fetch(folder: Path) -> Path:
    """The package's folder. Raises PeerMissing."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise PeerMissing("node and npm are needed")
    package = folder / "package"
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", PACKAGE]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        archives = sorted(folder.glob("*.tgz"))
        if done.returncode or not archives:
            raise PeerMissing(f"npm pack {PACKAGE} failed")
        shutil.unpack_archive(archives[-1], folder, "gztar", filter="data")
    return package


def run(package: Path, clips: Sequence[Pcm], rate: int, settings: str) -> list[Told]:
    """Every clip (at PLAY_RATE) through its processor."""
    options = {"sampleRate": rate, "parameterData": SETTINGS[settings]}
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, pcm in enumerate(clips):
            path = Path(folder, f"{index}.f32")
            audio = pcm.astype(np.float32) / 32_768
            soxr.resample(audio, PLAY_RATE, rate).astype(np.float32).tofile(path)
            paths.append(str(path))
        script = Path(__file__).with_suffix(".mjs")
        command = ["node", str(script), str(package), json.dumps(options), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return [Told(_in_force(json.loads(line), len(c))) for line, c in zip(lines, clips, strict=True)]


def _in_force(events: Sequence[Sequence[float | str | None]], samples: int) -> Integers:
    count = -(-samples // (PLAY_RATE // 100))
    result = np.full(count, SILENCE)
    for first, second in events:
        at, viseme = (second, SILENCE) if first == "ended" else (first, second)
        if viseme is not None and at is not None:
            result[max(round(float(at) * 100), 0) :] = int(viseme)
    return result
