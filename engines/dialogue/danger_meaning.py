"""Danger told by what a text means, where no phrase of it is known: the second look. English.

A logistic regression over the vectors of MiniLM; bench/danger.py learns its weights. It is asked
only where nobody has an answer, so that what it gets wrong costs a serious answer to a question
that would have had none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import EngineError
from visavis.engines.dialogue.danger import Kind, without_idioms
from visavis.engines.language.embeddings import Embedder

WEIGHTS: Final = Path(__file__).parents[1] / "data" / "danger.npz"
_SURE: Final = 0.8  # probability from which on it is danger
_DESPAIR: Final = 0.5  # and from which on it is of who may hurt themselves


class Meaning:
    """Weights for one embedder; safe to share by threads."""

    def __init__(self, embedder: Embedder) -> None:
        """Raises EngineError where the weights are not for this embedder, or damaged."""
        try:
            with np.load(WEIGHTS) as file:
                self._weights, fingerprint = file["weights"], str(file["fingerprint"])
        except (OSError, ValueError, KeyError) as error:
            raise EngineError(f"{WEIGHTS.name} cannot be read") from error
        if fingerprint != embedder.fingerprint:
            raise EngineError(f"{WEIGHTS.name} is for another embedder: learn it anew")
        self._embedder = embedder

    def danger(self, text: str) -> Kind | None:
        """ "suicide", "emergency" for any other danger, or None. Raises EngineError."""
        said = read_as(text)
        if not said:
            return None
        (vector,) = self._embedder.embed([said])
        danger, despair = 1 / (1 + np.exp(-(self._weights[:, :-1] @ vector + self._weights[:, -1])))
        if danger < _SURE:
            return None
        return "suicide" if despair >= _DESPAIR else "emergency"


def read_as(text: str) -> str:
    """A text as it is embedded: normalised, without idioms."""
    return " ".join(without_idioms(text).replace(",", " ").split())
