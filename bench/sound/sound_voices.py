"""Synthetic voices that say when they make which sound, each as a function from text to `Speech`.

espeak-ng through its library, flite and festival as programs, piper and hibari as the product has
them. What is not installed is left out.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines import load
from visavis.engines.base import (
    PLAY_RATE,
    EngineError,
    Floats,
    Pcm,
    Phoneme,
    Prosody,
    Speech,
    Tts,
)
from visavis.engines.voices.espeak_library import Callback

LEVEL: Final = -20.0  # dBFS, RMS, as utterance.LEVEL
_FESTIVAL_AT_ONCE: Final = 40  # texts for one start of the program

_STOPS: Final = frozenset("pbtdkɡgcɟqʔʈɖ")  # affricates begin with one

# ARPAbet, as flite and festival write it, in IPA.
_ARPABET: Final = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ",
    "b": "b", "ch": "tʃ", "d": "d", "dh": "ð", "dx": "ɾ", "eh": "ɛ", "el": "l", "em": "m",
    "en": "n", "er": "ɜ", "ey": "eɪ", "f": "f", "g": "ɡ", "hh": "h", "hv": "h", "ih": "ɪ",
    "iy": "i", "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n", "ng": "ŋ", "nx": "n",
    "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t", "th": "θ",
    "uh": "ʊ", "uw": "u", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
    "sil": "", "pau": "", "brth": "", "h#": "", "#": "",
}  # fmt: skip


Speak = Callable[[str, Prosody], Speech]
Span = tuple[str, float, float]  # IPA symbol, "" for a pause, start s, end s


def pitch(prosody: Prosody) -> float:
    """Its semitones as a factor."""
    return float(2.0 ** (prosody.pitch / 12.0))


def ipa(phone: str) -> str:
    """An ARPAbet phone, with or without stress, in IPA; "" for silence."""
    return _ARPABET.get(phone.lower().rstrip("012"), "ə")


def labelled(audio: Floats, rate: int, sounds: Iterable[Span]) -> Speech:
    """Samples at `rate` and (IPA symbol, start s, end s) to a piece of usual loudness."""
    played = np.asarray(soxr.resample(audio, rate, PLAY_RATE), np.float32)
    loud = played[np.abs(played) > 10 ** (-45 / 20)]
    level = float(np.sqrt(np.mean(loud**2))) if loud.size else 1.0
    gain = min(10 ** (LEVEL / 20) / level, 0.95 / max(float(np.abs(played).max()), 1e-6))
    pcm = np.rint(played * gain * 32_767).astype(np.int16)
    phonemes = tuple(
        Phoneme(symbol, round(start * PLAY_RATE), min(round(end * PLAY_RATE), len(pcm)))
        for symbol, start, end in sounds
    )
    return Speech(pcm, tuple(p for p in phonemes if p.end > p.start), (), "espeak")


def stretched(speech: Speech, factor: float) -> Speech:
    """Played `factor` times as fast: pitch and formants rise with it, as of a smaller person."""
    audio = speech.pcm.astype(np.float32) / 32_768
    rate = PLAY_RATE * factor
    return replace(
        labelled(
            audio,
            round(rate),
            [(p.symbol, p.start / rate, p.end / rate) for p in speech.phonemes],
        ),
        alphabet=speech.alphabet,
    )


# --- the product's own voices --------------------------------------------------------------------


def own(name: str, home: Path) -> Speak:
    """ "heart" or "joe"; other pitches by playing them faster or slower."""
    tts: Tts = load.tts(name, home)

    def speak(text: str, prosody: Prosody) -> Speech:
        factor = pitch(prosody)
        spoken = tts.synthesize(text, Prosody(min(max(prosody.speed / factor, 0.5), 2.0)))
        return stretched(joined(spoken), factor)

    return speak


def joined(pieces: Iterable[Speech]) -> Speech:
    """One piece after the other as one, a sound that goes on over a joint as one sound."""
    parts: list[Pcm] = []
    phonemes: list[Phoneme] = []
    at = 0
    alphabet = "espeak"
    for piece in pieces:
        parts.append(piece.pcm)
        phonemes += [Phoneme(p.symbol, p.start + at, p.end + at) for p in piece.phonemes]
        at += len(piece.pcm)
        alphabet = piece.alphabet  # type: ignore[assignment]
    return Speech(np.concatenate(parts), tuple(phonemes), (), alphabet)  # type: ignore[arg-type]


# --- espeak-ng -----------------------------------------------------------------------------------


_SYNCHRONOUS, _PHONEME_EVENTS_IN_IPA, _UTF8 = 2, 0x0003, 1
_PHONEME, _END_OF_LIST = 7, 0
_RATE, _PITCH, _RANGE = 1, 3, 4


class Espeak:
    """The library: one for the process, as it keeps its state in globals."""

    def __init__(self) -> None:
        found = ctypes.util.find_library("espeak-ng")
        if found is None:
            raise EngineError("espeak-ng is not installed")
        self._library = ctypes.CDLL(found)
        self._hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS_IN_IPA)
        self._keep = Callback(self._take)  # the library holds no reference
        self._library.espeak_SetSynthCallback(self._keep)

    def voice(self, name: str) -> Speak:
        """A voice such as "en-us+f2", with the pitch and the liveliness of the prosody."""

        def speak(text: str, prosody: Prosody) -> Speech:
            if self._library.espeak_SetVoiceByName(name.encode()):
                raise EngineError(f"espeak-ng has no voice {name}")
            self._library.espeak_SetParameter(_RATE, round(165 * prosody.speed), 0)
            self._library.espeak_SetParameter(_PITCH, round(50 * pitch(prosody)), 0)
            self._library.espeak_SetParameter(_RANGE, 50, 0)
            return self._spoken(text)

        return speak

    def _take(self, wav: Any, count: int, events: Any) -> int:
        if count and wav:
            self._parts.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while events[index].type != _END_OF_LIST:
            if events[index].type == _PHONEME:
                symbol = bytes(events[index].id.string).decode("utf-8", "replace")
                self._sounds.append((symbol, events[index].sample))
            index += 1
        return 0

    def _spoken(self, text: str) -> Speech:
        self._parts: list[Pcm] = []
        self._sounds: list[tuple[str, int]] = []
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._parts:
            raise EngineError("espeak-ng said nothing")
        audio = np.concatenate(self._parts).astype(np.float32) / 32_768
        edges = [sample for _, sample in self._sounds] + [len(audio)]
        spans = [
            (symbol, edges[i] / self._hz, edges[i + 1] / self._hz)
            for i, (symbol, _) in enumerate(self._sounds)
        ]
        spans = _with_closures([("", 0.0, edges[0] / self._hz), *spans], audio, self._hz)
        return labelled(audio, self._hz, spans)


def _with_closures(spans: Sequence[Span], audio: Floats, rate: int) -> list[Span]:
    """The silence before a stop is its closure, and a pause that sounds belongs to what follows.

    espeak-ng tells of a stop when it is released, and of some links between words as pauses.
    """
    size = rate // 200
    level = np.sqrt(np.mean(audio[: len(audio) // size * size].reshape(-1, size) ** 2, 1))
    quiet = level < max(float(level.max()) * 0.005, 1e-4)
    result: list[Span] = []
    for symbol, start, end in spans:
        at = round(start * 200)
        sounds = quiet[at : round(end * 200)]
        if symbol == "" and result and sounds.size and sounds.mean() < 0.5:
            result[-1] = (*result[-1][:2], end)
            continue
        if result and symbol[:1] in _STOPS and result[-1][0]:
            first = round(result[-1][1] * 200) + 2  # something of the sound before it stays
            while at > first and at <= len(quiet) and quiet[at - 1]:
                at -= 1
            start = min(start, at / 200)
            result[-1] = (*result[-1][:2], start)
        result.append((symbol, start, end))
    return result


@cache
def espeak() -> Espeak:
    """The one of this process. Raises EngineError."""
    return Espeak()


# --- flite and festival --------------------------------------------------------------------------


def flite(voice: str, hertz: float) -> Speak:
    """One of flite's voices; `hertz` is its usual pitch. Raises EngineError."""
    if shutil.which("flite") is None:
        raise EngineError("flite is not installed")

    def speak(text: str, prosody: Prosody) -> Speech:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.wav")
            settings = [
                f"duration_stretch={1 / prosody.speed:.3f}",
                f"int_f0_target_mean={hertz * pitch(prosody):.1f}",
            ]
            command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(path)]
            for setting in settings:
                command += ["--setf", setting]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            audio, rate = read_wav(path)
        spans, at = [], 0.0
        for field in done.stdout.split():
            phone, _, end = field.partition(":")
            spans.append((ipa(phone), at, float(end)))
            at = float(end)
        return labelled(audio, rate, spans)

    return speak


