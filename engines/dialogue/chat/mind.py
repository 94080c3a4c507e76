"""The mind itself: asks a language model, gives it its tools, and hands its words on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Final

from visavis.engines.base import (
    Call,
    EngineAway,
    EngineError,
    Fragment,
    Instructed,
    Notes,
    Question,
    Thought,
    Tool,
    Toolbox,
)
from visavis.engines.dialogue.chat.holding import Holding
from visavis.engines.dialogue.chat.pieces import Asked, Ended, Message, Piece, Until, Words
from visavis.engines.dialogue.chat.prompt import Prompt, persona, warm
from visavis.engines.settings import ChatSettings, Consult, DialogueSettings

if TYPE_CHECKING:
    from visavis.engines.dialogue.chat.endpoint import Endpoint

ROUNDS: Final = 4  # in which tools may be used for one question; then it has to answer
_CHARACTERS: Final = 8  # a token at most, on average: an endpoint may not know of `max_tokens`
_NO_OBJECT: Final = "The arguments were no JSON object. Use the tool again with a JSON object."
MISSING: Final = (
    'dialogue "openai" needs packages that are not installed: '
    "pip install 'visavis[llm]', or choose another dialogue"
)


def load(settings: DialogueSettings) -> ChatMind:
    """Ready to ask; nothing is sent yet. Raises EngineError."""
    if settings.chat is None:
        raise EngineError('dialogue "openai" needs llm_base_url and llm_model')
    try:
        from visavis.engines.dialogue.chat.endpoint import Endpoint
    except ImportError as error:
        raise EngineError(MISSING) from error
    warm()
    prompt = Prompt(_persona(settings.chat), settings.brackets, bound=settings.chat.bound)
    endpoint = Endpoint(settings.chat)
    return ChatMind(endpoint, settings.chat, prompt, settings.consult, settings.toolbox)


def _persona(chat: ChatSettings) -> str:
    try:
        return persona(chat.persona)
    except OSError as error:
        raise EngineError(f"llm_persona {chat.persona}: {error.strerror}") from error
    except ValueError as error:
        words = "save it as UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise EngineError(f"llm_persona {chat.persona}: {words}") from error


class ChatMind:
    """Implements `Mind`, `Remote`; shared by all sessions of a process."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: ChatSettings,
        prompt: Prompt,
        consult: Consult | None = None,
        toolbox: Toolbox | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._endpoint, self._settings, self._prompt = endpoint, settings, prompt
        self._consult, self._toolbox, self._now = consult, toolbox, now

    async def probe(self) -> None:
        """Whether it can be asked now. Raises EngineError."""
        await self._endpoint.probe()

    async def close(self) -> None:
        """Close its connections."""
        await self._endpoint.close()

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The model's words, clause by clause, and what it does; an empty one once it has begun.

        Raises EngineAway where it cannot be had or breaks off, else EngineError.
        """
        if not self._settings.speculate:
            await question.confirmed()
        last = time.monotonic() + self._settings.total
        notes = await self._consult(question) if self._consult is not None else Notes()
        boxes = _Boxes(self._toolbox, question)
        tools = boxes.tools
        messages = self._prompt.messages(question, notes, self._now(), tools=bool(tools))
        said = False
        for round in range(ROUNDS + 1):
            answer = _Answer(self._settings.max_tokens * _CHARACTERS)
            offered = tools if round < ROUNDS else ()
            async with aclosing(self._round(answer, messages, offered, last)) as words:
                async for text in words:
                    said = said or bool(text)
                    yield Fragment(text)
            if not answer.asked or not offered:
                break
            used = self._use(boxes, answer, question, messages, last)
            async with aclosing(used) as thoughts:
                async for thought in thoughts:
                    yield thought
        if not said:
            raise EngineError("the language model gave no answer")

    async def _round(
        self, answer: _Answer, messages: Sequence[Message], tools: Sequence[Tool], last: float
    ) -> AsyncGenerator[str, None]:
        """One answer of the model as it can be said; what it wants to use is left in `answer`."""
        until = Until(time.monotonic() + self._settings.first_token, last)
        try:
            async with aclosing(self._endpoint.pieces(messages, tools, until)) as pieces:
                async for piece in pieces:
                    for text in answer.take(piece):
                        yield text
                    if answer.over:
                        break
                    if answer.ended and (rest := answer.rest()):
                        yield rest
        except EngineAway:
            if time.monotonic() < last or not answer.given:
                raise
            answer.cut = True  # what it has said so far is an answer
        if rest := answer.rest():
            yield rest

    async def _use(
        self,
        boxes: _Boxes,
        answer: _Answer,
        question: Question,
        messages: list[Message],
        last: float,
    ) -> AsyncGenerator[Thought, None]:
        """Have all tools used that are wanted, side by side, and tell the model what they gave."""
        calls = [Call(a.id, a.name, a.arguments) for a in answer.asked if a.arguments is not None]
        for call in calls:
            yield call
        try:
            async with asyncio.timeout(last - time.monotonic()):
                used = await asyncio.gather(*(boxes.of(c).use(c, question) for c in calls))
        except TimeoutError:
            raise EngineAway("the answer took too long, tools included") from None
        for each in used:
            if each.deed is not None:
                yield each.deed
            yield each.result
        gave = {each.result.id: each.result.content for each in used}
        messages.append({"role": "assistant", "content": answer.text, "tool_calls": answer.calls})
        for asked in answer.asked:
            content = gave.get(asked.id, _NO_OBJECT)
            messages.append({"role": "tool", "tool_call_id": asked.id, "content": content})


class _Boxes:
    """The tools for one question: the operator's, and those of the program that asks it."""

    def __init__(self, own: Toolbox | None, question: Question) -> None:
        self._theirs = question.toolbox if isinstance(question, Instructed) else None
        self._own = own
        own_tools = tuple(own.tools()) if own is not None else ()
        names = {tool.name for tool in own_tools}
        theirs = self._theirs.tools() if self._theirs is not None else ()
        self._named = {tool.name for tool in theirs} - names  # the operator's come first
        self.tools = (*own_tools, *(tool for tool in theirs if tool.name in self._named))

    def of(self, call: Call) -> Toolbox:
        """Whose tool is called."""
        box = self._theirs if call.name in self._named else self._own or self._theirs
        assert box is not None  # a tool is called only where there are some
        return box


