"""An embedder without a model."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from visavis.engines.base import Floats
from visavis.engines.language import wording


class WordVectors:
    """A text is the sum of a fixed random vector for each stem; counts what it was given."""

    fingerprint = "words"

    def __init__(self) -> None:
        self.texts = 0

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n,) texts -> (n, 64)."""
        self.texts += len(texts)
        return np.array([self._vector(text) for text in texts], np.float32).reshape(-1, 64)

    def _vector(self, text: str) -> Floats:
        total = np.full(64, 1e-3)
        for word in text.split():
            weight = 0.2 if word in wording.STOP else 1.0
            seed = zlib.crc32(wording.stem(word).encode())
            total += weight * np.random.default_rng(seed).standard_normal(64)
        return np.asarray(total / np.linalg.norm(total), np.float32)
