"""What an operator wants to know of an endpoint before a visitor does."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import EngineError
from visavis.engines.dialogue.chat.endpoint import Endpoint
from visavis.engines.settings import ChatSettings

_NAMED: Final = 8  # models that are named where ours is not among them
SLOW: Final = 1.0  # s until the first token, from which on a conversation is no pleasure


@dataclass(frozen=True, slots=True)
class Found:
    """first_token: s, None where none came. problems, doubts: in words, with the fix."""

    first_token: float | None
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def examine(settings: ChatSettings) -> Found:
    """Ask it for its models and for one token; takes as long as the settings allow."""
    return asyncio.run(_examined(settings, Endpoint(settings)))


async def _examined(settings: ChatSettings, endpoint: Endpoint) -> Found:
    try:
        unlisted = await _unlisted(endpoint, settings.model)
        try:
            first_token = await _first_token(endpoint)
        except EngineError as error:
            return Found(None, (f"{error}{_fix(settings, unlisted)}",))
    finally:
        await endpoint.close()
    doubts = [unlisted] if unlisted else []
    if first_token > SLOW:
        doubts.append(
            f"the language model takes {first_token:.1f} s to begin: visitors wait for it; a "
            "smaller model, or one on a GPU, begins sooner"
        )
    return Found(first_token, (), tuple(doubts))


async def _unlisted(endpoint: Endpoint, model: str) -> str:
    """In words that the model is not among those that are listed; some list none."""
    try:
        listed = await endpoint.models()
    except EngineError:
        return ""
    if not listed or model in listed:
        return ""
    return f"llm_model {model!r} is not among its models: {', '.join(listed[:_NAMED])}"


async def _first_token(endpoint: Endpoint) -> float:
    """The second time, for the first one opens the connection. Raises EngineError."""
    await endpoint.probe()
    began = time.monotonic()
    await endpoint.probe()
    return time.monotonic() - began


def _fix(settings: ChatSettings, unlisted: str) -> str:
    """What to look at, said after what went wrong."""
    if unlisted:
        return f"; {unlisted}"
    return f": see llm_base_url ({settings.base_url}), llm_model and llm_key_file"
