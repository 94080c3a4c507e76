"""Lips against sound, measured on rendered pictures with the landmark model, as JSON.

    python -m bench.sound.lipsync [--minutes 1.5] [--avatar mira] [--voice heart --voice espeak-de]
        [--by-sound]

Each voice reads sentences and answers; every picture is drawn as `visavis say` draws it and read
by the face landmarks. A gap is the distance of the inner lips over that of the outer eye corners;
0 % is this face's own shut mouth (median of settled silence), 100 % the 95th percentile in speech.
What is heard is found in the samples alone, without the voice's phoneme times. By sound: the face
gets its lips from the network that hears the voice, as it does for voices without times of their
own; it is measured against the times that the voice knows. Voices of other languages ask what
bench/hearing/language_questions.toml has.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from bench import performance
from bench.performance import LEAD_IN, Performance, perform
from bench.sound.lipsync_delays import delays
from visavis.engines import load
from visavis.engines.base import PLAIN, PLAY_RATE, Draw, Prosody, Speech, Tts
from visavis.engines.dialogue import knowledge_file as knowledge
from visavis.engines.language.languages import code_of, is_english
from visavis.engines.lips.lipless import Lipped
from visavis.engines.motion import visemes
from visavis.engines.registry import VOICES
from visavis.models.arkit import INDEX, NAMES
from visavis.models.bake import landmarks
from visavis.server.playout.messages import FRAME

Doubles = npt.NDArray[np.float64]

QUESTIONS: Final = Path(__file__).parents[1] / "hearing" / "language_questions.toml"
MEET: Final = 0.06  # lips meet: gap under this share of the speech range
BITE: Final = 0.25  # lower lip at the upper teeth: at most this
OPEN: Final = 0.30  # an open vowel reaches at least this
SETTLED: Final = 0.4  # s of silence after which the mouth has to be still
MOUTH: Final = np.array([name.startswith(("mouth", "jaw", "tongue")) for name in NAMES])
HUSH: Final = 8 * PLAY_RATE  # samples of silence after the last word, to see the mouth at rest
FINE: Final = PLAY_RATE // 500  # step of the commanded mouth
SENTENCES: Final = (
    "Pamela bought baby Bobby a big purple map, maybe.",
    "Five very fine voices have left for Vienna.",
    "My mother always kept a copper pot above the stove for making plum jam.",
    "Could you put the blue umbrella back behind the bookshelf, please?",
    "Father parked the car by the large stone arch at half past five.",
    "We have a far better view from the top of the hotel tower.",
    "Who would choose a shoe so smooth and blue?",
    "Every evening the ferry leaves from the old harbour wall.",
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A script as it is seen: (frames,) gap over the eyes' distance at each picture's time.

    rest: the gap of the settled pictures drawn once more with the mouth at rest.
    """

    script: Performance
    gap: Doubles
    rest: Doubles
    commanded: Doubles  # jawOpen - mouthClose every FINE samples

    @property
    def shut(self) -> float:
        """The gap of the shut mouth."""
        quiet = settled(self.script, len(self.gap))
        return float(np.median(self.gap[quiet]))

    @property
    def range(self) -> float:
        """From the shut mouth to the wide ones of speech."""
        talking = speaking(self.script, len(self.gap))
        return float(np.percentile(self.gap[talking], 95)) - self.shut

    @property
    def share(self) -> Doubles:
        """(frames,) of that range."""
        return (self.gap - self.shut) / self.range


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="of speech, for each voice")
    parser.add_argument("--avatar", default="mira")
    parser.add_argument("--voice", action="append", choices=[v.name for v in load.voices()])
    parser.add_argument("--by-sound", action="store_true", help="lips from the sound alone")
    parser.add_argument("--home", type=Path, default=Path("out/bench/home"))
    json.dump(run(parser.parse_args()), sys.stdout, indent=2)
    print()


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements."""
    avatar = performance.avatar(options.avatar, options.home)
    result: dict[str, Any] = {"avatar": options.avatar, "delays_ms": delays()}
    for name in options.voice or list(VOICES):
        tts = load.tts(name, options.home)
        said = text(options.minutes, tts.voice.language)
        script = by_sound(said, tts) if options.by_sound else perform(said, tts)
        hush = np.zeros(HUSH, np.int16)
        script = replace(script, pcm=np.concatenate([script.pcm, hush]))
        result[name] = figures(watch(script, load.drawing(avatar), name))
    return result


class _Mute:
    """A voice that keeps the times of its sounds to itself; `known` has them."""

    def __init__(self, tts: Tts) -> None:
        self._tts, self.voice = tts, tts.voice
        self.known: list[Speech] = []

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """As the voice has it, without phonemes."""
        for piece in self._tts.synthesize(text, prosody):
            self.known.append(piece)
            yield replace(piece, phonemes=())


def by_sound(said: str, tts: Tts) -> Performance:
    """A performance whose face follows the sound, with the pieces as the voice knows them."""
    mute = _Mute(tts)
    script = perform(said, Lipped(mute, load.sound_visemes))
    known = {len(piece.pcm): piece for piece in mute.known}
    pieces = tuple((at, known[len(piece.pcm)]) for at, piece in script.pieces)
    return replace(script, pieces=pieces)


def text(minutes: float, language: str = "en") -> str:
    """Sentences full of closures, then as many answers of the hotel as fill the time.

    In another language: questions of visitors, again and again.
    """
    if not is_english(language):
        asked = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))[code_of(language)]
        questions = asked.get("read", asked["ask"])
        wanted = max(1, round(minutes * 25))  # a minute
        return " ".join((questions * (wanted // len(questions) + 1))[:wanted])
    answers = [entry.answers[0] for entry in knowledge.load(knowledge.EXAMPLE).entries]
    words = " ".join([*SENTENCES, *answers]).split()
    return " ".join(words[: round(minutes * 150)])  # words a minute


# --- what is seen ---------------------------------------------------------------------------------


def watch(script: Performance, draw: Draw, name: str) -> Watched:
    """Draw every picture and read its lips."""
    read, gaps, rest = Reader(draw), [], []
    motion = directed(script)
    quiet = settled(script, script.frames)
    for frame in tqdm(range(script.frames), desc=f"{name}: pictures", mininterval=2):
        state = motion.state(frame * FRAME)
        gaps.append(read(state))
        if quiet[frame]:
            rest.append(read(replace(state, coefficients=state.coefficients * ~MOUTH)))
    return Watched(script, np.array(gaps), np.array(rest), commanded(script))


class Reader:
    """Draws a state and reads its gap; the landmarks start where the last ones were."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._points: landmarks.Floats | None = None

    def __call__(self, state: Any) -> float:
        picture = self._draw(state)
        rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420), np.uint8)
        if self._points is None:
            face = landmarks.find_landmarks(rgb, landmarks.detect(rgb)[0])
        else:
            face = landmarks.follow(rgb, self._points)
        self._points = face.points
        return gap(face.points)


