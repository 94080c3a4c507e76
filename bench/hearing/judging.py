"""What a record means: words, ends of turns, interruptions. Definitions of every figure are here.

- **words lost**: `words.lost_beyond`, in percent of the words said, summed over cases. Truth is the
  script; the recogniser's own words are whisper tiny.en's on the whole recording at once, padded to
  its 30 s as it was trained (`whole`).
- **latency**: from the last 10 ms of speech that are audible (over 0.6 % of full scale, RMS) to the
  first of the avatar that are, both at the server: no network, no browser.
- **cut-in**: the avatar is audible between the first and the last sample of an utterance.
- **missed end**: an utterance is finished, and 1.5 s later nothing is audible.
- **false interruption**: a noise, after which the reply did not go on at the word where it was
  ("broken off"), or more than 400 ms after the noise was over ("late"). "paused": it stopped and
  went on in that time; "undisturbed": no silence of 150 ms or more where it has none.
- **phantom words**: any that are taken from ten minutes in which nobody speaks.
- **barge-in**: stopped when the avatar falls silent for 0.7 s and does not go on with its text;
  measured from the first sample of the visitor's voice to the last audible 10 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.hearing import words
from bench.hearing.corpora import Case
from bench.hearing.people import AUDIBLE, loudness
from bench.hearing.stage import Record
from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.playout.messages import Tick, ms, to_ms
from visavis.server.session import events

MISSED: Final = 1500.0  # ms
RESUMED: Final = 400.0  # ms
STOPPED: Final = 1500.0  # ms, after which a barge-in was ignored
_BLOCK: Final = PLAY_RATE // 100
_SILENCE: Final = 70  # blocks
_HOLE: Final = 15  # blocks
Loud = np.ndarray[Any, np.dtype[np.bool_]]


def audible(played: Pcm) -> Loud:
    """For each 10 ms, whether the avatar is heard."""
    return np.asarray(loudness(played) > AUDIBLE * 32_768)


def first_sound(played: Pcm, after: Tick) -> float | None:
    """Ms from `after` to the first audible 10 ms; None: it stays silent."""
    loud = np.flatnonzero(audible(played[after:]))
    return float(to_ms(int(loud[0]) * _BLOCK)) if loud.size else None


def cut_in(played: Pcm, speech: tuple[Tick, Tick]) -> bool:
    """Whether the avatar is heard while the visitor has not finished."""
    return bool(audible(played[speech[0] : speech[1]]).any())


def silent_after(played: Pcm, at: Tick) -> float | None:
    """Ms from `at` to the end of the sound that goes on then; None: it does not stop."""
    loud = audible(played[at:])
    last = 0
    for index, is_loud in enumerate(loud):
        if is_loud:
            last = index + 1
        elif index + 1 - last >= _SILENCE:
            return float(to_ms(last * _BLOCK))
    return None


# --- one case -------------------------------------------------------------------------------------


def wordy(case: Case, record: Record, whole: str) -> dict[str, Any]:
    """Words kept and lost."""
    truth = words.plain(case.said)
    own, heard = (
        words.align(truth, words.plain(whole)),
        words.align(truth, words.plain(record.heard)),
    )
    return {
        "said": case.said,
        "heard": [text for _, text in record.finals],
        "whole": whole,
        "words": len(truth),
        "lost": words.lost_beyond(case.said, whole, record.heard),
        "own_error_percent": round(own.error, 1),
        "error_percent": round(heard.error, 1),
        "turns": len(record.finals),
    }


def ended(case: Case, record: Record) -> dict[str, Any]:
    """When the avatar began to speak."""
    begun, over = case.speech
    latency = first_sound(record.played, over)
    early = cut_in(record.played, case.speech)
    return {
        "said": case.said,
        "heard": [text for _, text in record.finals],
        "latency_ms": latency,
        "cut_in": early,
        "missed": not early and (latency is None or latency > MISSED),
        "turns_before_the_end": sum(begun <= at < over for at, _ in record.finals),
        "right": None if not case.right else case.right in record.answers,
        "answer": record.answers[:120],
    }


@dataclass(frozen=True, slots=True)
class _Course:
    """How the long reply went. gap: ms of silence that do not belong to it; None: it never went on.

    late: how long after the noise it went on. words: whether all were said, in order and once.
    """

    gap: float | None
    late: float
    words: bool


def disturbed(case: Case, record: Record, reference: Record, begins: Tick) -> dict[str, Any]:
    """Whether a noise broke the reply off. reference: the same reply, and nobody makes a noise.

    begins: where the reference's reply was told to begin.
    """
    course = _course(case, record, reference, begins)
    if course.gap is None or not course.words:
        outcome = "broken off"
    elif course.gap == 0:
        outcome = "undisturbed"
    else:
        outcome = "paused" if course.late <= RESUMED else "late"
    return {
        "outcome": outcome,
        "gap_ms": course.gap,
        "went_on_after_the_noise_ms": None if course.gap is None else course.late,
        "right_word": course.words,
        "heard": [text for _, text in record.finals],
    }


def _course(case: Case, record: Record, reference: Record, begins: Tick) -> _Course:
    """Compared by where sound is and where not: no two syntheses are the same to the sample."""
    ours, theirs = audible(record.played[case.begins :]), audible(reference.played[begins:])
    noise, over = ((at - case.begins) // _BLOCK for at in case.speech)
    told = _words_told(case, record)
    hole = _hole(ours, theirs, noise)
    if hole is None:
        return _Course(0.0 if told else None, 0.0, words=told)
    stop, on = hole
    if on is None:
        return _Course(None, 0.0, words=False)
    return _Course(10.0 * (on - stop), max(0.0, 10.0 * (on - max(stop, over))), words=told)


def _hole(ours: Loud, theirs: Loud, after: int) -> tuple[int, int | None] | None:
    """Blocks: where ours fell silent while theirs goes on, and where it goes on, if it does."""
    for at in range(after, len(theirs) - _HOLE):
        if not ours[at : at + _HOLE].any() and theirs[at : at + _HOLE].mean() >= 0.5:
            before, later = np.flatnonzero(ours[:at]), np.flatnonzero(ours[at:])
            stop = int(before[-1]) + 1 if before.size else 0
            return stop, at + int(later[0]) if later.size else None
    return None


def _words_told(case: Case, record: Record) -> bool:
    """Whether the reply's words were heard in order; that where it broke off may come twice."""
    heard: list[str] = []
    for at, event in record.said:
        if at > case.speech[0]:
            rest = event.heard.split()
            twice = bool(heard and rest) and heard[-1] == rest[0]
            heard += rest[1:] if twice else rest
    return heard == case.text.split()


def phantoms(record: Record) -> dict[str, Any]:
    """Words in what holds none, and whether the avatar answered them."""
    return {
        "heard": [text for _, text in record.finals],
        "phantom_words": len(words.plain(record.heard)),
        "answers": int(audible(record.played).any()),
    }


def barged(case: Case, record: Record) -> dict[str, Any]:
    """Whether speech stopped the avatar, and after how long."""
    stop = silent_after(record.played, case.speech[0])
    ignored = stop is None or stop > STOPPED
    later = case.speech[0] + ms(stop or 0)
    on = not ignored and any(
        isinstance(event, events.Caption) and at > later + ms(100) and event.text in case.text
        for at, event in record.events
    )
    return {
        "outcome": "ignored" if ignored else "went on" if on else "stopped",
        "stopped_after_ms": None if ignored else stop,
        "said": case.said,
        "heard": [text for _, text in record.finals],
    }
