"""Faults in words that may be logged: type and place, never the text of an exception.

A text may quote a visitor, and a traceback prints the texts of all that led to it. Only the own
words of an EngineError and a ModelError are shown: engines word theirs themselves
(`engines/base.py`), and those of a model speak of its file (`models/errors.py`).
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.models.errors import ModelError

log = logging.getLogger(__name__)

_SHOWN: Final = 4  # frames of a trace
_GROUP: Final = 3  # faults of a group


class Breakout(Exception):
    """What an engine threw to end the program, or its caller's task: here it is only a fault."""


def place(error: BaseException) -> str:
    """File and line of the innermost frame."""
    frames = _frames(error)
    return frames[-1] if frames else "unknown"


def fault(error: BaseException) -> str:
    """What went wrong: words of our own, else type and place."""
    if isinstance(error, (EngineError, ModelError, Breakout)):
        return str(error)
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(fault(one) for one in error.exceptions[:_GROUP])
    return f"{type(error).__name__} at {place(error)}"


def trace(error: BaseException) -> str:
    """The innermost frames, the place of the fault last."""
    return " > ".join(_frames(error)[-_SHOWN:])


@contextmanager
def contained(engine: str) -> Iterator[None]:
    """Whatever a synchronous call of an engine throws leaves as an EngineError, and is logged.

    SystemExit and its like too: nothing is awaited inside, so nobody else can have thrown them.
    """
    try:
        yield
    except EngineError:
        raise
    except BaseException as error:  # noqa: BLE001 (the border: whatever it is, it stops here)
        raise broken(engine, error) from None


def broken(engine: str, error: BaseException) -> EngineError:
    """The EngineError for something else that an engine threw, which is logged."""
    words = fault(error)
    extra = {"engine": engine, "fault": words}
    log.error("an engine broke its contract", extra=extra)
    return EngineError(f"{engine}: {words}")


def harmless(error: BaseException) -> Exception:
    """An exception that may be handed to an awaiting task.

    SystemExit and KeyboardInterrupt would end the event loop there, CancelledError the task, and a
    StopIteration cannot be handed over at all: its future would never be done.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return Breakout(f"{type(error).__name__} at {place(error)}")


def log_loop_faults(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An event loop's exception handler: the same rule for what nobody awaited."""
    error = context.get("exception")
    extra = {"what": context.get("message", "")}
    if isinstance(error, BaseException):
        extra |= {"fault": fault(error), "trace": trace(error)}
    log.error("a callback or a task failed", extra=extra)


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
