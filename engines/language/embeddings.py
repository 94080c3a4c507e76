"""Embedded texts, kept between starts in a folder."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from visavis.engines.base import Floats
from visavis.models.files import whole


class Embedder(Protocol):
    """Texts to vectors of length one. `fingerprint` changes whenever the vectors would."""

    fingerprint: str

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n,) texts -> (n, dimension) float32. Raises EngineError."""
        ...


def cached(
    texts: Sequence[str], embedder: Embedder, folder: Path | None, name: str = "questions"
) -> Floats:
    """Vectors of texts; those of the last start are taken from the folder's file of that name, so
    that an edited table costs only its new lines. Raises EngineError."""
    if folder is None:
        return embedder.embed(texts)
    path = folder / f"{name}-{embedder.fingerprint[:16]}.npz"
    keys = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
    known = _read(path)
    new = [number for number, key in enumerate(keys) if key not in known]
    fresh = embedder.embed([texts[number] for number in new])
    known.update((keys[number], row) for number, row in zip(new, fresh, strict=True))
    vectors = np.stack([known[key] for key in keys])
    if new:
        _write(path, keys, vectors)
    return vectors


def _read(path: Path) -> dict[str, Floats]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            keys, vectors = stored["keys"], stored["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}  # missing or damaged: computed and written again
    if vectors.ndim != 2 or vectors.dtype != np.float32 or len(keys) != len(vectors):
        return {}
    return dict(zip(keys.tolist(), vectors, strict=True))


def _write(path: Path, keys: Sequence[str], vectors: Floats) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        np.savez(file, keys=np.array(keys), vectors=vectors)
