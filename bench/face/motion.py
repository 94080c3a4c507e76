"""The face's motion in numbers, as JSON: cost, closures, blinks, gaze, speed, repetition, moods.

    python -m bench.face.motion [--voice heart] [--minutes 5] [--cache DIR]

Speaks real sentences with an embedded voice and watches the coefficients; no picture is drawn.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Attention, Demeanour, FaceState, Speech
from visavis.engines.direction.director import Director
from visavis.engines.direction.styles import ActiveStyles
from visavis.engines.motion import visemes
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.models.arkit import INDEX, NAMES

Doubles = npt.NDArray[np.float64]

FRAME: Final = PLAY_RATE // 25
AHEAD: Final = 7_200  # samples: 150 ms between being told of a piece and its sound
SENTENCES: Final = (
    "Hello, I can help you find your gate. Follow me!",
    "Pamela bought baby Bobby a big purple map, maybe.",
    "Five very fine voices have left for Vienna.",
    "Who would choose a shoe so smooth and blue?",
    "Please keep your passport and your boarding pass ready, because they will be checked.",
    "The museum opens from eight until half past five, except on Sundays.",
    "Could you tell me your booking number, please?",
)
NEUTRAL: Final = Demeanour()
MOODS: Final = ("neutral", "confident", "thoughtful", "sorry", "delighted")
SEALS: Final = {"lips": "p b m", "teeth": "f v"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice", default="heart", choices=[v.name for v in load.voices()])
    parser.add_argument("--minutes", type=float, default=5.0, help="of life in each behaviour")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()))
    options = parser.parse_args()
    json.dump(run(options), sys.stdout, indent=2)
    print()


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements."""
    voice = load.tts(options.voice, options.cache)
    pieces = [piece for text in SENTENCES for piece in voice.synthesize(text)]
    return {
        "cost": cost(pieces),
        "closures": {kind: closures(pieces, kind) for kind in SEALS},
        "speech": spoken_range(pieces),
        "speed": speeds(pieces),
        "moods": moods(pieces),
        "life": {
            name: life(name, options.minutes * 60)
            for name in ("idle", "listening", "thinking", "speaking")
        },
        # of two sessions that idle as long: 0 would be a shared stretch
        "two_runs_most_alike_2_s_deg": most_alike(
            *(turned(lived("idle", options.minutes * 60, FRAME, seed)) for seed in (11, 12))
        ),
    }


def scheduled(pieces: Sequence[Speech], start: int = PLAY_RATE) -> list[tuple[int, Speech]]:
    """Pieces one after the other."""
    times = np.cumsum([start, *(len(piece.pcm) for piece in pieces)])
    return list(zip(times.tolist(), pieces, strict=False))


def performed(
    motion: VisemeMotion, plan: Sequence[tuple[int, Speech]], step: int = FRAME, first: int = 0
) -> Iterator[tuple[int, FaceState]]:
    """Every state while the plan is spoken, each piece told AHEAD of its sound."""
    waiting = list(plan)
    end = plan[-1][0] + len(plan[-1][1].pcm) + PLAY_RATE
    for at in range(first, end, step):
        while waiting and at >= waiting[0][0] - AHEAD:
            motion.speak(*waiting.pop(0))
        yield at, motion.state(at)


def cost(pieces: Sequence[Speech]) -> dict[str, float]:
    """Time of this thread, so that a busy machine does not count."""
    motion = VisemeMotion(1)
    motion.attend(0, "speaking")
    told: list[float] = []
    shown: list[float] = []
    waiting = scheduled(pieces)
    for at in range(0, waiting[-1][0] + 5 * PLAY_RATE, FRAME):
        while waiting and at >= waiting[0][0] - AHEAD:
            when, piece = waiting.pop(0)
            told.append(_milliseconds(lambda p=piece, w=when: motion.speak(w, p)))
            told[-1] *= PLAY_RATE / len(piece.pcm)
        shown.append(_milliseconds(lambda t=at: motion.state(t)))
    return {
        "state_p50_ms": _percentile(shown, 50),
        "state_p99_ms": _percentile(shown, 99),
        "speak_p50_ms_per_s": _percentile(told, 50),
        "speak_max_ms_per_s": _percentile(told, 100),
    }


def _milliseconds(call: Any) -> float:
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3


