"""English or another language, out of the encoder of whisper tiny.en: the plane between them.

    apt-get download fortunes-br fortunes-cs fortunes-es fortunes-it fortunes-pl fortunes-ru \\
        fortunes-zh tuxpaint-stamps-default       # and dpkg-deb -x each of them into FOLDER
    python -m models.tools.language.train FOLDER  # needs espeak-ng; about five minutes of a core

What people recorded is in none of it: tuxpaint's and asterisk's recordings are kept for measuring
(docs/figures.md). Run from a clone.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from models.tools.language import texts
from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, Floats, Pcm, Prosody
from visavis.engines.ears.foreign_speech import pooled
from visavis.engines.ears.stt_whisper import WhisperStt
from visavis.engines.ears.whisper import clip_alone, least
from visavis.models import manifest

OUT: Final = Path(__file__).parents[2] / "data" / "foreign_speech.npz"
ACCENTS: Final = (
    *("en-us", "en-us-nyc", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan"),
    *("en-gb-x-gbcwmd", "en-029"),
)
VARIANTS: Final = (
    *("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7"),
    *("+croak", "+klatt", "+klatt2", "+klatt4"),
)
_RIDGE: Final = 1.0  # of a person's recordings least were mistaken with it, of 0.01 to 10
_SHORTEST, _LONGEST = HEAR_RATE, 6 * HEAR_RATE
_SPREAD: Final = 1.0 / 0.8  # makes the distance a standard deviation over all clips


class Hearer:
    """whisper's encoder, and the dice for rooms and noise."""

    def __init__(self, home: Path, seed: int) -> None:
        model = manifest.locate("whisper-tiny-en", home / "models").parent
        self._stt = WhisperStt(model)
        self.dice = np.random.default_rng(seed)

    def pooled(self, pcm: Pcm) -> Floats:
        """What `ForeignSpeech` sees of a clip."""
        encoded = self._stt.whisper.encode(pcm, least(len(pcm)))
        return pooled(clip_alone(encoded, len(pcm)))

    def elsewhere(self, pcm: Pcm) -> Pcm:
        """The same over a telephone, in a room, in noise, louder or softer."""
        dice, x = self.dice, pcm.astype(np.float64)
        if dice.random() < 0.5:
            narrow = soxr.resample(soxr.resample(x, HEAR_RATE, 8000), 8000, HEAR_RATE)
            x = np.resize(narrow, len(x))
        if dice.random() < 0.4:
            length = int(HEAR_RATE * dice.uniform(0.1, 0.35))
            room = dice.normal(size=length) * np.exp(-6 * np.arange(length) / length)
            room *= dice.uniform(0.05, 0.2)
            room[0] = 1.0
            x = np.convolve(x, room)[: len(x)]
        if dice.random() < 0.6:
            level = np.sqrt((x**2).mean())
            x += dice.normal(size=len(x)) * level * 10 ** (-dice.uniform(8, 30) / 20)
        x *= dice.uniform(400, 4000) / (np.sqrt((x**2).mean()) + 1e-6)
        return np.clip(x, -32768, 32767).astype(np.int16)


def espeak(voice: str, text: str, speed: int, pitch: int) -> Pcm:
    """(samples,) at HEAR_RATE."""
    program = shutil.which("espeak-ng") or "espeak-ng"
    command = [program, "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate = file.getframerate()
        pcm = np.frombuffer(made[44:], np.int16)  # it streams, and knows no length
    return np.asarray(soxr.resample(pcm, rate, HEAR_RATE), np.int16)


def neural(home: Path, sentences: list[str], dice: np.random.Generator) -> Iterator[Pcm]:
    """Our own voices, English."""
    for name in ("heart", "joe"):
        voice = load.tts(name, home)
        for text in sentences:
            manner = Prosody(float(dice.choice([0.9, 1.0, 1.15])), float(dice.choice([-2, 0, 2])))
            pcm = np.concatenate([piece.pcm for piece in voice.synthesize(text, manner)])
            yield np.asarray(soxr.resample(pcm, PLAY_RATE, HEAR_RATE), np.int16)


def spoken(
    root: Path, home: Path, count: int, dice: np.random.Generator
) -> Iterator[tuple[bool, Pcm]]:
    """Clips, and whether they are foreign; count: of English, and of all other languages."""
    asked = texts.english()
    dice.shuffle(asked)
    for number in range(count):
        yield False, _said(str(dice.choice(ACCENTS)), asked[number % len(asked)], dice)
    for pcm in neural(home, asked[: count // 9], dice):
        yield False, pcm
    each = max(1, count // len(texts.LANGUAGES))
    for voice in texts.LANGUAGES:
        more = 4 if voice == "cmn" else 1  # its sounds lie nearest to those of English here
        for text in texts.foreign(root, voice, more * each, seed=4):
            yield True, _said(voice, text, dice)


def _said(voice: str, text: str, dice: np.random.Generator) -> Pcm:
    speed, pitch = int(dice.choice([130, 150, 170, 195, 215])), int(dice.integers(25, 80))
    return espeak(voice + str(dice.choice(VARIANTS)), text, speed, pitch)


def plane(seen: Floats, foreign: Floats) -> tuple[Floats, float]:
    """(n, 768) and (n,) of 0 and 1 -> weights and offset: ridge regression, both sides as heavy."""
    mean, spread = seen.mean(0), seen.std(0) + 1e-6
    z = (seen - mean) / spread
    heavy = np.where(foreign == 1, 0.5 / foreign.mean(), 0.5 / (1 - foreign.mean()))
    gram = (z * heavy[:, None]).T @ z + _RIDGE * len(z) * np.eye(z.shape[1])
    weights = _SPREAD * np.linalg.solve(
        gram, (z * heavy[:, None]).T @ np.where(foreign == 1, 1, -1)
    )
    weights /= spread
    return weights.astype(np.float32), float(-(mean * weights).sum())


def main() -> None:
    """Write OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path, help="folder into which the packages were unpacked")
    parser.add_argument("--home", type=Path, default=Path.home() / ".local/share/visavis")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    hearer = Hearer(options.home, seed=3)
    seen, foreign = [], []
    for is_foreign, pcm in spoken(options.texts, options.home, options.count, hearer.dice):
        if _SHORTEST <= len(pcm) <= _LONGEST:
            seen += [hearer.pooled(pcm), hearer.pooled(hearer.elsewhere(pcm))]
            foreign += [is_foreign, is_foreign]
    weights, offset = plane(np.array(seen), np.array(foreign, np.float32))
    np.savez(options.out, weights=weights, offset=np.float32(offset))


if __name__ == "__main__":
    main()
