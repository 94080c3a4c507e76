"""A mind as a client leads it: with its instructions and its tools, and only when it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from visavis.engines.base import (
    Call,
    Fragment,
    Mind,
    Mood,
    Question,
    Remark,
    Result,
    Thought,
    Tool,
    Used,
)
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Settings

_NO_RESULT = "The program that was asked gave no result."


class Guidance:
    """Implements `Mind` over another one, and `Toolbox`: the client's tools.

    settings: in force; instructions: for the response that is asked for, None: the settings'.
    called: told of each call of the client's tools, which waits for `gave` and `go_on`.
    may_answer: set while what was heard may be answered without being asked.
    """

    def __init__(self, mind: Mind, settings: Settings) -> None:
        self._mind, self.settings = mind, settings
        self.instructions: str | None = None
        self.called: Callable[[Call], None] = lambda call: None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._given: dict[str, str] = {}
        self.spoke = False  # whether the answer under way has had words since its last call

    # --- the mind -------------------------------------------------------------------------------

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The mind's thoughts, once they are wanted. Raises EngineError."""
        detection = self.settings.detection
        if detection is None or not detection.answers:
            await question.confirmed()  # who was heard to the end knows whether to wait
            await self.may_answer.wait()
        self.spoke = False
        async with aclosing(self._mind.answer(self._led(question))) as thoughts:
            async for thought in thoughts:
                self.spoke = self.spoke or (isinstance(thought, Fragment) and bool(thought.text))
                yield thought

    def _led(self, question: Question) -> Question:
        settings = self.settings
        if not settings.guided:
            return question
        told = self.instructions if self.instructions is not None else settings.instructions
        return _Led(question, told, self)

    # --- the tools ------------------------------------------------------------------------------

    def tools(self) -> Sequence[Tool]:
        """The client's."""
        settings = self.settings
        return settings.tools if settings.choice == "auto" else ()

    async def use(self, call: Call, question: Question) -> Used:
        """Let the client use one, and wait for what it gives."""
        await question.confirmed()
        given = self._waiting[call.id] = asyncio.get_running_loop().create_future()
        self.called(call)
        try:
            text = await given
        finally:
            self._waiting.pop(call.id, None)
            self._given.pop(call.id, None)
        self.spoke = False
        return Used(Result(call.id, text))

    @property
    def waiting(self) -> bool:
        """Whether a call waits."""
        return bool(self._waiting)

    def gave(self, call: str, text: str) -> None:
        """What a call gave, for when the client lets the answer go on. Raises Refused."""
        if call not in self._waiting:
            what = "No tool waits for this call_id: the answer went another way."
            raise Refused("invalid_tool_call_id", what, "item.call_id")
        self._given[call] = text

    def go_on(self) -> None:
        """Let the answer go on with what was given."""
        for call, given in list(self._waiting.items()):
            if not given.done():
                given.set_result(self._given.get(call, _NO_RESULT))


class _Led:
    """Implements `Instructed` over a question."""

    def __init__(self, question: Question, instructions: str, toolbox: Guidance) -> None:
        self._question = question
        self.instructions, self.toolbox = instructions, toolbox
        self.text: str = question.text
        self.history: Sequence[Remark] = question.history
        self.mood: Mood = question.mood
        self.language: str = question.language
        self.staffed: bool = question.staffed

    @property
    def speculative(self) -> bool:
        return self._question.speculative

    async def confirmed(self) -> None:
        await self._question.confirmed()
