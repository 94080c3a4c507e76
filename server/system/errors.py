"""Every error that the server itself raises, in one tree.

ConfigError            the operator's settings are wrong: exit status 2
DeviceError            a camera, a microphone or the sound server cannot be used
SoundError             sound of a kind that cannot be spoken
Problem                a request that cannot be served: problem+json with `status`
  Malformed  400       not what its type says
  Unauthorized  401    no token, or a wrong one
  Forbidden  403       a page of another site, a token of another role, or beyond its bounds
  NotFound  404        no such session, avatar or voice
    NotAllowed  403    there is one, and it may not be used so
    Ended  410         there was one, and it may not be used any more
  TooSlow  408         the body did not arrive in time
  Conflict  409        there is one already, or it is in use
  Outdated  412        about a state that is no more
  Gone  410            there was one, and it ended by a fault of the server
  TooLarge  413        more than we read
  WrongType  415       a body of another type
  Unprocessable  422   understood, but it cannot work
  TooMany  429         wrong too often, or more than somebody may have
  Busy  503            one avatar is being made already
  Full  503            no room for one more session
  NotReady  503        loading, broken or shutting down
  NoSpace  507         the disk takes no more
  QueueError  507      a job cannot be kept
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final


class ConfigError(Exception):
    """A setting is unknown or wrong; the text names it and the fix."""


class DeviceError(Exception):
    """A camera, a microphone or the sound server cannot be used; the text names the fix."""


class SoundError(ValueError):
    """Sound of a rate or a form that cannot be spoken; the text says which can."""


class Problem(Exception):
    """A request that cannot be served; `detail` tells the caller why and what to do."""

    status: ClassVar[int]
    title: ClassVar[str]

    @property
    def more(self) -> Mapping[str, Any]:
        """What else a program is told: further members of the problem (RFC 9457, 3.2)."""
        return {}

    def __init__(self, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).__name__.lower()


class Malformed(Problem):
    """The body is not what its type says."""

    status, title = 400, "Bad request"


class Unauthorized(Problem):
    """No token, or a wrong one."""

    status, title = 401, "Unauthorized"


class Forbidden(Problem):
    """A page of another site calls, and no token is set."""

    status, title = 403, "Forbidden"


class NotFound(Problem):
    """There is no such thing."""

    status, title = 404, "Not found"


class NotAllowed(NotFound):
    """There is one, and whose it is does not allow that."""

    status, title = 403, "Forbidden"


class Ended(NotFound):
    """There is one, and whose it is does not allow it any more."""

    status, title = 410, "Gone"


class TooSlow(Problem):
    """The body did not arrive in time."""

    status, title = 408, "Request timeout"


class Conflict(Problem):
    """It stands against what there is already."""

    status, title = 409, "Conflict"


class Outdated(Problem):
    """The caller means a state that is no more."""

    status, title = 412, "Precondition failed"


class Gone(Problem):
    """There was one, and the server lost it."""

    status, title = 410, "Gone"


class TooLarge(Problem):
    """The body is longer than the server reads."""

    status, title = 413, "Content too large"


class WrongType(Problem):
    """The body has another type than this address takes."""

    status, title = 415, "Unsupported media type"


class Unprocessable(Problem):
    """The body was understood, but it cannot work."""

    status, title = 422, "Unprocessable content"


class TooMany(Problem):
    """Too often from one caller; try again after `retry_after` seconds."""

    status, title = 429, "Too many requests"

    def __init__(self, detail: str, retry_after: int, code: str = "") -> None:
        super().__init__(detail, code)
        self.retry_after = retry_after


class Busy(Problem):
    """One thing at a time; try again after `retry_after` seconds."""

    status, title = 503, "Busy"
    retry_after = 5


class Full(Problem):
    """No room for one more session; try again after `retry_after` seconds."""

    status, title = 503, "All places are taken"

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = 10 if retry_after is None else retry_after


LOADING: Final = "The server is loading its models."


class NotReady(Problem):
    """The server is loading, broken or shutting down; try again after `retry_after` seconds.

    One that loads has a code of its own: nothing is wrong, and a page says so.
    """

    status, title = 503, "Not ready"
    retry_after = 3

    def __init__(self, detail: str) -> None:
        super().__init__(detail, "starting" if detail == LOADING else "not-ready")


class NoSpace(Problem):
    """What was sent cannot be kept: the disk is full, or may not be written to."""

    status, title = 507, "Insufficient storage"


class QueueError(Problem):
    """A job cannot be kept; the text says where, and why."""

    status, title = 507, "Insufficient storage"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, "job-unkept")
