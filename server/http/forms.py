"""Bodies with files, read as they come and within bounds: multipart/form-data, or a file alone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Final, TypeVar, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http import HttpProcessingError

from visavis.server.system.errors import Malformed, NoSpace, TooLarge, TooSlow, WrongType

T = TypeVar("T")

MULTIPART: Final = "multipart/form-data"
_IN_MEMORY: Final = 1 << 20  # bytes of a file; more of it lies on the disk
_PIECE: Final = 256 * 1024  # bytes that are written at a time
_LONGEST: Final = 64 * 1024  # bytes of a text
_MOST_PARTS: Final = 24
_MOST_LINES: Final = 300  # of headers and boundaries; browsers send 4 a part
_AROUND: Final = 64 * 1024  # bytes of a body besides its parts
_PATIENCE: Final = 600.0  # s in which all of it must arrive


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent. name: as the sender has it, "" without one. file: at its beginning."""

    name: str
    file: IO[bytes]
    bytes: int


@dataclass(slots=True)
class Form:
    """What was sent: texts and files by the names of their fields."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)


@asynccontextmanager
async def form(
    request: web.Request, files: Mapping[str, int], texts: Collection[str] = ()
) -> AsyncIterator[Form]:
    """The body as a form; its files go at the end.

    files: fields that may hold one, and the most bytes of each. Raises WrongType, Malformed,
    TooLarge, TooSlow, NoSpace.
    """
    if request.content_type != MULTIPART:
        names = ", ".join((*files, *texts))
        raise WrongType(f"Send {names} as {MULTIPART}.")
    most = sum(files.values()) + _LONGEST * len(texts) + _AROUND
    if (request.content_length or 0) > most:
        raise TooLarge(f"The form is over {_told(most)}.")
    with ExitStack() as stack:
        form = Form()
        await _in_time(_read(request, form, files, texts, stack))
        yield form


async def received(request: web.Request, most: int, file: IO[bytes]) -> int:
    """The whole body into a file; its bytes. Raises TooLarge, TooSlow, NoSpace, ConnectionError."""
    if (request.content_length or 0) > most:
        raise TooLarge(f"The file is over {_told(most)}.")

    async def read() -> int:
        length = 0
        async for piece in request.content.iter_chunked(_PIECE):
            length += len(piece)
            if length > most:
                raise TooLarge(f"The file is over {_told(most)}.")
            await _written(file, piece)
        return length

    return await _in_time(read())


async def content(request: web.Request, most: int) -> bytes:
    """The body, in memory. Raises TooLarge, TooSlow."""
    with tempfile.SpooledTemporaryFile(most + 1) as file:
        await received(request, most, file)
        file.seek(0)
        return file.read()


async def _in_time(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await reading
    except TimeoutError:
        msg = f"The body did not arrive within {_PATIENCE:.0f} s."
        raise TooSlow(msg, "upload-timeout") from None
    except (ValueError, AssertionError, HttpProcessingError, web.HTTPException) as error:
        raise Malformed("The body is not proper multipart/form-data.", "malformed-form") from error


async def _read(
    request: web.Request, form: Form, files: Mapping[str, int], texts: Collection[str],
    stack: ExitStack,
) -> None:  # fmt: skip
    reader = MultipartReader(
        request.headers, cast(StreamReader, Lines(request.content, _MOST_LINES))
    )
    for _ in range(_MOST_PARTS):
        part = await reader.next()
        if part is None:
            return
        if not isinstance(part, BodyPartReader):
            raise Malformed("The form has a form in it.", "malformed-form")
        name = str(part.name)
        if name in files and name not in form.files:
            spooled = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (by the stack)
            file = stack.enter_context(spooled)
            size = await _part(part, files[name], file)
            await asyncio.to_thread(file.seek, 0)
            form.files[name] = Upload(part.filename or "", cast(IO[bytes], file), size)
        elif name in texts:
            with tempfile.SpooledTemporaryFile(_LONGEST + _PIECE) as told:
                await _part(part, _LONGEST, told)
                told.seek(0)
                form.texts[name] = told.read().decode().strip()
        else:
            raise Malformed(f"The form has no field {name[:40]!r}.", "unknown-field")
    raise Malformed(f"The form has more than {_MOST_PARTS} parts.", "malformed-form")


async def _part(part: BodyPartReader, most: int, file: Any) -> int:
    length = 0
    while piece := await part.read_chunk(_PIECE):
        length += len(piece)
        if length > most:
            raise TooLarge(f"{part.name} is over {_told(most)}.")
        await _written(file, piece)
    return length


async def _written(file: Any, piece: bytes) -> None:
    """Raises NoSpace."""
    try:
        await asyncio.to_thread(file.write, piece)
    except OSError as error:
        raise NoSpace("The disk of the server has no room for the file.", "not-kept") from error


def _told(most: int) -> str:
    return f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} KB"


class Lines:
    """A body of which `most` lines are read one by one, as aiohttp does before the first part.

    A byte may be a line, and 20 MB of them held up everybody for 20 s.
    """

    def __init__(self, body: StreamReader, most: int) -> None:
        self._body, self._left = body, most

    async def readline(self, **limits: int) -> bytes:
        """Raises ValueError for one too many."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many lines")
        return await self._body.readline(**limits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)
