"""The Markdown file of questions and answers, read from the disk and checked as a whole.

`data/hotel.md` is the complete example, and the comment at its top is the description of the format
for the people who write such files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from visavis.engines.dialogue.entries import Entry, Knowledge, KnowledgeError, Mistake, Persona
from visavis.engines.dialogue.knowledge_reader import Reader, question_key

__all__ = [
    "EXAMPLE", "Entry", "Knowledge", "KnowledgeError", "Mistake", "Persona", "load", "parse",
    "question_key",
]  # fmt: skip

EXAMPLE: Final = Path(__file__).parents[1] / "data" / "hotel.md"
MAX_BYTES: Final = 1 << 20  # of one file: some ten thousand answers; more is a mistake


def load(path: Path) -> Knowledge:
    """Read and check a file. Raises `KnowledgeError`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _fault(path.name, 1, f"cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _fault(path.name, 1, f"larger than {MAX_BYTES} bytes; split it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _fault(path.name, line, "not UTF-8; save the file with that encoding") from error
    return parse(text, path.name)


def parse(text: str, source: str = "knowledge") -> Knowledge:
    """Check a text and turn it into `Knowledge`. Raises `KnowledgeError` with every mistake."""
    reader = Reader()
    reader.read(text)
    if reader.mistakes:
        raise KnowledgeError(source, tuple(sorted(reader.mistakes, key=lambda p: p.line)))
    return reader.knowledge()


def _fault(source: str, line: int, text: str) -> KnowledgeError:
    return KnowledgeError(source, (Mistake(line, text),))
