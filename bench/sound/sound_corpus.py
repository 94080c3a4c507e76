"""Labelled speech of many synthetic voices, for the training of the sound-viseme network.

    python -m bench.sound.sound_corpus out/sound/corpus.npz

Holds what the network's front end makes of each clip, the class of sounds of every 10 ms, and how
far the jaw opens when the phonemes drive the face: the motion that sound alone has to match.
Voices that are kept for `bench/sound/sound_visemes.py` are named here and never made here.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.sound import sound_text
from bench.sound.sound_text import Part
from bench.sound.sound_voices import Speak, espeak, festival, flite, own
from visavis.engines.base import PLAY_RATE, EngineError, Floats, Prosody, Speech
from visavis.engines.lips.sound_visemes import (
    CENTRE,
    FLOOR,
    KINDS,
    NAMES,
    OCULUS,
    SCALE,
    Decimator,
    LogMel,
    band_centres,
)
from visavis.engines.motion.articulation import Score, coefficients
from visavis.engines.motion.enunciation import Enunciation, MouthMovement
from visavis.models.arkit import INDEX

Integers = npt.NDArray[np.int64]

FRAME_S: Final = 0.01
_PLAYED: Final = PLAY_RATE // 100  # samples of a frame

_TRAIN: Final = """m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f4 Alex Alicia Andrea Andy Annie Denis Diogo
Gene Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen adam anika aunty benjamin boris caleb
david ed edward grandma grandpa gustave iven john max michel miguel norbert pablo paul pedro quincy
rob robert sandro shelby steph victor whisper zac klatt klatt2 klatt4 klatt5"""
ESPEAK_TRAIN: Final = tuple(_TRAIN.split())
ESPEAK_TEST: Final = ("m8", "f5", "linda", "travis", "belinda", "klatt3", "marcelo", "antonio")
ACCENTS: Final = ("en-us", "en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-rp")

# clips of each; a clip lasts about 3 s
_CLIPS: Final = {"espeak": 12, "flite": 130, "festival": 130, "joe": 200, "heart": 380}
# how often each family is heard in training: the neural and recorded voices are nearest to people
_SHARES: Final = {
    "espeak": 0.32,
    "foreign": 0.05,
    "flite": 0.18,
    "festival": 0.08,
    "joe": 0.17,
    "heart": 0.20,
}


@dataclass(frozen=True, slots=True)
class Clip:
    """One text in one voice, of a family of voices."""

    family: str
    voice: str
    speech: Speech


def main() -> None:
    """Make the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--home", type=Path, default=Path(gettempdir()), help="for caches")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    rows, voices, families = [], [], []
    for clip in clips(options.home):
        rows.append((mel(clip.speech), *targets(clip.speech)))
        voices.append(clip.voice)
        families.append(clip.family)
        if len(rows) % 100 == 0:
            print(f"{len(rows)} clips, {clip.voice}, {time.monotonic() - began:.0f} s", flush=True)
    save(options.out, rows, voices, families)


def clips(home: Path) -> Iterator[Clip]:
    """Everything that is trained on."""
    yield from _espeak_clips(home)
    for name in ("heart", "joe"):
        yield from _clips(name, name, own(name, home), _CLIPS[name], "train", high=3.5)
    for name, hertz in (("kal16", 95.0), ("awb", 120.0)):
        yield from _clips("flite", name, flite(name, hertz), _CLIPS["flite"], "train")
    texts = sound_text.sentences(_CLIPS["festival"], seed("kal_diphone"), "train")
    for speech in festival("kal_diphone", texts):
        yield Clip("festival", "kal_diphone", speech)


def _espeak_clips(home: Path) -> Iterator[Clip]:
    for index, variant in enumerate(ESPEAK_TRAIN):
        name = f"{ACCENTS[index % len(ACCENTS)]}+{variant}"
        yield from _clips("espeak", name, espeak().voice(name), _CLIPS["espeak"], "train")
    rng = np.random.default_rng(5)
    for language, texts in sound_text.FOREIGN.items():
        for text in texts:
            for variant in rng.choice(ESPEAK_TRAIN, 3, replace=False):
                speak = espeak().voice(f"{language}+{variant}")
                yield Clip("foreign", language, speak(text, prosody(rng)))


def _clips(
    family: str, name: str, speak: Speak, count: int, part: Part, high: float = 5.0
) -> Iterator[Clip]:
    rng = np.random.default_rng(seed(name))
    for text in sound_text.sentences(count, seed(name), part):
        try:
            speech = speak(text, prosody(rng, high))
        except (EngineError, subprocess.CalledProcessError) as error:
            print(f"{name} left out {text!r}: {error}", file=sys.stderr)
            continue
        yield Clip(family, name, speech)


