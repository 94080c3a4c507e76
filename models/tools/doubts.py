"""How WEIGHTS of engines/dialogue/doubting.py were found: `python -m models.tools.doubts`.

Logistic regression over paraphrases, which their entry answers, and near misses, which nothing
answers. What of them became questions of the example or of the small talk is left out of both
first. Tested on what it was not fitted to: a fifth of the hotel's, and each other file as a whole.
Some minutes of a core. Run from a clone.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.engines.dialogue import doubting, knowledge_file, smalltalk
from visavis.engines.dialogue.doubting import features
from visavis.engines.dialogue.entries import Entry, Knowledge
from visavis.engines.dialogue.matching import Matcher
from visavis.engines.dialogue.retrieval import Index
from visavis.engines.language.minilm import shared
from visavis.engines.language.wording import core, normalise

BENCH: Final = Path(__file__).parents[2] / "bench"
L2: Final = 3.0
FOLDS: Final = 5

Doubles = npt.NDArray[np.float64]
Asked = tuple[str, str]  # a question, and the entry that is right; "": none


@dataclass(frozen=True, slots=True)
class Row:
    """A question that is weighed. place: the set that it is of; right: whether it is answered
    rightly if it is."""

    place: str
    seen: dict[str, float]
    score: float
    right: bool


def read(name: str) -> dict[str, Any]:
    """A file of bench/."""
    return tomllib.loads((BENCH / name).read_text(encoding="utf-8"))


def sets() -> Iterator[tuple[str, Knowledge, list[Asked], frozenset[str]]]:
    """Name, knowledge, questions, and what is left out of the knowledge for them."""
    tuning, questions = read("dialogue_tuning.toml"), read("dialogue_questions.toml")
    hotel = knowledge_file.load(knowledge_file.EXAMPLE)
    near = [(text, "") for text in tuning["unknown"]["near"]]
    everyday, plain = flat(tuning["asked"]), flat(questions["tune"])
    beyond = [(text, "") for text in questions["out_of_scope"]["tune"]]
    left_out = frozenset(core(normalise(text)) for text, _ in (*near, *everyday))
    yield "hotel", hotel, [*everyday, *near, *beyond], left_out
    yield "hotel", hotel, plain, left_out | {core(normalise(text)) for text, _ in plain}
    for place, file in read("dialogue_elsewhere.toml").items():
        asked = [*flat(file["asked"]), *((text, "") for text in file["near"])]
        yield place, written(file["text"]), asked, left_out


def flat(asked: dict[str, list[str]]) -> list[Asked]:
    """Questions by entry -> pairs."""
    return [(text, entry) for entry, texts in asked.items() for text in texts]


def written(text: str) -> Knowledge:
    """A knowledge file's text, read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "knowledge.md")
        path.write_text(text, encoding="utf-8")
        return knowledge_file.load(path)


def without(entries: Sequence[Entry], left_out: frozenset[str]) -> list[Entry]:
    """Entries without some of their questions; none that has no other."""
    kept = (
        replace(e, questions=tuple(q for q in e.questions if core(normalise(q)) not in left_out))
        for e in entries
    )
    return [entry for entry in kept if entry.questions]


def rows(home: Path) -> Iterator[Row]:
    """Every question that would be weighed: not those that a file has word for word, nor near
    misses that small talk answers."""
    for place, knowledge, asked, left_out in sets():
        small, beyond = smalltalk.entries()
        small = smalltalk.not_in(knowledge, small)
        own, talk = without(knowledge.entries, left_out), without(small, left_out)
        index = Index((*own, *talk), without(beyond, left_out), shared(home))
        matcher = Matcher(index, len(own), len(own) + len(talk))
        for text, entry in asked:
            normal = core(normalise(text))
            best, found = matcher.evidence(normal)
            if index.has(normal) or found.lead <= 0 or (not entry and found.talk):
                continue
            seen = features(index.heard(normal), found, index.telling(best))
            yield Row(place, seen, found.score, index.entries[best].id == entry)


def fitted(seen: Doubles, right: Doubles) -> Doubles:
    """(n, features), the first of them 1, and (n,) of 0 and 1 -> (features,) log odds."""
    spread = seen.std(0) + 1e-6
    spread[0] = 1.0
    scaled, weights = seen / spread, np.zeros(seen.shape[1])
    ridge = L2 * np.eye(len(weights))
    ridge[0, 0] = 1e-3
    for _ in range(60):
        likely = 1 / (1 + np.exp(-scaled @ weights))
        curve = (scaled * (likely * (1 - likely))[:, None]).T @ scaled + ridge
        weights = weights + np.linalg.solve(curve, scaled.T @ (right - likely) - ridge @ weights)
    return np.asarray(weights / spread)


def main() -> None:
    """Print the weights, and what they do to questions that they were not fitted to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path.home() / ".local/share/visavis")
    report([*rows(parser.parse_args().home)])


def report(every: Sequence[Row]) -> None:
    """Fit and print."""
    names = [*every[0].seen]
    seen = np.array([[row.seen[name] for name in names] for row in every])
    right = np.array([row.right for row in every], np.float64)
    folds = np.array([
        row.place if row.place != "hotel" else f"hotel {n % FOLDS}" for n, row in enumerate(every)
    ])  # fmt: skip
    for fold in sorted(set(folds)):
        rest, here = folds != fold, folds == fold
        odds = seen[here] @ fitted(seen[rest], right[rest]) + doubting.EAGER
        answered, was = odds > 0, right[here] == 1
        print(
            f"{fold}: answered {np.mean(answered[was]):.1%} of what is known,"
            f" {np.mean(answered[~was]):.1%} of what is not"
        )
    for name, weight in zip(names, fitted(seen, right), strict=True):
        print(f'    "{name}": {weight:.2f},')


if __name__ == "__main__":
    main()
