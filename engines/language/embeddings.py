"""Embedded texts, kept between starts in a folder."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from visavis.engines.base import Floats
from visavis.models.files import not_kept, whole

# What numpy and zipfile raise over a file that is not what it should be; a header may claim more
# than there is memory, or a method of packing that zipfile has not.
_DAMAGED: Final = (
    OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


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
    except _DAMAGED:
        return {}  # or missing: computed and written again
    if vectors.ndim != 2 or vectors.dtype != np.float32 or len(keys) != len(vectors):
        return {}
    return dict(zip(keys.tolist(), vectors, strict=True))


def _write(path: Path, keys: Sequence[str], vectors: Floats) -> None:
    content = io.BytesIO()
    np.savez(content, keys=np.array(keys), vectors=vectors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as file:
            file.write(content.getvalue())
    except OSError as error:
        not_kept(path.parent, error)