def directed(script: Performance) -> Any:
    """A motion that has been told the whole script."""
    return script.motion(3)


def gap(points: landmarks.Floats) -> float:
    """Mean distance of three pairs of inner lip points over that of the outer eye corners."""
    eyes = np.linalg.norm(points[263, :2] - points[33, :2])
    apart = [np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in landmarks.LIP_PAIRS]
    return float(np.mean(apart) / eyes)


def commanded(script: Performance) -> Doubles:
    """The mouth's opening as the motion commands it, every FINE samples."""
    motion = directed(script)
    jaw, close = INDEX["jawOpen"], INDEX["mouthClose"]
    states = (motion.state(at).coefficients for at in range(0, len(script.pcm), FINE))
    return np.array([state[jaw] - state[close] for state in states], np.float64)


# --- what should be seen --------------------------------------------------------------------------


def sounds(script: Performance, wanted: Any) -> Iterator[tuple[int, int]]:
    """(start, end) in samples of the phonemes whose first viseme `wanted` accepts."""
    for at, speech in script.pieces:
        for phoneme in speech.phonemes:
            shapes = visemes.visemes(phoneme.symbol, speech.alphabet)
            if shapes and wanted(shapes[0]):
                yield at + phoneme.start, at + phoneme.end


def silences(script: Performance) -> Iterator[tuple[int, int]]:
    """(start, end) in samples without a sound, at least SETTLED and as much again long."""
    last = LEAD_IN
    for at, speech in script.pieces:
        for phoneme in speech.phonemes:
            if visemes.visemes(phoneme.symbol, speech.alphabet):
                if at + phoneme.start - last > 2 * SETTLED * PLAY_RATE:
                    yield last, at + phoneme.start
                last = at + phoneme.end
    yield last, len(script.pcm)


def settled(script: Performance, frames: int) -> npt.NDArray[np.bool_]:
    """(frames,) where the mouth has to be shut and still: before the first sound, in pauses."""
    times = np.arange(frames) * FRAME
    quiet = times < LEAD_IN - 0.25 * PLAY_RATE
    for start, end in silences(script):
        quiet |= (times > start + SETTLED * PLAY_RATE) & (times < end - 0.25 * PLAY_RATE)
    return quiet


def speaking(script: Performance, frames: int) -> npt.NDArray[np.bool_]:
    """(frames,) where something is said."""
    times = np.arange(frames) * FRAME
    said = np.zeros(frames, bool)
    for start, end in sounds(script, lambda viseme: viseme is not visemes.SILENCE):
        said |= (times >= start) & (times <= end)
    return said


