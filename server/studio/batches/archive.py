"""Many films as one zip, made while it is sent: nothing of it lies in memory or on the disk."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_PIECE: Final = 1 << 20  # bytes

Entry = tuple[str, Path | bytes]  # its name in the archive; the file, or what is in it


class _Sink(io.RawIOBase):
    """Takes what the archive writes until somebody takes it from here; cannot go back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # whatever has bytes
        self._held += view
        return view.nbytes

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


def pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive, piece by piece, of about 1 MB. A file that is gone is left out.

    Films are compressed already, so nothing is compressed.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            if isinstance(content, bytes):
                archive.writestr(_about(name, time.time()), content)
                yield sink.taken()
                continue
            try:
                file = content.open("rb")
            except OSError:
                continue
            with file:
                about = _about(name, content.stat().st_mtime)
                with archive.open(about, "w", force_zip64=True) as into:
                    while piece := file.read(_PIECE):
                        into.write(piece)
                        yield sink.taken()
            yield sink.taken()
    yield sink.taken()


def _about(name: str, at: float) -> zipfile.ZipInfo:
    """at: Unix time, s; an archive knows no year before 1980."""
    made = time.localtime(max(at, 315_619_200))
    return zipfile.ZipInfo(name, made[:6])
