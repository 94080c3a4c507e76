"""Where the avatars of one server lie: those that came with visavis, and the operator's own.

Whoever wants to use one asks here, so here it is refused: a file that was changed or signed by
nobody known, a consent that is over or was taken back, a use or a language that it is not for.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from visavis.models.avatar.consent import Likeness, Use
from visavis.models.avatar.file import (
    SHIPPED,
    SUFFIX,
    Avatar,
    Card,
    check_name,
    list_avatars,
    load_avatar,
    read_card,
    read_preview,
)
from visavis.models.avatar.seal import sealed
from visavis.models.errors import AvatarError
from visavis.server.avatars import standing
from visavis.server.avatars.revocations import FOLDER, Revocations
from visavis.server.avatars.signatures import Counting, Signatures
from visavis.server.avatars.standing import Permit, Standing
from visavis.server.system.errors import Ended, NotAllowed, NotFound
from visavis.server.system.installation import Installation

log = logging.getLogger(__name__)

_FOLDER: Final = "avatars"  # under the directory for state
_ENDED: Final = frozenset({"consent-revoked", "consent-expired"})
_REFUSED: Final = frozenset(
    {"avatar-changed", "avatar-unsigned", "avatar-untrusted", "consent-clock", "consent-unknown"}
)


@dataclass(frozen=True, slots=True)
class Found:
    """Avatar files by name; of those that cannot be used, why not; of the folder, if none can.

    cards: of all that can be read, be they in force or not. codes: of those in `broken` that are
    whole and may not be used.
    """

    readable: dict[str, Path] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    closed: str = ""
    cards: dict[str, Card] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)


class AvatarStore:
    """Avatars by name. Everything here reads files, but for `permit`: not for the event loop."""

    def __init__(
        self, home: Path, shared: Path | None = None, wall: standing.Wall = standing.utc,
        keys: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """shared: a list of revocations of several machines. keys: public keys that are trusted."""
        self.home, self.folder = home, home / _FOLDER
        self.signatures = Signatures(home, keys)
        self.revocations = Revocations(home, self.signatures, shared)
        self._wall = wall
        self._told: set[tuple[str, str]] = set()  # what the log has named

    def file(self, name: str) -> Path:
        """Where an avatar of the operator's lies, or would. Raises AvatarError for no name."""
        check_name(name)
        return self.folder / f"{name}{SUFFIX}"

    def find(self) -> Found:
        """What there is now; the operator's avatars may take the names of shipped ones."""
        paths, broken = list_avatars(SHIPPED)
        closed = ""
        try:
            own, own_broken = list_avatars(self.folder)
            paths.update(own)
            broken.update(own_broken)
        except OSError as error:
            closed = f"{self.folder} cannot be read: {error.strerror or 'unknown reason'}"
            self._tell("the folder of avatars cannot be read", str(self.folder), closed)
        found = Found(broken=broken, closed=closed)
        self.signatures.adopt(self.folder)
        self.revocations.look()
        if fault := self.revocations.fault:
            self._tell("the list of consents taken back is not believed", FOLDER, fault)
        counting = self.signatures.counting()
        for name, path in paths.items():
            self._judge(found, name, path, counting)
        for name, why in broken.items():
            self._tell("an avatar cannot be used", name, why)
        return found

    def _judge(self, found: Found, name: str, path: Path, counting: Counting) -> None:
        try:
            card = found.cards[name] = read_card(path)
            counting.check(card, path)
        except AvatarError as error:
            found.broken[name] = error.message
            found.codes[name] = error.code
            return
        stands = self.standing(card)
        if stands.code:
            found.broken[name] = stands.why
            found.codes[name] = stands.code
        else:
            found.readable[name] = path

    def standing(self, card: Likeness) -> Standing:
        """Whether a consent is in force, as of the last look at the lists."""
        return standing.standing(card, self.revocations, self._wall())

    def permit(self, card: Likeness) -> Permit:
        """A session's leave to use a likeness for as long as its consent is in force."""
        return Permit(card, self.revocations, self._wall)

    def _tell(self, what: str, name: str, why: str) -> None:
        """Once each."""
        if (name, why) not in self._told:
            self._told.add((name, why))
            log.warning(what, extra={"avatar": name, "why": why})

    def path(self, name: str) -> Path:
        """The file of an avatar. Raises NotFound, which says why if it cannot be used."""
        found = self.find()
        if name in found.readable:
            return found.readable[name]
        if name not in found.broken:
            msg = f"There is no avatar {name!r}: `visavis avatar list` names those there are."
            raise NotFound(msg)
        message = f"The avatar {name!r} cannot be used: {found.broken[name]}"
        code = found.codes.get(name, "")
        if code in _ENDED:
            raise Ended(message, code)
        if code in _REFUSED:
            raise NotAllowed(message, code)
        raise NotFound(message)

    def has(self, name: str) -> bool:
        """Whether there is an avatar of that name, be it one that may not be used any more."""
        found = self.find()
        return name in found.readable or name in found.codes

    def usable(self, name: str, *uses: Use) -> tuple[Path, Card]:
        """The file and the card of an avatar that may be used so. Raises NotFound."""
        path = self.path(name)
        try:
            card = read_card(path)
        except AvatarError as error:  # it broke, or went, since it was looked for
            raise _broken(name, error) from error
        for use in uses:
            standing.check_use(card, use, name)
        return path, card

    def vouch(self, card: Card, path: Path) -> None:
        """What was read is signed as it must be, whatever lay there before. Raises AvatarError."""
        self.signatures.counting().check(card, path)

    def load(self, name: str, use: Use) -> Avatar:
        """An avatar that may be used so. Raises NotFound, AvatarError."""
        path = self.path(name)
        avatar = load_avatar(path)
        self.vouch(avatar.card, path)
        standing.check_use(avatar.card, use, name)
        return avatar

    def sealed(self, content: bytes) -> bytes:
        """An avatar's file, signed by this installation. Raises KeyFault."""
        return sealed(content, Installation.of(self.home))

    def standing_in(self, name: str) -> str:
        """An avatar by its name or, where its consent does not hold any more, another one.

        A server is to start for all the others. Raises NotFound where there is no such name.
        """
        try:
            self.path(name)
        except (Ended, NotAllowed):
            others = sorted(self.find().readable)
            if not others:
                raise
            self._tell("the usual avatar may not be used", name, f"{others[0]} stands in")
            return others[0]
        return name

    def voice(self, name: str) -> str:
        """The voice that belongs to an avatar; "": it has none. Raises NotFound."""
        return self.usable(name)[1].voice

    def preview(self, name: str) -> bytes:
        """An avatar's picture as WebP. Raises NotFound."""
        try:
            return read_preview(self.path(name))
        except AvatarError as error:  # it broke, or went, since it was looked for
            raise _broken(name, error) from error


def _broken(name: str, error: AvatarError) -> NotFound:
    return NotFound(f"The avatar {name!r} cannot be used: {error.message}")


def title(name: str) -> str:
    """An avatar's name as people write it: "anna-example" -> "Anna Example"."""
    return name.replace("-", " ").title()
