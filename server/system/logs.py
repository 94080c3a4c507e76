"""Where log lines go and how they are written: one line a record, never an exception's text.

The rule of `faults` for what others log: a library's traceback prints the texts of all that led to
it, and so does Python for a thread that dies.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from pathlib import Path
from typing import Any, Final

from visavis.server.system.errors import ConfigError
from visavis.server.system.faults import fault, trace

log = logging.getLogger(__name__)

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# These log whole SDPs, candidates or text to say at info and debug.
_NOISY: Final = (
    "aioice",
    "aiortc",
    "faster_whisper",
    "piper",
    "numba",
    "httpx",
    "PIL",
    "openai",
    "httpx2",
    "httpcore2",
)
_TRACEBACK: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(r'^  File "([^"]*)", line (\d+)', re.MULTILINE)


class Fields(logging.Formatter):
    """One line a record: time, level, message, then the fields given in `extra` as JSON.

    always: fields of every record.
    """

    def __init__(self, always: dict[str, Any] | None = None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._always = always or {}

    def format(self, record: logging.LogRecord) -> str:
        extra = self._always | {k: v for k, v in vars(record).items() if k not in _OWN}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            extra |= {"fault": fault(error), "trace": trace(error)}
        record.message = _without_traceback(record.getMessage())
        record.asctime = self.formatTime(record)
        line = self.formatMessage(record)
        return f"{line} {json.dumps(extra, default=str)}" if extra else line


def to_stderr(level: str, **always: Any) -> None:
    """Everything that is logged from now on, and what Python says by itself. Raises ConfigError.

    always: fields of every line.
    """
    if level.upper() not in logging.getLevelNamesMapping():
        msg = f"log_level is {level!r}: choose debug, info, warning or error"
        raise ConfigError(msg)
    output = logging.StreamHandler()
    output.setFormatter(Fields(always))
    logging.basicConfig(level=level.upper(), handlers=[output], force=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable


def _without_traceback(message: str) -> str:
    """A message with a printed traceback in it (aiortc writes such): its place is left of that."""
    head, found, printed = message.partition(_TRACEBACK)
    if not found:
        return message
    places = [f"{Path(file).name}:{line}" for file, line in _FRAME.findall(printed)]
    return f"{head}fault at {places[-1] if places else 'unknown'}"


def _thread_ended(what: threading.ExceptHookArgs) -> None:
    _tell("a thread ended", what.exc_value)


def _unraisable(what: Any) -> None:
    _tell("an exception had nowhere to go", what.exc_value)


def _tell(message: str, error: BaseException | None) -> None:
    extra = {"fault": fault(error), "trace": trace(error)} if error else {}
    log.error(message, extra=extra)
