"""One peer connection: an outlet and an inlet of a session, with its data channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal, Protocol

import numpy as np
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from visavis.engines.base import Pcm
from visavis.server import protocol
from visavis.server.playout.messages import Tick, ms
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.congestion import Observer
from visavis.server.rtc.dialect import Dialect, Ours, Read
from visavis.server.rtc.reach import Reach
from visavis.server.rtc.receiver import BoundedReceiver, of_track
from visavis.server.rtc.restart import Restarts, credentials
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event, Failure
from visavis.server.session.session import Session
from visavis.server.system.bucket import Bucket
from visavis.server.system.errors import NotFound
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks

log = logging.getLogger(__name__)

_MOST_COMMANDS: Final = 64  # under way at a time; a visitor has one or two
_MESSAGES: Final = 25, 100  # (a second, at once): each may cost the event loop 3 ms
_BACKLOG: Final = 256 * 1024  # bytes waiting in the channel at which messages are dropped

# How a connection ended: the viewer went, or nothing was heard of them any more.
Ending = Literal["left", "lost"]


class Greeter(Protocol):
    """Who knows what a peer is to be told first, and counts what it says."""

    def ready(self) -> protocol.Ready:
        """The first message on its channel."""
        ...

    def took(self) -> None:
        """One of its messages was acted upon, or refused."""
        ...


class Peer:
    """A viewer's connection to a session, which may have other ones before and after it.

    It plays the session from the answer on, and is listened to from `attach` on. `ended` is set
    once, when the connection is over; `close` takes it from the session. network: is told what the
    viewer's network can take. dialect: what is spoken on its data channel.
    """

    def __init__(
        self,
        session: Session,
        ice: Sequence[str],
        greeter: Greeter,
        network: Observer,
        dialect: Dialect | None = None,
    ) -> None:
        self._pc = RTCPeerConnection(rtc.configuration(ice))
        self._session, self._greeter, self._network = session, greeter, network
        self._dialect = dialect or Ours()
        self._restarts = Restarts(self._pc, ice)
        self._channel: RTCDataChannel | None = None
        self._video: VideoTrack | None = None
        self._voice: MediaStreamTrack | None = None
        self._doors: list[asyncio.Task[None]] = []
        self._tasks = Tasks()
        self._commands = 0  # under way
        self._messages, self._flooded = Bucket(*_MESSAGES), False
        self._connected, self._wired = asyncio.Event(), asyncio.Event()
        self._received, self.heard_at = 0, session.clock.now()
        self._pinged: Tick | None = None  # when a message last came, if any
        self._unwatched = False  # because none came for long
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    async def answer(self, offer: str, reach: Reach) -> str:
        """SDP offer -> SDP answer.

        Raises Malformed or Unprocessable when the offer cannot be used, Full when no port is left,
        NotFound when the session is over.
        """
        self._restarts.reach = reach
        self._watch()
        await self._wire()
        self._restarts.users = credentials(offer)
        return await rtc.answer(self._pc, offer, reach, observer=self._network)

    async def _wire(self) -> None:
        """Play the session. Raises NotFound when it ends before it has begun."""
        playing = self._session.add_outlet(self)
        self._doors.append(playing)
        wired = asyncio.ensure_future(self._wired.wait())
        await asyncio.wait((playing, wired), return_when=asyncio.FIRST_COMPLETED)
        wired.cancel()
        if not self._wired.is_set():
            raise NotFound("The session has ended meanwhile.", "session-over")

    async def connects(self, within: float) -> bool:
        """Wait for the viewer; False when they did not come within so many seconds, or gave up."""
        connected = asyncio.ensure_future(self._connected.wait())
        try:
            await asyncio.wait(
                (connected, self.ended), timeout=within, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            connected.cancel()
        return self._connected.is_set() and not self.ended.done()

    def attach(self) -> None:
        """Listen to the viewer from now on."""
        if self._voice is not None:
            voice = Microphone(self._voice, of_track(self._pc, self._voice))
            self._doors.append(self._session.add_inlet(voice))

    @property
    def begun(self) -> bool:
        """Whether ICE has found the viewer."""
        return self._pc.iceConnectionState == "completed"

    def look(self) -> None:
        """Note whether anything came since the last look: `heard_at` is when it last did."""
        received = rtc.packets_received(self._pc)
        if received != self._received:
            self._received, self.heard_at = received, self._session.clock.now()
        self._look_for_pings()

    def _look_for_pings(self) -> None:
        """A viewer whose system promises messages, and sends none, is not looking."""
        if self._dialect.ping is None or self._pinged is None:
            return
        silent = self._session.clock.now() - self._pinged > ms(1000 * self._dialect.ping)
        if silent != self._unwatched:
            self._unwatched = silent
            self._session.watch(self, seen=not silent)

    async def play(self, playout: Playout) -> None:
        """Outlet: aiortc's senders pull sound and pictures through the two tracks."""
        clock, reader, missed = playout.clock, playout.reader, playout.missed
        self._video = VideoTrack(clock, reader, playout.still, playout.picture_sent, missed)
        self._pc.addTrack(AudioTrack(clock, reader, playout.sound_sent, missed))
        self._pc.addTrack(self._video)
        self._wired.set()
        await asyncio.Event().wait()  # until the session or the connection ends

    def tell(self, event: Event) -> None:
        """Outlet: an event goes through the data channel."""
        self.send(event)

    @property
    def late(self) -> int:
        """For how many pictures there was no new one in time, so far."""
        return self._video.late if self._video is not None else 0

    def knows(self, fragment: str) -> bool:
        """Whether an SDP fragment is about this connection: it names its ICE user, or none."""
        return self._restarts.knows(fragment)

    async def add_candidates(self, fragment: str) -> None:
        """Trickled candidates, as RFC 8840 has them. Raises Malformed, Unprocessable."""
        await self._restarts.add(fragment)

    async def restart(self, fragment: str) -> str:
        """Another way for the connection, see `restart.Restarts.begin`."""
        return await self._restarts.begin(fragment)

    def send(self, message: protocol.FromServer) -> None:
        """Hand a message to the viewer; lost when there is no open channel or it is congested."""
        self._post(self._dialect.write(message))

    def _post(self, texts: Sequence[str]) -> None:
        channel = self._channel
        for text in texts:
            if channel is None or channel.readyState != "open" or channel.bufferedAmount > _BACKLOG:
                return
            channel.send(text)

    async def detach(self) -> None:
        """Neither play the session nor be listened to any more."""
        for door in self._doors:
            door.cancel()
        await asyncio.gather(*self._doors, return_exceptions=True)
        await self._restarts.end()
        await self._tasks.close()

    async def close(self) -> None:
        """End the connection, not the session; safe to call twice."""
        self._end("left")
        await self.detach()
        try:
            await rtc.close(self._pc)
        except TimeoutError:
            log.warning("a connection did not close in time")
        except Exception as error:  # noqa: BLE001 (whatever it is, the session goes on)
            log.error("a connection did not close well", extra={"fault": fault(error)})  # noqa: TRY400

    def _end(self, how: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(how)

    def _watch(self) -> None:
        @self._pc.on("connectionstatechange")
        def changed() -> None:
            if self._pc.connectionState == "connected":
                self._connected.set()
            elif self._pc.connectionState in {"failed", "closed"}:
                self._end("left" if rtc.said_goodbye(self._pc) else "lost")

        @self._pc.on("datachannel")
        def opened(channel: RTCDataChannel) -> None:
            if channel.label == self._dialect.label:
                self._open(channel)

        @self._pc.on("track")
        def received(track: MediaStreamTrack) -> None:
            if track.kind == "audio" and self._voice is None:  # others are not received at all
                self._voice = track

    def _open(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._receive)
        ready = self._greeter.ready()
        self._post(self._dialect.greet(ready))
        if ready.resumed and (card := self._session.card_shown) is not None:
            self.send(card)  # a page that was loaded anew has lost it

    def _receive(self, data: str | bytes) -> None:
        """Never raises: aiortc's receiving, and the session with it, would end."""
        self._pinged = self._session.clock.now()
        if not self._messages.take():
            self._greeter.took()
            self._refuse_flood()
            return
        self._flooded = False
        try:
            read = self._dialect.read(data)
        except protocol.ProtocolError as error:
            self._greeter.took()
            self.send(Failure("bad-message", str(error)))
        except Exception as error:  # noqa: BLE001 (the border to who may send anything)
            self._greeter.took()
            self._failed("unknown", error, "")
        else:
            self._take(read)

    def _refuse_flood(self) -> None:
        """Said once: an answer costs as much as most messages do."""
        if not self._flooded:
            self._flooded = True
            self.send(Failure("too-many-messages", "Wait a little before you send more."))

    def _take(self, read: Read) -> None:
        self._post(read.answers)
        if read.asks is not None:
            self._start(read.asks, read.tag)
        if read.leaves:
            self._end("left")

    def _start(self, message: protocol.FromClient, tag: str) -> None:
        if not isinstance(message, protocol.Ping):
            self._greeter.took()
        if isinstance(message, protocol.Watch):
            self._session.watch(self, seen=message.on)
            self._post(self._dialect.answer(None, tag))
            return
        if self._commands >= _MOST_COMMANDS:
            refusal = Failure("too-many-messages", "Wait for answers before you send more.")
            self._post(self._dialect.answer(refusal, tag))
            return
        self._commands += 1
        command = self._tasks.start(self._command(message, tag), name="command")
        command.add_done_callback(self._ended_command)

    def _ended_command(self, _command: object) -> None:
        self._commands -= 1

    async def _command(self, message: protocol.FromClient, tag: str) -> None:
        try:
            answer = await protocol.command(self._session, message)
        except Exception as error:  # noqa: BLE001 (a fault of ours, told to who waits for an answer)
            self._failed(message.type, error, tag)
            return
        self._post(self._dialect.answer(answer, tag))

    def _failed(self, kind: str, error: Exception, tag: str) -> None:
        """Its text stays out of the log: it may quote the visitor."""
        log.error("a message failed", extra={"kind": kind, "fault": fault(error)})
        failure = Failure("failed", "The server could not do that; its log says more.")
        self._post(self._dialect.answer(failure, tag))


class Microphone:
    """Inlet: the sound of a remote audio track; the session is told what its receiver refused."""

    def __init__(self, track: MediaStreamTrack, receiver: BoundedReceiver | None) -> None:
        self._track, self._receiver = track, receiver

    async def feed(self, session: Session) -> None:
        """Let the session listen until the track ends."""
        if self._receiver is not None:
            self._receiver.refused = session.sound_refused
        await session.listen(microphone(self._track))


async def microphone(track: MediaStreamTrack) -> AsyncIterator[Pcm]:
    """Packets of a remote audio track as 48 kHz mono, until it ends."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if isinstance(frame, AudioFrame):
            yield mono(frame)


def mono(frame: AudioFrame) -> Pcm:
    """(samples,) int16 of a packed s16 frame of any number of channels."""
    samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    if samples.shape[1] == 1:
        return np.asarray(samples[:, 0], np.int16)
    mixed: Pcm = samples.mean(axis=1).astype(np.int16)
    return mixed