class _Answer:
    """One answer of the model in the making. most: characters of it."""

    def __init__(self, most: int) -> None:
        self._holding, self._left = Holding(), most
        self._begun = False
        self.ended = False  # whether the model has finished
        self.text = ""
        self.asked: list[Asked] = []
        self.cut = False

    @property
    def given(self) -> bool:
        """Whether any of it was given on."""
        return self._holding.given

    @property
    def over(self) -> bool:
        """Whether nothing more of it is wanted."""
        return self.cut or self._holding.over

    @property
    def calls(self) -> list[dict[str, object]]:
        """The tools that were asked for, as the protocol writes them."""
        return [
            {
                "id": each.id,
                "type": "function",
                "function": {
                    "name": each.name,
                    "arguments": "{}" if each.arguments is None else each.written or "{}",
                },
            }
            for each in self.asked
        ]

    def take(self, piece: Piece) -> Iterator[str]:
        """What can be said now; "" once when the answer begins."""
        match piece:
            case Words(text):
                self._left -= len(text)
                self.cut = self._left < 0
                given = self._holding.feed(text)
                self.text += given
                if given or (self._holding.begun and not self._begun):
                    yield given
                self._begun = self._holding.begun
            case Asked():
                self.asked.append(piece)
            case Ended(cut):
                self.ended, self.cut = True, self.cut or cut

    def rest(self) -> str:
        """What is left to be said."""
        rest = self._holding.flush(cut=self.cut)
        self.text += rest
        return rest if rest.strip() else ""
