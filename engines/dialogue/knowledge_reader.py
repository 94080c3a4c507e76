"""Lines of a knowledge file, one after the other, to entries; mistakes are collected on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from visavis.engines.base import Card
from visavis.engines.dialogue import broken_markup, card_lines
from visavis.engines.dialogue.entries import Entry, Knowledge, Mistake, Persona
from visavis.engines.dialogue.hours import Hours, HoursError, Rule, read
from visavis.engines.language import markup
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.language.saying import NOTHING, empty

PERSONA_KEYS: Final = ("name", "role", "greeting", "contact")
PLACE_KEYS: Final = ("language", "timezone")

_SHOWN: Final = 40  # characters of a text in a mistake
_HEADING: Final = re.compile(r"(#+)(.*)")
_BULLET: Final = re.compile(r"(?:[-*+]|\d+[.)])\s+(.*)$")
_TAG: Final = r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
_FIELD: Final = re.compile(rf"([A-Za-z]+)(?:\s*\(({_TAG})\))?\s*:\s*(.*)$")
_IN_LANGUAGE: Final = re.compile(rf"({_TAG})\s*:\s*(.*)$")
_HOURS: Final = re.compile(r"hours\s*:\s*(.*)$", re.IGNORECASE)
_LANGUAGE_HEADING: Final = "and in an entry another language's, '#### de: das Frühstück'"
_BREAK: Final = re.compile(r"(?:\*\s*){3,}$|(?:-\s*){3,}$|(?:_\s*){3,}$")
_ADDRESS: Final = re.compile(r"<?\bhttps?://(?:www\.)?([^\s>]+)>?")


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


@dataclass(slots=True)
class _Words:
    """An entry's words in one language, while they are being read."""

    line: int
    subject: str
    questions: list[str] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=lambda: [[]])
    lines: list[int] = field(default_factory=lambda: [0])  # where each answer begins
    cards: list[Card] = field(default_factory=list)

    def say(self, number: int, text: str, *, item: bool) -> None:
        """Add a line of the answer; a list item ends like a sentence."""
        spoken = plain(text)
        if item and spoken and spoken[-1] not in ".!?…,;:。！？؟":
            spoken += "."
        if spoken:
            self.lines[-1] = self.lines[-1] or number
            self.answers[-1].append(spoken)

    def begin(self) -> None:
        """Another answer in other words."""
        self.answers.append([])
        self.lines.append(0)

    def texts(self) -> Iterator[tuple[int, str]]:
        """The answers, with their lines."""
        yield from zip(self.lines, map(" ".join, self.answers), strict=True)

    @property
    def answered(self) -> bool:
        return all(self.answers)


@dataclass(slots=True)
class _Draft:
    """An entry while it is being read: its own words, and those of other languages."""

    topic: str
    own: _Words
    rules: list[Rule] = field(default_factory=list)
    others: dict[str, _Words] = field(default_factory=dict)

    def entry(self, language: str, topics: dict[tuple[str, str], str], own: str) -> Entry:
        """In a language; `topics`: their names by themselves and a language."""
        words = self.others.get(language, self.own)
        topic = topics.get((self.topic, language), self.topic)
        return Entry(
            "-".join(question_key(self.own.subject).replace("'", "").split()),
            topic,
            words.subject,
            tuple(words.questions),
            tuple(text for _, text in words.texts()),
            Hours(tuple(self.rules)) if self.rules else None,
            own if words is self.own and language != own else "",
            tuple(words.lines),
            tuple(words.cards or self.own.cards),
        )


