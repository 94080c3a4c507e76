"""The operator's Markdown file of answers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.knowledge_file import KnowledgeError

MOST: Final = 4_000
TOKENS: Final = (
    "# ", "## ", "### ", "- ", "\n\n", "<!--", "-->", "[a](b)", "**", "{", "}", "---", "| ",
    "name:", "greeting:", "?", "Q: ", "A: ",
)  # fmt: skip

_FILE = Path(tempfile.mkdtemp(prefix="fuzz-knowledge-")) / "hotel.md"


def check(data: bytes) -> None:
    """A file is read, or every mistake in it is named with its line."""
    _FILE.write_bytes(data)
    try:
        knowledge = knowledge_file.load(_FILE)
    except KnowledgeError as error:
        assert all(mistake.line >= 1 and mistake.text for mistake in error.mistakes)
        return
    assert knowledge.entries
    for entry in knowledge.entries:
        assert entry.answers
        assert all(answer.strip() for answer in entry.answers)
