"""Whether a consent is in force: not over, not taken back, for this use, in this language."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from visavis.engines.language.languages import code_of
from visavis.models.avatar.consent import Likeness, Use
from visavis.server.avatars.revocations import Revocations
from visavis.server.system.errors import NotAllowed

Code = Literal["", "consent-revoked", "consent-expired", "consent-clock", "consent-unknown"]

GRACE: Final = 300.0  # s for which sessions go on when it cannot be known what was revoked
_DAY: Final = datetime.timedelta(days=1)
_USED: Final = {
    "live": "live conversations",
    "videos": "videos and recordings",
    "camera": "video calls (the virtual camera)",
}

Wall = Callable[[], datetime.datetime]


def utc() -> datetime.datetime:
    """Now, by the wall clock."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a consent. code: empty: it is in force; why: in words, then."""

    code: Code = ""
    why: str = ""


IN_FORCE: Final = Standing()


def standing(card: Likeness, revocations: Revocations, now: datetime.datetime) -> Standing:
    """As of the last look at the lists, and by this wall clock."""
    if (entry := revocations.of(card)) is not None:
        day = entry.at[:10]
        return Standing("consent-revoked", f"the consent to it was taken back on {day}.")
    if not card.consent.of_a_person:
        return _in_time(card, now)
    if revocations.fault:
        why = "it cannot be known whether the consent to it was taken back: see the server's log."
        return Standing("consent-unknown", why)
    return _in_time(card, now)


def _in_time(card: Likeness, now: datetime.datetime) -> Standing:
    last, given = card.consent.last_day, card.consent.given
    if last is None:
        return IN_FORCE
    if given is not None and now.date() + _DAY < given:
        why = (
            f"its consent was given on {given} and ends on {last}, and this machine's clock says "
            f"{now.date()}: set the clock."
        )
        return Standing("consent-clock", why)
    if now.date() > last:
        return Standing("consent-expired", f"the consent to it ended with {last} (UTC).")
    return IN_FORCE


def check_use(card: Likeness, use: Use, name: str) -> None:
    """Raises NotAllowed("use-not-allowed")."""
    if use in card.consent.uses:
        return
    uses = card.consent.uses
    message = (
        f"The consent to {name!r} is not for {_USED[use]}; it allows {', '.join(uses)}. If the "
        f"person agrees: `visavis consent renew {name} --consent WORDS --uses "
        f"{','.join((*uses, use))}`."
    )
    raise NotAllowed(message, "use-not-allowed")


def spoken(card: Likeness, languages: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Of languages, the codes of those that are allowed. Raises NotAllowed where none is."""
    allowed = card.consent.languages
    found = tuple(each for each in languages if not allowed or each in allowed)
    if not found:
        message = f"The consent to {name!r} is for {', '.join(allowed)}, which nobody speaks here."
        raise NotAllowed(message, "language-not-allowed")
    return found


def check_language(language: str, allowed: tuple[str, ...], name: str) -> None:
    """language: BCP 47; allowed: codes, empty: any. Raises NotAllowed("language-not-allowed")."""
    if allowed and code_of(language) not in allowed:
        message = f"The consent to {name!r} is for the languages {', '.join(allowed)} only."
        raise NotAllowed(message, "language-not-allowed")


@dataclass(slots=True)
class Permit:
    """One session's leave to use a likeness, which may end before the session does.

    A clock that is set back lengthens nothing: what was left when the session began is counted by
    the monotonic one, too.
    """

    card: Likeness
    revocations: Revocations
    wall: Wall = utc
    monotonic: Callable[[], float] = time.monotonic
    what: str = "face"
    _ends: float | None = field(init=False)

    def __post_init__(self) -> None:
        last = self.card.consent.last_day
        self._ends = None
        if last is not None:
            begin = datetime.datetime.combine(last, datetime.time(), datetime.UTC)
            left = begin - self.wall() + _DAY  # there is no day after 9999-12-31
            self._ends = self.monotonic() + left.total_seconds()

    def over(self) -> str:
        """Why it is, in words for a visitor; empty: it is not. Reads no file."""
        found = standing(self.card, self.revocations, self.wall())
        late = self._ends is not None and self.monotonic() >= self._ends
        if found.code == "consent-unknown" and self.revocations.faulty < GRACE:
            found = _in_time(self.card, self.wall())
        if found.code == "consent-clock":  # told to whoever begins; the monotonic clock judges
            found = IN_FORCE
        if found.code or late:
            return f"The person whose {self.what} this is does not allow it any more."
        return ""


def first_of(*permits: Permit | None) -> Callable[[], str]:
    """Why one of them is over, in words; empty: none is. Reads no file."""
    given = [each for each in permits if each is not None]
    return lambda: next((why for each in given if (why := each.over())), "")
