"""Directions in plain words ("very warm, but not so fast") -> what of the styles they ask for.

Words of the table are found as they stand; a wish that has none of them is compared with the
table's phrasings by sentence embeddings, where there is an embedder. Nothing here moves a face.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from visavis.engines.base import Floats
from visavis.engines.direction import styles
from visavis.engines.direction.styles import NOTHING, Change, Direction, How, Style
from visavis.engines.language.embeddings import Embedder, cached
from visavis.engines.language.wording import normalise

PATH: Final = Path(__file__).parents[1] / "data" / "wishes.toml"
LIKE: Final = 0.46  # cosine from which a phrasing is taken for meant
LONGEST: Final = 300  # characters of a wish; what comes after is not read
_REMEMBERED: Final = 256  # wishes
_RUN: Final = 3  # words of a phrasing that is understood wherever it stands

_PARTS: Final = re.compile(
    r"[,;.!?:&/+\n]|\b(?:and|but|then|yet|und|aber|dann|pero|luego|mais|puis)\b|\s(?:y|et)\s"
)
_OR: Final = frozenset({"or", "nor", "oder", "ni", "ou"})
_BE: Final[tuple[float, How]] = (styles.PLAIN, "be")
_MEANING: Final[Mapping[str, tuple[float, How]]] = {
    "slightly": (styles.SLIGHTLY, "be"),
    "somewhat": (styles.SOMEWHAT, "be"),
    "very": (styles.VERY, "be"),
    "extremely": (styles.EXTREMELY, "be"),
    "more": (styles.PLAIN, "more"),
    "less": (styles.PLAIN, "less"),
    "not": (styles.PLAIN, "not"),
}


@dataclass(frozen=True, slots=True)
class _Wording:
    """The words around styles: data/wishes.toml."""

    strengths: Mapping[str, tuple[float, How]]
    denials: frozenset[str]
    frame: frozenset[str]


@cache
def _wording() -> _Wording:
    rows = tomllib.loads(PATH.read_text(encoding="utf-8"))
    strengths = {word: _MEANING[key] for key, said in rows["strength"].items() for word in said}
    frame = frozenset(rows["frame"]["words"])
    return _Wording(strengths, frozenset(rows["strength"]["not"]), frame)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A style that a run of words names, and where the run ends."""

    style: Style
    end: int
    comparative: bool


