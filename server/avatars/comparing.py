"""A new face compared with those of the avatars here: what is read for it, and when."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.models.avatar.file import SHIPPED, SUFFIX, Card
from visavis.models.recognition import Template
from visavis.server.avatars.faces import Faces, FacesUnread, Reading
from visavis.server.avatars.likeness import Claim, Kept, Objection, Standing, alike, objection
from visavis.server.avatars.revocations import Entry
from visavis.server.avatars.standing import utc
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.spans import stamp

log = logging.getLogger(__name__)

UNCHECKED: Final = "likeness-unchecked"
_NO_FACE: Final = (
    "No face can be made out in this picture to compare with those of the avatars here. Take "
    "another photo, seen from the front."
)
_OVER: Final[Mapping[str, Standing]] = {"consent-revoked": "revoked", "consent-expired": "expired"}


def given_anew(store: AvatarStore, card: Card) -> None:
    """A new record of a photo whose earlier consent was taken back counts: the person was there,
    or the operator spoke for it. Revocations hold for a photo, whatever is made of it.

    Raises ConfigError, OSError.
    """
    if store.standing(card).code == "consent-revoked":
        entry = Entry(
            "renewed", card.reference, "", card.name, stamp(utc()), "the avatar made anew"
        )
        store.revocations.add([entry])


class Comparing:
    """With the avatars of one store, those among them whose consent is over."""

    def __init__(self, store: AvatarStore, faces: Faces) -> None:
        self._store, self._faces = store, faces

    @contextmanager
    def begin(self) -> Iterator[Comparison]:
        """Have the faces read that nobody has read yet. Raises ManifestError, OSError."""
        cards = self._store.find().cards
        reading = self._faces.read({name: self._path(name) for name in cards})
        try:
            yield Comparison(self._faces.network(), reading, self._kept(cards))
        finally:
            reading.close()

    def tidy(self, there: Container[str]) -> None:
        """Forget the faces of avatars that are not there: their files were deleted by hand."""
        self._faces.forget_all_but(there)

    def forget(self, avatar: str) -> None:
        """It was removed, and nothing of its face stays."""
        self._faces.forget(avatar)

    def _path(self, name: str) -> Path:
        own = self._store.file(name)
        return own if own.exists() else SHIPPED / f"{name}{SUFFIX}"

    def _kept(self, cards: Mapping[str, Card]) -> dict[str, Kept]:
        return {
            name: Kept(card.consent, _OVER.get(self._store.standing(card).code, "given"))
            for name, card in cards.items()
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One new avatar's. network: the file that faces are read with."""

    network: Path
    reading: Reading
    kept: Mapping[str, Kept]

    def objection(self, template: Template | None, claim: Claim) -> Objection | None:
        """What stands against it; waits until every face is read. None: nothing."""
        if template is None:
            return Objection(UNCHECKED, _NO_FACE)
        try:
            faces = self.reading.all()
        except FacesUnread as error:
            return Objection(UNCHECKED, str(error))
        found = objection(alike(template, faces, self.kept), claim)
        if found is not None:
            log.info("a new avatar is like another", extra={"code": found.code})
        return found
