"""Names of scenes, made of their headings, and of files, which stay within the project's folder."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_NAME: Final = 60  # characters of a scene's name
LONGEST_FILE: Final = 120  # bytes of a file's name; file systems have 255
PLACEHOLDER: Final = "{{"  # what a batch fills in later has no form yet


def named(heading: str, number: int) -> str:
    """A heading -> the name of the scene: "Our rooms!" -> "our-rooms".

    Letters of any script are kept, with their marks. Of a heading without any, as of no heading,
    it is "scene-1" by its number, from 1 on.
    """
    plain = unicodedata.normalize("NFC", heading.casefold())
    kept = "".join(char if _is_letter(char) else " " for char in plain)
    return "-".join(kept.split())[:LONGEST_NAME].strip("-") or f"scene-{number}"


def is_name(text: str) -> bool:
    """Whether a scene may be called that."""
    return bool(text) and named(text, 0) == text


def _is_letter(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char) in {"Mn", "Mc"}


def file_fault(name: str) -> str:
    """Why a file cannot be named so, in words; "": it can. Folders within the project's may be."""
    parts = name.split("/")
    if not name.strip() or len(name.encode(errors="replace")) > LONGEST_FILE:
        return f"a file's name has 1 to {LONGEST_FILE} bytes"
    if not name.isprintable() or any(each in name for each in '\\:*?"<>|'):
        return "a file's name has no control characters and none of \\ : * ? \" < > |"
    if any(part.strip() != part or not part or part.startswith(".") for part in parts):
        return (
            "name a file within the project's folder, not hidden, without .. and without a / before"
        )
    return ""
