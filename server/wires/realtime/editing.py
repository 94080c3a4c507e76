"""What a client changes in the conversation: items added, forgotten, and cut to what was heard."""

from __future__ import annotations

from typing import Final

from visavis.engines.base import Remark, Role
from visavis.server.session.session import Session
from visavis.server.wires.realtime.asking import Asking
from visavis.server.wires.realtime.incoming import Message
from visavis.server.wires.realtime.items import Item, new_id
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.telling import Teller

_BEFORE: Final = -1_000_000  # turns that a client tells of, which never were


class Editing:
    """Of one client's conversation."""

    def __init__(self, session: Session, teller: Teller, asking: Asking) -> None:
        self._session, self._teller, self._asking = session, teller, asking
        self._told = _BEFORE
        self._corrected: set[int] = set()  # turns of which the client told what was heard

    def item(self, id: str) -> Item:
        """Raises Refused."""
        item = self._teller.items.get(id)
        if item is None:
            raise Refused("item_not_found", "There is no item of this id.", "item_id")
        return item

    def add(self, message: Message) -> None:
        """A text of either side. Raises Refused."""
        if message.id and self._teller.items.get(message.id) is not None:
            raise Refused("item_id_taken", "There is an item of this id.", "item.id")
        id = message.id or new_id("item")
        if message.role == "assistant":
            item = Item(id, role="assistant", part="output_text", text=message.text)
            self._tell_of(item)
        else:
            item = Item(id, role=message.role, text=message.text)
            if message.role == "user":
                self._asking.pending.append(item)
        self._teller.add(item)

    def _tell_of(self, item: Item) -> None:
        """What was said before: the mind is told of it as if it had been."""
        self._told += 1
        asked, self._asking.pending = self._asking.pending, []
        for each in (*asked, item):
            each.turn = self._told
        question = " ".join(each.text for each in asked if each.text)
        visitor = [Remark(self._told, "visitor", question)] if question else []
        text = item.text or ""
        self._session.history.add([*visitor, Remark(self._told, "avatar", text, heard=text)])

    def delete(self, item: Item) -> None:
        """Raises Refused."""
        response = self._teller.response
        if response is not None and any(each is item for each in response.output):
            raise Refused("item_in_use", "The item is being said.", "item_id")
        self._teller.items.remove(item.id)
        self._asking.pending = [each for each in self._asking.pending if each is not item]
        if item.turn is not None and item.kind == "message":
            role: Role = "avatar" if item.role == "assistant" else "visitor"
            self._session.history.forget(item.turn, role)
        self._teller.send("conversation.item.deleted", {"item_id": item.id})

    def truncate(self, item: Item, heard: int) -> None:
        """Of its sound so many ms were heard. Raises Refused."""
        if item.part != "output_audio" or item.turn is None:
            raise Refused("invalid_value", "The item has no sound of the avatar.", "item_id")
        if heard > item.sent + 1:
            what = f"Of the item {item.sent:.0f} ms were sent."
            raise Refused("invalid_value", what, "audio_end_ms")
        response = self._teller.response
        if response is not None and response.message is item:
            self._asking.stop()  # it is not played any more
        item.words = [word for word in item.words if word.middle <= heard]
        item.text = " ".join(word.text for word in item.words)
        self._corrected.add(item.turn)
        self._correct(item.turn)
        fields = {"item_id": item.id, "content_index": 0, "audio_end_ms": heard}
        self._teller.send("conversation.item.truncated", fields)

    def _correct(self, turn: int) -> None:
        said = [each for each in self._teller.items if each.turn == turn and each.words]
        if len(said) <= 1:  # of a reply that went on after a cough the clock knows more
            self._session.history.correct(turn, self._teller.items.heard(turn))

    def ended(self, turn: int) -> None:
        """A reply is over, and remembered as far as it was heard."""
        if turn in self._corrected:
            self._corrected.discard(turn)
            self._correct(turn)
