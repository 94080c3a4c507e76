"""Text as people and programs mark it up -> the words alone: Markdown, HTML, SSML, entities.

What is left is what captions show and what a voice says: of a link its text, of a picture its
description, of SSML's <sub alias="..."> the alias, and no code. Items, headings and rows end like
sentences, for they are read in a row. Directions in brackets ("[smiles]") stay, and so does a bare
address (`addresses` says how it is read).
"""

from __future__ import annotations

import html
import re
from typing import Final

from visavis.engines.language.wording import words

_HELD: Final = 1000  # characters at the end in which something may still be open
_NAME: Final = r"[A-Za-z][\w:.-]{0,40}"
_TOKEN: Final = re.compile(
    r"(?P<comment><!--|<[!?][^<>]{0,300}>)"
    rf"|<(?P<tag>/?{_NAME})(?P<given>\s[^<>=]{{0,40}}=[^<>]{{0,300}})?\s{{0,3}}/?>"
    r"|<(?P<address>(?:https?://|mailto:|[\w.+-]{1,64}@)[^\s<>]{1,300})>"
    r"|(?P<entity>&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});)"
    r"|!?\[(?P<label>[^\[\]\n]{0,300})\]\([^()\s]{0,500}(?:\s{1,3}\"[^\"\n]{0,100}\")?\)"
    r"|(?P<line>\n(?:[ \t]{0,40}\n)*)"
    r"|(?P<marks>[*_`~]+)"
    r"|(?P<bar>(?:[ \t]{0,40}\|)+)"
)
_OPEN: Final = re.compile(
    r"(?:<(?:[A-Za-z/!?][^<>]{0,400})?|&[#\w]{0,32}|(?:(?<!\S)!)?\[[^\[\]\n]{0,300}"
    r"(?:\](?:\([^()\n]{0,600})?)?|(?<!\S)!|[*_`~]+)\Z"
)
_LINE: Final = re.compile(
    r"[ \t]{0,8}(?:(?P<rule>(?:[-*_=][ \t]{0,3}){3,80}|[|:][-|: \t]{2,200})(?=\n|\Z)"
    r"|(?P<fence>`{3,10}|~{3,10})[^\n]{0,200}(?=\n|\Z)"
    r"|(?P<head>#{1,6}[ \t]+)|(?P<item>[-*+•][ \t]+)|(?P<quote>>[> \t]{0,8})|(?P<row>\|[ \t]*))"
)
_MAY_BEGIN: Final = re.compile(
    r"[ \t]{0,8}(?:[-#*+•>|:=_ \t]{0,200}|(?:`{1,10}|~{1,10})[^\n]{0,200}|\|[^\n]{0,500})\Z"
)
_HIDING: Final = frozenset({"script", "style", "svg", "math", "template"})
_STOPS: Final = words("""/li /h1 /h2 /h3 /h4 /h5 /h6 /p /tr /dt /dd /div /s /blockquote hr""")
_PAUSES: Final = words("br break /td /th")
_ALIAS: Final = re.compile(r"alias\s{0,3}=\s{0,3}(\"[^\"]{0,200}\"|'[^']{0,200}')")
_MARKS: Final = re.compile(r"[*_`~]+")
_ENDED: Final = ".!?…,;:。！？，、；：؟،؛۔।"


def plain(text: str) -> str:
    """A whole text without its mark-up."""
    reader = MarkupReader()
    return reader.feed(text) + reader.flush()


