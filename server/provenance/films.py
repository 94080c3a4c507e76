"""A film from its beginning to its signature, and what is left of it if nobody ends it.

A program that is killed signs nothing. So a note lies beside a film while it is made; `visavis
sign` makes up for it from the note, and signs nothing without one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Protocol

from visavis.models.avatar.file import Card, read_card, read_credentials
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, whole
from visavis.server.provenance.claims import Film
from visavis.server.provenance.signing import OFF, Outcome, Signatory
from visavis.server.system.errors import ConfigError, NotFound
from visavis.server.system.installation import Installation
from visavis.server.system.spans import stamp

log = logging.getLogger(__name__)

NOTE: Final = ".unsigned"  # behind the whole name of a film
_LONGEST: Final = 64 * 1024  # bytes of a note


class Signing(Protocol):
    """What a recorder tells of its film, in its own thread; nothing is raised."""

    def begin(self, path: Path) -> None:
        """It is about to be made."""
        ...

    def finish(self, path: Path) -> Outcome:
        """It is closed, and whole."""
        ...


@dataclass(slots=True)
class FilmSigning:
    """Signs one film. file: of the avatar in it, None: it is not here; raises NotFound. card: its
    record as the session began with it; None: as the file says.

    notes: whether a note is kept meanwhile: not for a film that nobody could make up for.
    """

    signatory: Signatory
    film: Film
    file: Callable[[], Path] | None = None
    notes: bool = True
    card: Card | None = None

    def begin(self, path: Path) -> None:
        """See Signing. What the avatar's file says counts now: it may be gone at the end."""
        if self.signatory.fault() == OFF:
            return
        film = replace(self.film, began=stamp(self.signatory.now()))
        self.film = known(film, self.file, self.signatory.home, self.card)
        if not self.notes:
            return
        try:
            with whole(note(path), PRIVATE) as file:
                file.write(written(self.film))
        except OSError as error:
            why = error.strerror or type(error).__name__
            log.warning("a note of a film was not written", extra={"why": why})

    def finish(self, path: Path) -> Outcome:
        """See Signing."""
        outcome = self.signatory.sign(path, self.film)
        if not outcome.why:
            note(path).unlink(missing_ok=True)
        return outcome


def known(
    film: Film, file: Callable[[], Path] | None, home: Path, card: Card | None = None
) -> Film:
    """With what the avatar's file and this installation say."""
    try:
        film = replace(film, installation=Installation.of(home).name)
        if card is not None:
            film = _by(film, card)
        if file is None:
            return film
        path = file()
        there = read_card(path)
        if card is None:
            film = _by(film, there)
        if card in (None, there):
            film = replace(film, photo=read_credentials(path))
    except (NotFound, AvatarError, ConfigError, OSError) as error:
        why = getattr(error, "code", type(error).__name__)
        log.warning("less is known of a film than there should be", extra={"why": why})
    return film


def _by(film: Film, card: Card) -> Film:
    """With whose likeness it is, and which consent allows it."""
    return replace(film, person=card.consent.of_a_person, consent=card.reference)


def note(path: Path) -> Path:
    """Where the note of a film lies that is not signed yet."""
    return path.with_name(path.name + NOTE)


def written(film: Film) -> bytes:
    """A film's note. The photo's credentials stay in the avatar's file."""
    said: dict[str, Any] = {key: value for key, value in asdict(film).items() if key != "photo"}
    return json.dumps(said).encode()


def noted(path: Path) -> Film:
    """What the note beside a film says. Raises ConfigError, which says what to do."""
    try:
        with note(path).open("rb") as file:
            said = json.loads(file.read(_LONGEST))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not signed late: only a recording is whose making was cut off here, and "
            f"beside which {note(path).name} still lies"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{note(path)} cannot be read: it signs nothing") from error
    kinds: dict[str, type] = {field.name: str for field in fields(Film) if field.name != "photo"}
    kinds |= {"marks": list, "person": bool, "late": bool}
    if not isinstance(said, dict) or not {"avatar", "kind"} <= said.keys() <= kinds.keys():
        raise ConfigError(f"{note(path)} is no note of a film: it signs nothing")
    if not all(isinstance(value, kinds[key]) for key, value in said.items()):
        raise ConfigError(f"{note(path)} is no note of a film: it signs nothing")
    return Film(**{**said, "marks": tuple(map(str, said.get("marks", [])))})
