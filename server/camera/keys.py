"""Keys of the terminal while the camera runs: one each, or lines where words are typed."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from visavis.server.camera.controls import LOOKS, MOVES, Controls

_INTERRUPT, _END, _ESCAPE = "\x03", "\x04", "\x1b"
_LINE_ENDS: Final = "\r\n"
_WIPE: Final = "\x7f\b"
_PIECE: Final = 4096  # bytes
_MOST: Final = 2000  # characters of a line

HELP: Final = "\n".join((
    "m  mute, or be heard again        b  be right back, or back",
    "d  a direction in your own words  "
    + "  ".join(f"{key}  {move}" for key, move in MOVES.items()),
    *(
        "  ".join(f"{at + i + 1}  {look:12}" for i, look in enumerate(LOOKS[at : at + 5]))
        for at in range(0, len(LOOKS), 5)
    ),
    "?  these keys                     q  switch the camera off",
))  # fmt: skip
LINES: Final = (
    "Type what the face is to say. /m mutes, /b is be right back, /d WORDS a direction,\n"
    "/1 to /9 looks, /s silence now, /? all of it, /q switches the camera off."
)


class Keys:
    """Single keys. echo: writes what is typed where a direction is."""

    def __init__(self, controls: Controls, echo: Callable[[str], None]) -> None:
        self._controls, self._echo = controls, echo
        self._typed: str | None = None  # of a direction that is being typed

    async def press(self, key: str) -> None:
        """One character."""
        if self._typed is not None:
            await self._type(key, self._typed)
        elif key == "d":
            self._typed = ""
            self._echo("direction: ")
        elif key in {_INTERRUPT, _END}:
            self._controls.end()
        else:
            await do(self._controls, key, HELP)

    async def _type(self, key: str, typed: str) -> None:
        if key in _LINE_ENDS:
            self._typed = None
            self._echo("\n")
            await self._controls.look(typed)
        elif key in {_ESCAPE, _INTERRUPT}:
            self._typed = None
            self._echo("\n")
        elif key in _WIPE:
            self._typed = typed[:-1]
            self._echo("\b \b" if typed else "")
        elif key.isprintable() and len(typed) < _MOST:
            self._typed = typed + key
            self._echo(key)


async def read_line(controls: Controls, line: str) -> None:
    """One typed line: words to say, or a command after a slash."""
    words = line.strip()
    if words.startswith("/d "):
        await controls.look(words[3:])
    elif words == "/s":
        await controls.hush()
    elif words.startswith("/"):
        await do(controls, words[1:], LINES)
    elif words:
        controls.utter(words[:_MOST])


async def do(controls: Controls, key: str, told: str) -> None:
    """What a key stands for; told: what the question mark shows."""
    if key == "m":
        controls.mute()
    elif key == "b":
        await controls.leave()
    elif key == "q":
        controls.end()
    elif key in MOVES:
        await controls.look(MOVES[key])
    elif key.isdecimal() and 0 < int(key) <= len(LOOKS):
        await controls.look(LOOKS[int(key) - 1])
    elif key not in " \r\n":
        controls.say(told)


@contextmanager
def unbuffered(fd: int) -> Iterator[None]:
    """Each key at once, and not echoed; the terminal is as it was afterwards."""
    import termios
    import tty

    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


async def typed(fd: int) -> AsyncIterator[str]:
    """What comes, in pieces of text, until its end. A thread reads: a file is not told of."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def read() -> None:
        data = b"-"
        while data:
            try:
                data = os.read(fd, _PIECE)
            except OSError:
                data = b""
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, data)
            except RuntimeError:  # the loop is closed
                return

    threading.Thread(target=read, name="keys", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := await pieces.get():
        yield decoder.decode(data)


async def lines(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Whole lines, and what is left at the end."""
    held = ""
    async for piece in pieces:
        *whole, held = (held + piece).split("\n")
        for line in whole:
            yield line
    if held:
        yield held