def prosody(rng: np.random.Generator, high: float = 5.0) -> Prosody:
    """Slow or quick, low or high by up to that many semitones."""
    speed, pitch = np.clip(rng.normal(0.0, [0.17, 2.0]), [-0.36, -high], [0.36, high])
    return Prosody(float(np.exp(speed)), float(pitch))


def seed(name: str) -> int:
    """The same for the same name, on any machine."""
    return zlib.crc32(name.encode())


# --- what the network hears and what it should say -----------------------------------------------


def mel(speech: Speech) -> Floats:
    """(frames, BANDS) as the engine hears it."""
    decimator, front = Decimator(), LogMel()
    audio = speech.pcm.astype(np.float32) / np.float32(32_768)
    heard = np.concatenate([decimator.feed(audio), decimator.flush()])
    count = frames(speech)
    return front.feed(np.concatenate([heard, np.zeros(800, np.float32)]))[:count]


def frames(speech: Speech) -> int:
    """How many frames cover a piece."""
    return -(-len(speech.pcm) // _PLAYED)


def targets(speech: Speech) -> tuple[Integers, Floats]:
    """(frames,) class of sounds and (frames,) jawOpen when its phonemes drive the face."""
    sounds = Enunciation().sounds(0.0, speech)
    count = frames(speech)
    return kinds(sounds, count), jaw(sounds, count)


def kinds(sounds: Sequence[MouthMovement], count: int) -> Integers:
    """(count,) index into NAMES of what sounds in the middle of each frame."""
    named = [_kind(sound) for sound in sounds]
    for index, (one, other) in enumerate(pairwise(sounds)):
        if one.symbol in {"t", "d"} and other.symbol in {"ʃ", "ʒ"}:  # piper writes an affricate so
            named[index] = named[index + 1] = "ch"
    result = np.full(count, NAMES.index("sil"))
    for sound, name in zip(sounds, named, strict=True):
        first, last = (math.ceil(at / FRAME_S - 0.5) for at in (sound.start, sound.end))
        result[max(first, 0) : max(last, 0)] = NAMES.index(name)
    return result


def _kind(sound: MouthMovement) -> str:
    name = sound.viseme.name
    if name == "kk" and "ŋ" in sound.symbol:
        return "ng"
    affricate = name == "sh" and any(c in sound.symbol for c in "tdʧʤʨʥ")
    return "ch" if affricate else name


def jaw(sounds: Sequence[MouthMovement], count: int) -> Floats:
    """(count,) jawOpen in the middle of each frame, as `viseme_motion` moves it."""
    score = Score(sounds)
    times = (np.arange(0, count + 2, 2) + 0.5) * FRAME_S
    opened = [coefficients(score.channels(float(time)))[INDEX["jawOpen"]] for time in times]
    middles = (np.arange(count) + 0.5) * FRAME_S
    return np.maximum(np.interp(middles, times, opened), 0.0).astype(np.float32)


def save(
    path: Path,
    rows: Sequence[tuple[Floats, Integers, Floats]],
    voices: Sequence[str],
    families: Sequence[str],
) -> None:
    """Write what `models/tools/sound/augment.py` reads."""
    names = sorted(set(voices))
    family_of = dict(zip(voices, families, strict=True))
    sizes = {f: sum(family_of[name] == f for name in names) for f in set(families)}
    weights = np.array([_SHARES[family_of[name]] / sizes[family_of[name]] for name in names])
    groups = [[kind.oculus == name for name in OCULUS] for kind in KINDS.values()]
    np.savez(
        path,
        mel=np.concatenate([row[0] for row in rows]).astype(np.float16),
        kinds=np.concatenate([row[1] for row in rows]).astype(np.uint8),
        jaw=np.concatenate([row[2] for row in rows]).astype(np.float16),
        starts=np.cumsum([0, *(len(row[1]) for row in rows)]),
        voices=np.array([names.index(voice) for voice in voices]),
        weights=weights / weights.sum(),
        names=np.array(NAMES),
        groups=np.array(groups, np.float32),
        centres=band_centres(),
        floor=FLOOR,
        centre=CENTRE,
        scale=SCALE,
    )
    print(f"{path}: {len(rows)} clips, {sum(len(r[1]) for r in rows) / 6000:.0f} minutes")


if __name__ == "__main__":
    main()
