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


class Kept:
    """Vectors by their texts, of this start and of those before: one file of a folder.

    A file that is edited costs only its new lines. Not to be used by two threads at a time.
    """

    def __init__(self, embedder: Embedder, folder: Path | None, name: str) -> None:
        """folder: None keeps nothing."""
        self._embedder = embedder
        self._path = folder / f"{name}-{embedder.fingerprint[:16]}.npz" if folder else None
        self._known = _read(self._path) if self._path else {}

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those whose vectors are not known, each once."""
        return [text for text in dict.fromkeys(texts) if _key(text) not in self._known]

    def learn(self, texts: Sequence[str]) -> None:
        """Embed them, some 1.5 ms each. Raises EngineError."""
        rows = self._embedder.embed(texts)
        self._known.update((_key(text), row) for text, row in zip(texts, rows, strict=True))

    def vectors(self, texts: Sequence[str]) -> Floats:
        """(n,) known texts -> (n, dimension)."""
        return np.stack([self._known[_key(text)] for text in texts])

    def keep(self, texts: Sequence[str]) -> None:
        """Write the known ones of these texts, and no others."""
        if self._path is None:
            return
        keys = [key for key in dict.fromkeys(map(_key, texts)) if key in self._known]
        _write(self._path, keys, np.stack([self._known[key] for key in keys]))


def cached(
    texts: Sequence[str], embedder: Embedder, folder: Path | None, name: str = "questions"
) -> Floats:
    """Vectors of texts; those of the last start are taken from the folder's file of that name, so
    that an edited table costs only its new lines. Raises EngineError."""
    kept = Kept(embedder, folder, name)
    if new := kept.missing(texts):
        kept.learn(new)
        kept.keep(texts)
    return kept.vectors(texts)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
