"""Who speaks: six synthetic voices, and recordings of people with their words.

A clip is 48 kHz mono float32, silence at both ends cut off, at the level of a visitor at a desk.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import soxr  # type: ignore[import-untyped]

from bench.hearing.packages import program, unpacked
from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Floats

LEVEL: Final = -24.0  # dBFS, RMS of what is loud, as a headset or a laptop gives it
KEPT: Final = Path("out/hearing/said")
VOICES: Final = ("heart", "joe", "slt", "rms", "awb", "espeak")
_QUIET: Final = 10 ** (-48 / 20)


@dataclass(frozen=True, slots=True)
class Clip:
    """Somebody says something. sound: (samples,) at PLAY_RATE, in [-1, 1]."""

    who: str
    text: str
    sound: Floats

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self.sound) / PLAY_RATE


def says(voice: str, text: str, pace: float = 1.0) -> Clip:
    """One of VOICES, or "kal16"; made once and kept. pace: how many times as slow as usual."""
    key = hashlib.sha256(f"{voice}|{pace}|{text}".encode()).hexdigest()[:16]
    path = KEPT / voice / f"{key}.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, trimmed(_voice(voice)(text, pace)))
    return Clip(voice, text, levelled(read(path)))


def _voice(name: str) -> Callable[[str, float], Floats]:
    if name in ("heart", "joe"):
        return lambda text, pace: _own(name, text, pace)
    if name == "espeak":
        return _espeak
    return lambda text, pace: _flite(name, text, pace)


def timed(voice: str, text: str) -> tuple[Floats, list[int]] | None:
    """What "heart" or "joe" says, and where each word ends; None where it joined or split words."""
    pieces = list(_tts(voice).synthesize(text))
    sound = np.concatenate([piece.pcm for piece in pieces]).astype(np.float32) / 32_768
    ends, at = [], 0
    for piece in pieces:
        ends += [at + word.end for word in piece.words]
        at += len(piece.pcm)
    return (sound, ends) if len(ends) == len(text.split()) else None


@cache
def _tts(name: str) -> Any:
    home = Path("out/bench/home")
    home.mkdir(parents=True, exist_ok=True)
    return load.tts(name, home)


def _own(name: str, text: str, pace: float) -> Floats:
    from visavis.engines.base import Prosody

    parts = [piece.pcm for piece in _tts(name).synthesize(text, Prosody(1 / pace))]
    return np.concatenate(parts).astype(np.float32) / 32_768


def _flite(voice: str, text: str, pace: float) -> Floats:
    path, environment = program("flite", "libflite1")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "a.wav")
        stretch = f"duration_stretch={pace:.3f}"
        command = [str(path), "-voice", voice, "--setf", stretch, "-t", text, "-o", str(out)]
        subprocess.run(command, env=environment, capture_output=True, check=True)
        return read(out)


def _espeak(text: str, pace: float) -> Floats:
    libraries = ("libespeak-ng1", "libpcaudio0", "libsonic0")
    path, environment = program("espeak-ng", *libraries)
    data = next(iter(unpacked("espeak-ng-data").glob("usr/lib/*/espeak-ng-data")))
    environment = environment | {"ESPEAK_DATA_PATH": str(data.parent)}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "a.wav")
        rate = str(round(160 / pace))
        command = [str(path), "-v", "en-us", "-s", rate, "-w", str(out), text]
        subprocess.run(command, env=environment, capture_output=True, check=True)
        return read(out)


# --- people --------------------------------------------------------------------------------------


@cache
def prompts() -> dict[str, str]:
    """What each of Asterisk's prompts says, by its file's name."""
    path = next(iter(unpacked("asterisk-core-sounds-en").rglob("core-sounds-en.txt.gz")))
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.startswith(";"))
    return {name.strip(): text.strip() for name, text in pairs}


def prompt(name: str) -> Clip:
    """A prompt of Debian's asterisk-core-sounds-en-g722."""
    root = unpacked("asterisk-core-sounds-en-g722")
    path = next(path for path in root.rglob("*.g722") if str(path).endswith(f"/{name}.g722"))
    return Clip("asterisk", prompts()[name], levelled(trimmed(read(path))))


def readers() -> Iterator[Clip]:
    """Everybody in pocketsphinx-testdata whose words are written down."""
    root = next(iter(unpacked("pocketsphinx-testdata").rglob("data")))
    for folder, who in (("librivox", "librivox"), ("cards", "cards")):
        for path in sorted((root / folder).glob("*.wav")):
            if (text := _transcript(root / folder, path.stem)) is not None:
                yield Clip(who, text, levelled(trimmed(read(path))))
    for name, text in (
        ("goforward", "go forward ten meters"),
        ("something", "go somewhere and do something"),
    ):
        path = root / f"{name}.raw"
        if path.exists():
            yield Clip(name, text, levelled(trimmed(_raw(path))))


def _transcript(folder: Path, name: str) -> str | None:
    for path in (*folder.glob("*.transcription"), *folder.glob("transcription")):
        for line in path.read_text().splitlines():
            if (found := re.match(r"(?:<s>)?\s*(.*?)\s*(?:</s>)?\s*\((.*)\)", line)) and found[
                2
            ] == name:
                return found[1]
    return None


# --- sound ---------------------------------------------------------------------------------------


def read(path: Path) -> Floats:
    """Any file that FFmpeg knows, mono at PLAY_RATE."""
    resampler = av.AudioResampler("s16", "mono", PLAY_RATE)
    with av.open(str(path), format="g722" if path.suffix == ".g722" else None) as file:
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([f.to_ndarray()[0] for f in frames]).astype(np.float32) / 32_768


def _raw(path: Path) -> Floats:
    pcm = np.frombuffer(path.read_bytes(), "<i2").astype(np.float32) / 32_768
    return np.asarray(soxr.resample(pcm, 16_000, PLAY_RATE), np.float32)


def _write(path: Path, sound: Floats) -> None:
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAY_RATE)
        file.writeframes(np.rint(np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
    part.rename(path)


AUDIBLE: Final = 0.006  # RMS of full scale over 10 ms, as in bench/live/signals.py


def loudness(sound: Floats) -> Floats:
    """RMS of each 10 ms."""
    size = PLAY_RATE // 100
    blocks = sound[: len(sound) // size * size].reshape(-1, size)
    return np.asarray(np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1)))


def loud_until(sound: Floats) -> int:
    """Samples up to the end of the last audible 10 ms; all of them, where nothing is audible."""
    loud = np.flatnonzero(loudness(sound) > AUDIBLE)
    return (int(loud[-1]) + 1) * (PLAY_RATE // 100) if loud.size else len(sound)


def trimmed(sound: Floats) -> Floats:
    """From the first to the last 5 ms that is louder than 40 dB under the loudest."""
    size = PLAY_RATE // 200
    blocks = sound[: len(sound) // size * size].reshape(-1, size)
    level = np.sqrt(np.mean(blocks**2, axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (-40 / 20))
    return sound[loud[0] * size : (loud[-1] + 1) * size]


def levelled(sound: Floats, level: float = LEVEL) -> Floats:
    """At `level` dBFS by the RMS of what is loud, peaks under full scale."""
    loud = sound[np.abs(sound) > _QUIET * float(np.abs(sound).max())]
    rms = float(np.sqrt(np.mean(loud**2))) if loud.size else 1.0
    gain = min(10 ** (level / 20) / rms, 0.95 / float(np.abs(sound).max()))
    return (sound * gain).astype(np.float32)
