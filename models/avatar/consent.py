"""The record of a consent: who allowed which use of a likeness, and until when.

It judges nothing but itself: who signed a record is the seal's, who revoked it the server's.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, Protocol, cast, get_args

from visavis.models.errors import AvatarError

Use = Literal["live", "videos", "camera"]
USES: Final[tuple[Use, ...]] = get_args(Use)  # conversations, files, a person's own video calls
NOBODY: Final = "nobody"  # how the subject of a face begins that is no person's
LANGUAGE: Final = re.compile(r"[a-z]{2,3}")  # ISO 639
_MOST_LANGUAGES: Final = 40


@dataclass(frozen=True, slots=True)
class Consent:
    """Who allowed this likeness to speak: asked for before an avatar is made, kept inside it.

    A record of earlier versions has no end, all uses and all languages.
    """

    subject: str  # whose face it is, or "nobody: synthetic"
    statement: str  # the words agreed to
    given_by: str  # who agreed
    date: str  # ISO 8601
    until: str = ""  # the last day of use in UTC, as 2027-01-31; empty: no end
    uses: tuple[Use, ...] = USES  # what the face may be used for
    languages: tuple[str, ...] = ()  # codes it may speak, as "en"; empty: any
    proof: str = ""  # what showed that the person was there; empty: nothing did
    likeness: str = ""  # words about a face that is like another avatar's; empty: none is

    def check(self) -> None:
        """Raises AvatarError: "consent-missing" unless all is said, "consent-invalid"."""
        told = ("subject", "statement", "given_by", "date")
        empty = [key for key in told if not str(getattr(self, key)).strip()]
        if empty:
            message = (
                f"The consent record lacks {', '.join(empty)}: an avatar is made only of a person "
                "who has agreed to it, or of nobody."
            )
            raise AvatarError("consent-missing", message)
        check_until(self.until)
        check_uses(self.uses)
        check_languages(self.languages)

    @property
    def of_a_person(self) -> bool:
        """Whether it is somebody's likeness; a synthetic face is nobody's."""
        return not re.match(rf"{NOBODY}\b", self.subject.strip(), re.IGNORECASE)

    @property
    def last_day(self) -> datetime.date | None:
        """The last day of use, in UTC; None: there is none."""
        return datetime.date.fromisoformat(self.until) if self.until else None

    @property
    def given(self) -> datetime.date | None:
        """The day it was given; None where an earlier version kept other words."""
        try:
            return datetime.datetime.fromisoformat(self.date).date()
        except ValueError:
            return None

    def as_json(self) -> dict[str, Any]:
        """What `read` reads; what says nothing is left out, as it was in earlier versions."""
        said = asdict(self)
        plain = {each.name: each.default for each in fields(self)}
        return {key: value for key, value in said.items() if value != plain[key]}


class Likeness(Protocol):
    """Of a person, in a file: a face, or a voice. What is asked when its consent is judged.

    reference: a short name of the consent; source: SHA-256 of the photo or the sample.
    """

    @property
    def consent(self) -> Consent: ...

    @property
    def reference(self) -> str: ...

    @property
    def source(self) -> str: ...


def check_until(until: str) -> None:
    """Raises AvatarError("consent-invalid") for what is neither a day nor empty."""
    if not until:
        return
    message = f"A consent ends on a day like 2027-01-31, not on {until[:40]!r}."
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", until):
        raise AvatarError("consent-invalid", message)
    try:
        datetime.date.fromisoformat(until)
    except ValueError as error:
        raise AvatarError("consent-invalid", message) from error


def check_uses(uses: tuple[str, ...]) -> None:
    """Raises AvatarError("consent-invalid") for no use, an unknown one or one named twice."""
    if not uses or len(set(uses)) < len(uses) or not set(uses) <= set(USES):
        said = ", ".join(uses)[:80] or "nothing"
        message = f"A consent names uses out of {', '.join(USES)}, each once; it says {said}."
        raise AvatarError("consent-invalid", message)


def check_languages(languages: tuple[str, ...]) -> None:
    """Raises AvatarError("consent-invalid") for what are no codes of languages."""
    odd = [str(code)[:20] for code in languages if not LANGUAGE.fullmatch(code)]
    if odd or len(languages) > _MOST_LANGUAGES or len(set(languages)) < len(languages):
        message = "A consent names languages by their codes, as en or de, each once"
        raise AvatarError("consent-invalid", f"{message}: {', '.join(odd)[:80]}.")


def read(said: Any) -> Consent:
    """A record out of JSON, checked. Raises AvatarError."""
    subject, statement, given_by, date = (
        text(said, key) for key in ("subject", "statement", "given_by", "date")
    )
    consent = Consent(
        subject, statement, given_by, date,
        until=text(said, "until", 10) if "until" in said else "",
        uses=cast(tuple[Use, ...], _texts(said, "uses")) if "uses" in said else USES,
        languages=_texts(said, "languages") if "languages" in said else (),
        proof=text(said, "proof", 200) if "proof" in said else "",
        likeness=text(said, "likeness", 400) if "likeness" in said else "",
    )  # fmt: skip
    consent.check()
    return consent


def text(source: Any, key: str, most: int = 4000) -> str:
    """A text out of JSON. Raises AvatarError("avatar-invalid")."""
    value = source.get(key) if isinstance(source, dict) else None
    if not isinstance(value, str) or len(value) > most:
        raise AvatarError("avatar-invalid", f"The avatar's manifest has no proper {key}.")
    return value


def _texts(source: dict[str, Any], key: str) -> tuple[str, ...]:
    values = source[key]
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise AvatarError("avatar-invalid", f"The avatar's manifest has no proper {key}.")
    return tuple(values)
