"""What a visitor says to the conversation itself ("Stop.", "Go on"), told from what is asked.

The phrases are data/commands.toml, whose first lines explain it. A text is a command as a whole or
not at all: "Stop." is, "Where is the bus stop?" and "Stop. Where is the pool?" are questions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from visavis.engines.language import wordings
from visavis.engines.language.calling import calls
from visavis.engines.language.calling import phrases as calling
from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.engines.language.wording import normalise

PATH: Final = Path(__file__).parents[1] / "data" / "commands.toml"

# What is to be done: be silent; be silent and wait; say the rest; say it again; speak otherwise;
# call a person; speak another language (see tongues.py).
Kind = Literal["stop", "pause", "go-on", "repeat", "manner", "staff", "language"]
# Those of the table.
KINDS: Final[tuple[Kind, ...]] = ("stop", "pause", "go-on", "repeat", "manner", "staff")

LONGEST: Final = 12  # words; whoever says more asks something
LONGEST_SIGNS: Final = 16  # the same of Chinese
_BETWEEN: Final = re.compile(r"(?<=[\u3400-\u9fff])(?=[\u3400-\u9fff])")
_MARKS: Final = 200  # characters of a text that can be one at all
_ELEMENT: Final = re.compile(r"\(([^()]*)\)(\??)|([^\s()]+)")


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to do. answer: said where nothing was to be stopped; direction: of a "manner"."""

    kind: Kind
    answer: str = ""
    direction: str = ""


_PERSON: Final = Command("staff")


class Commands:
    """Those of some languages; safe to share. names: what visitors call the avatar."""

    def __init__(self, names: Iterable[str] = (), languages: Sequence[str] = ("en",)) -> None:
        """Reads the table, the first time. Raises KeyError for a language that it lacks."""
        self._languages = tuple(languages)
        self._names = frozenset(form for name in names for form in _forms(normalise(name)))
        self._grammars = {each: _grammar(each) for each in languages}
        calling()  # read here as well: an event loop waits for no file

    def named(self, *names: str) -> Commands:
        """The same for an avatar that is called so too; takes no time."""
        return Commands((*self._names, *names), self._languages)

    def read(self, text: str, *, speaking: bool, language: str = "en") -> Command | None:
        """What a text tells the avatar to do; None: it is none of it. speaking: it speaks now.

        language: of the conversation; what is said in English is obeyed in every one.
        """
        if len(text) > _MARKS:
            return None
        found = (grammar.read(text, self._names, speaking) for grammar in self._those_of(language))
        return next(filter(None, found), None) or (_PERSON if calls(text) else None)

    def _those_of(self, language: str) -> Iterator[_Grammar]:
        for each in dict.fromkeys((code_of(language), "en")):
            if each in self._grammars:
                yield self._grammars[each]


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """The file, by language."""
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


class _Grammar:
    """The phrases of one language. Each is matched at every place of a text, never searched for:
    the time is bounded by its words, however they repeat."""

    def __init__(self, language: str, rows: Mapping[str, Any]) -> None:
        wording = wordings.of(language)
        self._words = wording.words
        self._plain = wording.normalise
        self._longest = LONGEST if LANGUAGES[language].blanks else LONGEST_SIGNS
        self._around = _pattern(rows["around"])
        self._always: list[tuple[re.Pattern[str], Command]] = []
        self._speaking: list[tuple[re.Pattern[str], Command]] = []
        for kind in KINDS:
            for row in rows.get(kind, ()):
                command = Command(kind, row.get("answer", ""), row.get("direction", ""))
                self._always.append((_pattern(row["say"]), command))
                if "speaking" in row:
                    self._speaking.append((_pattern(row["speaking"]), command))

    def read(self, text: str, names: Collection[str], speaking: bool) -> Command | None:
        """The last command of a text that holds nothing else: "Wait. No, go on."."""
        said = _once(self._words(self._plain(text)))
        if not 0 < len(said) <= self._longest:
            return None
        rows = [*self._always, *self._speaking] if speaking else self._always
        # reached[n]: the first n words are understood; with which command the last one ended.
        reached: dict[int, Command | None] = {0: None}
        for start in range(len(said)):
            if start not in reached:
                continue
            for end in range(start + 1, len(said) + 1):
                piece = " " + " ".join(said[start:end])
                command = next((c for pattern, c in rows if pattern.fullmatch(piece)), None)
                if command is not None:
                    reached[end] = command
                elif self._around.fullmatch(piece) or piece[1:] in names:
                    reached.setdefault(end, reached[start])
                    reached[end] = reached[end] or reached[start]
        return reached.get(len(said))


@cache
def _grammar(language: str) -> _Grammar:
    return _Grammar(language, table()[language])


def _forms(name: str) -> tuple[str, ...]:
    """What somebody of that name is called."""
    return (name, name.split()[0]) if name else ()


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Of texts that are one of these phrases, each word with a blank before it."""
    return re.compile("|".join(f"(?:{_expression(phrase)})" for phrase in phrases))


def _expression(phrase: str) -> str:
    parts = []
    for either, maybe, word in _ELEMENT.findall(phrase):
        if word:
            parts.append(f" {re.escape(_spaced(word))}")
        else:
            choices = "|".join(re.escape(_spaced(each.strip())) for each in either.split("|"))
            parts.append(f"(?: (?:{choices})){maybe}")
    return "".join(parts)


def _spaced(phrase: str) -> str:
    """With a blank between two Chinese signs, each of which is a word."""
    return _BETWEEN.sub(" ", phrase)


def _once(said: Sequence[str]) -> list[str]:
    """Without a word's repetitions: "stop stop stop" is "stop"."""
    return [word for at, word in enumerate(said) if at == 0 or word != said[at - 1]]
