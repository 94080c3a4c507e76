"""Questions that ask the same, put together: what an operator would write one entry for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.engines.base import Floats
from visavis.engines.language.embeddings import Embedder
from visavis.engines.language.patterns import written
from visavis.engines.language.wording import STOP, stem

# Chosen on the 864 questions of the example file: 85 % of them are with others of their entry, in
# 483 groups for 84 entries; by words 87 %, in 605. Nearer ones would be put together with others.
_NEAR: Final = 0.6  # cosine of meanings
_SHARED: Final = 0.5  # of the words of both, where there are no meanings


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that ask the same, the most frequent first; `count`: how often all of them."""

    questions: tuple[str, ...]
    count: int


def clustered(texts: Iterable[str], embedder: Embedder | None = None) -> list[Cluster]:
    """The most frequent first. embedder: of the texts' language; None: shared words decide.

    Each text joins the first cluster to whose most frequent question it is near. Raises
    EngineError.
    """
    counts = Counter(" ".join(text.split()) for text in texts)
    asked = [text for text, _ in counts.most_common()]
    near = _by_meaning(asked, embedder) if embedder is not None else _by_words(asked)
    groups: list[list[int]] = []
    for at in range(len(asked)):
        home = next((group for group in groups if near[at, group[0]]), None)
        if home is None:
            groups.append([at])
        else:
            home.append(at)
    found = [
        Cluster(tuple(asked[at] for at in group), sum(counts[asked[at]] for at in group))
        for group in groups
    ]
    return sorted(found, key=lambda cluster: -cluster.count)


def _by_meaning(texts: Sequence[str], embedder: Embedder) -> np.ndarray:
    """(n, n) bool: which two ask the same."""
    if not texts:
        return np.zeros((0, 0), bool)
    vectors: Floats = embedder.embed(texts)
    return np.asarray(vectors @ vectors.T >= _NEAR)


def _by_words(texts: Sequence[str]) -> np.ndarray:
    said = [{stem(w) for w in written(text).split() if w not in STOP} for text in texts]
    near = np.eye(len(said), dtype=bool)
    for at, words in enumerate(said):
        for other in range(at):
            union = len(words | said[other])
            same = union > 0 and len(words & said[other]) / union >= _SHARED
            near[at, other] = near[other, at] = same
    return near
