"""What can go wrong between a program and a server: one tree.

RemoteError
    Unreachable      nobody answers at that address
    Refused          the server answers, and says no: `status`, `code`, `detail`
        Unauthorised     the token is wrong, or missing
        Full             no place now, or too many requests: `retry_after`
    Blocked          sound and pictures find no way through the network
    Lost             the connection fell, and its session could not be gone on with
    Ended            the session was ended: `reason`
    NoReply          a text was not answered: `code`
    Failed           a video was not made: `status`, `code`
"""

from __future__ import annotations


class RemoteError(Exception):
    """Everything that this package raises."""


class Unreachable(RemoteError):
    """Nobody answers at that address."""


class Refused(RemoteError):
    """The server says no. code: of its problem (docs/api.md), "" where there is none."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Unauthorised(Refused):
    """The token is wrong, or missing."""


class Full(Refused):
    """No place is left, or this was asked too often. retry_after: s, None where it was not said."""

    def __init__(self, status: int, code: str, detail: str, retry_after: float | None) -> None:
        super().__init__(status, code, detail)
        self.retry_after = retry_after


class Blocked(RemoteError):
    """The server answered, but its sound and pictures find no way through the network."""


class Lost(RemoteError):
    """The connection fell, and the session could not be gone on with in time."""


class Ended(RemoteError):
    """The session is over. reason: "closed" (by this program), or as in `Goodbye`."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or f"the session is over ({reason})")
        self.reason = reason


class NoReply(RemoteError):
    """A text was not answered: it was refused, or told the conversation something else.

    code: of the server's `Failure`, or "command".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Failed(RemoteError):
    """A video was not made. status: "failed" or "cancelled"; code: see docs/api.md."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message or f"the video is {status}")
        self.status, self.code = status, code


def refusal(status: int, problem: object, retry_after: str | None) -> Refused:
    """A response that is not the one hoped for, as an exception."""
    fields = problem if isinstance(problem, dict) else {}
    code = str(fields.get("type", "")).removeprefix("urn:visavis:")
    code = "" if code == "about:blank" else code
    detail = str(fields.get("detail") or fields.get("title") or f"the server answered {status}")
    if status == 401:
        return Unauthorised(status, code, detail)
    if status in {429, 503}:
        return Full(status, code, detail, _seconds(retry_after))
    return Refused(status, code, detail)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
