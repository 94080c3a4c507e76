"""Translation models in CTranslate2's format: OPUS-MT, Argos, NLLB, M2M-100, MADLAD and others.

A folder is one model, or has one in each of its own folders. A model of one pair is named for it,
"en-de" or "opus-mt-en-de", or says so in Argos' metadata.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.engines.language import sentences as english
from visavis.engines.language import stops
from visavis.engines.language.languages import code_of, is_english
from visavis.engines.translation import subwords, tags
from visavis.engines.translation.base import Role

_MODEL: Final = "model.bin"
LONGEST: Final = 200  # subwords of one piece: models were trained on sentences, and know 512
_BEAM: Final = 4
_GROWTH, _SPARE = 3, 20  # subwords of the answer at most: for each of the source, and beyond
_BATCH: Final = 1024  # subwords that are translated side by side
_VOCABULARIES: Final = (
    "shared_vocabulary.json", "shared_vocabulary.txt", "target_vocabulary.json",
    "target_vocabulary.txt",
)  # fmt: skip
_LARGEST: Final = 64 << 20  # bytes of a vocabulary
_PAIR: Final = re.compile(r"(?:^|[-_.])([a-z]{2,3})[-_]([a-z]{2,3})$")
_WORD: Final = re.compile(r"\S+")
_FULL: Final = re.compile(r"(?<=[。！？｡])")  # they end a sentence without a blank


@dataclass(frozen=True, slots=True)
class Found:
    """A model that lies somewhere. model: its folder; tokenizer: where that lies. pair: of one
    that knows two languages only, by their codes; None: it is told them.
    """

    model: Path
    tokenizer: Path
    pair: tuple[str, str] | None


class CTranslate:
    """The models of a folder, each loaded when it is first asked for.

    threads: of each. longest: subwords that go into one at once.
    """

    def __init__(self, folder: Path, threads: int = 2, longest: int = LONGEST) -> None:
        """Raises EngineError where there is none."""
        self.name = folder.name
        self._threads, self._longest = threads, longest
        self._models = found(folder)
        self._loaded: dict[Path, _Model] = {}
        if not self._models:
            raise EngineError(f"{folder} has no CTranslate2 model: it needs a {_MODEL}")

    def translates(self, source: str, target: str) -> bool:
        """Whether a model is there for the pair; reads a vocabulary, and loads nothing."""
        return self._choice(source, target) is not None

    def pairs(self) -> tuple[str, ...]:
        """Of each model the pair, as "en-es", or its folder's name where it has many."""
        return tuple("-".join(each.pair) if each.pair else each.model.name for each in self._models)

    def mark(self, number: int, role: Role) -> str:
        """See base.Translator. Models copy what looks like a code, most of the time."""
        return f"XQ{number}" if role == "name" else f"[{number}]"

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """See base.Translator."""
        choice = self._choice(source, target)
        if choice is None:
            raise EngineError(f"no model in {self.name} translates from {source} to {target}")
        model = self._loaded.get(choice[0].model) or _Model(choice[0], self._threads, self._longest)
        self._loaded[choice[0].model] = model
        pieces = [list(_sentences(text, source)) for text in texts]
        done = iter(model.translate([each for row in pieces for each in row], choice[1]))
        return [" ".join(next(done) for _ in row) for row in pieces]

    def _choice(self, source: str, target: str) -> tuple[Found, tags.Tags] | None:
        wanted = (code_of(source), code_of(target))
        for each in self._models:
            if each.pair == wanted:
                return each, tags.found(_vocabulary(each.model), source, target) or tags.Tags()
        for each in self._models:
            named = each.pair is None and tags.found(_vocabulary(each.model), source, target)
            if named:
                return each, named
        return None


def found(folder: Path) -> tuple[Found, ...]:
    """The model of a folder, or those of its folders. Raises EngineError for none that is named."""
    one = _found(folder)
    if one is not None:
        return (one,)
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise EngineError(f"{folder} cannot be read: {error.strerror}") from error
    return tuple(each for each in map(_found, below) if each is not None)


def _found(folder: Path) -> Found | None:
    if (folder / _MODEL).is_file():
        return Found(folder, folder, _pair_of(folder))
    if (folder / "model" / _MODEL).is_file():  # as Argos packs it
        return Found(folder / "model", folder, _pair_of(folder))
    return None


