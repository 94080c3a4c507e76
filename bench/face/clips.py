"""What the faces of `theval` say: sentences by our voices, and recordings of people.

People: Debian's asterisk prompts (four women and men, four languages) and LibriVox's reader in
pocketsphinx' test data; see bench/hearing/packages.py. Nothing of it is kept.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from bench.hearing import people
from bench.hearing.packages import unpacked
from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Floats, Phoneme, Speech
from visavis.engines.dialogue import knowledge_file as knowledge
from visavis.engines.lips.sound_speech import speech as heard

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Samples between being told of a piece and its sound: a session takes a voice's words up to 3 s
# ahead, and what is only heard 150 ms.
AHEAD: Final = {"phonemes": PLAY_RATE, "sound": 7_200}
BEFORE: Final = PLAY_RATE * 2  # samples in which the face lives before it speaks
WORDS: Final = 30  # of a written clip at least: some ten seconds
SECONDS: Final = 10.0  # of any clip at most
PAUSES: Final = (0.5, 0.65, 0.8)  # s between two sentences, in turn
PROMPT: Final = (2.5, 5.0)  # s of the prompts that are taken
STEP: Final = 0.01  # s of which loudness is taken
LOUD: Final = 90  # percentile of loudness that is usual speech
QUIET: Final = 35.0  # dB under it, or less: nobody speaks
GAP: Final = 0.1  # s of silence between two stretches of speech, as silero's VAD has it
BRIEF: Final = 0.25  # s of the shortest stretch that it keeps
EDGE: Final = 0.03  # s that it adds at both ends
G722: Final = 8_000  # bytes of a second
LANGUAGES: Final = ("en", "es", "fr", "it")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clip: pieces of speech at their samples, of which `sound` begins at `start`."""

    who: str
    pieces: tuple[tuple[int, Speech], ...]
    start: int
    sound: Doubles


def _clip(who: str, pieces: list[Speech]) -> Spoken:
    """From the first loud sample to the last, as if it were cut out of a longer speech."""
    times = np.cumsum([BEFORE, *(len(piece.pcm) for piece in pieces)])
    pcm = np.concatenate([piece.pcm for piece in pieces]).astype(np.float64) / 32_768
    loud = np.flatnonzero(np.abs(pcm) > 0.01)
    first = int(loud[0])
    last = min(int(loud[-1]), first + int(SECONDS * PLAY_RATE))
    placed = tuple(zip((int(t) for t in times[:-1]), pieces, strict=True))
    return Spoken(who, placed, BEFORE + first, pcm[first:last])


# --- written -------------------------------------------------------------------------------------


def written(voice: str, first: int, count: int) -> Iterator[Spoken]:
    """Clips `first` and on, of WORDS each, out of the hotel's answers."""
    engine = load.tts(voice, Path(tempfile.gettempdir()))
    for k in range(first, first + count):
        sentences = re.split(r"(?<=[.!?]) ", _texts()[k % len(_texts())])
        pieces: list[Speech] = []
        for n, sentence in enumerate(sentences):
            pieces += [*engine.synthesize(sentence), _hush(PAUSES[(k + n) % len(PAUSES)])]
        yield _clip(voice, pieces[:-1])


def _hush(seconds: float) -> Speech:
    samples = int(seconds * PLAY_RATE)
    silence = (Phoneme("", 0, samples),)
    return Speech(np.zeros(samples, np.int16), silence, (), "espeak")


@cache
def _texts() -> tuple[str, ...]:
    """Whole answers, joined until they have WORDS words."""
    texts, part = [], ""
    for entry in knowledge.load(knowledge.EXAMPLE).entries:
        answer = entry.answers[0]
        part += f" {answer[answer.find(']') + 1 :].strip()}"
        if len(part.split()) >= WORDS:
            texts.append(part.strip())
            part = ""
    return tuple(texts)


# --- recorded ------------------------------------------------------------------------------------


def recorded(number: int, count: int) -> Iterator[Spoken]:
    """The clips of portrait `number`: a reader, then prompts in four languages."""
    sources = [*(_reader(), *map(_prompts, LANGUAGES))]
    for k in range(count):
        pool = sources[k % len(sources)]
        yield _heard(pool[(number + k // len(sources) * 4) % len(pool)], _NAMES[k % len(sources)])


_NAMES: Final = ("LibriVox", *(f"asterisk {language}" for language in LANGUAGES))


def _heard(sound: Doubles, who: str) -> Spoken:
    pcm = np.rint(sound * 32_767).astype(np.int16)
    return _clip(who, list(heard(pcm, load.sound_visemes())))


@cache
def _reader() -> tuple[Doubles, ...]:
    clips = [r.sound for r in people.readers() if r.who == "librivox"]
    return tuple(_joined(clips[k:] + clips[:k]) for k in range(len(clips)))


@cache
def _prompts(language: str) -> tuple[Doubles, ...]:
    """Eight clips of several prompts each."""
    root = unpacked(f"asterisk-core-sounds-{language}-g722")
    low, high = (int(seconds * G722) for seconds in PROMPT)
    paths = [p for p in sorted(root.rglob("*.g722")) if low < p.stat().st_size < high]
    sounds = [people.levelled(people.trimmed(people.read(path))) for path in paths[:32]]
    return tuple(_joined(sounds[k::8]) for k in range(8))


def _joined(sounds: list[Floats]) -> Doubles:
    """One after the other, with pauses, until SECONDS are full."""
    parts: list[Doubles] = []
    for k, sound in enumerate(sounds):
        if sum(map(len, parts)) > SECONDS * PLAY_RATE:
            break
        silence = np.zeros(int(PAUSES[k % len(PAUSES)] * PLAY_RATE))
        parts += [np.asarray(sound, np.float64), silence]
    return np.clip(np.concatenate(parts[:-1]), -1, 1)


# --- where somebody speaks -----------------------------------------------------------------------


def voiced(sound: Doubles, fps: float, frames: int) -> Flags:
    """(frames,) in which somebody speaks: louder than QUIET under what is loud, and the rules by
    which silero's VAD, which THEval asks, joins and widens what it finds."""
    size = int(STEP * PLAY_RATE)
    blocks = sound[: len(sound) // size * size].reshape(-1, size)
    level = 20 * np.log10(np.sqrt(np.square(blocks).mean(1)) + 1e-6)
    speech = np.zeros(frames, bool)
    for start, end in _spans(level > np.percentile(level, LOUD) - QUIET):
        first = int(max(start * STEP - EDGE, 0) * fps)
        speech[first : int((end * STEP + EDGE) * fps) + 1] = True
    return speech


def _spans(active: Flags) -> list[tuple[int, int]]:
    """(from, to) in steps: those closer than GAP joined, those shorter than BRIEF left out."""
    edges = np.flatnonzero(np.diff(np.r_[False, active, False].astype(np.int8))).reshape(-1, 2)
    spans: list[tuple[int, int]] = []
    for start, end in edges.tolist():
        if spans and start - spans[-1][1] < GAP / STEP:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [(start, end) for start, end in spans if end - start >= BRIEF / STEP]


def track(path: Path) -> Doubles:
    """(samples,) at PLAY_RATE of a file's sound; silence where it has none."""
    with av.open(str(path)) as file:
        if not file.streams.audio:
            video = file.streams.video[0]
            seconds = float((video.duration or 0) * (video.time_base or 0))
            return np.zeros(int(seconds * PLAY_RATE))
    return np.asarray(people.read(path), np.float64)
