"""Other languages: the right entry of an English file, and the language of what is typed.

The questions are bench/languages.toml: translated by us, and held out. Prints JSON:
`python -m bench.languages`; `--wrong` names what went wrong.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.engines.dialogue.knowledge_file import EXAMPLE
from visavis.engines.language import detection, multilingual
from visavis.engines.language.languages import LANGUAGES
from visavis.engines.language.phrasebook import LANGUAGES as OWN

HERE: Final = Path(__file__).parent


def questions() -> Mapping[str, Any]:
    """The file."""
    return tomllib.loads((HERE / "languages.toml").read_text("utf-8"))


def entries(language: str, rows: Mapping[str, Any], wrong: list[str]) -> dict[str, float]:
    """How many questions got the right entry, and how many unknown ones none."""
    dialogue = KnowledgeDialogue(EXAMPLE, multilingual.shared(), language=language)
    right, refused = rows["right"][language], rows["unknown"].get(language, [])
    own = {entry.id for entry in dialogue.knowledge.entries}
    began = time.perf_counter()
    found = {text: dialogue.match(text) for text in (*right.values(), *refused)}
    each = (time.perf_counter() - began) / len(found)
    good = {text for wanted, text in right.items() if found[text].entry_id == wanted}
    kept = {text for text in refused if found[text].entry_id not in own}
    wrong += [
        f"{language} {text} -> {found[text].entry_id} {found[text].score:.2f}"
        for text in (*right.values(), *refused)
        if text not in good and text not in kept
    ]
    nearest = sum(
        found[text].entry_id == wanted or found[text].near[0] == _subject(dialogue, wanted)
        for wanted, text in right.items()
    )
    told = {"right": len(good), "of": len(right), "nearest": nearest, "ms": round(each * 1e3, 1)}
    return told | ({"refused": len(kept), "of_unknown": len(refused)} if refused else {})


def _subject(dialogue: KnowledgeDialogue, entry_id: str) -> str:
    return next(e.subject for e in dialogue.knowledge.entries if e.id == entry_id)


def detected(
    cases: Iterable[tuple[str, str]], candidates: tuple[str, ...], wrong: list[str]
) -> dict[str, float]:
    """Languages found: by who goes over from English, and by who goes on in theirs."""
    cases = [(tag, text) for tag, text in cases if tag in candidates]
    began = time.perf_counter()
    over = [(t, x, detection.language_of(x, candidates, "en")) for t, x in cases]
    each = (time.perf_counter() - began) / len(cases)
    on = [(t, x, detection.language_of(x, candidates, t)) for t, x in cases]
    wrong += [f"{tag} {text} -> {found}" for tag, text, found in over if tag != found]
    return {
        "of": len(cases),
        "from_english": sum(tag == found for tag, _, found in over),
        "going_on": sum(tag == found for tag, _, found in on),
        "ms": round(each * 1e3, 2),
    }


def measure(wrong: list[str]) -> dict[str, Any]:
    """All figures; adds to `wrong`."""
    rows = questions()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    multilingual.shared()
    cost = {
        "load_s": round(time.perf_counter() - began, 2),
        "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
    }
    found = {tag: entries(tag, rows, wrong) for tag in rows["right"]}
    long = [(t, x) for t, each in rows["right"].items() for x in each.values()]
    long += [(tag, text) for tag, texts in rows["unknown"].items() for text in texts]
    short = [(tag, text) for tag, texts in rows["short"].items() for text in texts]
    nine = (*OWN, "it", "pt", "ja")
    detection.load()
    return {
        "encoder": cost,
        "entries": found,
        "sentences": detected(long, OWN, wrong),
        "sentences_of_nine": detected(long, nine, []),
        "short": detected(short, OWN, wrong),
        "short_of_nine": detected(short, nine, []),
        "short_of_all": detected(short, tuple(LANGUAGES), []),
    }


def main() -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="name what went wrong")
    options = parser.parse_args()
    wrong: list[str] = []
    told = measure(wrong)
    if options.wrong:
        told["wrong"] = wrong
    print(json.dumps(told, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