class MarkupReader:
    """Takes the fragments of a text as they come; time and memory grow with the text alone."""

    def __init__(self) -> None:
        self._text = ""  # what is not read yet
        self._at = 0  # how far it is read
        self._begins = True  # whether a line begins here
        self._before = " "  # the character before
        self._said = ""  # the last one that was given on and is no blank
        self._hidden = ""  # what ends a stretch that is not said, "" outside of one
        self._listed = self._table = False  # what kind of line this is
        self._given: list[str] = []

    def feed(self, fragment: str) -> str:
        """The words that are complete; mark-up that is still open is waited for."""
        self._text += fragment
        return self._read(last=False)

    def flush(self) -> str:
        """What is left, when no more fragments will come."""
        return self._read(last=True) + self._line_end()

    def _read(self, *, last: bool) -> str:
        end = len(self._text) if last else self._waiting()
        while self._at < end:
            if self._hidden:
                if not self._found_end(last):
                    break
            elif not (self._begins and self._line_begins(last)):
                if self._begins:  # what stands there may still become something
                    break
                self._step(end)
        self._text, self._at = self._text[self._at :], 0
        done, self._given = "".join(self._given), []
        return done

    def _waiting(self) -> int:
        """Where mark-up begins that is not complete; the end if none is."""
        start = max(0, len(self._text) - _HELD)
        found = _OPEN.search(self._text, start)
        return found.start() if found else len(self._text)

    def _step(self, end: int) -> None:
        """The words up to the next piece of mark-up, and that."""
        found = _TOKEN.search(self._text, self._at)
        if found and found.start() >= end:  # it may become something else
            found = None
        self._give(self._text[self._at : found.start() if found else end])
        if found:
            self._token(found)
        self._go(found.end() if found else end)

    def _go(self, at: int) -> None:
        if at > self._at:
            self._before, self._at = self._text[at - 1], at

    def _give(self, text: str) -> None:
        if text:
            self._given.append(text)
            self._said = text.rstrip()[-1:] or self._said

    def _found_end(self, last: bool) -> bool:
        """Leave out what is hidden; whether its end is there."""
        found = re.compile(re.escape(self._hidden), re.IGNORECASE).search(self._text, self._at)
        if found is None:
            kept = 0 if last else len(self._hidden) - 1
            self._go(len(self._text) - kept)
            return False
        self._go(found.end())
        self._hidden = ""
        return True

    def _line_begins(self, last: bool) -> bool:
        """Read what stands at a line's beginning; False if more of it has to come first."""
        if not last and _MAY_BEGIN.match(self._text, self._at):
            return False
        self._begins = False
        found = _LINE.match(self._text, self._at)
        if found is not None:
            self._listed = bool(found["head"] or found["item"] or found["row"])
            self._table = bool(found["row"])
            if found["fence"]:
                self._hidden = "\n" + found["fence"][:3]
            self._go(found.end())
            self._before = " "
        return True

    def _line_end(self) -> str:
        """A stop after an item, a heading or a row that has none."""
        ended = not self._listed or not self._said or self._said in _ENDED
        self._listed = self._table = False
        return "" if ended else "."

    def _token(self, found: re.Match[str]) -> None:
        """Say what a piece of mark-up stands for."""
        start, end = found.span()
        before = self._text[start - 1] if start > self._at else self._before
        if found["comment"] == "<!--":
            self._hidden = "-->"
        elif found["tag"]:
            self._tag(found["tag"].lower(), found["given"] or "", attached=bool(before.strip()))
        elif found["address"]:
            self._give(found["address"].removeprefix("mailto:"))
        elif found["entity"]:
            said = html.unescape(found["entity"])
            self._give(said if said.isprintable() and not said.isspace() else " ")
        elif found["label"] is not None:
            self._give(_MARKS.sub("", found["label"]))
        elif found["line"]:
            self._give(self._line_end() + found["line"])
            self._begins = True
        elif found["marks"]:
            self._give(_kept(found["marks"], before, self._text[end : end + 1]))
        elif found["bar"]:
            self._bar(found["bar"])

    def _bar(self, bar: str) -> None:
        if self._table:
            self._give("," if self._said not in _ENDED else "")
        else:
            self._give(bar)

    def _tag(self, name: str, given: str, *, attached: bool) -> None:
        unended = attached and bool(self._said) and self._said not in _ENDED
        if name in _HIDING:
            self._hidden = f"</{name}>"
        elif name == "sub" and (alias := _ALIAS.search(given)):
            self._give(alias[1][1:-1])
            self._hidden = "</sub>"
        elif name in _STOPS:
            self._give(". " if unended else " ")
        elif name in _PAUSES:
            self._give(", " if unended else " ")


def _kept(marks: str, before: str, after: str) -> str:
    """Emphasis is left out; a sign of multiplication, a name with underscores and "~20" are not."""
    blank_before, blank_after = not before.strip(), not after.strip()
    if blank_before and blank_after:
        return marks
    if marks[0] == "`" or len(marks) > 3:
        return ""
    if marks[0] == "_":
        return marks if before.isalnum() and after.isalnum() else ""
    if marks == "~":
        return marks
    if marks == "*" and (before.isdigit() or before == ")") and not blank_before:
        return marks if after.isalnum() or after == "(" or blank_after else ""
    return ""
