"""Sentences shown to be read: each once, for a few minutes, for one name and one person."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Final

from visavis.server.avatars.sentences import sentence
from visavis.server.system.errors import Unprocessable

VALID: Final = 180.0  # s
_MOST: Final = 256  # that wait to be read; the oldest go first


@dataclass(frozen=True, slots=True)
class Challenge:
    """id: a secret of whoever asked; text: to be read aloud; name, subject: of the avatar to be."""

    id: str
    text: str
    language: str
    name: str
    subject: str
    until: float  # by `monotonic`, which no change of the clock moves


class Challenges:
    """Of one process, the one that takes the form as well."""

    def __init__(
        self, languages: Callable[[], Sequence[str]], now: Callable[[], float] = monotonic
    ) -> None:
        """languages: those whose words can be recognised here, the usual one first; asked for
        with the first sentence, since it reads the networks' files."""
        self._languages = cache(languages)
        self._now = now
        self._open: OrderedDict[str, Challenge] = OrderedDict()

    def give(self, language: str, name: str, subject: str) -> Challenge:
        """A new one, in this language if it can be recognised here; not for the event loop."""
        spoken = self._languages()
        spoken_in = language if language in spoken else spoken[0]
        key = secrets.token_urlsafe(16)
        given = Challenge(
            key, sentence(spoken_in), spoken_in, name, subject.strip(), self._now() + VALID
        )
        self._open[key] = given
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return given

    def take(self, key: str, name: str, subject: str) -> Challenge:
        """The one that was given under this id, which is used up. Raises Unprocessable."""
        taken = self._open.pop(key, None)
        if taken is None or taken.until < self._now():
            message = (
                f"The sentence was shown longer than {VALID / 60:.0f} minutes ago, or has been "
            )
            raise Unprocessable(f"{message}used: ask for another one.", "presence-expired")
        if (taken.name, taken.subject) != (name, subject.strip()):
            message = "The sentence was shown for another name or person: ask for another one."
            raise Unprocessable(message, "presence-expired")
        return taken
