"""One client's conversation: its requests done to a session, and what comes of them told.

The same for a web socket, over which sound goes both ways, and for a WebRTC call, where the server
plays it. Knows neither.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from visavis.engines.base import Call
from visavis.server.playout.messages import PACKET, Spoken, Tick, ms
from visavis.server.session import events
from visavis.server.session.doors import Playout
from visavis.server.session.session import Session
from visavis.server.system.flow import Tasks
from visavis.server.wires.realtime import incoming
from visavis.server.wires.realtime.asking import Asking
from visavis.server.wires.realtime.editing import Editing
from visavis.server.wires.realtime.guidance import Guidance
from visavis.server.wires.realtime.incoming import Request, Unread
from visavis.server.wires.realtime.items import Item, new_id
from visavis.server.wires.realtime.listening import Listening
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Settings, updated
from visavis.server.wires.realtime.telling import Teller

_LOOK: Final = 2 * PACKET  # between two looks at what was placed in time
_LATELY: Final = 64  # clauses of which it is known that they were handed over
_QUIET: Final[Tick] = ms(250)  # after which nothing more is said before a tool is used
_TAKEN: Final[Tick] = ms(3_000)  # so much of a reply is placed, if there is so much of it


@dataclass(frozen=True, slots=True)
class Line:
    """How one client is reached. plays: the server plays the sound itself.

    send: one event. hurry: what was sent of sound and has not left is not wanted any more.
    """

    plays: bool
    send: Callable[[Mapping[str, Any]], None]
    hurry: Callable[[], None] = lambda: None


class Talk:
    """Outlet: of one session, for one client, which is told at once that there is a session."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        line: Line,
        guidance: Guidance,
        listening: Listening,
    ) -> None:
        self.settings = settings
        self._session, self._line = session, line
        self._guidance, self._listening = guidance, listening
        self._tasks = Tasks()
        self._teller = Teller(
            line.send, lambda: self.settings, lambda: listening.position, plays=line.plays
        )
        self._teller.withhold = guidance.may_answer.clear
        guidance.called = self._called
        self._asking = Asking(session, self._teller, guidance)
        self._editing = Editing(session, self._teller, self._asking)
        self._sent: deque[Spoken] = deque(maxlen=_LATELY)
        self._since = session.clock.now()
        self._placed: Tick = 0  # when speech was placed last
        self._sound_sent: Callable[[Tick, Tick], None] = lambda at, now: None
        listening.begin(session, self._tasks)
        self._set(settings)
        self._teller.send("session.created", {"session": self._shown()})

    async def close(self) -> None:
        """Nothing more is done."""
        await self._tasks.close()

    # --- outlet ---------------------------------------------------------------------------------

    def tell(self, event: events.Event) -> None:
        """Outlet: the client is told in its own words."""
        if isinstance(event, events.ReplyHeld | events.ReplyEnded):
            self._line.hurry()
        self._teller.tell(event)
        match event:
            case events.ReplyStarted() | events.ReplyResumed():
                self._hand_over()
                self._hear_over_replies(False)
            case events.ReplyEnded(turn):
                self._asking.ended(turn)
                self._editing.ended(turn)
                self._hear_over_replies(True)
            case _:
                pass
        asyncio.get_running_loop().call_soon(self._teller.settle)

    async def play(self, playout: Playout) -> None:
        """Outlet: hand over what is placed in time as soon as it is, until cancelled."""
        self._session.watch(self, seen=False)
        clock = playout.clock
        if not self._line.plays:
            self._sound_sent = playout.sound_sent
        while True:
            self._hand_over()
            self._look_for_calls()
            await clock.sleep_until(clock.now() + _LOOK)

    def _hand_over(self) -> None:
        timeline = self._session.timeline
        for spoken in timeline.scheduled:
            if spoken.at < self._since or spoken.turn != timeline.turn:
                continue
            if not any(each is spoken for each in self._sent):
                self._sent.append(spoken)
                self._placed = self._session.clock.now()
                plays = self._line.plays  # then its sound is taken as it plays
                sound = spoken.clause.speech.pcm if plays else timeline.sound_of(spoken)
                self._teller.say(spoken, sound)
                self._sound_sent(spoken.at, self._placed)

    def _hear_over_replies(self, on: bool) -> None:
        detection = self.settings.detection
        if detection is not None and not detection.interrupts:
            self._session.mic(on)

    # --- tools ----------------------------------------------------------------------------------

    def _called(self, call: Call) -> None:
        arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
        self._hand_over()
        self._teller.call(call, arguments, self._session.timeline.turn)
        if not self._guidance.spoke:
            asyncio.get_running_loop().call_soon(self._finish_calls)

    def _finish_calls(self) -> None:
        if self._guidance.waiting:
            self._teller.finish()

    def _look_for_calls(self) -> None:
        """A response with calls is over once all that is said before them was handed over."""
        response, now = self._teller.response, self._session.clock.now()
        if response is None or not response.called or now - self._placed < _QUIET:
            return
        if self._session.timeline.end - now < _TAKEN:
            self._finish_calls()

    # --- what a client asks for -----------------------------------------------------------------

    async def receive(self, text: str) -> None:
        """One event of the client, one at a time. Never raises for what it says."""
        try:
            request, event_id = incoming.read(text)
        except Unread as error:
            self._teller.refuse(error, error.event_id)
            return
        try:
            await self._do(request, event_id)
        except Refused as error:
            self._teller.refuse(error, event_id)

    def refuse(self, refused: Refused, kind: str = "") -> None:
        """Tell of something else that was not done, or is about to happen."""
        self._teller.refuse(refused, kind=kind)

    async def _do(self, request: Request, event_id: str) -> None:
        """Raises Refused."""
        match request:
            case incoming.Append(audio):
                await self._listening.append(audio)
            case incoming.Commit():
                self._commit()
            case incoming.Clear():
                self._listening.clear()
                self._teller.send("input_audio_buffer.cleared", {})
            case incoming.Update(fields):
                self._update(fields)
            case incoming.Respond():
                self._asking.check()
                self._tasks.start(self._respond(request, event_id), name="respond")
            case incoming.Cancel(response):
                self._asking.cancel(response)
            case incoming.ClearOutput():
                self._asking.stop()
            case _:
                self._edit(request)

    def _edit(self, request: Request) -> None:
        """What is about the items. Raises Refused."""
        editing = self._editing
        match request:
            case incoming.Message():
                editing.add(request)
                if request.role == "system" and self.settings.guided:
                    self._set(self.settings.told(request.text))
            case incoming.Output(id, call, text):
                self._guidance.gave(call, text)
                item = Item(id or new_id("item"), "function_call_output", text=text, call=call)
                self._teller.add(item)
            case incoming.Retrieve(id):
                fields = {"item": editing.item(id).shown()}
                self._teller.send("conversation.item.retrieved", fields)
            case incoming.Delete(id):
                editing.delete(editing.item(id))
            case incoming.Truncate(id, heard):
                editing.truncate(editing.item(id), heard)

    def _set(self, settings: Settings) -> None:
        self.settings = self._guidance.settings = settings
        self._listening.set(settings)

    def _update(self, fields: Mapping[str, Any]) -> None:
        self._set(updated(self.settings, fields))
        detection = self.settings.detection
        if detection is not None and detection.answers:
            self._guidance.may_answer.set()
        self._teller.send("session.updated", {"session": self._shown()})

    def _shown(self) -> dict[str, Any]:
        return {"id": f"sess_{self._session.name}", **self.settings.shown()}

    def _commit(self) -> None:
        words = self._listening.commit()
        if words is None:
            return  # the ear tells what it has heard
        item = Item(new_id("item"), part="input_audio", text=None)
        before = self._teller.items.last
        fields = {"previous_item_id": before, "item_id": item.id}
        self._teller.send("input_audio_buffer.committed", fields)
        self._teller.add(item)
        self._tasks.start(self._understand(item, words), name="understand")

    async def _understand(self, item: Item, words: Awaitable[tuple[str, float]]) -> None:
        await self._asking.understand(item, words)

    async def _respond(self, wanted: incoming.Respond, event_id: str) -> None:
        try:
            await self._asking.respond(wanted, self.settings)
        except Refused as error:
            self._teller.refuse(error, event_id)
