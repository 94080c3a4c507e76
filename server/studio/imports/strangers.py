"""Slides taken apart in a process of their own, from the owner's side, which believes nothing."""

from __future__ import annotations

import logging
import threading
from pathlib import PurePosixPath
from typing import IO, Any, Final

from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.forms import PICTURES
from visavis.server.studio.document.naming import file_fault
from visavis.server.studio.document.reading import read
from visavis.server.studio.imports.imported import Imported, broken
from visavis.server.system import confined

log = logging.getLogger(__name__)

_CHILD: Final = "visavis.server.studio.imports.taking"
LONGEST: Final = 180.0  # s that a file may take
_LINE: Final = 16 << 20  # bytes: a script whose letters are all escaped
_NOTES, _NOTE = 1000, 400  # of them, and characters of one
_FILES: Final = 500
_WHOLE: Final = 512 << 20  # bytes of all pictures
_LOST: Final = "The slides could not be read to their end: save the file anew, or as text."


def imported(file: IO[bytes]) -> Imported:
    """Blocks. file: one of the system's, at its beginning. Raises Unprocessable, OSError."""
    with confined.start(_CHILD, file, few_threads=True) as process:
        timer = threading.Timer(LONGEST, confined.kill, [process])
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            return _heard(process.stdout)
        finally:
            timer.cancel()
            confined.kill(process)


def _heard(output: IO[bytes]) -> Imported:
    for said in confined.lines(output, 2, _LINE):
        if "unshielded" in said:
            confined.note(said["unshielded"], "slides are read with less protection")
        elif "refused" in said:
            if "fault" in said:
                log.warning("slides were not read", extra={"fault": str(said["fault"])[:_NOTE]})
            raise broken(str(said["refused"])[:_NOTE] or _LOST)
        else:
            return _made(said, output)
    raise broken(_LOST)


def _made(said: dict[str, Any], output: IO[bytes]) -> Imported:
    text, notes, sizes = said.get("text"), said.get("notes"), said.get("files")
    if not isinstance(text, str) or not isinstance(notes, list) or not isinstance(sizes, list):
        raise broken(_LOST)
    try:
        read(text)
    except ScriptError as error:
        raise broken(_LOST) from error
    files: dict[str, bytes] = {}
    left = _WHOLE
    for each in sizes[:_FILES]:
        name, size = _sized(each, left)
        files[name] = output.read(size)
        left -= size
        if len(files[name]) < size:
            raise broken(_LOST)
    return Imported(text, files, tuple(str(note)[:_NOTE] for note in notes[:_NOTES]))


def _sized(each: object, most: int) -> tuple[str, int]:
    """The name and the size of a picture that follows."""
    name, size = each if isinstance(each, list) and len(each) == 2 else ("", 0)
    fits = isinstance(name, str) and isinstance(size, int) and 0 < size <= most
    if not fits or "/" in name or file_fault(name):
        raise broken(_LOST)
    if PurePosixPath(name).suffix.lower() not in PICTURES:
        raise broken(_LOST)
    return name, size
