"""Recordings of people with the times of their sounds, as far as free packages carry them.

LibriVox (public domain) clips with phone times lie in the source archive of pocketsphinx. Prompts
in Debian's asterisk-core-sounds-en-g722 (CC BY-SA 3.0) are written down by the product's own
recognizer and aligned by pocketsphinx, where that is installed. Both are read, none is kept.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench.sound.sound_voices import Span, ipa, labelled, read_wav
from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, Floats, Speech

SOURCE: Final = "pocketsphinx==5.1.1"
PROMPTS: Final = "asterisk-core-sounds-en-g722"
_FEWEST: Final = 8  # sounds in a prompt that is worth it


class PeopleMissing(Exception):
    """No recording could be had."""


def librivox(folder: Path) -> list[Speech]:
    """Read speech, aligned by pocketsphinx's authors. Raises PeopleMissing."""
    clips = sorted(_unpacked(folder).glob("test/data/librivox/*.phone.json"))
    if not clips:
        raise PeopleMissing(f"{SOURCE} holds no phone times")
    result = []
    for path in clips:
        audio, rate = read_wav(path.with_name(path.name.replace(".phone.json", ".wav")))
        words = json.loads(path.read_text())["w"]
        phones = [phone for word in words for phone in word["w"]]
        spans = [(ipa(p["t"]), p["b"], p["b"] + p["d"]) for p in phones]
        result.append(labelled(audio, rate, spans))
    return result


def _unpacked(folder: Path) -> Path:
    root = folder / SOURCE.replace("==", "-")
    if not root.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary",
            ":all:",
            "-d",
            str(folder),
            SOURCE,
        ]
        subprocess.run(command, capture_output=True, check=False)
        archives = sorted(folder.glob("pocketsphinx-*.tar.gz"))
        if not archives:
            raise PeopleMissing(f"pip download {SOURCE} failed")
        shutil.unpack_archive(archives[0], folder, "gztar", filter="data")
    return root


def prompts(folder: Path, home: Path, count: int = 60) -> list[Speech]:
    """A woman's telephone prompts, 7 kHz wide. Raises PeopleMissing."""
    try:
        from pocketsphinx import Decoder  # type: ignore[import-not-found]
    except ImportError as error:
        raise PeopleMissing("pocketsphinx is not installed") from error
    stt = load.stt(home)
    decoder = Decoder(lm=None, loglevel="FATAL")
    result: list[Speech] = []
    for path in sorted(_prompt_files(folder), key=lambda p: -p.stat().st_size)[: count * 2]:
        audio = _read(path)[: 9 * HEAR_RATE]
        pcm = (audio * 32_767).astype(np.int16)
        text = stt.transcribe(pcm).text
        try:
            spans = _aligned(decoder, pcm.tobytes(), text)
        except RuntimeError:  # the words do not fit the sound
            decoder = Decoder(lm=None, loglevel="FATAL")
            continue
        if len(spans) >= _FEWEST:
            result.append(labelled(audio, HEAR_RATE, spans))
        if len(result) == count:
            break
    return result


def _prompt_files(folder: Path) -> list[Path]:
    root = folder / PROMPTS
    if not root.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", PROMPTS], cwd=folder, capture_output=True)
        archives = sorted(folder.glob(f"{PROMPTS}_*.deb"))
        if not archives:
            raise PeopleMissing(f"apt-get download {PROMPTS} failed")
        subprocess.run(["dpkg", "-x", str(archives[0]), str(root)], check=True)
    return [p for p in root.rglob("*.g722") if p.stat().st_size > 16_000]


def _read(path: Path) -> Floats:
    """Any file that FFmpeg knows, mono at HEAR_RATE."""
    resampler = av.AudioResampler("s16", "mono", HEAR_RATE)
    with av.open(str(path), format="g722" if path.suffix == ".g722" else None) as file:
        parts = [
            out.to_ndarray()[0]
            for frame in file.decode(audio=0)
            for out in resampler.resample(frame)
        ]
    return np.concatenate(parts).astype(np.float32) / 32_768


def _aligned(decoder: Any, data: bytes, text: str) -> list[Span]:
    """Phones of a known text; none when it does not fit."""
    words = "".join(c if c.isalpha() or c in "' " else " " for c in text.lower()).split()
    if not words or any(decoder.lookup_word(word) is None for word in words):
        return []
    decoder.set_align_text(" ".join(words))
    _decode(decoder, data)
    if decoder.hyp() is None:
        return []
    decoder.set_alignment()  # the second pass finds phones in the words of the first
    _decode(decoder, data)
    return list(_phones(decoder.get_alignment()))


def _decode(decoder: Any, data: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(data, full_utt=True)
    decoder.end_utt()


def _phones(alignment: Any) -> Iterator[Span]:
    for word in alignment or ():
        for phone in word:
            yield ipa(phone.name), phone.start / 100, (phone.start + phone.duration) / 100


def length(speech: Speech) -> float:
    """Seconds."""
    return len(speech.pcm) / PLAY_RATE
