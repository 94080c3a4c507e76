"""What a session tells -> what a client of OpenAI's Realtime is told.

A response ends where speech interrupts it, although our reply is only held then: a client throws
away at that moment what it has not played yet. If it was a cough, what is left of the reply is
another response.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from visavis.engines.base import Call, Pcm
from visavis.server.playout.messages import Spoken
from visavis.server.session import events
from visavis.server.wires.realtime.incoming import Respond
from visavis.server.wires.realtime.items import Item, Items, new_id
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.responses import Reason, Response, Send
from visavis.server.wires.realtime.settings import Settings

_ONSET: Final = 200  # ms of speech that were heard before it is known to be some
_AS_SET: Final = Respond()


class Teller:
    """Of one client. Everything in one step of the event loop belongs together: then `settle`.

    position: ms of sound that the client has sent so far. plays: see `Response`. withheld: the turn
    whose answer waits until the client asks for it; withhold: called when there is one.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, Any]], None],
        settings: Callable[[], Settings],
        position: Callable[[], float],
        *,
        plays: bool,
    ) -> None:
        self._out, self._settings, self._position = send, settings, position
        self._plays = plays
        self.items = Items()
        self.conversation = new_id("conv")
        self.response: Response | None = None
        self.withheld: int | None = None
        self.withhold: Callable[[], None] = lambda: None
        self.wanted = _AS_SET  # what the client wants of the next response
        self.asking: list[Item] = []  # what is being asked in its name
        self.cancelling = False  # whether the client breaks off what is under way
        self._speech: tuple[str, float] | None = None  # item and ms of the visitor's speech
        self._said: Item | None = None  # that has ended, and is not committed yet
        self._lasted = 0.0  # s
        self._held: int | None = None  # the turn that waits whether speech takes it
        self._unread: Item | None = None  # committed, and its words are to come in this step

    # --- plain answers --------------------------------------------------------------------------

    def send(self, kind: str, fields: Mapping[str, Any]) -> None:
        """One event."""
        self._out({"type": kind, "event_id": new_id("event"), **fields})

    def refuse(self, refused: Refused, event_id: str = "", kind: str = "") -> None:
        """An event of the client was not done."""
        error = {
            "type": kind or "invalid_request_error",
            "code": refused.code,
            "message": refused.message,
            "param": refused.param or None,
            "event_id": event_id or None,
        }
        self.send("error", {"error": error})

    def add(self, item: Item) -> None:
        """An item that is whole."""
        before = self.items.add(item)
        fields = {"previous_item_id": before, "item": item.shown()}
        self.send("conversation.item.added", fields)
        self.send("conversation.item.done", fields)

    def transcribed(self, item: Item, text: str, seconds: float) -> None:
        """What was understood of an item."""
        item.text = text
        if not self._settings().transcribes:
            return
        at = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        if text:
            self.send(f"{kind}.delta", {**at, "delta": text})
        usage = {"type": "duration", "seconds": round(seconds, 3)}
        self.send(f"{kind}.completed", {**at, "transcript": text, "usage": usage})

    # --- what the session tells -----------------------------------------------------------------

    def tell(self, event: events.Event) -> None:
        """Anything that happened."""
        match event:
            case events.Listening(active):
                self._began() if active else self._ceased()
            case events.Thinking(turn):
                self._thinking(turn)
            case events.ReplyHeld(turn):
                self._held = turn
            case events.ReplyResumed(turn):
                self._disregard()
                self._ensure(turn)
            case events.ReplyEnded(turn, reason):
                self._ended(turn, reason)
            case events.Transcribed(turn, text, final):
                if final:
                    self._transcribed(turn, text)
            case events.NotUnderstood():
                self._not_understood()
            case events.Failure(code, message):
                self.refuse(Refused(code, message), kind="server_error")
            case _:
                pass

    def settle(self) -> None:
        """The step is over: what was heard and led to nothing is forgotten."""
        self._break_off("turn_detected")
        if self._said is not None:
            self._disregard()
        if self._unread is not None:
            item, self._unread = self._unread, None
            self.transcribed(item, "", self._lasted)

    def _began(self) -> None:
        item = new_id("item")
        at = max(0.0, self._position() - _ONSET)
        self._speech = item, at
        fields = {"audio_start_ms": round(at), "item_id": item}
        self.send("input_audio_buffer.speech_started", fields)
        self._break_off("turn_detected")

    def _break_off(self, reason: Reason) -> None:
        """A reply that is held is over for the client."""
        if self._held is not None and self.response is not None:
            self._end("cancelled", reason)

    def _ceased(self) -> None:
        if self._speech is None:
            return
        (item, began), now = self._speech, self._position()
        self._speech, self._lasted = None, max(0.0, now - began) / 1000
        self._said = Item(item, part="input_audio", text=None)
        fields = {"audio_end_ms": round(now), "item_id": item}
        self.send("input_audio_buffer.speech_stopped", fields)

    def _disregard(self) -> None:
        """What was heard is no turn."""
        self._held = None
        if self._said is not None:
            self._said = None
            self.send("input_audio_buffer.cleared", {})

    def _commit(self, turn: int) -> Item:
        assert self._said is not None
        item, self._said = self._said, None
        item.turn = turn
        before = self.items.last
        fields = {"previous_item_id": before, "item_id": item.id}
        self.send("input_audio_buffer.committed", fields)
        self.add(item)
        return item

    def _thinking(self, turn: int) -> None:
        if turn == self._held:
            self._disregard()
        self._held = None
        spoken = self._said is not None
        if spoken:
            self._unread = self._commit(turn)
        detection = self._settings().detection
        if spoken and (detection is None or not detection.answers):
            self.withheld = turn
            self.withhold()
            return
        self._ensure(turn)

    def _transcribed(self, turn: int, text: str) -> None:
        if self.asking:
            for each in self.asking:
                each.turn = turn
            return
        if self._said is not None and text:
            self._unread = self._commit(turn)
        item, self._unread = self._unread, None
        if item is not None:
            self.transcribed(item, text, self._lasted)
            return
        known = [each for each in self.items if each.turn == turn and each.role == "user"]
        if known and not text:
            self._forget(known)
        elif not known and text:  # somebody else asked it
            self.add(Item(new_id("item"), text=text, turn=turn))

    def _forget(self, items: list[Item]) -> None:
        """The visitor goes on with the sentence: it will come again, as a whole."""
        for each in items:
            self.items.remove(each.id)
            self.send("conversation.item.deleted", {"item_id": each.id})

    def _not_understood(self) -> None:
        item, self._unread = self._unread, None
        if item is None or not self._settings().transcribes:
            return
        words = "No words of a language that is spoken here were understood."
        error = {"type": "transcription_error", "code": "not_understood", "message": words}
        fields = {"item_id": item.id, "content_index": 0, "error": error}
        self.send("conversation.item.input_audio_transcription.failed", fields)

    def _ended(self, turn: int, reason: str) -> None:
        if self._held == turn:
            self._break_off("turn_detected")
            self._held = None
        if self.withheld == turn:
            self.withheld = None
        if self.response is None or self.response.turn != turn:
            return
        if reason == "done":
            self._end("completed")
        elif reason == "failed":
            self._end("failed")
        else:
            self._end("cancelled", "client_cancelled" if self.cancelling else "turn_detected")

    # --- responses ------------------------------------------------------------------------------

    def _ensure(self, turn: int) -> Response:
        if self.response is None or self.response.turn != turn:
            self.begin(turn)
        assert self.response is not None
        return self.response

    def begin(self, turn: int) -> None:
        """A response to this turn is being made."""
        if self.response is not None:
            self._end("cancelled", "turn_detected")
        wanted, self.wanted = self.wanted, _AS_SET
        settings = self._settings()
        send: Send = self.send
        self.response = Response(
            turn, settings, wanted.modality or settings.modality, self.conversation, send,
            self.items, self._plays, wanted.metadata,
        )  # fmt: skip
        self.withheld = None
        self.response.begin()

    def say(self, spoken: Spoken, sound: Pcm) -> None:
        """Speech was placed in time; sound: as it is played."""
        if self._held is None:
            self._ensure(spoken.turn).say(spoken, sound)

    def call(self, call: Call, arguments: str, turn: int) -> None:
        """A tool of the client is to be used for this turn."""
        self._ensure(turn).call(call, arguments)

    def finish(self) -> None:
        """The response is whole, though the reply waits for what a tool gives."""
        if self.response is not None:
            self._end("completed")

    def _end(self, status: Any, reason: Reason = "") -> None:
        response, self.response = self.response, None
        if response is not None:
            response.end(status, reason)
