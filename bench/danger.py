"""How many words of danger are told, and how many harmless ones are taken for one: JSON.

    python -m bench.danger [--learn]

phrases: by engines/data/danger.toml alone. both: also by meaning, as it is asked where nothing else
is known (English only). Over the held-out sets of danger.toml, and as harmless ones the `test`
questions of dialogue_questions.toml. --learn: learn the weights of the meaning anew first, from
danger_learn.toml, by logistic regression.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np

from visavis.engines.base import Floats
from visavis.engines.dialogue import danger, smalltalk
from visavis.engines.dialogue.danger_meaning import WEIGHTS, Meaning, read_as
from visavis.engines.dialogue.knowledge_file import EXAMPLE, load
from visavis.engines.language import minilm
from visavis.server.system import config

HERE: Final = Path(__file__).parent
_STEPS: Final = 3000
_RATE: Final = 10.0
_DECAY: Final = 3e-4  # of the weights


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", action="store_true")
    arguments = parser.parse_args()
    embedder = minilm.shared(config.load({}).home_path)
    if arguments.learn:  # a new file is found after the next installation
        learn(embedder)
    meaning = Meaning(embedder)
    report: dict[str, Any] = {}
    for name, table in _toml("danger.toml").items():
        texts = [text for kind in table["danger"].values() for text in kind]
        report[name] = _told(texts, table["harmless"], meaning if name in _ENGLISH else None)
    known = [
        text
        for name, texts in _toml("dialogue_questions.toml")["test"].items()
        if name != "emergencies"
        for text in texts
    ]
    report["test questions"] = _told([], known, meaning)
    json.dump(report, sys.stdout, indent=1)
    print()


_ENGLISH: Final = ("en", "second", "third")


def _told(texts: list[str], harmless: list[str], meaning: Meaning | None) -> dict[str, Any]:
    def read(text: str) -> bool:
        return danger.danger(text) is not None or (
            meaning is not None and meaning.danger(text) is not None
        )

    return {
        "dangers": len(texts),
        "phrases": sum(danger.danger(text) is not None for text in texts),
        "both": sum(map(read, texts)),
        "harmless": len(harmless),
        "false by phrases": sum(danger.danger(text) is not None for text in harmless),
        "false by both": sum(map(read, harmless)),
    }


def learn(embedder: minilm.MiniLm) -> None:
    """Write the weights: of danger against all else, and of despair against other danger."""
    rows = _toml("danger_learn.toml")
    known = [entry for entry in load(EXAMPLE).entries if entry.id != "emergencies"]
    small, beyond = smalltalk.entries()
    asked = [question for entry in (*known, *small, *beyond) for question in entry.questions]
    despair, other = _vectors(embedder, rows["despair"]), _vectors(embedder, rows["danger"])
    harmless = _vectors(embedder, [*rows["harmless"], *asked])
    weights = np.stack(
        [
            _logistic(np.vstack([despair, other]), harmless),
            _logistic(despair, other),
        ]
    ).astype(np.float32)
    np.savez(
        HERE.parent / "engines" / "data" / WEIGHTS.name,
        weights=weights,
        fingerprint=np.array(embedder.fingerprint),
    )


def _vectors(embedder: minilm.MiniLm, texts: list[str]) -> Floats:
    return embedder.embed([read_as(text) for text in texts])


def _logistic(yes: Floats, no: Floats) -> np.ndarray:
    """(dimension + 1,): weights and bias; both sides weigh the same."""
    inputs = np.vstack([yes, no])
    inputs = np.c_[inputs, np.ones(len(inputs))]
    wanted = np.r_[np.ones(len(yes)), np.zeros(len(no))]
    share = np.r_[np.full(len(yes), 0.5 / len(yes)), np.full(len(no), 0.5 / len(no))]
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        told = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (share * (told - wanted)) + _DECAY * np.r_[weights[:-1], 0.0]
        weights -= _RATE * slope
    return weights


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text("utf-8"))


if __name__ == "__main__":
    main()
