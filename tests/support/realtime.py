"""A client of OpenAI's Realtime on a session of fakes; each event is held to the official types."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, get_args

from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel
from support.stage import Stage

from visavis.engines.base import Mind
from visavis.server.wires.realtime.guidance import Guidance
from visavis.server.wires.realtime.listening import Listening
from visavis.server.wires.realtime.settings import Settings, updated
from visavis.server.wires.realtime.talk import Line, Talk

# What is ours, or of the API itself and not in the package's types.
_MORE = {"visavis", "object", "id", "expires_at"}


def _kinds() -> Iterator[tuple[str, type[BaseModel]]]:
    union = get_args(RealtimeServerEvent)[0]
    for kind in get_args(union):
        for name in get_args(kind.model_fields["type"].annotation):
            yield name, kind


KINDS = dict(_kinds())


def checked(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event, which is one of theirs, with no field that they do not have."""
    model = KINDS[event["type"]].model_validate(json.loads(json.dumps(event)))
    unknown = set(_unknown(model)) - _MORE
    assert not unknown, (event["type"], unknown)
    return dict(event)


def _unknown(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or {}
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            yield from _unknown(each)


class Told:
    """What a client was told, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: Mapping[str, Any]) -> None:
        self.events.append(checked(event))

    @property
    def kinds(self) -> list[str]:
        """Their types, each run of equal ones once."""
        kinds = [event["type"] for event in self.events]
        return [kind for i, kind in enumerate(kinds) if not i or kinds[i - 1] != kind]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def last(self, kind: str) -> dict[str, Any]:
        return self.of(kind)[-1]

    def clear(self) -> None:
        self.events.clear()


class TalkStage(Stage):
    """In virtual time. mind: in place of the fake dialogue; session: as the client wants it."""

    def __init__(
        self,
        *,
        session: Mapping[str, Any] | None = None,
        guided: bool = False,
        plays: bool = False,
        mind: Callable[[Mind], Mind] = lambda mind: mind,
        **options: Any,
    ) -> None:
        self.told = Told()
        self.hurried = 0
        self._fields, self._guided, self._plays, self._mind = session or {}, guided, plays, mind
        super().__init__(**options)

    def open(self, engines: Any) -> None:
        settings = updated(Settings("mira", "heart", guided=self._guided), self._fields)
        guidance = Guidance(self._mind(engines.speakers.mind), settings)
        super().open(replace(engines, speakers=replace(engines.speakers, mind=guidance)))
        listening = Listening(settings, self.services.stt_served(), sends=not self._plays)
        line = Line(self._plays, self.told, self._hurry)
        self.talk = Talk(self.session, settings, line, guidance, listening)

    def _hurry(self) -> None:
        self.hurried += 1

    async def send(self, kind: str, **fields: Any) -> None:
        """One event of the client."""
        await self.talk.receive(json.dumps({"type": kind, **fields}))

    async def write(self, text: str, **item: Any) -> None:
        """The visitor's typed words."""
        content = [{"type": "input_text", "text": text}]
        message = {"type": "message", "role": "user", "content": content, **item}
        await self.send("conversation.item.create", item=message)

    async def __aenter__(self) -> Self:
        self.session.add_outlet(self.talk)
        return await super().__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        await self.talk.close()
        await super().__aexit__(*exc)


async def settled() -> None:
    """Let the step of the event loop end."""
    for _ in range(3):
        await asyncio.sleep(0)
