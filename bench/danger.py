"""How many words of danger are told, and how many harmless ones are taken for one: JSON.

    python -m bench.danger [--learn] [--spoken]

phrases: by engines/data/danger.toml alone. both: also by meaning, as it is asked where nothing else
is known (English only). Over the held-out sets of danger.toml, and as harmless ones the `test`
questions of dialogue_questions.toml. --learn: learn the weights of the meaning anew first, from
danger_learn.toml, by logistic regression. --spoken: what whisper tiny.en makes of them, said by two
voices in white noise; minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np

from visavis.engines import load as load_engine
from visavis.engines.base import Floats, Pcm, Tts
from visavis.engines.dialogue import danger, smalltalk
from visavis.engines.dialogue.danger_meaning import WEIGHTS, Meaning, read_as
from visavis.engines.dialogue.knowledge_file import EXAMPLE, load
from visavis.engines.language import minilm
from visavis.server.system import config_reading as config

HERE: Final = Path(__file__).parent
_STEPS: Final = 3000
_RATE: Final = 10.0
_DECAY: Final = 3e-4  # of the weights


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--spoken", action="store_true")
    arguments = parser.parse_args()
    embedder = minilm.shared(config.load({}).home_path)
    if arguments.learn:  # a new file is found after the next installation
        learn(embedder)
    meaning = Meaning(embedder)
    report: dict[str, Any] = {}
    for name, table in _toml("danger.toml").items():
        texts = [text for kind in table["danger"].values() for text in kind]
        report[name] = _told(texts, table["harmless"], meaning if name in _ENGLISH else None)
    if arguments.spoken:
        report["spoken"] = _spoken(meaning)
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


def _spoken(meaning: Meaning) -> dict[str, Any]:
    """Told of the dangers of the first two sets, by voice and ratio of voice to noise in dB."""
    home, noise = config.load({}).home_path, np.random.default_rng(5)
    stt = load_engine.stt(home)
    tables = _toml("danger.toml")
    texts = [
        text for name in _ENGLISH[:2] for kind in tables[name]["danger"].values() for text in kind
    ]
    report = {}
    for name, decibels in (("heart", 20), ("joe", 6)):
        voice = load_engine.tts(name, home)
        heard = [stt.transcribe(_said(voice, text, decibels, noise)).text for text in texts]
        by_phrases = [danger.danger(text) is not None for text in heard]
        report[f"{name}, {decibels} dB"] = {
            "dangers": len(texts),
            "phrases": sum(by_phrases),
            "both": sum(
                told or meaning.danger(text) is not None
                for told, text in zip(by_phrases, heard, strict=True)
            ),
        }
    return report


def _said(voice: Tts, text: str, decibels: float, noise: np.random.Generator) -> Pcm:
    """16 kHz, with a little silence around it."""
    sound = np.concatenate([piece.pcm for piece in voice.synthesize(text)]).astype(np.float32)
    heard = sound[: len(sound) // 3 * 3].reshape(-1, 3).mean(axis=1)
    heard = np.concatenate([np.zeros(4800, np.float32), heard, np.zeros(6400, np.float32)])
    level = float(np.sqrt(np.mean(heard**2))) * 10 ** (-decibels / 20)
    return np.clip(heard + noise.normal(0, level, len(heard)), -32000, 32000).astype(np.int16)


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
    path = HERE.parent / "engines" / "data" / WEIGHTS.name
    np.savez(path, weights=weights, fingerprint=np.array(embedder.fingerprint))


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
