"""What parent and worker say to each other: JSON, one message a line, over a socket of their own.

A message is a pair: its kind, and what belongs to it. Both sides are of one version, so that a line
that is none of it is a fault: whoever reads it gives the other up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

LONGEST: Final = 4 << 20  # bytes of a line: all samples of a worker are 100 kB
_BACKLOG: Final = 8 << 20  # bytes that wait for who does not read any more
PARENT: Final = "parent.sock"  # in the folder that they share


class LinkError(Exception):
    """The other side is gone, does not read, or says what is none of the language."""


class Link:
    """One side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, kind: str, content: Any = None) -> None:
        """Never waits. Raises LinkError when nobody reads it."""
        if self._writer.is_closing() or self._writer.transport.get_write_buffer_size() > _BACKLOG:
            raise LinkError("nobody listens")
        self._writer.write(json.dumps([kind, content]).encode() + b"\n")

    async def receive(self) -> tuple[str, Any]:
        """The next message. Raises LinkError."""
        try:
            line = await self._reader.readuntil(b"\n")
            kind, content = json.loads(line)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise LinkError("the link is gone") from error
        return str(kind), content

    async def __aiter__(self) -> AsyncIterator[tuple[str, Any]]:
        """Messages until the other side is gone."""
        while True:
            try:
                message = await self.receive()
            except LinkError:
                return
            yield message

    def close(self) -> None:
        """Say nothing more."""
        self._writer.close()


async def to_parent(folder: Path) -> Link:
    """A worker's link. Raises OSError."""
    return Link(*await asyncio.open_unix_connection(folder / PARENT, limit=LONGEST))


def socket_of(folder: Path, slot: int, pid: int) -> Path:
    """Where a worker is reached over HTTP."""
    return folder / f"{slot}-{pid}.sock"
