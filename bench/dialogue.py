"""How often the embedded dialogue picks the right entry, and how fast: JSON on standard output.

    python bench/dialogue.py [--sets tune,misheard] [--errors]

Right: the entry that the question asks for. Wrong: another entry answers. Turned away: "I do not
know" or "do you mean"; for an out-of-scope question that is the right thing, and any answer from
the operator's file or small talk is a false answer. A text with two questions is right if both are
answered and nothing else; one question is wrong if an entry that it does not mean is answered too.
Measures with one thread; the first reply of a question is timed, so no vector of it is cached.

`held.*` are dialogue_held.toml, written before retrieval was tuned for them; `elsewhere` are three
small files of other places, with paraphrases and near misses of each: dialogue_elsewhere.toml.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import Exchange
from visavis.engines.dialogue import smalltalk
from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.engines.dialogue.knowledge_file import EXAMPLE
from visavis.engines.language.embeddings import Embedder
from visavis.engines.language.minilm import MiniLm
from visavis.engines.language.wording import normalise
from visavis.models import manifest

QUESTIONS: Final = Path(__file__).with_name("dialogue_questions.toml")
HELD: Final = Path(__file__).with_name("dialogue_held.toml")
OTHERS: Final = Path(__file__).with_name("dialogue_elsewhere.toml")
ELSEWHERE: Final = "elsewhere"
AFTER: Final = ".after"  # a set with this ending is asked in the middle of another conversation
TALK: Final = ("Do you have a pool?", "How much is it?")
SETS: Final = (
    *("tune", "misheard", "follow_up", "test", "test.after", "heard"),
    *("out_of_scope.test", "out_of_scope.test.after"),
    *("held.asked", "held.near", "held.far", "held.both"),
    ELSEWHERE,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One text; `entries` are the right ones, none for a question that is out of scope.

    both: whether all of them are to be answered; else one is.
    """

    text: str
    entries: frozenset[str]
    previous: tuple[str, ...] = ()
    both: bool = False

    def is_right(self, answered: frozenset[str]) -> bool:
        """Whether the entries that answered are those that had to."""
        if self.both:
            return answered == self.entries
        return answered <= self.entries and bool(answered or not self.entries)


@dataclass(slots=True)
class Tally:
    """Results of one set of questions; the shares are of all its questions."""

    questions: int = 0
    right: float = 0.0
    wrong: float = 0.0
    turned_away: float = 0.0
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of each reply: on the clock, and of this thread alone."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """The p50 and the p95."""
    steps = statistics.quantiles(milliseconds, n=20)
    return {"p50": round(steps[9], 2), "p95": round(steps[18], 2)}


def cases(name: str, data: dict[str, Any]) -> Iterator[Case]:
    """The questions of one set of the file."""
    if name.endswith(AFTER):
        before = cases(name.removesuffix(AFTER), data)
        yield from (replace(case, previous=TALK) for case in before)
    elif name == "held.both":
        for item in data["both"]:
            yield Case(item["text"], frozenset(item["entries"]), both=True)
    elif name in ("held.near", "held.far"):
        yield from (Case(text, frozenset()) for text in data["unknown"][name[5:]])
    elif name == "follow_up":
        for item in data["follow_up"]:
            right = [item["entry"]] if isinstance(item["entry"], str) else item["entry"]
            yield Case(item["text"], frozenset(right), tuple(item["previous"]))
    elif name.startswith("out_of_scope"):
        yield from (Case(text, frozenset()) for text in data["out_of_scope"][name.split(".")[1]])
    else:
        for entry, texts in data[name.removeprefix("held.")].items():
            yield from (Case(text, frozenset([entry])) for text in texts)


def history(dialogue: KnowledgeDialogue, previous: tuple[str, ...]) -> list[Exchange]:
    """What is remembered after the visitor has said `previous`."""
    past: list[Exchange] = []
    for text in previous:
        past.append(Exchange(text, "".join(dialogue.reply(text, past))))
    return past


def measure(dialogue: KnowledgeDialogue, asked: list[Case], times: Times) -> Tally:
    """Ask every question once; adds what each reply took to `times`."""
    tally = Tally(len(asked))
    for case in asked:
        past = history(dialogue, case.previous)
        wall, cpu = time.perf_counter(), time.thread_time()
        "".join(dialogue.reply(case.text, past))
        times.wall.append(1e3 * (time.perf_counter() - wall))
        times.cpu.append(1e3 * (time.thread_time() - cpu))
        found = dialogue.matches(case.text, past)
        answered = frozenset(match.entry_id for match in found if match.entry_id is not None)
        if not answered:
            tally.turned_away += 1 / len(asked)
        elif case.is_right(answered):
            tally.right += 1 / len(asked)
        else:
            tally.wrong += 1 / len(asked)
        if not case.is_right(answered):
            told = [asdict(match) for match in found]
            tally.errors.append({"text": case.text, "found": told, "right": [*case.entries]})
    return tally


def elsewhere(embedder: Embedder) -> Iterator[tuple[str, KnowledgeDialogue, list[Case]]]:
    """Name, dialogue and questions: of each other place what it knows, and what it does not."""
    for place, file in tomllib.loads(OTHERS.read_text(encoding="utf-8")).items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "knowledge.md")
            path.write_text(file["text"], encoding="utf-8")
            dialogue = KnowledgeDialogue(path, embedder)
        yield f"{place}.asked", dialogue, list(cases("asked", file))
        yield f"{place}.near", dialogue, [Case(text, frozenset()) for text in file["near"]]


def copied(dialogue: KnowledgeDialogue, asked: list[Case]) -> list[str]:
    """Questions that an entry has word for word, which would measure nothing."""
    small, beyond = smalltalk.entries()
    entries = (*dialogue.knowledge.entries, *small, *beyond)
    known = {normalise(question) for entry in entries for question in entry.questions}
    return [case.text for case in asked if normalise(case.text) in known]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--errors", action="store_true", help="list what was not right")
    chosen = parser.parse_args()
    data, held = (tomllib.loads(p.read_text(encoding="utf-8")) for p in (QUESTIONS, HELD))
    embedder = MiniLm(manifest.locate("minilm"), manifest.locate("minilm-tokenizer"))
    start, cpu = time.perf_counter(), time.thread_time()
    dialogue = KnowledgeDialogue(EXAMPLE, embedder)
    result: dict[str, Any] = {
        "build_ms": round(1e3 * (time.perf_counter() - start)),
        "build_cpu_ms": round(1e3 * (time.thread_time() - cpu)),
    }
    times = Times()
    sets: list[tuple[str, KnowledgeDialogue, list[Case]]] = []
    for name in chosen.sets.split(","):
        if name == ELSEWHERE:
            sets += elsewhere(embedder)
        else:
            asked = list(cases(name, held if name.startswith("held.") else data))
            sets.append((name, dialogue, asked))
    for name, asking, asked in sets:
        tally = asdict(measure(asking, asked, times))
        if not chosen.errors:
            del tally["errors"]
        tally["copied"] = len(copied(asking, asked))
        result[name] = {k: round(v, 3) if isinstance(v, float) else v for k, v in tally.items()}
    result["reply_ms"] = percentiles(times.wall)
    result["reply_cpu_ms"] = percentiles(times.cpu)
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
