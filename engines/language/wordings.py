"""How a language's questions are read for retrieval: its words, their stems, and which say nothing.

English is wording.py; the others are data/wordings.toml and the stemmers that there are. A language
of which nothing is known is read word by word.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import snowballstemmer  # type: ignore[import-untyped]

from visavis.engines.language import wording
from visavis.engines.language.languages import LANGUAGES, code_of, is_english

PATH: Final = Path(__file__).parents[1] / "data" / "wordings.toml"

_STEMMERS: Final[Mapping[str, str]] = {
    "es": "spanish", "fr": "french", "de": "german", "ar": "arabic", "it": "italian",
    "pt": "portuguese", "nl": "dutch", "sv": "swedish", "da": "danish", "no": "norwegian",
    "fi": "finnish", "hu": "hungarian", "ro": "romanian", "ru": "russian", "tr": "turkish",
    "ca": "catalan", "el": "greek",
}  # fmt: skip
_TASHKEEL: Final = re.compile("[\u064b-\u065f\u0670\u0640]")
_ALIKE: Final = str.maketrans("أإآٱىةؤئ", "اااايهوي")
# English words that ask something of any subject, and so name none.
_GENERAL: Final = wording.words(
    """cost costs price prices expensive cheap free open opening closed close start end hour hours
    long far often early late time today tomorrow tonight morning afternoon evening night weekend
    monday tuesday wednesday thursday friday saturday sunday sundays saturdays weekday child
    children kid kids adult adults people person guest guests book booking reserve included
    include extra pay euro euros day days week use reservation another different until per and"""
)
_POINTING: Final = wording.words("it its they them their there that this those one ones")
# "No thanks, that is it": begins no question.
_ENDING: Final = wording.words("no nope nothing thanks thank bye")


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's. normalise: a text -> as its meaning is read, "" without letters and figures;
    core: that without what is said around a question; key: by which it is the same question as
    another; words: the words of a normalised text; stem: one without its endings.

    stop: words of no subject; general: that ask something of any; pointing: that point back;
    ending: that begin no question. heard: whether words that sound alike are taken for each other.
    """

    normalise: Callable[[str], str]
    core: Callable[[str], str]
    key: Callable[[str], str]
    words: Callable[[str], list[str]]
    stem: Callable[[str], str]
    stop: Collection[str]
    general: Collection[str] = frozenset()
    pointing: Collection[str] = frozenset()
    ending: Collection[str] = frozenset()
    heard: bool = False

    def terms(self, normal: str) -> list[str]:
        """Stems of the words that carry a subject, and every two neighbours as one."""
        said = self.words(normal)
        joined = [a + b for a, b in pairwise(said)]
        return [self.stem(word) for word in said if word not in self.stop] + joined

    def telling(self, normal: str) -> list[str]:
        """The words that say what a question is about."""
        return [w for w in self.words(normal) if w not in self.stop and w not in self.general]


@cache
def of(language: str) -> Wording:
    """That of a BCP 47 language."""
    return _ENGLISH if is_english(language) else _other(code_of(language))


_ENGLISH: Final = Wording(
    wording.normalise, wording.core, str, str.split, wording.stem, wording.STOP, _GENERAL,
    _POINTING, _ENDING, heard=True,
)  # fmt: skip


def written(text: str) -> str:
    """As it stands, with single blanks: the encoder knows a word by its accents and capitals, and
    without them the right entry of one question in six was missed. "" of marks alone."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return text if any(map(str.isalnum, text)) else ""


def plain(text: str) -> str:
    """Lower case, without accents and marks, an Arabic letter in one form; single blanks."""
    text = unicodedata.normalize("NFKC", text).lower().replace("ß", "ss")
    text = _TASHKEEL.sub("", text).translate(_ALIKE)
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", bare)))


def _other(code: str) -> Wording:
    row: Mapping[str, str] = tomllib.loads(PATH.read_text(encoding="utf-8")).get(code, {})
    blanks = code not in LANGUAGES or LANGUAGES[code].blanks
    split: Callable[[str], list[str]] = str.split if blanks else _signs
    opening, closing = _phrases(row, "opening"), _phrases(row, "closing")

    def key(normal: str) -> str:
        return _without(plain(normal), opening, closing, " " if blanks else "")

    def words(normal: str) -> list[str]:
        return split(plain(normal))

    def these(name: str) -> frozenset[str]:
        return frozenset(split(row.get(name, "")))

    return Wording(
        written, str, key, words, _stemmer(code), these("stop"), these("general"),
        these("pointing"), these("ending"),
    )  # fmt: skip


def _phrases(row: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.get(name, "").split(",") if part.strip())


def _signs(text: str) -> list[str]:
    """Letters of scripts without blanks one by one, other words as they are."""
    return re.findall(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+", text)


def _without(normal: str, opening: Collection[str], closing: Collection[str], blank: str) -> str:
    """Without what is said before and after a question; all of it if there is nothing else."""
    rest = normal
    while (said := next((p for p in opening if rest.startswith(p + blank)), None)) is not None:
        rest = rest[len(said) :].lstrip()
    while (said := next((p for p in closing if rest.endswith(blank + p)), None)) is not None:
        rest = rest[: -len(said)].rstrip()
    return rest or normal


def _stemmer(code: str) -> Callable[[str], str]:
    name = _STEMMERS.get(code)
    if name is None:
        return str

    @lru_cache(4096)
    def stem(word: str) -> str:
        # A stemmer holds a word: one each time, for threads.
        return str(snowballstemmer.stemmer(name).stemWord(word))

    return stem
