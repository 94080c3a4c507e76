"""Spoken questions in Chromium: end of speech -> first syllable, and whether the answer is right.

Forty, by six synthetic voices and by people (bench/hearing/corpora.py). An answer is stopped after
some seconds, so that the next question is not spoken over it; the whole takes nine minutes.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.async_api import Page

from bench.hearing import corpora, room
from bench.hearing.people import Clip, says
from bench.live.chromium import chromium, tapped_page
from bench.live.page import LEAD_IN, since, skew, stages, start, taps_of
from bench.live.signals import first_after, intervals, moving_after, summary
from visavis.engines.base import PLAY_RATE, Floats

ANSWER: Final = 11.0  # s from one question to the next
HEARD: Final = 9.0  # s of an answer, before it is stopped
_ROOM: Final = -66.0  # dBFS


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. right: words of the right answer, "" where there is none."""

    clip: Clip
    right: str


def asked() -> list[Asked]:
    """The same questions as in process: bench/hearing/corpora.py."""
    synthetic = [Asked(says(voice, text), right) for voice, text, right in corpora.spoken()]
    return [*synthetic, *(Asked(make(), "") for make in corpora.recorded())]


def some(questions: list[Asked], cases: int | None) -> list[Asked]:
    """So many of them, of all kinds and always the same; all, where it is None."""
    if cases is None:
        return questions
    places = np.random.default_rng(0).permutation(len(questions))[:cases]
    return [questions[place] for place in sorted(places)]


def microphone(path: Path, parts: list[tuple[Clip, float]]) -> None:
    """Each clip, and so many seconds of a quiet room behind it, after LEAD_IN of it."""
    sounds: list[Floats] = [np.zeros(round(LEAD_IN * PLAY_RATE), np.float32)]
    for clip, pause in parts:
        sounds += [clip.sound, np.zeros(round(pause * PLAY_RATE), np.float32)]
    whole = np.concatenate(sounds)
    whole += room.hiss(len(whole), 1, _ROOM)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAY_RATE)
        file.writeframes(np.rint(np.clip(whole, -1, 1) * 32_767).astype("<i2").tobytes())


async def spoken(address: str, out: Path, cases: int | None = None) -> dict[str, Any]:
    """All of them, or so many of all kinds, in one session."""
    questions = some(asked(), cases)
    wav = out / "questions.wav"
    microphone(wav, [(each.clip, ANSWER) for each in questions])
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await page.evaluate(LISTEN, HEARD * 1000)
        await start(page, open_mic=True)
        seconds = LEAD_IN + sum(each.clip.seconds + ANSWER for each in questions)
        await page.wait_for_timeout(seconds * 1000)
        found = await _measured(page, questions)
        await page.screenshot(path=out / "spoken.png")
    return found


LISTEN: Final = """(longest) => {
  window.answers = [];
  const avatar = document.querySelector("visavis-avatar");
  const note = ({ type, detail }) =>
    window.answers.push([performance.now(), type, detail.heard ?? detail.text ?? ""]);
  for (const type of ["reply_started", "reply_ended", "transcript"])
    avatar.addEventListener(type, note);
  avatar.addEventListener("reply_started", ({ detail }) => {
    setTimeout(() => {
      const last = window.visavis.messages.filter((m) => m.type === "reply_started").at(-1);
      const over = window.visavis.messages.some(
        (m) => m.type === "reply_ended" && m.turn === last?.turn);
      if (last?.turn === detail.turn && !over) document.querySelector("#interrupt").click();
    }, longest);
  });
}"""


async def _measured(page: Page, questions: list[Asked]) -> dict[str, Any]:
    taps = await taps_of(page)
    answers = await page.evaluate("window.answers")
    receipts = await page.evaluate("window.visavis.receipts")
    spans = intervals(taps["mic"])
    rows = [
        _row(each, span, taps, answers)
        for each, span in zip(questions, windows(spans), strict=False)
    ]
    known = [row for row in rows if row["right"] is not None]
    return {
        "questions": len(questions),
        "questions_heard_by_the_page": len(spans),
        "end_of_speech_to_first_syllable_ms": summary([row["wait_ms"] for row in rows]),
        "of_known_questions_ms": summary([row["wait_ms"] for row in known]),
        "of_people_ms": summary([row["wait_ms"] for row in rows if row["right"] is None]),
        "cut_ins": sum(row["cut_in"] for row in rows),
        "end_of_speech_to_moving_lips_ms": summary([row["lips_ms"] for row in rows]),
        "right_answers": sum(row["right"] for row in known),
        "right_answers_of": len(known),
        "right_answers_percent": round(100 * sum(r["right"] for r in known) / max(1, len(known))),
        "each": rows,
        "receipts": stages(receipts),
        "skew_ms": skew(taps["skew"]),
    }


Window = tuple[float, float, float]  # ms: start and end of the speech, and where the next begins


def windows(spans: list[tuple[float, float]]) -> list[Window]:
    """Each stretch of speech with the time that its answer has."""
    starts = [start for start, _ in spans[1:]] + [float("inf")]
    return [(begin, end, after) for (begin, end), after in zip(spans, starts, strict=True)]


def sounding(series: list[list[float]], begin: float, end: float) -> bool:
    """Whether anything is heard between the two."""
    first = first_after(series, begin)
    return first is not None and first < end


def waited(series: list[list[float]], window: Window) -> int | None:
    """Ms from the end of speech to the first sound of the answer.

    None where there is none, or something sounded while the visitor spoke.
    """
    begin, end, after = window
    first = first_after(series, end)
    if first is None or first >= after or sounding(series, begin, end):
        return None
    return round(first - end)


def _row(
    question: Asked, window: Window, taps: dict[str, Any], answers: list[list[Any]]
) -> dict[str, Any]:
    begin, end, after = window
    said = [row for row in answers if begin <= row[0] < after]
    heard = " ".join(text for _, kind, text in said if kind == "reply_ended")
    wait = waited(taps["heard"], window)
    lips = since(end, moving_after(taps["frames"], end))
    limit = after - end
    return {
        "who": question.clip.who,
        "said": question.clip.text,
        "words": [text for _, kind, text in said if kind == "transcript"][-1:],
        "answer": heard,
        "right": question.right in heard if question.right else None,
        "cut_in": sounding(taps["heard"], begin, end),
        "wait_ms": wait,
        "lips_ms": round(lips) if lips is not None and lips < limit else None,
    }
