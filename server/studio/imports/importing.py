"""A file of whatever kind -> a project: by its name, and by what it holds."""

from __future__ import annotations

from pathlib import PurePath
from typing import IO, Final

from visavis.server.studio.document.parts import FENCE
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.reading import LARGEST, read
from visavis.server.studio.document.writing import write
from visavis.server.studio.imports import markdown, strangers, subtitles
from visavis.server.studio.imports.imported import Imported, broken, text_of
from visavis.server.system.errors import Unprocessable

LARGEST_FILE: Final = 100 << 20  # bytes

_TEXTS: Final = (".txt", ".text", "")
_MARKDOWN: Final = (".md", ".markdown", ".mdown")
_SUBTITLES: Final = (".srt", ".vtt")
_SLIDES: Final = (".pptx", ".ppsx", ".potx", ".pptm")
KINDS: Final = (*_TEXTS[:-1], *_MARKDOWN, *_SUBTITLES, *_SLIDES)
_ZIP: Final = b"PK\x03\x04"
_OLD: Final = b"\xd0\xcf\x11\xe0"


def imported(name: str, file: IO[bytes]) -> Imported:
    """name: of the file, for its kind. file: one of the system's. Raises Unprocessable."""
    kind = PurePath(name).suffix.lower()
    begin = file.read(4)
    file.seek(0)
    if begin == _OLD or kind == ".ppt":
        raise broken("This is an old PowerPoint file: save it as .pptx.")
    if kind in _SLIDES:
        return strangers.imported(file)
    if begin == _ZIP or kind not in (*_TEXTS, *_MARKDOWN, *_SUBTITLES):
        msg = f"A file of this kind cannot be imported: take one of {', '.join(KINDS)}."
        raise Unprocessable(msg, "import-kind")
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise broken(f"The text is over {LARGEST >> 20} MB: split it.")
    text = text_of(content)
    if not text.strip():
        raise broken("The file is empty.")
    return _of_text(kind, text)


def _of_text(kind: str, text: str) -> Imported:
    if kind in _SUBTITLES:
        return subtitles.imported(text)
    if text.lstrip().startswith(f"{FENCE}\n"):  # a script of ours already
        read(text)
        return Imported(text)
    if kind in _MARKDOWN:
        return markdown.imported(text)
    scene = Scene("scene-1", text.strip())
    return Imported(write(Project(scenes=(scene,))))
