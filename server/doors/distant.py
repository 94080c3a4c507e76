"""The face of a visavis server somewhere else, as doors use one in their own process.

Sound and pictures come over WebRTC and are played by a clock of this process, late enough that both
are there; the voice goes over a web socket (docs/api.md). Needs no engines.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Self

import aiohttp

from visavis.doors.buffer import Buffer
from visavis.engines.base import Pcm
from visavis.remote import Face, Picture, RemoteError, Sound, connect
from visavis.remote.messages import Directed
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import TICK_RATE
from visavis.server.session.doors import Outlet, Playout
from visavis.server.session.events import Failure, SegmentEnded
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_FIRST: Final = 15.0  # s for the first picture
_SETTLE: Final = 0.5  # s in which it is learnt how late sound and pictures come
_PIECE: Final = 9_600  # samples of a message: 200 ms
_WAITING: Final = 8  # of those that wait to be sent
LOST: Final = Failure("session-lost", "The avatar's server is gone, and the session with it.")


class DistantHouse:
    """As `House`: `size`, and any number of sessions. Made by `open`."""

    def __init__(self, url: str, token: str, avatar: str, size: tuple[int, int]) -> None:
        self._url, self._token, self._avatar = url, token, avatar
        self.size = size

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, token: str = "", avatar: str = "") -> AsyncIterator[Self]:
        """See whether it is there, and how large its pictures are.

        url, token, avatar: as of `visavis.remote.connect`, which says what is raised.
        """
        async with connect(
            url, token=token, avatar=avatar, source="voice", microphone=False
        ) as face:
            async with asyncio.timeout(_FIRST):
                picture = await anext(face.pictures("i420"))
        height, width = picture.image.shape[0] * 2 // 3, picture.image.shape[1]
        yield cls(url, token, avatar, (width, height))

    @asynccontextmanager
    async def session(self, *outlets: Outlet, avatar: str = "") -> AsyncIterator[DistantSession]:
        """One that lives until the block is left. Raises RemoteError."""
        async with AsyncExitStack() as ends:
            face = await ends.enter_async_context(
                connect(
                    self._url,
                    token=self._token,
                    avatar=avatar or self._avatar,
                    source="voice",
                    microphone=False,
                )
            )
            http = await ends.enter_async_context(aiohttp.ClientSession())
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            try:
                socket = await http.ws_connect(f"{face.url}/voice", headers=headers)
            except aiohttp.ClientError as error:
                raise RemoteError(f"no voice can be sent to {self._url}") from error
            ends.push_async_callback(socket.close)
            session = DistantSession(face, socket, outlets)
            ends.push_async_callback(session.close)
            await session.open()
            yield session


class DistantVoice:
    """As `Pushed`, as far as doors use it. Segments are numbered as the server numbers them."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, cut: Callable[[], None]) -> None:
        """cut: called when silence is asked for."""
        self._socket, self._cut = socket, cut
        self._number = 1
        self._open: set[int] = set()
        self._over, self._room, self._more = (asyncio.Event() for _ in range(3))
        self._waiting: deque[bytes | str] = deque()
        self._lost = False

    @property
    def sounds(self) -> bool:
        """Whether a segment is not over yet."""
        return bool(self._open)

    async def push(self, pcm: Pcm) -> None:
        """(n,) int16 at 48 kHz; waits while the server has enough."""
        number = self._number
        for at in range(0, len(pcm), _PIECE):
            while len(self._waiting) > _WAITING and number == self._number and not self._lost:
                self._room.clear()
                await self._room.wait()
            if number != self._number or self._lost:  # cleared meanwhile
                return
            self._open.add(number)
            self._put(pcm[at : at + _PIECE].tobytes())

    def end(self) -> int:
        """No more of the segment comes; its number."""
        return self._next("end")

    def clear(self) -> None:
        """Silence; the segments that were not over are."""
        self._open.clear()
        self._waiting = deque(each for each in self._waiting if isinstance(each, str))
        self._next("clear")
        self._cut()
        self._over.set()
        self._room.set()

    async def silence(self) -> None:
        """Return once every segment is over."""
        while self._open:
            self._over.clear()
            await self._over.wait()

    def ended(self, number: int) -> bool:
        """The server says that it is; whether that is news."""
        is_news = number in self._open
        self._open.discard(number)
        self._over.set()
        return is_news

    def lose(self) -> None:
        """Nothing more is heard."""
        self._lost = True
        self._open.clear()
        self._over.set()
        self._room.set()

    async def run(self) -> None:
        """Send what waits, in its order, until cancelled."""
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            match self._waiting.popleft():
                case bytes() as data:
                    await self._socket.send_bytes(data)
                case str() as word:
                    await self._socket.send_str(json.dumps({"type": word}))
            self._room.set()

    def _next(self, word: str) -> int:
        number, self._number = self._number, self._number + 1
        self._put(word)
        return number

    def _put(self, item: bytes | str) -> None:
        self._waiting.append(item)
        self._more.set()


class DistantSession:
    """As `Session`, as far as doors use it."""

    def __init__(
        self, face: Face, socket: aiohttp.ClientWebSocketResponse, outlets: tuple[Outlet, ...]
    ) -> None:
        self._face, self._socket, self._outlets = face, socket, outlets
        self._clock = Clock()
        self._buffer = Buffer(self._clock)
        self.voice = DistantVoice(socket, self._buffer.cut)
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone = False

    @property
    def lag(self) -> float:
        """s after what the server does that it is seen and heard here."""
        return self._buffer.delay / TICK_RATE

    async def direct(self, prompt: str) -> Directed:
        """See `Session.direct`."""
        return await self._face.direct(prompt)

    async def open(self) -> None:
        """Begin to play."""
        pictures, sound = self._face.pictures("i420"), self._face.sound()
        async with asyncio.timeout(_FIRST):
            first = await anext(pictures)
        self._buffer.see(first.image, first.at_ms)
        for work in (self._look(pictures), self._hear(sound), self._follow(), self.voice.run()):
            self._start(self._watched(work))
        await asyncio.sleep(_SETTLE)
        self._buffer.settle()
        playout = Playout(
            self._clock,
            self._buffer,  # type: ignore[arg-type]  # what of a Reader is used
            first.image,
            lambda at, now: None,
            lambda at, now, in_time: None,
            lambda length, what: None,
        )
        for outlet in self._outlets:
            self._start(outlet.play(playout))

    async def close(self) -> None:
        """Play no more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (RemoteError, aiohttp.ClientError, ConnectionError) as error:
            log.warning("a distant face is gone", extra={"fault": fault(error)})
        self.voice.lose()
        if not self._gone:
            self._gone = True
            for outlet in self._outlets:
                outlet.tell(LOST)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, pictures: AsyncIterator[Picture]) -> None:
        async for picture in pictures:
            self._buffer.see(picture.image, picture.at_ms)

    async def _hear(self, sound: AsyncIterator[Sound]) -> None:
        async for piece in sound:
            self._buffer.hear(piece.pcm, piece.at_ms)
            if not self.voice.sounds:
                self._buffer.settle()

    async def _follow(self) -> None:
        """Ends of segments, when they are heard here."""
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            told = json.loads(message.data)
            if told.get("type") == "cleared":
                self._buffer.silent(told["at_ms"])
            if told.get("type") != "segment_ended" or told["interrupted"]:
                continue
            self._start(self._tell_later(told["segment"], told["position"]))

    async def _tell_later(self, number: int, position: float) -> None:
        await asyncio.sleep(self.lag)
        if self.voice.ended(number):
            for outlet in self._outlets:
                outlet.tell(SegmentEnded(number, position, interrupted=False))
