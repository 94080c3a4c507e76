"""The Markdown file of questions and answers: read, checked, turned into spoken text.

`data/hotel.md` is the complete example, and the comment at its top is the description of the format
for the people who write such files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from visavis.engines.base import EngineError
from visavis.engines.language import markup
from visavis.engines.language.saying import NOTHING, empty

EXAMPLE: Final = Path(__file__).parents[1] / "data" / "hotel.md"
MAX_BYTES: Final = 1 << 20  # of one file: some ten thousand answers; more is a mistake
PERSONA_KEYS: Final = ("name", "role", "greeting", "contact")

_SHOWN: Final = 40  # characters of a text in a mistake
_HEADING: Final = re.compile(r"(#+)(.*)")
_BULLET: Final = re.compile(r"(?:[-*+]|\d+[.)])\s+(.*)$")
_FIELD: Final = re.compile(r"([A-Za-z]+)\s*:\s*(.*)$")
_BREAK: Final = re.compile(r"(?:\*\s*){3,}$|(?:-\s*){3,}$|(?:_\s*){3,}$")
_ADDRESS: Final = re.compile(r"<?\bhttps?://(?:www\.)?([^\s>]+)>?")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What has to be mended in a file; `line` counts from 1."""

    line: int
    text: str


class KnowledgeError(EngineError):
    """A knowledge file that cannot be used; names every mistake with its line."""

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        """`mistakes` in the order of their lines, at least one."""
        self.mistakes = mistakes
        super().__init__("\n".join(f"{source}:{p.line}: {p.text}" for p in mistakes))


