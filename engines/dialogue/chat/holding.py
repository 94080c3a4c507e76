"""The words of a model as they are given on: clause by clause, and only those for the visitor.

Nothing is lost by holding a clause until it is complete, for no voice could begin it sooner. What
is held can still be taken back: where a connection breaks before the first clause, somebody else
can answer, and an answer that a limit cut ends with its last whole clause.
"""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language.brackets import BracketReader, Words
from visavis.engines.language.clauses import Clauses
from visavis.engines.language.markup import MarkupReader

# Models that reason out loud write so what they think; it is not for the visitor.
_THINKS: Final = re.compile(r"\s*<(think|thinking|reasoning)>", re.IGNORECASE)
_THOUGHT: Final = re.compile(r"</(?:think|thinking|reasoning)>\s*", re.IGNORECASE)
_LONGEST_TAG: Final = 20  # characters of one of these
# Marks of our own and of chat templates: a model that writes them goes on with the next question.
_BEYOND: Final = re.compile(
    r"</?(?:notes|visitor|now|mood)\b|<\|(?:im_start|im_end|eot_id|end|endoftext|user|assistant)"
    r"|(?<=\n)[ \t]*(?:visitor|user|human|assistant)[ \t]*:",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"\s+|\S+")  # each, and the blanks between them
_SAID: Final = re.compile(r"\w")
_AGAIN: Final = 3  # words of a clause, from which on nobody says it twice in one answer
_BEGINS: Final = 16  # characters at the end in which such a mark may be incomplete


class Holding:
    """Takes the pieces of one answer and gives it on, each time up to the end of a clause."""

    def __init__(self) -> None:
        self._raw, self._before = "", "\n"  # what is not given on, and the character before it
        self._read = 0  # how much of that the clauses have seen
        self._thinks: bool | None = None  # None: it may still begin to
        self._over = False
        self._markup, self._brackets, self._clauses = MarkupReader(), BracketReader(), Clauses()
        self._heard: set[str] = set()  # the letters of each clause that was given on
        self.given = False  # whether anything was

    @property
    def over(self) -> bool:
        """Whether what follows is not for the visitor."""
        return self._over

    @property
    def begun(self) -> bool:
        """Whether any of the answer has come, given on or not."""
        return self.given or (self._thinks is False and bool(self._raw.strip()))

    def feed(self, text: str) -> str:
        """What can be given on now; often nothing."""
        if self._over:
            return ""
        self._raw += text
        if not self._speaks():
            return ""
        self._end_at_marks()
        given = ""
        for word in _WORDS.findall(self._raw[self._read : self._safe()]):
            self._read += len(word)
            if self._completes(word):
                given += self._give(self._whole())
            if self._over:
                break
        return given

    def flush(self, *, cut: bool = False) -> str:
        """The rest, when no more will come; of one that was cut only if it is all there is."""
        if self._thinks is not False and not self._speaks(last=True):
            return ""
        self._end_at_marks()
        rest = "" if cut and self.given else self._raw
        self._raw = ""
        return self._give_text(rest)

    def _speaks(self, *, last: bool = False) -> bool:
        """Whether this is the answer; what a model only thinks is left out."""
        if self._thinks is None:
            begins = self._raw.lstrip()
            if _THINKS.match(self._raw):
                self._thinks = True
            elif begins and (last or not begins.startswith("<") or len(begins) > _LONGEST_TAG):
                self._thinks = False
        if self._thinks:
            done = _THOUGHT.search(self._raw)
            self._raw = self._raw[done.end() :] if done else self._raw[-_LONGEST_TAG:]
            self._thinks = not done
        return self._thinks is False

    def _end_at_marks(self) -> None:
        found = _BEYOND.search(self._before + self._raw)
        if found:
            self._raw, self._over = self._raw[: max(0, found.start() - len(self._before))], True
            self._read = min(self._read, len(self._raw))

    def _safe(self) -> int:
        """Up to where no mark can be incomplete."""
        begins = self._raw.rfind("<", max(0, len(self._raw) - _BEGINS))
        return begins if begins >= 0 else len(self._raw)

    def _completes(self, word: str) -> bool:
        """Whether a clause is complete with what has come of a word."""
        done = False
        for piece in self._brackets.feed(self._markup.feed(word)):
            if isinstance(piece, Words):
                done = bool(self._clauses.feed(piece.text)) or done
            else:
                done = bool(self._clauses.flush()) or done
        return done

    def _whole(self) -> int:
        """Up to the last blank: the word behind it belongs to the next clause."""
        text = self._raw[: self._read]
        end = max(text.rfind(" "), text.rfind("\n")) + 1
        opens = text.rfind("[", 0, end)
        return opens if opens > 0 and "]" not in text[opens:end] else end

    def _give(self, end: int) -> str:
        text, self._raw = self._raw[:end], self._raw[end:]
        self._read -= end
        return self._give_text(text)

    def _give_text(self, text: str) -> str:
        """Small models say the same without an end: whatever is said twice is the end."""
        said = "".join(_SAID.findall(text.lower()))
        if len(text.split()) >= _AGAIN and said in self._heard:
            self._raw, self._over = "", True
            return ""
        self._heard.add(said)
        self.given = self.given or bool(text.strip())
        self._before = text[-1:] or self._before
        return text
