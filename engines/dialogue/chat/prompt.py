"""What a language model is told: who it is, the rules, what was said, and what the house knows.

The rules come first and never change within a conversation, and all that does comes last, with the
visitor's words: an endpoint that keeps what it has read reads only that anew. Whose words are whose
is marked by tags that neither notes nor visitors can write.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import Instructed, Mood, Notes, Question, Remark
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import phrases

TEXTS: Final = Path(__file__).parents[2] / "data" / "chat.toml"
LARGEST: Final = 20_000  # characters of a persona file
FILLER: Final = "filler."  # in the phrasebook: what was said only to pass the time
_FILLERS: Final = (f"{FILLER}looking",)
_TURNS: Final = 12  # of what was said; more is let go, the oldest first
_LONGEST: Final = 2000  # characters of one remark
_PLENTY: Final = 0.35  # of a mood's confidence, from which on it is told
_MARKED: Final = 0.5  # of a feeling, likewise
_APART: Final = str.maketrans({"<": "‹", ">": "›"})
# English, whatever the operator's locale is.
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@cache
def _texts() -> Mapping[str, Any]:
    return tomllib.loads(TEXTS.read_text("utf-8"))


def warm() -> None:
    """Read the texts now, in whatever thread this is."""
    _texts()
    for key in _FILLERS:
        phrases(key, "en")


class Prompt:
    """Makes the messages of a question.

    persona: in the operator's words; empty: its own. brackets: all directions that there are.
    """

    def __init__(
        self, persona: str = "", brackets: Sequence[str] = (), *, bound: bool = True
    ) -> None:
        self._persona, self._brackets, self._bound = persona, tuple(brackets), bound

    def messages(
        self, question: Question, notes: Notes, now: datetime, *, tools: bool = False
    ) -> list[Mapping[str, object]]:
        """The rules, what was said, and the question with what is known about it."""
        said = list(_said(question.history, question.language))
        said.append(("user", _asked(question, notes, now)))
        if said[0][0] != "user":  # many templates want the visitor to begin
            said.insert(0, ("user", _texts()["arrival"]))
        rules = self._rules(notes, question.language, tools=tools)
        if isinstance(question, Instructed) and question.instructions:
            told = f"{_texts()['instructed'].strip()}\n\n{question.instructions.strip()}"
            rules = f"{rules}\n\n{told}"
        return [{"role": "system", "content": rules}, *_alternating(said)]

    def _rules(self, notes: Notes, language: str, *, tools: bool) -> str:
        texts = _texts()
        values = {
            "name": notes.name or "a digital assistant",
            "role": notes.role or "who helps visitors",
            "house": notes.house or "this place",
            "contact": notes.contact or "a member of the staff",
            "greeting": notes.greeting,
            "language": texts["languages"].get(code_of(language), f"the language {language}"),
            "topics": ", ".join(notes.topics),
            "brackets": ", ".join(self._brackets),
        }
        parts = [self._persona or texts["persona"], texts["rules"]]
        parts.append(texts["bound" if self._bound else "free"])
        parts += [texts["greeting"]] if notes.greeting else []
        parts += [texts["brackets"]] if self._brackets else []
        parts += [texts["tools"]] if tools else []
        return "\n\n".join(_filled(part.strip(), values) for part in parts)


def persona(path: Path | None) -> str:
    """The operator's file, without the space around it. Raises OSError, ValueError."""
    if path is None:
        return ""
    with path.open(encoding="utf-8") as file:
        text = file.read(LARGEST + 1).strip()
    if len(text) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} characters")
    if not text:
        raise ValueError("it is empty")
    return text


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Other braces stay: an operator may write any."""
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


def _said(history: Sequence[Remark], language: str) -> Iterator[tuple[str, str]]:
    """(role, text) of what was said and really heard, the oldest first."""
    turns = sorted({remark.turn for remark in history})[-_TURNS:]
    for remark in history:
        if remark.turn not in turns:
            continue
        if remark.role == "visitor" and remark.text.strip():
            yield "user", _apart(remark.text)
        elif remark.role == "avatar" and (heard := _heard(remark, language)):
            yield "assistant", heard


def _heard(remark: Remark, language: str) -> str:
    """As far as it was heard; a dash where it was broken off."""
    whole, heard = unmarked(remark.text), " ".join(remark.heard.split())
    broken = len(heard.split()) < len(whole.split())
    for filler in (unmarked(text) for key in _FILLERS for text in phrases(key, language)):
        heard = heard.removeprefix(filler).strip()
    return f"{heard[:_LONGEST]} —" if heard and broken else heard[:_LONGEST]


def _alternating(said: Sequence[tuple[str, str]]) -> Iterator[Mapping[str, object]]:
    """Visitor and avatar in turns, as many templates want it."""
    for role, run in groupby(said, key=lambda each: each[0]):
        yield {"role": role, "content": "\n".join(text for _, text in run)}


def _asked(question: Question, notes: Notes, now: datetime) -> str:
    lines = [f"<now>{notes.moment or _time(now)}</now>", "<notes>", *_noted(notes), "</notes>"]
    if told := _mood(question.mood):
        lines.append(f"<mood>{told}</mood>")
    return "\n".join([*lines, f"<visitor>{_apart(question.text)}</visitor>"])


def _noted(notes: Notes) -> Iterator[str]:
    for passage in notes.passages:
        yield f"{_apart(passage.subject)}: {_apart(passage.text)}"
    if not notes.passages:
        yield _texts()["nothing"]


def _mood(mood: Mood) -> str:
    """The strongest feeling, as an instruction; empty where little is known of it."""
    if mood.confidence < _PLENTY:
        return ""
    texts = _texts()["mood"]
    strength, feeling = max((getattr(mood, name), name) for name in texts)
    return str(texts[feeling]) if strength >= _MARKED else ""


def _time(now: datetime) -> str:
    month = _MONTHS[now.month - 1]
    return f"{_DAYS[now.weekday()]}, {now.day} {month} {now.year}, {now:%H:%M}"


def _apart(text: str) -> str:
    """Text that cannot be taken for our tags."""
    return " ".join(text.translate(_APART).split())[:_LONGEST]
