"""A new face compared with those of the avatars here: what is read for it, and when."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.models.avatar.file import Card, read_card
from visavis.models.errors import AvatarError
from visavis.models.recognition import Template
from visavis.server.avatars.faces import Faces, FacesUnread, Reading
from visavis.server.avatars.likeness import Claim, Kept, Objection, Standing, alike, objection
from visavis.server.avatars.store import AvatarStore

log = logging.getLogger(__name__)

UNCHECKED: Final = "likeness-unchecked"
_NO_FACE: Final = (
    "No face can be made out in this picture to compare with those of the avatars here. Take "
    "another photo, seen from the front."
)


def _in_force(_card: Card) -> Standing:
    return "given"


class Comparing:
    """With the avatars of one store. standing: of a consent now."""

    def __init__(
        self, store: AvatarStore, faces: Faces, standing: Callable[[Card], Standing] = _in_force
    ) -> None:
        self._store, self._faces, self._standing = store, faces, standing

    @contextmanager
    def begin(self) -> Iterator[Comparison]:
        """Have the faces read that nobody has read yet. Raises ManifestError, OSError."""
        avatars = self._store.find().readable
        reading = self._faces.read(avatars)
        try:
            yield Comparison(self._faces.network(), avatars, reading, self._standing)
        finally:
            reading.close()

    def forget(self, avatar: str) -> None:
        """It was removed, and nothing of its face stays."""
        self._faces.forget(avatar)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One new avatar's. network: the file that faces are read with."""

    network: Path
    avatars: Mapping[str, Path]
    reading: Reading
    standing: Callable[[Card], Standing]

    def objection(self, template: Template | None, claim: Claim) -> Objection | None:
        """What stands against it; waits until every face is read. None: nothing."""
        if template is None:
            return Objection(UNCHECKED, _NO_FACE)
        try:
            faces = self.reading.all()
        except FacesUnread as error:
            return Objection(UNCHECKED, str(error))
        found = objection(alike(template, faces, self._kept()), claim)
        if found is not None:
            log.info("a new avatar is like another", extra={"code": found.code})
        return found

    def _kept(self) -> dict[str, Kept]:
        kept = {}
        for name, path in self.avatars.items():
            try:
                card = read_card(path)
            except AvatarError:  # it went, or broke, meanwhile
                continue
            kept[name] = Kept(card.consent, self.standing(card))
        return kept