class Reader:
    """Takes a text; mistakes are collected, so that one run shows them all."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._title = ""
        self._fields: dict[tuple[str, str], str] = {}  # by key and language, "": the file's own
        self._zone: ZoneInfo | None = None
        self._drafts: list[_Draft] = []
        self._topic = ""
        self._topics: dict[tuple[str, str], str] = {}
        self._draft: _Draft | None = None
        self._words: _Words | None = None
        self._language = ""  # of those words; "": the file's own
        self._subjects: dict[tuple[str, str], int] = {}  # their lines, by language and key
        self._questions: dict[tuple[str, str], int] = {}

    def read(self, text: str) -> None:
        """All of a file."""
        kept, unclosed = _without_comments(text)
        if unclosed:
            self._report(unclosed, "a comment that is not closed: '-->' is missing")
        for number, line in enumerate(kept.splitlines(), start=1):
            if line := line.strip():
                self._line(number, line)
        self._close()
        if not self._title:
            self._report(1, "the title is missing: begin with a line like '# Hotel Aurora'")
        if not self._drafts:
            self._report(1, "no entries: write at least one '### subject' with an answer")

    def knowledge(self) -> Knowledge:
        """What was read, if there were no mistakes."""
        own = self._fields.get(("language", ""), ENGLISH)
        marked = {language for _, language in (*self._fields, *self._topics) if language}
        for draft in self._drafts:
            marked.update(draft.others)
        others = {tag: self._in(tag, own) for tag in sorted(marked - {own})}
        return Knowledge(*self._told(own, own), zone=self._zone, others=others)

    def _in(self, language: str, own: str) -> Knowledge:
        return Knowledge(*self._told(language, own), zone=self._zone)

    def _told(self, language: str, own: str) -> tuple[str, Persona, tuple[Entry, ...], str]:
        said = {key: text for (key, tag), text in self._fields.items() if tag == ""}
        said |= {key: text for (key, tag), text in self._fields.items() if tag == language}
        persona = Persona(**{key: said.get(key, "") for key in PERSONA_KEYS})
        entries = tuple(draft.entry(language, self._topics, own) for draft in self._drafts)
        return said.get("title", self._title), persona, entries, language

    def _line(self, number: int, line: str) -> None:
        if heading := _HEADING.match(line):
            text = heading[2].strip().rstrip("#").rstrip()
            self._heading(number, len(heading[1]), plain(text))
        elif self._words is not None and card_lines.is_one(line):
            self._show(number, line, self._words)
        elif not _BREAK.match(line) and (wrong := broken_markup.fault(line)):
            self._report(number, wrong)
        elif self._words is not None:
            self._entry_line(number, line, self._words)
        elif self._topic:
            self._topic_line(number, line)
        else:
            self._head_line(number, line)

    def _report(self, line: int, text: str) -> None:
        self.mistakes.append(Mistake(line, text))

    # --- headings ------------------------------------------------------------------------------

    def _heading(self, number: int, level: int, text: str) -> None:
        draft = self._draft
        self._close()
        if not text:
            self._report(number, "a heading without words")
        elif level == 1 and self._title:
            self._report(number, "a second title; topics begin with '##'")
        elif level == 1:
            self._title = text
        elif level == 2:
            self._topic, self._draft = text, None
        elif level == 3:
            self._open(number, text)
        elif level == 4 and draft is not None:
            self._translate(number, text, draft)
        else:
            self._report(
                number, f"only '#', '##' and '###' headings are known, {_LANGUAGE_HEADING}"
            )

    def _open(self, number: int, subject: str) -> None:
        if not self._topic:
            self._report(
                number, f"entry {subject!r} has no topic: write a '## topic' line above it"
            )
        self._words, self._language = _Words(number, subject), ""
        self._draft = _Draft(self._topic, self._words)
        self._drafts.append(self._draft)
        self._claim_subject(number, subject)

    def _translate(self, number: int, text: str, draft: _Draft) -> None:
        found = _IN_LANGUAGE.match(text)
        if not found or not found[2]:
            self._report(
                number, f"only '#', '##' and '###' headings are known, {_LANGUAGE_HEADING}"
            )
            self._draft = draft
            return
        self._draft, self._language = draft, code_of(found[1])
        self._words = _Words(number, found[2])
        if self._language in (*draft.others, self._own):
            self._report(number, f"{found[1]!r} is given twice in entry {draft.own.subject!r}")
        draft.others.setdefault(self._language, self._words)
        self._claim_subject(number, found[2])

    def _claim_subject(self, number: int, subject: str) -> None:
        first = self._subjects.setdefault((self._language, question_key(subject)), number)
        if first != number:
            self._report(number, f"subject {subject!r} is already used in line {first}")

    @property
    def _own(self) -> str:
        return self._fields.get(("language", ""), ENGLISH)

    def _close(self) -> None:
        words, self._words = self._words, None
        if words is None:
            return
        if not words.questions:
            self._report(words.line, f"entry {words.subject!r} has no '- question?' line")
        if not words.answered:
            self._report(
                words.line,
                f"entry {words.subject!r} has no answer: write a sentence below its questions"
                + (" and on both sides of each ***" if len(words.answers) > 1 else ""),
            )
        english = (self._language or self._own) == ENGLISH
        for line, text in words.texts():
            if text and (empty(text) if english else not any(map(str.isalnum, text))):
                what = "; the voices speak English" if english else ""
                self._report(line, f"{NOTHING}: {_shortened(text)!r}{what}")

    # --- lines ---------------------------------------------------------------------------------

    def _entry_line(self, number: int, line: str, words: _Words) -> None:
        item = _BULLET.match(line)
        if _BREAK.match(line):
            words.begin()
        elif words.answers == [[]] and (hours := _HOURS.match(line)):
            self._hours(number, hours[1], words)
        elif words.answers == [[]] and broken_markup.is_tight(line):
            self._report(number, f"{broken_markup.TIGHT}: {_shortened(line)!r}")
        elif item and words.answers == [[]]:
            self._question(number, plain(item[1]), words)
        else:
            words.say(number, item[1] if item else line.lstrip("> "), item=bool(item))

    def _show(self, number: int, line: str, words: _Words) -> None:
        try:
            words.cards.append(card_lines.card(line, words.subject))
        except card_lines.CardError as error:
            self._report(number, str(error))

    def _hours(self, number: int, text: str, words: _Words) -> None:
        draft = self._draft
        if draft is None or words is not draft.own or words.questions:
            self._report(number, "hours stand below '### subject', above the questions")
            return
        try:
            draft.rules += read(text)
        except HoursError as error:
            self._report(number, str(error))

    def _question(self, number: int, question: str, words: _Words) -> None:
        key = question_key(question)
        if not key:
            self._report(number, "a question without words")
            return
        first = self._questions.setdefault((self._language, key), number)
        if first != number:
            self._report(number, f"question {question!r} is already asked in line {first}")
        words.questions.append(question)

    def _topic_line(self, number: int, line: str) -> None:
        found = _IN_LANGUAGE.match(line)
        if self._draft is not None or not found or not found[2]:
            self._report(number, f"text between topic {self._topic!r} and its first '### subject'")
        elif (key := (self._topic, code_of(found[1]))) in self._topics:
            self._report(number, f"{found[1]!r} is given twice")
        else:
            self._topics[key] = plain(found[2])

    def _head_line(self, number: int, line: str) -> None:
        found = _FIELD.match(line)
        key = found[1].lower() if found else ""
        tag = code_of(found[2]) if found and found[2] else ""
        if not self._title:
            self._report(number, "text before the title: begin with a line like '# Hotel Aurora'")
        elif not found or not self._is_known(key, tag):
            known = ", ".join((*PERSONA_KEYS, *PLACE_KEYS))
            self._report(number, f"expected 'key: value' with one of {known}, or a '## topic'")
        elif (key, tag) in self._fields:
            self._report(number, f"{key!r} is given twice")
        else:
            self._fields[key, tag] = plain(found[3])
            self._check_place(number, key, found[3].strip())

    @staticmethod
    def _is_known(key: str, tag: str) -> bool:
        return key in PERSONA_KEYS or (key == "title" if tag else key in PLACE_KEYS)

    def _check_place(self, number: int, key: str, value: str) -> None:
        if key == "timezone":
            try:
                self._zone = ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                self._report(number, f"{value!r} is no time zone; write it like 'Europe/Madrid'")
        elif key == "language":
            if not re.fullmatch(_TAG, value):
                self._report(number, f"{value!r} is no language; write it like 'en' or 'de'")
            self._fields["language", ""] = code_of(value)


def _without_comments(text: str) -> tuple[str, int]:
    """Comments become as many line ends as they had, so that line numbers stay true.

    And the line of one that is not closed; 0: there is none.
    """
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            kept.append(text[at:start])
            return "".join(kept), text.count("\n", 0, start) + 1
        kept += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 3
    return "".join([*kept, text[at:]]), 0
