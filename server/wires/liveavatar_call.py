"""The web socket of one LiveAvatar session: commands done, and told what is heard of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from visavis.server.playout.messages import Tick, ms
from visavis.server.protocol import Goodbye
from visavis.server.rtc.hosted import Hosted
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event, Failure, SegmentEnded, SegmentStarted
from visavis.server.system.errors import NotReady
from visavis.server.wires import liveavatar_messages as messages
from visavis.server.wires.inflow import Inflow
from visavis.server.wires.socket import Socket

IDLE: Final = 300.0  # s without a command after which a session ends
_PAUSE: Final[Tick] = ms(2000)  # without sound that end a thing said where no `speak_end` comes
# A block in which the session is shown in a room; the event in it is set when the room was left.
Shows = Callable[[], AbstractAsyncContextManager[asyncio.Event]]
_NO_ROOM: Final = "The LiveKit room cannot be entered: is livekit_config right, and still valid?"
_LOOK: Final = 0.5  # s between two looks at whether it is idle


class Call:
    """`live`, then `hang_up`; an outlet of the session that plays nothing. idle: s.

    shows: how the room is entered in which it is seen; None: there is none.
    """

    def __init__(
        self, socket: Socket, hosted: Hosted, idle: float, shows: Shows | None = None
    ) -> None:
        self._socket, self._hosted, self._idle, self._shows = socket, hosted, idle, shows
        self._session = hosted.session
        self._clock = hosted.session.clock
        self._inflow = Inflow(self._session.voice, self._clock, messages.RATE, _PAUSE)
        self._state: messages.State = "idle"
        self._rests: messages.State = "idle"  # what it does when it does not talk
        self._begun: set[int] = set()
        self._commanded = self._clock.now()
        hosted.told = self._told

    async def live(self) -> None:
        """Until the client goes, nothing is asked for long, or the session is over."""
        playing = self._session.add_outlet(self)
        tasks = [
            asyncio.create_task(self._read(), name="liveavatar: commands"),
            asyncio.create_task(self._watch(), name="liveavatar: idle"),
            asyncio.create_task(self._hosted.ended.wait(), name="liveavatar: session"),
            asyncio.create_task(self._speak(), name="liveavatar: sound"),
        ]
        try:
            with self._hosted.present():
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (*tasks, playing):
                task.cancel()
            await asyncio.gather(*tasks, playing, return_exceptions=True)

    async def _speak(self) -> None:
        """Once it can be seen, say so and speak; until the room was left, if there is one."""
        if self._shows is None:
            self._socket.say(messages.session_state("connected"))
            await self._inflow.run()
            return
        self._socket.say(messages.session_state("connecting"))
        try:
            async with self._shows() as left:
                self._socket.say(messages.session_state("connected"))
                speaking = asyncio.create_task(self._inflow.run(), name="liveavatar: voice")
                try:
                    await left.wait()
                finally:
                    speaking.cancel()
        except NotReady:
            self._socket.say(messages.error("livekit", _NO_ROOM))

    async def hang_up(self) -> None:
        """End session and web socket; safe to call twice."""
        self._socket.say(messages.session_state("closing"))
        await self._hosted.close(for_good=True)
        await self._socket.end(messages.session_state("closed"))

    def keep(self) -> None:
        """Somebody is there."""
        self._commanded = self._clock.now()

    async def _watch(self) -> None:
        """Until nothing was asked, and nothing was heard, for too long."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._inflow.sounds:
                self.keep()
            elif self._clock.now() - self._commanded >= ms(1000 * self._idle):
                return

    async def _read(self) -> None:
        async for said in self._socket:
            self.keep()
            try:
                command = messages.read(said if isinstance(said, str) else said.decode())
            except messages.BadCommand as bad:
                self._socket.say(messages.error("bad_command", bad.detail, bad.event))
            except UnicodeDecodeError:
                self._socket.say(messages.error("bad_command", "Commands are JSON, as text."))
            else:
                await self._do(command)

    async def _do(self, command: messages.Command) -> None:
        match command:
            case messages.Speak(event, pcm):
                self._socket.say(messages.buffer("appended", event))
                await self._inflow.put(pcm, event)
            case messages.SpeakEnd(event):
                self._inflow.end()
                self._socket.say(messages.buffer("committed", event))
            case messages.Interrupt(event):
                self._inflow.clear()
                self._socket.say(messages.buffer("cleared", event))
                self._rest()
            case messages.Listen(_, on):
                self._rests = "listening" if on else "idle"
                if self._state != "talking":
                    self._rest()
            case messages.KeepAlive():
                pass

    # --- what is heard --------------------------------------------------------------------------

    async def play(self, playout: Playout) -> None:
        """Outlet: nothing is played here."""
        playout.reader.close()
        self._session.watch(self, seen=False)
        await asyncio.Event().wait()

    def tell(self, event: Event) -> None:
        """Outlet: what is heard from now on, each thing said by its first command's name."""
        if isinstance(event, SegmentStarted):
            self._begun.add(event.segment)
            self._enter("talking")
            self._socket.say(messages.speak("started", self._name(event.segment)))
        elif isinstance(event, SegmentEnded):
            name = self._name(event.segment)
            self._inflow.names.pop(event.segment, None)
            if event.segment in self._begun:
                self._begun.discard(event.segment)
                how: messages.Heard = "interrupted" if event.interrupted else "ended"
                self._socket.say(messages.speak(how, name))
            if not self._inflow.sounds:
                self._rest()

    def _name(self, segment: int) -> str:
        return self._inflow.names.get(segment, "")

    def _rest(self) -> None:
        """Neither talk nor look as if."""
        self._enter(self._rests)
        # The voice leaves the face idle when it falls silent, which is just now.
        asyncio.get_running_loop().call_soon(self._appear)

    def _appear(self) -> None:
        if self._state != "talking":
            self._session.attend("listening" if self._rests == "listening" else "idle")

    def _enter(self, state: messages.State) -> None:
        if state != self._state:
            before, self._state = self._state, state
            self._socket.say(messages.agent_state(before, state))

    def _told(self, told: Failure | Goodbye) -> None:
        """A limit is near, or reached."""
        if isinstance(told, Goodbye):
            self._socket.say(messages.error(f"session_{told.reason}", told.message))
        else:
            self._socket.say(messages.warning(told.code, told.message))
