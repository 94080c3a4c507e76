"""What a file becomes: a project, the files that it brings, and what could not be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from visavis.server.studio.batches.encodings import decoded
from visavis.server.studio.batches.table import TableError
from visavis.server.studio.document.naming import named
from visavis.server.studio.document.values import tidied
from visavis.server.system.errors import Unprocessable


@dataclass(frozen=True, slots=True)
class Imported:
    """A project to be. files: pictures by their names. notes: for the user."""

    text: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def broken(why: str) -> Unprocessable:
    """To be raised: nothing can be taken out of a file."""
    return Unprocessable(why, "import-broken")


def text_of(content: bytes) -> str:
    """A file's text, whatever wrote it. Raises Unprocessable."""
    try:
        text = decoded(content)
    except TableError:
        raise broken("It cannot be told how the text is encoded: save it as UTF-8.") from None
    if text.count("\x00") > len(text) // 100:
        raise broken("This is no text: save what you have as text, Markdown, SRT or PPTX.")
    return tidied(text)


class Names:
    """Names of scenes, of which none is given twice."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def name(self, heading: str) -> str:
        """Of the next scene."""
        number = len(self._given) + 1
        name = tried = named(heading, number)
        again = 1
        while tried in self._given:
            again += 1
            tried = f"{name[:50].strip('-')}-{again}"
        self._given.add(tried)
        return tried
