"""A consent that is given now, in the words of a form or a command line."""

from __future__ import annotations

import datetime
from typing import Final, cast

from visavis.models.avatar.consent import USES, Consent, Use, check_until, check_uses
from visavis.models.errors import AvatarError
from visavis.server.system.spans import stamp

NEVER: Final = "never"
YEAR: Final = datetime.timedelta(days=365)
# What is asked for most; to be somebody in a video call is another thing to agree to.
USUAL: Final[tuple[Use, ...]] = ("live", "videos")


def granted(
    subject: str, statement: str, given_by: str, now: datetime.datetime, *,
    until: str = "", uses: str = "", languages: str = "", likeness: str = "",
) -> Consent:  # fmt: skip
    """The record of it. Raises AvatarError: "consent-missing", "consent-invalid".

    until: a day as 2027-01-31, or "never"; "": a year from now, of nobody's face never. uses,
    languages: words with commas or spaces; "": conversations and videos, any language.
    """
    of_nobody = not Consent(subject, statement, given_by, "-").of_a_person
    consent = Consent(
        subject.strip(), statement.strip(), given_by.strip(), stamp(now),
        until=_until(until.strip(), now.date(), of_nobody=of_nobody),
        uses=_uses(uses, USES if of_nobody else USUAL),
        languages=_words(languages.lower()),
        likeness=likeness.strip(),
    )  # fmt: skip
    consent.check()
    return consent


def _until(wanted: str, today: datetime.date, *, of_nobody: bool) -> str:
    if wanted == NEVER or (of_nobody and not wanted):
        return ""
    if not wanted:
        return (today + YEAR).isoformat()
    check_until(wanted)
    if datetime.date.fromisoformat(wanted) < today:
        message = f"The consent would end on {wanted}, which is over: name a day to come."
        raise AvatarError("consent-invalid", message)
    return wanted


def _uses(wanted: str, usual: tuple[Use, ...]) -> tuple[Use, ...]:
    words = _words(wanted)
    if not words:
        return usual
    check_uses(words)
    return tuple(use for use in USES if use in cast(tuple[Use, ...], words))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())