class Director:
    """Understands wishes. `literal` takes no time; `understand` may embed, some 10 ms a part."""

    def __init__(self, embedder: Embedder | None = None, cache: Path | None = None) -> None:
        """`cache`: a folder for the vectors of the table. Raises EngineError."""
        self._table = styles.table()
        self._phrases = {
            normalise(phrase): style
            for style in self._table.values()
            for phrase in (*style.say, *style.also, style.name)
        }
        self._embedder = embedder
        said = (phrase for style in self._table.values() for phrase in style.say)
        self._texts = tuple(dict.fromkeys(map(normalise, said)))
        self._vectors = cached(self._texts, embedder, cache, "styles") if embedder else None
        self.understand = lru_cache(_REMEMBERED)(self._understand)

    @property
    def names(self) -> tuple[str, ...]:
        """Every style that can be asked for."""
        return tuple(self._table)

    @property
    def embeds(self) -> bool:
        """Whether `understand` may find more than `literal`."""
        return self._embedder is not None

    def literal(self, wish: str) -> Direction:
        """What the words of the table that stand in a wish say."""
        parts = _parts(wish)
        return _joined(parts, [self._read(part) for part in parts])

    def _understand(self, wish: str) -> Direction:
        """`literal`, and by likeness what that drops. Raises EngineError."""
        parts = _parts(wish)
        read = [self._read(part) or self._likened(part) for part in parts]
        return _joined(parts, read)

    def _read(self, part: str) -> tuple[Change, ...]:
        """The styles that the words of a part name, each with the strength words before it."""
        if style := self._phrases.get(part):
            return (Change(style),)
        said, at = part.split(), 0
        found: list[Change] = []
        heard: tuple[float, How] | None = None
        while at < len(said):
            if step := _strength_at(said, at):
                at += step[0]
                heard = _together(heard, step[1])
            elif reading := self._style_at(said, at):
                strength, how = heard or _BE
                grown: How = "more" if reading.comparative and how == "be" else how
                found.append(Change(reading.style, strength, grown))
                at, heard = reading.end, None
            elif said[at] in _OR and found:  # "not sad or angry"
                heard, at = (found[-1].strength, found[-1].how), at + 1
            else:
                at += 1
        if heard and len(found) == 1 and said[-1] != "too":  # "smile less"
            strength, how = heard
            found = [Change(found[0].style, strength, how)]
        return tuple(found)

    def _style_at(self, said: Sequence[str], at: int) -> _Reading | None:
        for size in range(min(_RUN, len(said) - at), 0, -1):
            run = " ".join(said[at : at + size])
            if style := self._phrases.get(run):
                return _Reading(style, at + size, comparative=False)
        for base in _bases(said[at]):
            if style := self._phrases.get(base):
                return _Reading(style, at + 1, comparative=True)
        return None

    def _likened(self, part: str) -> tuple[Change, ...]:
        """The style whose phrasing comes nearest to a part, if one is near."""
        if self._embedder is None or self._vectors is None or _empty(part):
            return ()
        denials = _wording().denials
        bare = " ".join(w for w in part.split() if w not in denials and w != "do")
        denied = not denials.isdisjoint(part.split()) and bare != ""
        asked = [part, bare] if denied else [part]
        near: Floats = self._embedder.embed(asked) @ self._vectors.T
        # "Do not wake the baby" is like "do not wake anybody" rather than not like "wake up".
        row, best = 0, int(near[0].argmax())
        negated = denied and denials.isdisjoint(self._texts[best].split())
        if negated:
            row, best = divmod(int(near.argmax()), len(self._texts))
        if near[row, best] < LIKE:
            return ()
        how: How = "not" if negated else "be"
        return (Change(self._phrases[self._texts[best]], how=how),)


def _parts(wish: str) -> list[str]:
    """A wish at its commas and its "and"s, each part normalised."""
    apart = _PARTS.split(wish[:LONGEST].lower())
    return [normal for part in apart if (normal := normalise(part))]


def _joined(parts: Sequence[str], read: Sequence[tuple[Change, ...]]) -> Direction:
    changes = tuple(change for found in read for change in found)
    pairs = zip(parts, read, strict=True)
    dropped = tuple(part for part, found in pairs if not found and not _empty(part))
    return Direction(changes, dropped) if changes or dropped else NOTHING


def _empty(part: str) -> bool:
    """Whether a part says nothing: "please", "but be"."""
    return all(word in _wording().frame or word in _wording().strengths for word in part.split())


def _strength_at(said: Sequence[str], at: int) -> tuple[int, tuple[float, How]] | None:
    """How many words from `at` on are a strength, and which."""
    for size in (3, 2, 1):
        read = _wording().strengths.get(" ".join(said[at : at + size]))
        if read and len(said) - at >= size:
            return size, read
    return None


def _together(first: tuple[float, How] | None, then: tuple[float, How]) -> tuple[float, How]:
    """Two strengths in a row: "not so" and "do not be too" are less, "a bit more" is a bit."""
    if first is None:
        return then
    if first[1] == "not" and then[1] in {"be", "less"}:
        return styles.PLAIN, "less"
    return (then[0], first[1]) if then[1] == "be" else (first[0], then[1])


def _bases(word: str) -> list[str]:
    """What a comparative may be of: "happier" of happy, "sadder" of sad, "larger" of large."""
    if len(word) < 5 or not word.endswith("er"):
        return []
    stem = word[:-2]
    bases = [stem, stem + "e"]
    if stem.endswith("i"):
        bases.append(stem[:-1] + "y")
    if len(stem) > 3 and stem[-1] == stem[-2]:
        bases.append(stem[:-1])
    return bases