@dataclass(frozen=True, slots=True)
class Persona:
    """Who the avatar is; empty where the file does not say."""

    name: str = ""
    role: str = ""
    greeting: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is known. `answers` are spoken text, alternatives to be used in turn."""

    id: str
    topic: str
    subject: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A whole file: entries have unique ids and no two share a question."""

    title: str
    persona: Persona
    entries: tuple[Entry, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics in the order of the file."""
        return tuple(dict.fromkeys(entry.topic for entry in self.entries))


def load(path: Path) -> Knowledge:
    """Read and check a file. Raises `KnowledgeError`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _fault(path.name, 1, f"cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _fault(path.name, 1, f"larger than {MAX_BYTES} bytes; split it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _fault(path.name, line, "not UTF-8; save the file with that encoding") from error
    return parse(text, path.name)


def parse(text: str, source: str = "knowledge") -> Knowledge:
    """Check a text and turn it into `Knowledge`. Raises `KnowledgeError` with every mistake."""
    reader = _Reader()
    for number, line in enumerate(_without_comments(text).splitlines(), start=1):
        reader.feed(number, line.strip())
    reader.finish()
    if reader.mistakes:
        raise KnowledgeError(source, tuple(sorted(reader.mistakes, key=lambda p: p.line)))
    return Knowledge(
        reader.title, Persona(**reader.fields), tuple(d.entry() for d in reader.drafts)
    )


def plain(markdown: str) -> str:
    """Mark-up of one line -> what is said: links by their text, no emphasis, no address scheme."""
    return " ".join(_ADDRESS.sub(_without_scheme, markup.plain(markdown)).split())


def _without_scheme(address: re.Match[str]) -> str:
    """ "https://www.hotel.com/," -> "hotel.com,"."""
    bare = address[1].rstrip(".,;:!?)")
    return bare.rstrip("/") + address[1][len(bare) :]


def question_key(question: str) -> str:
    """What two questions share if they are the same but for case and punctuation."""
    return " ".join(re.findall(r"[\w']+", question.lower().replace("’", "'")))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _fault(source: str, line: int, text: str) -> KnowledgeError:
    return KnowledgeError(source, (Mistake(line, text),))


def _without_comments(text: str) -> str:
    """Comments become as many line ends as they had, so that line numbers stay true."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 3
    return "".join([*kept, text[at:]])


@dataclass(slots=True)
class _Draft:
    """An entry while it is being read."""

    line: int
    topic: str
    subject: str
    questions: list[str] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=lambda: [[]])
    lines: list[int] = field(default_factory=lambda: [0])  # where each answer begins

    def say(self, number: int, text: str, *, item: bool) -> None:
        """Add a line of the answer; a list item ends like a sentence."""
        spoken = plain(text)
        if item and spoken and spoken[-1] not in ".!?…,;:":
            spoken += "."
        if spoken:
            self.lines[-1] = self.lines[-1] or number
            self.answers[-1].append(spoken)

    def begin(self) -> None:
        """Another answer in other words."""
        self.answers.append([])
        self.lines.append(0)

    def unsayable(self) -> list[tuple[int, str]]:
        """Answers without a word that can be said, with their lines."""
        told = zip(self.lines, map(" ".join, self.answers), strict=True)
        return [(line, words) for line, words in told if words and empty(words)]

    @property
    def answered(self) -> bool:
        return all(self.answers)

    def entry(self) -> Entry:
        key = "-".join(question_key(self.subject).replace("'", "").split())
        answers = tuple(" ".join(lines) for lines in self.answers)
        return Entry(key, self.topic, self.subject, tuple(self.questions), answers)


class _Reader:
    """Takes lines one after the other; mistakes are collected, so that one run shows them all."""

    def __init__(self) -> None:
        self.title = ""
        self.fields: dict[str, str] = {}
        self.drafts: list[_Draft] = []
        self.mistakes: list[Mistake] = []
        self._topic = ""
        self._draft: _Draft | None = None
        self._lines_by_subject: dict[str, int] = {}
        self._lines_by_question: dict[str, int] = {}

    def feed(self, number: int, line: str) -> None:
        if not line:
            return
        if heading := _HEADING.match(line):
            text = heading[2].strip().rstrip("#").rstrip()
            self._heading(number, len(heading[1]), plain(text))
        elif line.startswith(("```", "~~~", "|")):
            self._report(number, "tables and code cannot be spoken; write a sentence")
        elif self._draft is not None:
            self._entry_line(number, line, self._draft)
        elif self._topic:
            self._report(number, f"text between topic {self._topic!r} and its first '### subject'")
        else:
            self._persona_line(number, line)

    def finish(self) -> None:
        self._close()
        if not self.title:
            self._report(1, "the title is missing: begin with a line like '# Hotel Aurora'")
        if not self._lines_by_subject:
            self._report(1, "no entries: write at least one '### subject' with an answer")

    def _report(self, line: int, text: str) -> None:
        self.mistakes.append(Mistake(line, text))

    def _heading(self, number: int, level: int, text: str) -> None:
        self._close()
        if not text:
            self._report(number, "a heading without words")
        elif level == 1 and self.title:
            self._report(number, "a second title; topics begin with '##'")
        elif level == 1:
            self.title = text
        elif level == 2:
            self._topic = text
        elif level == 3:
            self._open(number, text)
        else:
            self._report(number, "only '#', '##' and '###' headings are known")

    def _open(self, number: int, subject: str) -> None:
        if not self._topic:
            self._report(
                number, f"entry {subject!r} has no topic: write a '## topic' line above it"
            )
        key = question_key(subject)
        first = self._lines_by_subject.setdefault(key, number)
        if first != number:
            self._report(number, f"subject {subject!r} is already used in line {first}")
        self._draft = _Draft(number, self._topic, subject)

    def _close(self) -> None:
        draft, self._draft = self._draft, None
        if draft is None:
            return
        if not draft.questions:
            self._report(draft.line, f"entry {draft.subject!r} has no '- question?' line")
        if not draft.answered:
            self._report(
                draft.line,
                f"entry {draft.subject!r} has no answer: write a sentence below its questions"
                + (" and on both sides of each ***" if len(draft.answers) > 1 else ""),
            )
        for line, words in draft.unsayable():
            self._report(line, f"{NOTHING}: {_shortened(words)!r}; the voices speak English")
        self.drafts.append(draft)

    def _entry_line(self, number: int, line: str, draft: _Draft) -> None:
        item = _BULLET.match(line)
        if _BREAK.match(line):
            draft.begin()
        elif item and draft.answers == [[]]:
            self._question(number, plain(item[1]), draft)
        else:
            draft.say(number, item[1] if item else line.lstrip("> "), item=bool(item))

    def _question(self, number: int, question: str, draft: _Draft) -> None:
        key = question_key(question)
        if not key:
            self._report(number, "a question without words")
            return
        first = self._lines_by_question.setdefault(key, number)
        if first != number:
            self._report(number, f"question {question!r} is already asked in line {first}")
        draft.questions.append(question)

    def _persona_line(self, number: int, line: str) -> None:
        found = _FIELD.match(line)
        if not self.title:
            self._report(number, "text before the title: begin with a line like '# Hotel Aurora'")
        elif not found or found[1].lower() not in PERSONA_KEYS:
            known = ", ".join(PERSONA_KEYS)
            self._report(number, f"expected 'key: value' with one of {known}, or a '## topic'")
        elif found[1].lower() in self.fields:
            self._report(number, f"{found[1].lower()!r} is given twice")
        else:
            self.fields[found[1].lower()] = plain(found[2])
