"""How the texts of a translation model are cut into the units that it knows.

Folders of CTranslate2 models carry one of these, by family:
 source.spm, target.spm     OPUS-MT (Marian)
 sentencepiece.model        Argos Translate, OpenNMT
 sentencepiece.bpe.model    NLLB, M2M-100, mBART
 spiece.model               MADLAD-400, T5
 tokenizer.json             anything that Transformers saved in its fast form
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from visavis.engines.base import EngineError

_SHARED: Final = (
    "sentencepiece.bpe.model", "sentencepiece.model", "spiece.model", "spm.model",
    "shared.spm",
)  # fmt: skip
_FAST: Final = "tokenizer.json"


class Subwords(Protocol):
    """Both ways, for both languages of a model."""

    def cut(self, text: str) -> list[str]:
        """A text of the source."""
        ...

    def join(self, tokens: Sequence[str]) -> str:
        """A text of the target."""
        ...


def load(folder: Path) -> Subwords:
    """Those of a model's folder. Raises EngineError, with the fix."""
    source, target = folder / "source.spm", folder / "target.spm"
    if source.is_file() and target.is_file():
        return _Pieces(source, target)
    for name in _SHARED:
        if (folder / name).is_file():
            return _Pieces(folder / name, folder / name)
    if (folder / _FAST).is_file():
        return _Fast(folder / _FAST)
    raise EngineError(
        f"{folder} has no tokenizer: copy the model's sentencepiece file (source.spm and "
        f"target.spm, {', '.join(_SHARED[:3])}) or its {_FAST} into it"
    )


class _Pieces:
    """Sentencepiece."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = _processor(source)
        self._target = self._source if target == source else _processor(target)

    def cut(self, text: str) -> list[str]:
        return [str(token) for token in self._source.encode(text, out_type=str)]

    def join(self, tokens: Sequence[str]) -> str:
        return str(self._target.decode(list(tokens)))


def _processor(file: Path) -> Any:
    try:
        library = import_module("sentencepiece")  # an extra
    except ImportError as error:
        raise EngineError(
            f"{file.name} needs sentencepiece: `pip install visavis[translation]`"
        ) from error
    try:
        return library.SentencePieceProcessor(model_file=str(file))
    except (OSError, RuntimeError) as error:
        raise EngineError(f"{file} is no sentencepiece model: copy it again") from error


class _Fast:
    """Hugging Face's tokenizers."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # that is what the library throws
            raise EngineError(f"{file} is no tokenizer: copy it again") from error

    def cut(self, text: str) -> list[str]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)

    def join(self, tokens: Sequence[str]) -> str:
        numbers = [self._tokenizer.token_to_id(token) for token in tokens]
        return str(self._tokenizer.decode([number for number in numbers if number is not None]))