def _pair_of(folder: Path) -> tuple[str, str] | None:
    said = _json(folder / "metadata.json")
    names = (said.get("from_code"), said.get("to_code"))
    if isinstance(names[0], str) and isinstance(names[1], str):
        return code_of(names[0]), code_of(names[1])
    named = _PAIR.search(folder.name.lower())
    return (code_of(named[1]), code_of(named[2])) if named else None


def _json(file: Path) -> Mapping[str, Any]:
    """A JSON object of a file, empty where there is none."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


@lru_cache(8)
def _vocabulary(model: Path) -> frozenset[str]:
    for name in _VOCABULARIES:
        file = model / name
        try:
            if file.stat().st_size > _LARGEST:
                continue
            text = file.read_text(encoding="utf-8")
            tokens = json.loads(text) if file.suffix == ".json" else text.splitlines()
        except (OSError, ValueError):
            continue
        return frozenset(str(token) for token in tokens)
    return frozenset()


class _Model:
    """A model that is loaded."""

    def __init__(self, place: Found, threads: int, longest: int) -> None:
        import ctranslate2  # type: ignore[import-untyped]

        self._longest = longest
        self._subwords = subwords.load(place.tokenizer)
        config = _json(place.model / "config.json")
        # Marian's own and fairseq's models add it; OpenNMT's, which start with <s>, never saw it.
        start, adds = config.get("decoder_start_token"), config.get("add_source_eos")
        argos = (place.tokenizer / "metadata.json").is_file()
        self._end = () if adds or start == "<s>" or argos else (config.get("eos_token") or "</s>",)
        try:
            self._model = ctranslate2.Translator(
                str(place.model), device="cpu", intra_threads=threads
            )
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{place.model} is no CTranslate2 model that can be used") from error

    def translate(self, texts: Sequence[str], named: tags.Tags) -> list[str]:
        """Sentences, in order. Raises EngineError."""
        cut = [part for text in texts for part in self._parts(text)]
        counts = [sum(1 for _ in self._parts(text)) for text in texts]
        sources = [[*named.before, *tokens, *self._end] for tokens in cut]
        try:
            results = self._model.translate_batch(
                sources,
                target_prefix=[list(named.first)] * len(sources) if named.first else None,
                beam_size=_BEAM,
                max_input_length=0,
                max_decoding_length=self._room(sources),
                max_batch_size=_BATCH,
                batch_type="tokens",
            )
        except (RuntimeError, ValueError) as error:
            raise EngineError("the translation model failed: see that its files fit") from error
        spoken = iter(
            self._subwords.join(result.hypotheses[0][len(named.first) :]) for result in results
        )
        return [" ".join(next(spoken) for _ in range(count)).strip() for count in counts]

    def _room(self, sources: Sequence[Sequence[str]]) -> int:
        """Subwords of an answer at most: a model that repeats itself would never end."""
        needed = max(map(len, sources), default=0) * _GROWTH + _SPARE
        return min(needed, 2 * self._longest)

    def _parts(self, text: str) -> Iterator[list[str]]:
        """Its subwords, in pieces that a model can take: at blanks where it is too long."""
        tokens = self._subwords.cut(text)
        words = text.split()
        if len(tokens) <= self._longest or len(words) < 2:
            yield tokens
            return
        middle = len(words) // 2
        for half in (words[:middle], words[middle:]):
            yield from self._parts(" ".join(half))


def _sentences(text: str, language: str) -> Iterator[str]:
    """Sentences of a paragraph, for models translate one at a time."""
    begin = 0
    words = list(_WORD.finditer(text))
    for word, following in zip(words, [*words[1:], None], strict=True):
        after = following[0] if following else None
        if _ends(word[0], after, language, alone=word.start() == begin) or after is None:
            yield from filter(None, _FULL.split(text[begin : word.end()]))
            begin = following.start() if following else len(text)


def _ends(word: str, following: str | None, language: str, *, alone: bool) -> bool:
    if not word.rstrip(stops.CLOSERS)[-1:] or word.rstrip(stops.CLOSERS)[-1] not in stops.ENDS:
        return False
    if is_english(language):
        return english.ends_sentence(word, following, alone=alone)
    return stops.ends_sentence(word, following, language)
