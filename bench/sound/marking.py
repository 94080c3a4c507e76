"""The mark in sound: after which codecs it is found, how often where there is none, what it costs.

Speech of people (Debian's asterisk prompts in four languages, tuxpaint's descriptions of pictures
in many, pocketsphinx' readers) and of our own voices. Each clip of 20 s is marked as a session
would, at a tick of its own, sent through a codec at several levels, and searched in pieces.
`--unmarked` searches all speech that there is, in pieces of 8 s, without a mark in it.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import soxr  # type: ignore[import-untyped]

from bench.hearing.packages import unpacked
from bench.hearing.people import Clip, levelled, prompt, prompts, read, readers, says
from bench.hearing.words import align, plain
from bench.machine import Share
from bench.sound.audibility import audibility
from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, Floats, Pcm
from visavis.engines.marking import sound_finding
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.engines.marking.sound import REACH, SoundMark

OURS: Final = Payload.of(0x3F2A1C, date(2026, 11, 29), SessionClass.LIVE)
PEOPLE: Final = {
    "asterisk-core-sounds-en-g722": "*.g722", "asterisk-core-sounds-es-g722": "*.g722",
    "asterisk-core-sounds-fr-g722": "*.g722", "asterisk-core-sounds-it-g722": "*.g722",
    "tuxpaint-stamps-default": "*.ogg", "pocketsphinx-testdata": "librivox/*.wav",
}  # fmt: skip
TEXT: Final = (
    "Good morning, and welcome to our house. Breakfast is served from seven until half past ten, "
    "on the terrace if the weather is kind to us today. The lift is behind you on the left, and "
    "your room is on the third floor, with a view over the harbour and the old town."
)
PATHS: Final = (
    "none", "opus 64", "opus 48", "opus 32", "opus 24", "opus 16", "aac 96", "aac 64", "mp3 64",
    "16 kHz", "8 kHz", "noise 30", "noise 20",
)  # fmt: skip
_CLIP: Final = 20  # s
_PIECES: Final = (3, 5, 8, 12)  # s
_UNMARKED: Final = 8  # s
_PROMPTS: Final = 60


def main() -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unmarked", action="store_true", help="false alarms, 20 minutes")
    parser.add_argument("--clips", type=int, default=4, help="of each kind of speech")
    options = parser.parse_args()
    share = Share()
    found = unmarked() if options.unmarked else marked(options.clips)
    json.dump({**found, "machine": share.so_far()}, sys.stdout, indent=2)


def marked(count: int) -> dict[str, Any]:
    """What a mark survives, how much of it could be heard, and what it costs."""
    clips = list(_clips(count))
    return {
        "clips": len(clips),
        "found": {path: _found(clips, path) for path in PATHS},
        "audible": _audible(clips),
        "words": _words(),
        "microseconds_a_packet": _cost(clips[0]),
    }


def unmarked() -> dict[str, Any]:
    """How often something is found where nothing is."""
    pieces, alarms, size = 0, 0, _UNMARKED * PLAY_RATE
    for package, pattern in PEOPLE.items():
        for pcm in _stretches(_files(package, pattern), size):
            pieces += 1
            alarms += bool(sound_finding.find(_heard(pcm / 32_768)))
    return {"pieces": pieces, "seconds_each": _UNMARKED, "false_alarms": alarms}


# --- speech ---------------------------------------------------------------------------------------


def _files(package: str, pattern: str) -> list[Path]:
    return sorted(path for path in unpacked(package).rglob(pattern) if path.is_file())


def _stretches(files: Iterable[Path], size: int) -> Iterator[Pcm]:
    """(size,) each, of one file after the other."""
    held = np.zeros(0, np.int16)
    for path in files:
        try:
            sound = (read(path) * 32_767).astype(np.int16)
        except (av.FFmpegError, ValueError):  # it is empty
            continue
        held = np.concatenate([held, sound])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]


def _clips(count: int) -> Iterator[Pcm]:
    rng, size = np.random.default_rng(3), _CLIP * PLAY_RATE
    for package, pattern in PEOPLE.items():
        files = _files(package, pattern)
        order = [files[number] for number in rng.permutation(len(files))]
        yield from map(_at_level, islice(_stretches(order, size), count))
    for voice in ("heart", "joe"):
        yield _at_level((says(voice, TEXT).sound * 32_767).astype(np.int16)[:size])


def _at_level(pcm: Pcm) -> Pcm:
    return np.asarray(levelled(pcm.astype(np.float32) / 32_768) * 32_767, np.int16)


def _with_mark(pcm: Pcm, at: int) -> Pcm:
    return SoundMark(OURS).finish(np.concatenate([np.zeros(REACH, np.int16), pcm]), at)


# --- what it goes through -------------------------------------------------------------------------


def _found(clips: list[Pcm], path: str) -> dict[str, str]:
    """By the length of a piece: in how many of them."""
    rows = {seconds: [0, 0] for seconds in _PIECES}
    for number, clip in enumerate(clips):
        heard = _heard(through(_with_mark(clip, 7_777 * number) / 32_768, path))
        for seconds in _PIECES:
            size = seconds * HEAR_RATE
            for at in range(0, len(heard) - size + 1, size):
                payloads = [mark.payload for mark in sound_finding.find(heard[at : at + size])]
                assert set(payloads) <= {OURS}, "a wrong one was read"
                rows[seconds][0] += bool(payloads)
                rows[seconds][1] += 1
    print(path, rows, file=sys.stderr, flush=True)
    return {f"{seconds} s": f"{good} of {of}" for seconds, (good, of) in rows.items()}


def _heard(sound: Floats) -> Floats:
    return np.asarray(soxr.resample(sound, PLAY_RATE, HEAR_RATE), np.float32)


def through(sound: Floats, path: str) -> Floats:
    """(n,) at PLAY_RATE by one of PATHS; delayed by what a codec delays."""
    kind, _, number = path.partition(" ")
    if kind == "none":
        return sound
    if kind == "noise":
        rng, level = np.random.default_rng(5), float(np.sqrt(np.mean(sound**2)))
        return sound + rng.normal(0, level * 10 ** (-float(number) / 20), len(sound))
    if number == "kHz":
        rate = int(kind) * 1000
        return np.asarray(soxr.resample(soxr.resample(sound, PLAY_RATE, rate), rate, PLAY_RATE))
    return _coded(sound, kind, int(number) * 1000)


def _coded(sound: Floats, kind: str, bits: int) -> Floats:
    name, container, sample = {
        "opus": ("libopus", "ogg", "s16"), "aac": ("aac", "mp4", "fltp"),
        "mp3": ("libmp3lame", "mp3", "s16p"),
    }[kind]  # fmt: skip
    written = io.BytesIO()
    with av.open(written, "w", format=container) as file:
        stream = file.add_stream(name, rate=PLAY_RATE, layout="mono")
        stream.bit_rate = bits
        if kind == "opus":
            stream.options = {"application": "voip"}
        resampler = av.AudioResampler(sample, "mono", PLAY_RATE)
        plain = np.rint(np.clip(sound, -1, 1) * 32_767).astype(np.int16)
        for at in range(0, len(plain), PLAY_RATE):
            frame = av.AudioFrame.from_ndarray(plain[None, at : at + PLAY_RATE], "s16", "mono")
            frame.sample_rate, frame.pts = PLAY_RATE, at
            for piece in resampler.resample(frame):
                file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    written.seek(0)
    with av.open(written) as file:
        back = av.AudioResampler("flt", "mono", PLAY_RATE)
        parts = [out.to_ndarray()[0] for f in file.decode(audio=0) for out in back.resample(f)]
    return np.concatenate(parts)


# --- what it does ---------------------------------------------------------------------------------


def _audible(clips: list[Pcm]) -> dict[str, float]:
    """dB, medians over clips: the mark under the sound, and under what the ear could tell."""
    ratios, shares, under = [], [], []
    for clip in clips:
        plain, changed = clip / 32_768, _with_mark(clip, 0) / 32_768
        measured = audibility(plain, changed)
        ratios.append(measured.ratio)
        shares.append(measured.disturbed)
        added = float(np.sum((changed - plain) ** 2))
        under.append(10 * float(np.log10(np.sum(plain**2) / added)))
    return {
        "signal_to_mark": round(float(np.median(under)), 1),
        "noise_to_mask": round(float(np.median(ratios)), 1),
        "noise_to_mask_worst": round(max(ratios), 1),
        "disturbed_moments": round(max(shares), 3),
    }


def _words() -> dict[str, Any]:
    """What the product's own recogniser gets wrong of English whose words are known.

    Opus at 64 kbit/s, which nobody takes for a fault, is there to compare with.
    """
    home = Path("out/bench/home")
    home.mkdir(parents=True, exist_ok=True)
    stt = load.stt(home)
    wrong, said = dict.fromkeys(("plain", "marked", "opus 64"), 0), 0
    for number, clip in enumerate(_known()):
        pcm = (clip.sound * 32_767).astype(np.int16)
        words = plain(clip.text)
        said += len(words)
        for what, sound in (
            ("plain", clip.sound), ("marked", _with_mark(pcm, 7_777 * number) / 32_768),
            ("opus 64", through(clip.sound, "opus 64")),
        ):  # fmt: skip
            heard = np.asarray(_heard(sound) * 32_767, np.int16)
            edit = align(words, plain(stt.transcribe(heard).text))
            wrong[what] += edit.substituted + edit.deleted + edit.inserted
    return {"words": said, "wrong": wrong}


def _known() -> Iterator[Clip]:
    """Readers, prompts of some length, and our own voices."""
    yield from readers()
    long = sorted(name for name, text in prompts().items() if 6 <= len(text.split()) <= 30)
    for name in long[:: max(1, len(long) // _PROMPTS)]:
        try:
            yield prompt(name)
        except StopIteration:  # written down, and not recorded
            continue
    for voice in ("heart", "joe"):
        yield from (says(voice, sentence) for sentence in TEXT.split(". "))


def _cost(clip: Pcm) -> dict[str, float]:
    """Processor time of one packet of 20 ms."""
    mark, silence = SoundMark(OURS), np.zeros(REACH + 960, np.int16)
    loud = clip[PLAY_RATE : PLAY_RATE + REACH + 960]
    return {
        "speech": _timed(lambda: mark.finish(loud, 960)),
        "speech, read between packets": _timed(lambda: mark.finish(loud, 1_100)),
        "silence": _timed(lambda: mark.finish(silence, 960)),
    }


def _timed(work: Any) -> float:
    began = time.process_time()
    for _ in range(2_000):
        work()
    return round((time.process_time() - began) / 2_000 * 1e6, 1)


if __name__ == "__main__":
    main()
