"""What stays as it is in every language: directions in brackets, {{placeholders}}, a glossary.

A text goes to the translator with a mark in place of each. A mark that comes back twice or not at
all means that the sentence went wrong there: the text is then cut at its directions, and if need
be at everything that stays, and the pieces are translated each for itself. So nothing is ever lost;
at worst a sentence is translated in parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from visavis.engines.translation.base import Role, Translator

_DIRECTION: Final = r"\[[^\[\]\n]{1,120}\](?!\()"  # as engines.language.brackets has them
_PLACEHOLDER: Final = r"\{\{[^{}\n]{1,200}\}\}"
# A placeholder that says what holds for the words after it, as {{#if vip}}, {{else}}, {{/if}}.
_CONTROL: Final = re.compile(r"\{\{\s*(?:[#/^]|(?:if|elif|else|end|endif|unless)\b)", re.IGNORECASE)
_ADDRESS: Final = r"(?:https?://|www\.)[^\s\[\]{}<>]{1,500}[^\s\[\]{}<>.,;:!?)]|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"


@dataclass(frozen=True, slots=True)
class Stay:
    """Something that stays; role: how it behaves in its sentence."""

    text: str
    role: Role


Piece = str | Stay


@dataclass(frozen=True, slots=True)
class Kept:
    """A translated text. whole: whether each paragraph was translated in one piece."""

    text: str
    whole: bool = True


def pieces(text: str, glossary: Sequence[str] = ()) -> list[Piece]:
    """A text as words and what stays, in order; joined they are the text."""
    found: list[Piece] = []
    at = 0
    for match in _pattern(glossary).finditer(text):
        if match.start() > at:
            found.append(text[at : match.start()])
        found.append(Stay(match[0], _role(match[0])))
        at = match.end()
    if at < len(text):
        found.append(text[at:])
    return found


def translated(
    translator: Translator, texts: Sequence[str], source: str, target: str,
    glossary: Sequence[str] = (),
) -> list[Kept]:  # fmt: skip
    """Texts of any length, in order. Raises EngineError."""
    job = _Work(translator, source, target)
    cut = [_paragraphs(text, glossary) for text in texts]
    flat = [paragraph for parts in cut for paragraph in parts if isinstance(paragraph, _Paragraph)]
    done = iter(job.put(flat))
    return [_joined([part if isinstance(part, str) else next(done) for part in p]) for p in cut]


@dataclass(frozen=True, slots=True)
class _Paragraph:
    pieces: tuple[Piece, ...]


def _pattern(glossary: Sequence[str]) -> re.Pattern[str]:
    kinds = [_DIRECTION, _PLACEHOLDER, _ADDRESS]
    if words := sorted({word.strip() for word in glossary} - {""}, key=len, reverse=True):
        kinds.append(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)")
    return re.compile("|".join(kinds))


def _role(text: str) -> Role:
    return "direction" if text.startswith("[") or _CONTROL.match(text) else "name"


def _paragraphs(text: str, glossary: Sequence[str]) -> list[_Paragraph | str]:
    """Cut at line ends and at controls, which stand alone; what is between is kept as it is."""
    parts: list[_Paragraph | str] = []
    row: list[Piece] = []
    for piece in pieces(text, glossary):
        if isinstance(piece, Stay):
            if _CONTROL.match(piece.text):
                parts += [*_closed(row), piece.text]
                row = []
            else:
                row.append(piece)
            continue
        for line in re.split(r"(\s*\n\s*)", piece):
            if "\n" in line:
                parts += [*_closed(row), line]
                row = []
            elif line:
                row.append(line)
    return parts + _closed(row)


def _closed(row: Sequence[Piece]) -> list[_Paragraph | str]:
    """A paragraph with what stands around its words outside of it: that cannot be lost."""
    first, last = 0, len(row)
    while first < last and not _spoken(row[first]):
        first += 1
    while last > first and not _spoken(row[last - 1]):
        last -= 1
    before, after = _plain(row[:first]), _plain(row[last:])
    return [
        *([before] if before else []),
        *([_Paragraph(tuple(row[first:last]))] if last > first else []),
        *([after] if after else []),
    ]


def _spoken(piece: Piece) -> bool:
    """Whether it is part of a sentence: a name at the beginning of one is, a direction is not."""
    return piece.role == "name" if isinstance(piece, Stay) else bool(piece.strip())


def _plain(row: Sequence[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.text for piece in row)


def _joined(parts: Sequence[str | Kept]) -> Kept:
    text = "".join(part if isinstance(part, str) else part.text for part in parts)
    return Kept(text, all(part.whole for part in parts if isinstance(part, Kept)))


class _Work:
    """One translator between two languages."""

    def __init__(self, translator: Translator, source: str, target: str) -> None:
        self._translator, self._source, self._target = translator, source, target

    def put(self, paragraphs: Sequence[_Paragraph]) -> list[Kept]:
        """In one call what goes right in one; what lost a mark, in parts."""
        marked = [self._marked(paragraph.pieces) for paragraph in paragraphs]
        spoken = [at for at, each in enumerate(paragraphs) if any(map(_worded, each.pieces))]
        answers = dict(zip(spoken, self._ask([marked[at] for at in spoken]), strict=True))
        return [
            Kept(_plain(paragraph.pieces)) if at not in answers
            else self._mended(paragraph.pieces, marked[at], answers[at])
            for at, paragraph in enumerate(paragraphs)
        ]  # fmt: skip

    def _ask(self, texts: Sequence[str]) -> list[str]:
        """Without the blanks around them; where nothing came back, what was asked."""
        if not texts:
            return []
        asked = [text.strip() for text in texts]
        answers = self._translator.translate(asked, self._source, self._target)
        return [
            " ".join(answer.split()) or text for text, answer in zip(asked, answers, strict=True)
        ]

    def _marked(self, row: Sequence[Piece]) -> str:
        return "".join(
            piece if isinstance(piece, str) else self._translator.mark(at, piece.role)
            for at, piece in enumerate(row)
        )

    def _mended(self, row: Sequence[Piece], asked: str, answer: str) -> Kept:
        if (whole := self._unmarked(row, answer)) is not None:
            return Kept(_around(asked, whole))
        for role in ("direction", "name"):
            parts = _cut(row, role)
            if len(parts) > 1 and (text := self._in_parts(parts)) is not None:
                return Kept(text, whole=False)
        return Kept(_plain(row), whole=False)  # not reached: names alone are cut out above

    def _in_parts(self, parts: Sequence[Sequence[Piece]]) -> str | None:
        """Each for itself; None where a mark was lost again."""
        asked = [self._marked(part) for part in parts]
        spoken = [at for at, part in enumerate(parts) if any(map(_worded, part))]
        answers = dict(zip(spoken, self._ask([asked[at] for at in spoken]), strict=True))
        texts = []
        for at, part in enumerate(parts):
            text = self._unmarked(part, answers.get(at, asked[at]))
            if text is None:
                return None
            texts.append(_around(asked[at], text) if at in answers else text)
        return "".join(texts)

    def _unmarked(self, row: Sequence[Piece], answer: str) -> str | None:
        """The answer with what stays in its places; None where a mark is not there once."""
        marks = {
            self._translator.mark(at, piece.role): piece.text
            for at, piece in enumerate(row)
            if isinstance(piece, Stay)
        }
        if not marks:
            return answer
        found = re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))))
        if sorted(match[0] for match in found.finditer(answer)) != sorted(marks):
            return None
        return found.sub(lambda match: marks[match[0]], answer)


def _worded(piece: Piece) -> bool:
    return isinstance(piece, str) and any(map(str.isalnum, piece))


def _cut(row: Sequence[Piece], role: str) -> list[list[Piece]]:
    """Before and behind each direction, or ("name") everything that stays."""
    parts: list[list[Piece]] = [[]]
    for piece in row:
        if isinstance(piece, Stay) and (role == "name" or piece.role == role):
            parts += [[piece], []]
        else:
            parts[-1].append(piece)
    return [part for part in parts if part]


def _around(asked: str, answer: str) -> str:
    """The answer between the blanks that stood around what was asked."""
    before = asked[: len(asked) - len(asked.lstrip())]
    after = asked[len(asked.rstrip()) :]
    return before + answer + after
