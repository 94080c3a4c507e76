"""`visavis gaps`: what nobody could answer, put together, ready to become entries of the file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from visavis.engines.base import EngineError
from visavis.engines.dialogue.clusters import Cluster, clustered
from visavis.engines.language import minilm
from visavis.engines.language.embeddings import Embedder
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH
from visavis.models.manifest import ManifestError
from visavis.server.commands.console import say_line, user
from visavis.server.services.gaps import Gaps
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing

_OFF = "keep_questions is off: questions that nobody can answer are counted, and none is kept\n"


def gaps(options: argparse.Namespace) -> None:
    """`gaps`. Raises ConfigError, OSError."""
    config = settings.load({})
    kept = Gaps(config.home_path, config.keep_questions_days)
    if options.forget:
        count = kept.forget()
        say_line(f"{count} questions are forgotten")
        if count:
            with auditing(config, "visavis gaps") as audit:
                audit.record("kept-deleted", kind="questions", count=count, why="wipe", who=user())
        return
    if config.keep_questions == "off":
        sys.stderr.write(_OFF)
    rows = kept.read()
    found: list[tuple[str, Cluster]] = []
    for language in sorted({code_of(row.language) for row in rows}):
        texts = [row.text for row in rows if code_of(row.language) == language]
        embedder = _embedder(config.home_path) if language == ENGLISH else None
        found += [(language, cluster) for cluster in clustered(texts, embedder)]
    found.sort(key=lambda each: -each[1].count)
    if options.json:
        say_line(json.dumps([{"language": at, **asdict(cluster)} for at, cluster in found]))
        return
    for language, cluster in found:
        for line in _entry(language, cluster):
            say_line(line)
    if not found:
        days = config.keep_questions_days
        span = f"of the last {days} days" if days else "that is kept"
        sys.stderr.write(f"no question {span} is without an answer\n")


def _embedder(home: Path) -> Embedder | None:
    """None where the network is missing: shared words put questions together, less well."""
    try:
        return minilm.shared(home)
    except (EngineError, ManifestError):
        return None


def _entry(language: str, cluster: Cluster) -> Iterator[str]:
    """As the file of answers has it; an answer is still to be written below the questions."""
    first = cluster.questions[0]
    times = "once" if cluster.count == 1 else f"{cluster.count} times"
    yield f"<!-- asked {times}, language: {language}. Write the answer below the questions. -->"
    yield f"### {first.rstrip('?!.。？！؟ ')}"
    yield from (f"- {question}" for question in cluster.questions)
    yield ""
