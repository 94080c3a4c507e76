"""A session that stays connected: what a program says, asks, hears and sees."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
from aiortc import RTCIceServer
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from visavis.remote import media
from visavis.remote.errors import (
    Ended,
    Full,
    Lost,
    RemoteError,
    Unauthorised,
)
from visavis.remote.files import packets
from visavis.remote.link import Ears, Link, gone
from visavis.remote.media import Form, Picture, Readers, Reading, Sound
from visavis.remote.messages import (
    Direct,
    Directed,
    FromServer,
    Goodbye,
    Interrupt,
    Language,
    Mic,
    Ping,
    Pong,
    Ready,
    SayText,
    Text,
    ToServer,
    Watch,
)
from visavis.remote.microphone import Outgoing
from visavis.remote.offering import Target
from visavis.remote.relays import Relays
from visavis.remote.replies import Replies, Reply

Event = TypeVar("Event", bound=FromServer)

_QUIET: Final = 2.5  # s without sound, of which servers send 50 packets a second
_LOOK: Final = 0.5  # s between two looks
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0)  # s before each try to come back; then the last of them
_KEPT: Final = 64  # messages that may have to be sent again
_PICTURES: Final = 50  # that wait for a reader: 2 s
_SOUNDS: Final = 500  # 10 s
_EVENTS: Final = 1_000


class Face:
    """One session. Made by `connect`.

    ready: the server's first message of the newest connection. Iterators begin where they are made.
    They end with the session, and raise Lost where it could not be gone on with.
    """

    def __init__(
        self,
        target: Target,
        relays: Relays,
        http: aiohttp.ClientSession,
        *,
        microphone: bool,
        patience: float,
    ) -> None:
        self._target, self._http, self._patience = target, http, patience
        self._relays = relays
        self._outgoing = Outgoing() if microphone else None
        self._frames: dict[str, Readers[tuple[Any, float]]] = {
            "picture": Readers(_PICTURES),
            "sound": Readers(_SOUNDS),
        }
        self._events = Readers[FromServer](_EVENTS)
        self._replies = Replies()
        self._sent, self._outbox = 0, deque[tuple[int, ToServer]](maxlen=_KEPT)
        self._settings: dict[type, ToServer] = {}  # what holds for one connection
        self._link: Link | None = None
        self._ready: Ready | None = None
        self._over: RemoteError | None = None
        self._keeper: asyncio.Task[None] | None = None

    # --- what it is told --------------------------------------------------------------------------

    async def say(self, text: str, style: str = "") -> Reply:
        """Have exactly this said; "[smiles] Welcome." is a direction and a word."""
        message = SayText(text, style)
        reply = self._replies.expect(message)
        self.send(message)
        return reply

    async def ask(self, text: str) -> Reply:
        """Have this answered as a visitor's typed words."""
        message = Text(text)
        reply = self._replies.expect(message)
        self.send(message)
        return reply

    async def interrupt(self) -> None:
        """Stop it speaking, now."""
        self.send(Interrupt())

    async def direct(self, prompt: str, within: float = 5.0) -> Directed:
        """Direct it in plain words, such as "appear thoughtful"; what was understood of that."""
        return await self._answered(Direct(prompt), Directed, within)

    async def speak(self, language: str) -> None:
        """Go over to a language: BCP 47, or "auto" for whichever the visitor speaks."""
        self.send(Language(language))

    async def watch(self, on: bool) -> None:
        """Whether the pictures are looked at: if not, fewer than two a second are drawn."""
        self._settings[Watch] = Watch(on)
        self.send(Watch(on))

    async def listen(self, on: bool) -> None:
        """Whether the server listens to what `speak_sound` sends."""
        self._settings[Mic] = Mic(on)
        self.send(Mic(on))

    async def ping(self, within: float = 5.0) -> Pong:
        """The session's clock, at once."""
        return await self._answered(Ping(time.monotonic()), Pong, within)

    async def speak_sound(self, pcm: NDArray[Any], rate: int) -> None:
        """Send sound to the server as its visitor's voice, at its own pace.

        pcm: (samples,) or (samples, channels), int16 or floats in [-1, 1]. Returns once no more
        than a second of it waits. The first call tells the server to listen.
        """
        outgoing = self._microphone()
        if Mic not in self._settings:
            await self.listen(True)
        await outgoing.put(pcm, rate)

    async def speak_file(self, path: Path | str) -> None:
        """Send the sound of a file; returns once its last word has been sent."""
        outgoing = self._microphone()
        async for pcm, rate in packets(Path(path)):
            await self.speak_sound(pcm, rate)
        await outgoing.played()

    def send(self, message: ToServer) -> None:
        """Any message; while the connection is away it waits. Raises Ended, Lost."""
        if self._over is not None:
            raise self._over
        if isinstance(message, Ping):
            self._connected().send(message)
            return
        self._outbox.append((self._sent, message))
        self._sent += 1
        if self._link is not None:
            self._link.send(message)

    # --- what comes of it -------------------------------------------------------------------------

    @property
    def ready(self) -> Ready:
        """What the server said first."""
        if self._ready is None:
            raise Lost("there is no connection yet")
        return self._ready

    @property
    def url(self) -> str:
        """The address of the session, for requests of your own (docs/api.md)."""
        return self._connected().location

    def pictures(self, form: Form = "rgb") -> Reading[Picture]:
        """Pictures as they come, 25 a second. Two seconds of them wait; then the oldest go."""
        begun = self._frames["picture"].begin()
        return Reading(begun, lambda each: media.picture(each[0], each[1], form))

    def sound(self) -> Reading[Sound]:
        """Sound as it comes, 20 ms each; ten seconds of it wait."""
        return Reading(self._frames["sound"].begin(), lambda each: media.sound(*each))

    def events(self) -> Reading[FromServer]:
        """Everything that the server tells, as visavis.remote.messages has it."""
        return Reading(self._events.begin(), lambda event: event)

    async def wait_for(self, kind: type[Event], within: float = 30.0, **wanted: object) -> Event:
        """The next event of a kind with these fields. Raises TimeoutError."""
        return await _first(self.events(), kind, within, wanted)

    # --- its connections --------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect for the first time."""
        self._link = await self._opened("")
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End the session."""
        self._finish(Ended("closed"), None)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._link is not None:
            await self._link.end(self._http)

    async def _opened(self, resume: str) -> Link:
        frames = self._frames
        ears = Ears(self._heard, partial(_put, frames["sound"]), partial(_put, frames["picture"]))
        relays = await self._relays.now(self._http)
        link = Link(self._target, relays, self._outgoing, ears)
        try:
            self._ready = await link.open(self._http, resume)
        except BaseException:
            await link.close()
            raise
        return link

    async def _keep(self) -> None:
        """Stay connected until the session is over."""
        while self._over is None:
            link = self._connected()
            await self._falls(link)
            if link.goodbye is not None:
                self._finish(Ended(link.goodbye.reason, link.goodbye.message), None)
                return
            try:
                self._link = await self._back()
            except RemoteError as error:
                self._finish(error, error)
                return
            finally:
                await link.close()
            self._repeat()

    async def _falls(self, link: Link) -> None:
        """Return when a connection is over, or nothing comes over it any more."""
        quiet = 0  # looks in a row: this program may have been stopped itself
        while not link.lost.done() and quiet < 2:
            await asyncio.wait((link.lost,), timeout=_LOOK)
            quiet = quiet + 1 if time.monotonic() - link.heard_at > _QUIET else 0

    async def _back(self) -> Link:
        """Go on with the session over a new connection. Raises Lost, Unauthorised."""
        until, tries = time.monotonic() + self._patience, 0
        while True:
            try:
                return await self._opened(self.ready.resume)
            except RemoteError as error:
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
                if isinstance(error, Full) and error.retry_after is not None:
                    pause = error.retry_after
                if isinstance(error, Unauthorised):
                    raise
                if gone(error) or time.monotonic() + pause > until:
                    msg = "the connection was lost, and the session could not be gone on with"
                    raise Lost(msg) from error
            tries += 1
            await asyncio.sleep(pause)

    def _repeat(self) -> None:
        """Say again what the server has not taken, and what holds for one connection."""
        link, taken = self._connected(), self.ready.taken
        for number, message in self._outbox:
            if number >= taken:
                link.send(message)
        for setting in self._settings.values():
            self.send(setting)

    def _heard(self, message: FromServer) -> None:
        self._replies.take(message)
        self._events.put(message)
        if isinstance(message, Goodbye):
            self._over = Ended(message.reason, message.message)

    def _finish(self, over: RemoteError, told: BaseException | None) -> None:
        """told: what iterators raise; None: they just end."""
        self._over = self._over or over
        self._replies.end(self._over)
        self._events.end(told)
        for readers in self._frames.values():
            readers.end(told)

    async def _answered(self, message: ToServer, kind: type[Event], within: float) -> Event:
        events = self.events()
        self.send(message)
        return await _first(events, kind, within, {})

    def _connected(self) -> Link:
        if self._link is None:
            raise Lost("there is no connection yet")
        return self._link

    def _microphone(self) -> Outgoing:
        if self._outgoing is None:
            msg = "connected without a microphone: leave microphone=False out"
            raise RemoteError(msg)
        return self._outgoing


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str = "",
    avatar: str = "",
    voice: str = "",
    language: str = "",
    source: str = "",
    microphone: bool = True,
    ice_servers: Sequence[RTCIceServer] = (),
    relay_only: bool = False,
    patience: float = 60.0,
) -> AsyncIterator[Face]:
    """A session with the face of a server; it ends with the block.

    url: such as http://127.0.0.1:8765. avatar, voice, language, source: as in docs/api.md; empty:
    the server's. microphone: whether sound may be sent. ice_servers: others than the server
    offers. relay_only: through a TURN server alone.
    patience: s in which a connection that was lost must be back.

    Raises Unreachable, Unauthorised, Full (with `retry_after`), Refused, Blocked.
    """
    names = avatar, voice, language, source
    target = Target(url, token, *names, relay_only)
    relays = Relays(url, target.headers, ice_servers)
    # A connection that was kept may be one of a network that is gone.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        face = Face(target, relays, http, microphone=microphone, patience=patience)
        try:
            await face.open()
            yield face
        finally:
            await face.close()


def _put(readers: Readers[tuple[Any, float]], frame: AudioFrame | VideoFrame, ms: float) -> None:
    readers.put((frame, ms))


async def _first(
    events: Reading[FromServer], kind: type[Event], within: float, wanted: dict[str, object]
) -> Event:
    async with asyncio.timeout(within):
        async for event in events:
            if isinstance(event, kind) and all(
                getattr(event, name) == value for name, value in wanted.items()
            ):
                return event
    raise Ended("closed")