def closures(pieces: Sequence[Speech], kind: str, mood: Demeanour = NEUTRAL) -> dict[str, float]:
    """Share of seals with a picture that shows it, within a frame of the phoneme, at 5 phases."""
    hits: list[bool] = []
    for phase in range(0, FRAME, FRAME // 5):
        plan = scheduled(pieces)
        motion = VisemeMotion(1)
        motion.feel(0, mood.affect, mood.expression)
        states = dict(performed(motion, plan, first=phase))
        for start, end in seals(plan, kind):
            near = [s for t, s in states.items() if start - FRAME <= t <= end + FRAME]
            hits.append(any(_sealed(state, kind) for state in near))
    return {"count": len(hits) // 5, "share_seen": round(float(np.mean(hits)), 4)}


def seals(plan: Sequence[tuple[int, Speech]], kind: str) -> list[tuple[int, int]]:
    """When the sounds of that kind are said, in samples."""
    return [
        (at + phoneme.start, at + phoneme.end)
        for at, piece in plan
        for phoneme in piece.phonemes
        if visemes.visemes(phoneme.symbol, piece.alphabet)
        and visemes.visemes(phoneme.symbol, piece.alphabet)[0].seal == kind
    ]


def _sealed(state: FaceState, kind: str) -> bool:
    amount = {name: float(state.coefficients[INDEX[name]]) for name in NAMES}
    gap = amount["jawOpen"] - amount["mouthClose"]
    if kind == "teeth":  # which end below the line of closed lips
        return gap < 0.07 and amount["mouthRollLower"] > 0.35
    return gap + 0.3 * (amount["mouthLowerDownLeft"] + amount["mouthUpperUpLeft"]) < 0.02


def moods(pieces: Sequence[Speech]) -> dict[str, Any]:
    """Each mood's voice and closures, and whether 2 s of its motion are nearest to its own mean.

    The means are of four seeds, what is told apart is of four others: a machine that names moods.
    """
    demeanours = {mood: directed(mood) for mood in MOODS}
    known = {mood: windows(pieces, d, range(4)) for mood, d in demeanours.items()}
    spread = np.concatenate(list(known.values())).std(0) + 1e-3
    means = np.stack([found.mean(0) for found in known.values()]) / spread
    result: dict[str, Any] = {}
    for mood, demeanour in demeanours.items():
        found = windows(pieces, demeanour, range(4, 8)) / spread
        nearest = ((found[:, None] - means) ** 2).sum(2).argmin(1)
        result[mood] = {
            "named_right": round(float(np.mean(nearest == MOODS.index(mood))), 3),
            "lips_seen_closed": closures(pieces, "lips", demeanour)["share_seen"],
            "prosody": {k: round(v, 3) for k, v in asdict(demeanour.prosody).items()},
        }
    return result


def directed(wish: str) -> Demeanour:
    """The demeanour of a wish in words of the table."""
    return ActiveStyles().directed(Director().literal(wish)).demeanour


def windows(pieces: Sequence[Speech], mood: Demeanour, seeds: Iterable[int]) -> Doubles:
    """(windows, 60): means of coefficients, pose and gaze over 2 s each."""
    found: list[Doubles] = []
    for seed in seeds:
        motion = VisemeMotion(seed)
        motion.attend(0, "speaking")
        motion.feel(0, mood.affect, mood.expression)
        states = [s for _, s in performed(motion, scheduled(pieces))][25:]
        rows = np.array([np.r_[s.coefficients, s.pose, s.gaze] for s in states], np.float64)
        found += [rows[i : i + 50].mean(0) for i in range(0, len(rows) - 50, 50)]
    return np.array(found)


def spoken_range(pieces: Sequence[Speech]) -> dict[str, float]:
    """How far jaw and lips go, and how early the mouth moves before the first sound."""
    plan = scheduled(pieces)
    states = list(performed(VisemeMotion(1), plan, step=PLAY_RATE // 200))
    jaw = _column(states, "jawOpen")
    talk = jaw[jaw > 0.02]
    sound = plan[0][0] + next(p.start for p in plan[0][1].phonemes if p.symbol)
    moved = next(at for at, s in states if s.coefficients[INDEX["jawOpen"]] > 0.01)
    return {
        "jaw_p50": _percentile(talk, 50),
        "jaw_p95": _percentile(talk, 95),
        "jaw_max": _percentile(talk, 100),
        "anticipation_ms": round((sound - moved) / PLAY_RATE * 1e3, 1),
    }


def speeds(pieces: Sequence[Speech]) -> dict[str, float]:
    """Fastest change per second while sentences are spoken, sampled at 500 Hz."""
    step = PLAY_RATE // 500
    states = list(performed(VisemeMotion(1), scheduled(pieces), step=step))
    values = np.array([state.coefficients for _, state in states], np.float64)
    speed = np.abs(np.diff(values, axis=0)) * 500
    lids = [i for i, name in enumerate(NAMES) if name.startswith("eye")]
    rest = [i for i in range(len(NAMES)) if i not in lids]
    jerk = np.abs(np.diff(values[:, rest], 2, axis=0)) * 500
    fastest = rest[int(speed[:, rest].max(0).argmax())]
    return {
        "coefficient_max_per_s": round(float(speed[:, rest].max()), 2),
        "fastest": NAMES[fastest],  # type: ignore[dict-item]
        "velocity_step_max_per_s_in_2_ms": round(float(jerk.max()), 2),
        "lid_max_per_s": round(float(speed[:, lids].max()), 2),
    }


def life(attention: Attention, seconds: float) -> dict[str, Any]:
    """Blinks, gaze, head and breath in one behaviour without speech."""
    states = lived(attention, seconds, PLAY_RATE // 100)
    track = turned(states)
    pose, gaze = np.array([state.pose for _, state in states], np.float64), track[:, 3:]
    room = np.hypot(*(gaze + pose[:, :2]).T)
    breath = np.array([state.breath for _, state in states])
    return {
        "blinks": blinks(_column(states, "eyeBlinkLeft"), seconds),
        "on_visitor_share": round(float(np.mean(room < 4.5)), 3),
        "saccade_max_deg_per_s": round(float(np.abs(np.diff(gaze, axis=0)).max() * 100), 1),
        "pose_sd": pose.std(0).round(3).tolist(),
        "yaw_p95": _percentile(np.abs(pose[:, 0]), 95),
        "pitch_p95": _percentile(np.abs(pose[:, 1]), 95),
        "breaths_per_minute": round(_rises(breath, 0.35).size / seconds * 60, 1),
        "most_alike_2_s_deg": most_alike(track[::4]),
    }


def lived(
    attention: Attention, seconds: float, step: int, seed: int = 11
) -> list[tuple[int, FaceState]]:
    """Every state of a session without speech."""
    motion = VisemeMotion(seed)
    motion.attend(0, attention)
    return [(t, motion.state(t)) for t in range(0, int(seconds * PLAY_RATE), step)]


def turned(states: Sequence[tuple[int, FaceState]]) -> Doubles:
    """(states, 5): head angles and gaze in degrees."""
    return np.array([[*state.pose[:3], *state.gaze] for _, state in states], np.float64)


def blinks(lids: Doubles, seconds: float) -> dict[str, float]:
    """From lid positions at 100 Hz."""
    starts = _rises(lids, 0.3 + lids.min())
    gaps = np.diff(starts) / 100
    down = np.flatnonzero(np.diff((lids > lids.min() + 0.05).astype(int)))
    lengths = np.diff(down[: down.size // 2 * 2])[::2] * 10
    return {
        "per_minute": round(starts.size / seconds * 60, 1),
        "interval_min_s": _percentile(gaps, 0),
        "interval_p50_s": _percentile(gaps, 50),
        "interval_p95_s": _percentile(gaps, 95),
        "duration_p50_ms": _percentile(lengths, 50),
        "duration_p95_ms": _percentile(lengths, 95),
    }


def most_alike(one: Doubles, other: Doubles | None = None) -> float:
    """Root mean square distance of the two most similar 2 s of two tracks at 25 Hz.

    Of a single track: of the two most similar that do not overlap.
    """
    a = _windows(one)
    b = a if other is None else _windows(other)
    distance = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    if other is None:
        places = np.arange(len(a))
        distance[np.abs(np.subtract.outer(places, places)) < _WIDTH // _STRIDE] = np.inf
    return round(float(np.sqrt(max(distance.min(), 0.0) / a.shape[1])), 4)


_WIDTH: Final = 50  # pictures that are compared
_STRIDE: Final = 10


def _windows(track: Doubles) -> Doubles:
    starts = range(0, len(track) - _WIDTH, _STRIDE)
    return np.stack([track[i : i + _WIDTH].ravel() for i in starts])


def _rises(values: npt.ArrayLike, level: float) -> npt.NDArray[np.intp]:
    above = np.asarray(values) > level
    return np.flatnonzero(above[1:] & ~above[:-1])


def _column(states: Sequence[tuple[int, FaceState]], name: str) -> Doubles:
    return np.array([state.coefficients[INDEX[name]] for _, state in states], np.float64)


def _percentile(values: npt.ArrayLike, share: float) -> float:
    return round(float(np.percentile(np.asarray(values), share)), 3)


if __name__ == "__main__":
    main()
