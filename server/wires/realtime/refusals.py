"""What a client is told of an event that cannot be done."""

from __future__ import annotations


class Refused(Exception):
    """An event that is not done; the conversation goes on.

    code: stable. message: for people, names the fix. param: the field that it is about, or "".
    """

    def __init__(self, code: str, message: str, param: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param
