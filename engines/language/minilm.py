"""Sentence embeddings with MiniLM on onnxruntime."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from visavis.engines import networks
from visavis.engines.base import EngineError, Floats
from visavis.models import manifest

DIMENSION: Final = 384
BATCH: Final = 32  # texts a run: half the time of one by one, and no long hold of the core
MAX_TOKENS: Final = 96  # about 70 words; a visitor's question has ten
_LOADING: Final = Lock()


def shared(home: Path) -> MiniLm:
    """One for all who embed: loaded once, whoever asks first. Raises ManifestError, EngineError."""
    with _LOADING:
        return _loaded(home / "models")


@cache
def _loaded(pulled: Path) -> MiniLm:
    model, tokenizer = (manifest.locate(name, pulled) for name in ("minilm", "minilm-tokenizer"))
    return MiniLm(model, tokenizer)


class MiniLm:
    """all-MiniLM-L6-v2: mean of the token vectors, scaled to length one. Safe to share by threads.

    Texts of the same length run together and none is padded, so that a text's vector does not
    depend on its neighbours.
    """

    def __init__(self, model: Path, tokenizer: Path, threads: int = 1) -> None:
        """Loads both files, about a second. Raises EngineError."""
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._session = onnxruntime.InferenceSession(
                str(model), networks.options(threads), providers=["CPUExecutionProvider"]
            )  # by its path: 22 MB less than by its content
            with model.open("rb") as file:
                self.fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        except Exception as error:  # both libraries raise bare Exception types
            message = f"{model.name}: MiniLM could not be loaded: {error}"
            raise EngineError(message) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=MAX_TOKENS)
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n,) texts -> (n, 384) float32 rows of length one. Raises EngineError."""
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        by_length: dict[int, list[int]] = {}
        for row, ids in enumerate(tokens):
            by_length.setdefault(len(ids), []).append(row)
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for rows in by_length.values():
            for part in (rows[at : at + BATCH] for at in range(0, len(rows), BATCH)):
                vectors[part] = self._vectors(np.array([tokens[row] for row in part], np.int64))
        return vectors

    def _vectors(self, ids: npt.NDArray[np.int64]) -> Floats:
        """(batch, tokens) -> (batch, 384)."""
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros_like(ids)
        try:
            hidden: Floats = self._session.run(None, feed)[0]  # (batch, tokens, 384)
        except Exception as error:  # onnxruntime raises bare Exception types
            message = "MiniLM failed"  # not the text of the error: it may quote a visitor
            raise EngineError(message) from error
        mean: Floats = hidden.mean(axis=1)
        scaled: Floats = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        return scaled
