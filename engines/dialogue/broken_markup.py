"""What is wrong with one line of Markdown that is to be spoken."""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNDERLINE: Final = re.compile(r"={2,}$")
_PICTURE: Final = re.compile(r"!\[[^\]]*\]\(")
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")
_OPEN_LINK: Final = re.compile(r"\]\([^)]*$")
_TIGHT: Final = re.compile(r"[-*+](?=[^\W\d_])")

TIGHT: Final = "a blank is missing after the dash"


def fault(line: str) -> str | None:
    """What has to be mended, in words; None: nothing. For lines without the blanks around them."""
    if line.startswith(("```", "~~~", "|")):
        return "tables and code cannot be spoken; write a sentence"
    if _CONTROL.search(line):
        return "a control character; delete it"
    if _UNDERLINE.match(line):
        return "underlined headings are not known; begin the line above with '#'"
    if _PICTURE.search(line):
        return "a picture cannot be spoken; leave it out"
    if tag := _TAG.search(line):
        return f"HTML cannot be spoken; leave {tag[0]!r} out"
    if _OPEN_LINK.search(line):
        return "a link that is not closed: ')' is missing"
    return _unbalanced(line)


def is_tight(line: str) -> bool:
    """Whether it is meant as an item of a list, and is none."""
    return _TIGHT.match(line) is not None and line.count(line[0]) == 1


def _unbalanced(line: str) -> str | None:
    depth = 0
    for letter in line:
        depth += (letter == "[") - (letter == "]")
        if depth < 0:
            return "']' without '[' before it"
    if depth:
        return "a bracket that is not closed: ']' is missing"
    if line.count("**") % 2:
        return "'**' that is not closed"
    if line.count("`") % 2:
        return "'`' that is not closed"
    return None