# --- figures --------------------------------------------------------------------------------------


def figures(seen: Watched) -> dict[str, Any]:
    """What the issue asks for, of one voice."""
    share = seen.share
    quiet = settled(seen.script, len(share))
    return {
        "seconds": round(len(seen.script.pcm) / PLAY_RATE, 1),
        "p_b_m_lips_meet": reached(seen, lambda v: v.seal == "lips", lambda s: s.min() <= MEET),
        "f_v_lip_to_teeth": reached(seen, lambda v: v.seal == "teeth", lambda s: s.min() <= BITE),
        "open_vowels_open": reached(
            seen,
            lambda v: v.vowel and v.targets.get("jawOpen", 0) >= 0.4,
            lambda s: s.max() >= OPEN,
        ),
        # against the same pictures with the mouth at rest: blinks and brows mislead the landmarks
        "motion_in_silence_of_range": round(
            float(np.std(seen.gap[quiet] - seen.rest)) / seen.range, 4
        ),
        "as_the_landmarks_read_it": round(float(np.std(share[quiet])), 4),
        "settled_pictures": int(quiet.sum()),
        "lag_ms": lags(seen),
    }


def reached(seen: Watched, wanted: Any, meets: Any) -> dict[str, Any]:
    """Share of these sounds of which a picture shows the shape, within a picture of the sound."""
    share, hits = seen.share, []
    for start, end in sounds(seen.script, wanted):
        first, last = -(-(start - FRAME) // FRAME), (end + FRAME) // FRAME
        hits.append(bool(meets(share[max(first, 0) : last + 1])))
    return {"count": len(hits), "share": round(float(np.mean(hits)), 4) if hits else None}


def lags(seen: Watched) -> dict[str, Any]:
    """Commanded and seen mouth against the sound; positive: the mouth is late."""
    heard, closed = [], []
    treble = brightness(seen.script.pcm)
    for start, end in sounds(seen.script, lambda v: v.seal == "lips"):
        dip = heard_closure(treble, start, end)
        seal = commanded_closure(seen.commanded, start, end)
        if dip is not None and seal is not None:
            heard.append(dip)
            closed.append(seal)
    late = (np.array(closed) - np.array(heard)) * 1e3
    return {
        "closures": len(late),
        "commanded_p50": round(float(np.median(late)), 1),
        "commanded_p10": round(float(np.percentile(late, 10)), 1),
        "commanded_p90": round(float(np.percentile(late, 90)), 1),
        "seen_against_commanded": seen_lag(seen),
    }


def brightness(pcm: npt.NDArray[np.int16]) -> Doubles:
    """(steps,) dB of the first difference every 2 ms: what shut lips hold back."""
    rise = np.diff(pcm.astype(np.float64))
    steps = rise[: len(rise) // FINE * FINE].reshape(-1, FINE)
    level = 10 * np.log10((steps**2).mean(1) + 1.0)
    return np.convolve(level, np.hanning(9) / np.hanning(9).sum(), "same")


def heard_closure(treble: Doubles, start: int, end: int) -> float | None:
    """s of the middle of the treble's dip near a sound; None where it does not dip by 10 dB."""
    first, last = (start - PLAY_RATE // 12) // FINE, (end + PLAY_RATE // 25) // FINE
    part = treble[max(first, 0) : last]
    if len(part) < 20:
        return None
    low = int(part.argmin())
    around = min(part[:low].max(initial=-99.0), part[low:].max(initial=-99.0))
    if around - part[low] < 10:
        return None
    under = part < part[low] + (around - part[low]) / 2
    left = low - int(np.argmin(under[low::-1]))
    right = low + int(np.argmin(under[low:]))
    return (max(first, 0) + (left + right) / 2) * FINE / PLAY_RATE


def commanded_closure(opening: Doubles, start: int, end: int) -> float | None:
    """s of the middle of the time in which the commanded lips are shut."""
    first, last = (start - PLAY_RATE // 10) // FINE, (end + PLAY_RATE // 16) // FINE
    part = opening[max(first, 0) : last]
    shut = np.flatnonzero(part <= max(part.min(), 0.0) + 0.01)
    return None if not len(shut) else (max(first, 0) + float(shut.mean())) * FINE / PLAY_RATE


def seen_lag(seen: Watched) -> float:
    """ms by which the pictures' lips follow the command: where they correlate best."""
    times = np.arange(len(seen.gap)) * (FRAME // FINE)
    steps = np.arange(-60, 61)  # +-120 ms
    inside = (times > 60) & (times < len(seen.commanded) - 61)
    scores = [
        np.corrcoef(seen.gap[inside], seen.commanded[times[inside] - step])[0, 1] for step in steps
    ]
    return float(steps[int(np.argmax(scores))] * FINE / PLAY_RATE * 1e3)


if __name__ == "__main__":
    main()
