"""Made-up speech and what a motion does with it, for the tests of motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis.engines.base import PLAY_RATE, Alphabet, Floats, Motion, Phoneme, Speech, Word
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.models.arkit import INDEX

Frames = dict[int, Floats]  # sample -> (52,)

FRAME = 1920  # samples of a picture at 25 fps
MS = PLAY_RATE // 1000
START = 2 * PLAY_RATE
MOUTH = [i for name, i in INDEX.items() if name.startswith(("jaw", "mouth", "tongue"))]
JAW, CLOSE, PUCKER, FUNNEL = (
    INDEX[n] for n in ("jawOpen", "mouthClose", "mouthPucker", "mouthFunnel")
)
LIPS_APART = [INDEX[n] for n in ("mouthLowerDownLeft", "mouthUpperUpLeft", "mouthFunnel")]


def speech(
    sounds: Sequence[tuple[str, int]],
    words: str = "",
    level: float = 3000,
    alphabet: Alphabet = "espeak",
) -> Speech:
    """`sounds`: (symbol, ms) pairs. A vowel is loud, a stop quiet, "" silent."""
    pcm, phonemes, at = [], [], 0
    rng = np.random.default_rng(0)
    for symbol, length in sounds:
        count = length * MS
        loud = {"": 0.0, "p": 0.01, "b": 0.01, "m": 0.25}.get(symbol, 1.0)
        tone = np.sin(2 * np.pi * 150 * np.arange(at, at + count) / PLAY_RATE)
        hiss = 0.0 if symbol == "m" else 0.3 * rng.standard_normal(count)
        pcm.append(loud * level * (tone + hiss))
        phonemes.append(Phoneme(symbol, at, at + count))
        at += count
    spans = [Word(word, i * at // 8, (i + 1) * at // 8) for i, word in enumerate(words.split())]
    samples = np.concatenate(pcm).astype(np.int16)
    return Speech(samples, tuple(phonemes), tuple(spans), alphabet)


def play(motion: Motion, start: int, end: int, step: int = FRAME) -> Frames:
    """{sample: (52,)} between two times."""
    return {at: motion.state(at).coefficients for at in range(start, end, step)}


def said(
    pieces: Sequence[Speech], *, seed: int = 1, lead: int = 150, tail: int = 400, step: int = FRAME
) -> Frames:
    """The coefficients around pieces that follow each other, each told `lead` ms ahead."""
    motion = VisemeMotion(seed)
    at = START
    frames: Frames = {}
    for piece in pieces:
        before = at - lead * MS
        frames |= play(motion, max(frames, default=-step) + step, before, step)
        motion.speak(at, piece)
        at += len(piece.pcm)
    return frames | play(motion, max(frames, default=-step) + step, at + tail * MS, step)


def opening(coefficients: Floats) -> float:
    """How far the lips are apart, in jawOpen's unit."""
    return float(coefficients[JAW] - coefficients[CLOSE] + 0.3 * coefficients[LIPS_APART].sum())


def at(frames: Frames, time: int) -> Floats:
    """The frame nearest to a time."""
    return frames[min(frames, key=lambda key: abs(key - time))]
