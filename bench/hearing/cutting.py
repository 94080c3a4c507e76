"""Hesitations made of fluent speech: pauses, drawn-out words and "um" where a phrase marks them.

The phrase is spoken as a whole and cut at a word's end where the voice tells its words' times, so
the melody stays that of an unfinished sentence. Voices that do not (flite, espeak-ng) speak the
parts by themselves, each with a comma at its end, which is said as something that goes on.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import numpy as np

from bench.hearing.people import Clip, levelled, says, timed
from visavis.engines.base import PLAY_RATE, Floats

_MARK: Final = re.compile(r"\s*([|~_])\s*")
_FADE: Final = PLAY_RATE // 200


def spoken(voice: str, marked: str, rng: np.random.Generator, pause: tuple[float, float]) -> Clip:
    """A phrase with its hesitations; pauses last `pause` s, those around an "um" half of it."""
    pieces = _MARK.split(marked)
    parts, marks = pieces[::2], pieces[1::2]
    sounds = _parts(voice, parts)
    out = [sounds[0]]
    for mark, sound in zip(marks, sounds[1:], strict=True):
        if mark == "_":
            out[-1] = drawn_out(out[-1])
        rest = rng.uniform(*pause)
        if mark == "~":
            um = drawn_out(says(voice, "Um,").sound, 1.5)
            out += [_silence(rest / 2), um, _silence(rest / 2), sound]
        else:
            out += [_silence(rest), sound]
    said = " ".join(_MARK.sub(" ", marked).split())
    return Clip(voice, said, levelled(np.concatenate(out)))


def _parts(voice: str, parts: list[str]) -> list[Floats]:
    whole = timed(voice, " ".join(parts)) if voice in ("heart", "joe") else None
    if whole is None:
        texts = [*(f"{part.rstrip(',')}," for part in parts[:-1]), parts[-1]]
        return [_faded(says(voice, text).sound) for text in texts]
    sound, ends = whole
    cuts, words = [0], 0
    for part in parts[:-1]:
        words += len(part.split())
        cuts.append(ends[words - 1])
    cuts.append(len(sound))
    return [_faded(sound[a:b]) for a, b in pairwise(cuts)]


def _faded(sound: Floats) -> Floats:
    """With soft edges: a cut is no click."""
    ramp = np.linspace(0, 1, _FADE, dtype=np.float32)
    sound = sound.copy()
    sound[:_FADE] *= ramp
    sound[-_FADE:] *= ramp[::-1]
    return sound


def _silence(seconds: float) -> Floats:
    return np.zeros(round(seconds * PLAY_RATE), np.float32)


def drawn_out(sound: Floats, factor: float = 2.0, last: float = 0.3) -> Floats:
    """The last `last` s said `factor` times as slowly, at the same pitch: overlapping pieces of
    30 ms, each put where it fits the sound before it best (WSOLA, Verhelst & Roelands 1993)."""
    size, search = PLAY_RATE * 30 // 1000, PLAY_RATE * 8 // 1000
    head, tail = np.split(sound, [max(0, len(sound) - round(last * PLAY_RATE))])
    if len(tail) < 3 * size:
        return sound
    window, hop = np.hanning(size), size // 2
    out = np.zeros(round(len(tail) * factor) + size)
    weight = np.zeros_like(out)
    wanted = tail[:size]
    for at in range(0, len(out) - size, hop):
        middle = min(round(at / factor), len(tail) - size - hop)
        places = range(max(0, middle - search), min(len(tail) - size - hop, middle + search) + 1, 8)
        best = max(places, key=lambda place: float(tail[place : place + size] @ wanted), default=0)
        out[at : at + size] += tail[best : best + size] * window
        weight[at : at + size] += window
        wanted = tail[best + hop : best + hop + size]
    drawn = out[: round(len(tail) * factor)] / np.maximum(weight[: round(len(tail) * factor)], 0.1)
    return np.concatenate([head, drawn]).astype(np.float32)
