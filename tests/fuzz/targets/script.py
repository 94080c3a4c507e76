"""A project's script, JSON of it, and files that become one: refused in words, or read for good."""

from __future__ import annotations

import io
import json
from typing import Final

from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.reading import from_json, read
from visavis.server.studio.document.writing import as_json, rewritten, write
from visavis.server.studio.imports.importing import imported
from visavis.server.system.errors import Problem

MOST: Final = 4096
TOKENS: Final = (
    "+++\n", "# ", "\\# ", "\\+++", "[pronounce]\n", "title = ", "background = ", '"blur"',
    '"a.mp4"', "frame = ", '"9:16 1080p"', "beside = { file = ", "after = 1", "rate = 0.8",
    "{{name}}", "<!--", "-->", "\n\n", "\r\n", "00:00:01,000 --> 00:00:02,000\n", "WEBVTT\n",
    "---\n", "```\n", "![a](b.png)", '{"scenes": [', '"text": ', '"name": ', "\u0301", "\u2028",
    "\ufeff",
)  # fmt: skip
_OLD: Final = "+++\n# ours\ntitle = 'x'\n+++\n\n# One\n+++\nafter = 1 # s\n+++\nHello.\n"


def check(data: bytes) -> None:
    """What is read is written and read back the same, over an old script too."""
    text = data.decode(errors="surrogateescape")
    for name in ("a.md", "a.txt", "a.srt"):
        try:
            read(imported(name, io.BytesIO(data)).text)
        except Problem as error:
            assert error.detail
    try:
        project = read(text)
    except ScriptError as error:
        assert all(fault.what and fault.fix for fault in error.faults)
    else:
        assert read(write(project)) == project
        assert read(rewritten(project, _OLD)) == project
        assert read(rewritten(read(_OLD), text)) == read(_OLD)
        assert from_json(json.loads(json.dumps(as_json(project)))) == project
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return
    try:
        assert read(write(from_json(given))) == from_json(given)
    except ScriptError as error:
        assert error.faults
