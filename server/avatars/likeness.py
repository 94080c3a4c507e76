"""Whether a new avatar's face is one that is here already, and what follows. Reads nothing itself.

A photo of somebody who is an avatar here needs that person's consent: the same subject in the
record, or words about the likeness that stay in it. Where the consent was withdrawn, the person
has to be there (`presence`), or the operator to speak for it on the server itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from visavis.models.avatar.consent import NOBODY, Consent
from visavis.models.errors import AvatarError
from visavis.models.recognition import SAME, Template
from visavis.server.avatars.faces import Face

Standing = Literal["given", "expired", "revoked"]
WORDS: Final = 400  # characters
# People that nobody is all come of few heads and skins: different ones reach 0.81, one and the
# same, however the picture was treated, 0.79 to 1 (docs/figures.md). So only a copy counts.
SAME_MADE: Final = 0.85


@dataclass(frozen=True, slots=True)
class Kept:
    """What an avatar's record says now."""

    consent: Consent
    standing: Standing = "given"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who the new one's face is said to be.

    words: about the likeness, kept in the record; present: it was proven that the person is there;
    operator: asked for on the server itself.
    """

    subject: str
    words: str = ""
    present: bool = False
    operator: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """Why there is no avatar: a problem's code, and words that name the fix."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Resemblance:
    """An avatar whose face is like the new one, and how like: a cosine."""

    avatar: str
    kept: Kept
    cosine: float


def alike(template: Template, faces: Iterable[Face], kept: Mapping[str, Kept]) -> list[Resemblance]:
    """Avatars that show the same person, the likest first."""
    known = {each.avatar: each.template for each in faces if each.template is not None}
    known = {name: numbers for name, numbers in known.items() if name in kept}
    if not known:
        return []
    cosines = np.stack(list(known.values())) @ template
    found = [
        Resemblance(name, kept[name], float(cosine))
        for name, cosine in zip(known, cosines, strict=True)
    ]
    same = [each for each in found if each.cosine >= _least(each.kept.consent)]
    return sorted(same, key=lambda each: -each.cosine)


def objection(found: Iterable[Resemblance], claim: Claim) -> Objection | None:
    """What stands against a new avatar with these resemblances; None: nothing."""
    others = [each for each in found if not _answered(each, claim)]
    withdrawn = [each for each in others if each.kept.standing != "given"]
    if withdrawn:
        return _withdrawn(withdrawn[0])
    return _known(others[0]) if others else None


def _answered(each: Resemblance, claim: Claim) -> bool:
    if claim.present and same_subject(each.kept.consent.subject, claim.subject):
        return True
    if each.kept.standing == "revoked":
        return bool(claim.words) and claim.operator
    if each.kept.standing == "expired":
        return bool(claim.words)
    return bool(claim.words) or same_subject(each.kept.consent.subject, claim.subject)


def checked_words(words: str) -> str:
    """Words about a likeness, as a record takes them. Raises AvatarError."""
    if len(words) > WORDS:
        message = f"A record has room for {WORDS} characters about a likeness: say it shorter."
        raise AvatarError("consent-invalid", message)
    return words.strip()


def same_subject(a: str, b: str) -> bool:
    """Whether two records name the same person, however it is written; nobody is nobody."""
    return _plain(a) == _plain(b)


def _plain(subject: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", subject).casefold().split())
    return NOBODY if re.match(rf"{NOBODY}\b", text) else text


def _least(consent: Consent) -> float:
    return SAME if consent.of_a_person else SAME_MADE


def _known(each: Resemblance) -> Objection:
    message = (
        f"This is the face of the avatar {each.avatar!r}, or one very like it, and its record "
        "names another person. If it is the same person, give the name as it stands there; if it "
        "is not, or the name has changed, say so in words (likeness), which stay in the new record."
    )
    return Objection("likeness-known", message)


def _withdrawn(each: Resemblance) -> Objection:
    if each.kept.standing == "expired":
        message = (
            f"This is the face of the avatar {each.avatar!r}, or one very like it, whose consent "
            "has ended. Say in words (likeness) that the person has agreed again, or let the "
            "person show that they are there."
        )
        return Objection("likeness-expired", message)
    message = (
        f"This is the face of the avatar {each.avatar!r}, or one very like it, whose consent was "
        "revoked. A new one counts when the person shows that they are there, or when the operator "
        "makes the avatar on the server itself and says why (visavis avatar create --likeness)."
    )
    return Objection("likeness-revoked", message)