def festival(voice: str, texts: Sequence[str]) -> list[Speech]:
    """All texts in one of festival's voices, in its own pitch and pace. Raises EngineError."""
    if shutil.which("festival") is None:
        raise EngineError("festival is not installed")
    made: list[Speech] = []
    for first in range(0, len(texts), _FESTIVAL_AT_ONCE):
        made += _festival(voice, texts[first : first + _FESTIVAL_AT_ONCE])
    return made


def _festival(voice: str, texts: Sequence[str]) -> list[Speech]:
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{voice})"]
        for index, text in enumerate(texts):
            quoted = text.replace("\\", "").replace('"', "")
            lines += [
                f'(set! u (Utterance Text "{quoted}"))',
                "(utt.synth u)",
                f'(utt.save.segs u "{folder}/{index}.lab")',
                f'(utt.save.wave u "{folder}/{index}.wav" \'riff)',
            ]
        script = Path(folder, "say.scm")
        script.write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run(["festival", "-b", str(script)], capture_output=True, text=True)
        if done.returncode:
            raise EngineError(f"festival: {done.stderr.strip()[:200]}")
        return [_festival_piece(Path(folder), index) for index in range(len(texts))]


def _festival_piece(folder: Path, index: int) -> Speech:
    audio, rate = read_wav(folder / f"{index}.wav")
    spans, at = [], 0.0
    for line in (folder / f"{index}.lab").read_text().splitlines():
        fields = line.split()
        if len(fields) == 3:
            spans.append((ipa(fields[2]), at, float(fields[0])))
            at = float(fields[0])
    return labelled(audio, rate, spans)


def read_wav(path: Path) -> tuple[Floats, int]:
    """(samples,) in [-1, 1] of a mono 16 bit file, and its rate."""
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return pcm.astype(np.float32) / 32_768, file.getframerate()
