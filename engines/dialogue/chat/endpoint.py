"""A chat endpoint that speaks OpenAI's protocol: one streamed answer, with its limits.

Nothing that an endpoint says is quoted in an error: it may quote the visitor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai
from openai import AsyncOpenAI

from visavis.engines.base import EngineAway, EngineError, Tool
from visavis.engines.dialogue.chat.bounded import Bounded, FloodError
from visavis.engines.dialogue.chat.pieces import Chunks, Message, Piece, Until
from visavis.engines.settings import ChatSettings

RETRIES: Final = 2  # before the first piece only: after it, words would be said twice
BACKOFF: Final = 0.15  # s before the first retry, three times as long before the next
_PATIENCE: Final = 1.5  # s: an endpoint that wants us to wait for longer is away
_BUSY: Final = 0.004  # s of chunks after which the event loop has a turn
_AFTERWARDS: Final = 0.1  # s for what comes after the end of an answer
_PROBE: Final = ({"role": "user", "content": "Say yes."},)
_REFUSED: Final = frozenset({401, 403})
_TOO_LARGE: Final = frozenset({400, 413, 422})


class _Passing(Exception):
    """What may be over in a moment. fault: for when it is not; pause: s that were asked for."""

    def __init__(self, fault: EngineError, pause: float | None = None) -> None:
        super().__init__()
        self.fault, self.pause = fault, pause


class Endpoint:
    """One endpoint and one model, for all sessions; connections are kept open between answers."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        # No second try of its own and no redirects: what visitors say goes where it is sent.
        self._http = httpx2.AsyncClient(
            transport=Bounded(httpx2.AsyncHTTPTransport(proxy=_proxy(settings.base_url))),
            timeout=httpx2.Timeout(settings.total, connect=settings.connect),
            follow_redirects=False,
            event_hooks={"request": [_Plain(keyless=not settings.key)]},
        )
        self._client = AsyncOpenAI(
            base_url=settings.base_url,
            api_key=settings.key or "none",
            organization="",
            project="",
            max_retries=0,
            default_headers=dict(settings.headers),
            http_client=self._http,
        )
        self._completions = self._client.chat.completions  # imported at its first use

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def pieces(
        self, messages: Sequence[Message], tools: Sequence[Tool], until: Until
    ) -> AsyncGenerator[Piece, None]:
        """One answer as it comes; closing it closes the connection.

        Raises EngineAway where the endpoint cannot be had or breaks off, EngineError where it does
        not take this question.
        """
        begun, pause = False, BACKOFF
        for attempt in range(RETRIES + 1):
            try:
                async with aclosing(self._attempt(messages, tools, until)) as attempted:
                    async for piece in attempted:
                        begun = True
                        yield piece
            except _Passing as error:
                wait = pause if error.pause is None else error.pause
                late = time.monotonic() + wait >= until.first or wait > _PATIENCE
                if begun or attempt == RETRIES or late:
                    raise error.fault from None
                await asyncio.sleep(wait)
                pause *= 3
            else:
                return

    async def probe(self) -> None:
        """Whether it answers now: one token of an answer. Raises EngineError."""
        now = time.monotonic()
        until = Until(now + self._settings.first_token, now + self._settings.total)
        async with aclosing(self._attempt(_PROBE, (), until, tokens=1)) as attempted:
            try:
                async for _ in attempted:
                    return
            except _Passing as error:
                raise error.fault from None

    async def models(self) -> tuple[str, ...]:
        """The models that it has; empty where it does not say. Raises EngineError."""
        try:
            async with asyncio.timeout(self._settings.first_token):
                page = await self._client.models.list()
        except Exception as error:  # noqa: BLE001 (the border: whatever the library throws)
            raise _fault(error, "did not list its models in time") from None
        data = getattr(page, "data", None)
        found = data if isinstance(data, list) else []
        return tuple(
            str(model.id) for model in found if isinstance(getattr(model, "id", None), str)
        )

    async def _attempt(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        until: Until,
        tokens: int | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """One request. Raises _Passing, EngineError."""
        body = self._body(messages, tools, tokens or self._settings.max_tokens)
        try:
            async with asyncio.timeout(until.first - time.monotonic()):
                stream = await self._completions.create(**body)
        except Exception as error:  # noqa: BLE001 (the border: whatever the library throws)
            raise _sorted(error, "did not answer in time") from None
        try:
            async with aclosing(self._read(stream, until)) as read:
                async for piece in read:
                    yield piece
        finally:
            await stream.close()

    async def _read(self, stream: Any, until: Until) -> AsyncGenerator[Piece, None]:
        chunks, source = Chunks(), stream.__aiter__()
        limit, waited = until.first, "did not begin to answer in time"
        turn = time.monotonic()
        while (chunk := await _next(source, min(limit, until.last), waited)) is not None:
            for words in chunks.feed(chunk):
                waited = "paused for too long"
                yield words
            if chunks.finished:
                break
            now = time.monotonic()
            if waited.startswith("paused"):
                limit = now + self._settings.between
            if now - turn > _BUSY:  # a flood is read without a wait, and sound has to be sent
                await asyncio.sleep(0)
                turn = time.monotonic()
        if not chunks.finished:
            raise _Passing(EngineAway("the language model broke off"))
        for piece in chunks.end():
            yield piece
        await _read_out(source)

    def _body(
        self, messages: Sequence[Message], tools: Sequence[Tool], tokens: int
    ) -> dict[str, Any]:
        settings = self._settings
        body: dict[str, Any] = {
            "model": settings.model,
            "messages": list(messages),
            "temperature": settings.temperature,
            "max_tokens": tokens,
            "stream": True,
        }
        if tools:
            body["tools"] = [_described(tool) for tool in tools]
        if settings.extra:
            body["extra_body"] = dict(settings.extra)
        return body


async def _next(source: Any, limit: float, waited: str) -> Any:
    """The next chunk, None at the end. Raises _Passing, EngineError."""
    try:
        async with asyncio.timeout(limit - time.monotonic()):
            return await anext(source, None)
    except Exception as error:  # noqa: BLE001 (the border: whatever the library throws)
        raise _sorted(error, waited) from None


async def _read_out(source: Any) -> None:
    """What comes after the end, so that the connection can be used again; soon, or not at all."""
    with suppress(Exception):
        async with asyncio.timeout(_AFTERWARDS):
            while await anext(source, None) is not None:
                pass


def _sorted(error: Exception, late: str) -> Exception:
    """_Passing for what another try may mend, else the fault itself."""
    fault = _fault(error, late)
    status = getattr(error, "status_code", None)
    if isinstance(error, (TimeoutError, openai.APITimeoutError, FloodError)):
        return fault
    if isinstance(error, openai.APIStatusError):
        passes = status == httpx2.codes.TOO_MANY_REQUESTS or error.status_code >= 500
        return _Passing(fault, _asked_pause(error)) if passes else fault
    return _Passing(fault)


def _fault(error: Exception, late: str) -> EngineError:
    """What went wrong in words of our own."""
    match error:
        case openai.APITimeoutError() | TimeoutError():
            return EngineAway(f"the language model {late}")
        case FloodError():
            return EngineAway("the language model sends more than an answer has")
        case openai.APIStatusError(status_code=status) if status in _REFUSED:
            return EngineAway(f"the language model refused the key ({status})")
        case openai.APIStatusError(status_code=404):
            return EngineAway("the endpoint has no such model, or no such address (404)")
        case openai.APIStatusError(status_code=429):
            return EngineAway("the language model takes no more requests now (429)")
        case openai.APIStatusError(status_code=status) if status in _TOO_LARGE:
            return EngineError(f"the language model does not take this request ({status})")
        case openai.APIStatusError(status_code=status):
            return EngineAway(f"the language model failed ({status})")
        case openai.APIConnectionError():
            return EngineAway("the language model cannot be reached, or broke off")
    return EngineAway(f"the language model broke its protocol ({type(error).__name__})")


def _asked_pause(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _described(tool: Tool) -> dict[str, object]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


class _Plain:
    """Sends what an endpoint needs; the client adds the machine, versions and empty accounts."""

    def __init__(self, *, keyless: bool) -> None:
        self._keyless = keyless

    async def __call__(self, request: httpx2.Request) -> None:
        for name, value in list(request.headers.items()):
            told = name.startswith("x-stainless") or (name.startswith("openai-") and not value)
            if told or (self._keyless and name == "authorization"):
                del request.headers[name]


def _proxy(url: str) -> str | None:
    """What the environment says of a proxy for this address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if proxy_bypass(host) else getproxies().get(parts.scheme)
