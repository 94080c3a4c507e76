"""The voices of people that lie here, and whether each may be used: whoever wants one asks here.

Refused are a file that was changed or signed by nobody known, a consent that is over or was taken
back, a use or a language that it is not for. Built-in voices are nobody's likeness, and pass.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from visavis.engines import load
from visavis.engines.base import EngineError, Voice
from visavis.engines.language.languages import code_of
from visavis.engines.voices import own
from visavis.models import voice_file
from visavis.models.avatar.consent import Use
from visavis.models.errors import AvatarError
from visavis.models.voice_file import SUFFIX, VoiceCard
from visavis.server.avatars.revocations import Entry
from visavis.server.avatars.standing import Permit
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.errors import ConfigError, Ended, NotAllowed, NotFound

log = logging.getLogger(__name__)

_ENDED: Final = frozenset({"consent-revoked", "consent-expired"})
STATES: Final = {
    "": "in force",
    "consent-revoked": "taken back",
    "consent-expired": "over",
    "consent-clock": "the clock is wrong",
    "consent-unknown": "not known: the list of those taken back cannot be read",
    "voice-untrusted": "signed by another installation",
}
_USED: Final = {"live": "conversations", "videos": "videos", "camera": "video calls"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A voice that lies here. code: why it may not be used, "": it may; why: in words."""

    card: VoiceCard
    code: str = ""
    why: str = ""


class OwnVoices:
    """Voices by name. Reads files, but for what a permit tells: not for the event loop.

    avatars: whose signatures, lists of revocations and clock count here, too.
    """

    def __init__(self, avatars: AvatarStore) -> None:
        self.home, self._avatars = avatars.home, avatars
        self._told: set[str] = set()  # what the log has named

    def file(self, name: str) -> Path:
        """Where a voice lies, or would. Raises AvatarError for no name."""
        voice_file.check_name(name)
        return voice_file.folder_of(self.home) / f"{name}{SUFFIX}"

    def find(self) -> dict[str, Kept]:
        """All that can be read, by name."""
        self._avatars.revocations.look()
        return {name: self._judged(card) for name, card in own.cards(self.home).items()}

    def broken(self) -> dict[str, str]:
        """Files that cannot be read, and why."""
        return voice_file.listed(self.home)[1]

    def _judged(self, card: VoiceCard) -> Kept:
        counting = self._avatars.signatures.counting()
        if card.origin.signed_by not in (counting.own, *counting.keys):
            why = (
                f"{card.name}{SUFFIX} was signed by another installation: if it is one of yours, "
                f"`visavis avatar trust {card.origin.signed_by}`."
            )
            return Kept(card, "voice-untrusted", why)
        stands = self._avatars.standing(card)
        return Kept(card, stands.code, stands.why)

    def card(self, name: str) -> VoiceCard:
        """Be it in force or not. Raises NotFound."""
        found = own.cards(self.home)
        if name not in found:
            why = self.broken().get(name, "`visavis voice list` names those there are.")
            raise NotFound(f"There is no voice {name!r} of one's own: {why}")
        return found[name]

    def check(self, name: str, use: Use, language: str = "") -> None:
        """Raises NotAllowed, Ended, with the fix; a built-in voice may be used by everybody.

        language: BCP 47, in which it is to speak; "": its own.
        """
        kept = self._kept(name)
        if kept is None:
            return
        if kept.code:
            message = f"The voice {name!r} cannot be used: {kept.why}"
            raise (Ended if kept.code in _ENDED else NotAllowed)(message, kept.code)
        consent = kept.card.consent
        if use not in consent.uses:
            message = (
                f"The consent to the voice {name!r} is not for {_USED[use]}; it allows "
                f"{', '.join(consent.uses)}. If the person agrees, make it anew with --uses."
            )
            raise NotAllowed(message, "use-not-allowed")
        spoken = language or kept.card.language
        if consent.languages and code_of(spoken) not in consent.languages:
            message = (
                f"The consent to the voice {name!r} is for the languages "
                f"{', '.join(consent.languages)} only."
            )
            raise NotAllowed(message, "language-not-allowed")

    def allowed(self, name: str, use: Use) -> str:
        """The same name or, where it may not be used any more, "": another voice stands in."""
        try:
            self.check(name, use)
        except NotFound as error:
            if name not in self._told:
                self._told.add(name)
                extra = {"voice": name, "why": error.code}
                log.warning("a voice may not be used any more", extra=extra)
            return ""
        return name

    def permit(self, name: str) -> Permit | None:
        """Leave to use it for as long as its consent is in force; None: it needs none."""
        kept = self._kept(name)
        if kept is None:
            return None
        permit = self._avatars.permit(kept.card)
        permit.what = "voice"
        return permit

    def checked(self, name: str, uses: Sequence[Use]) -> Permit | None:
        """`check` for each use, then `permit`."""
        for use in uses:
            self.check(name, use)
        return self.permit(name)

    def edition(self, name: str) -> str:
        """SHA-256 of the file of a person's voice: what was said with another is out of date."""
        card = own.spoken(self.home).get(name)
        return card.origin.sha256 if card is not None else ""

    def usable(self, use: Use) -> tuple[Voice, ...]:
        """Every voice that can be had and may be used so: built in, or one's own."""
        self._avatars.revocations.look()
        kept = {name: self._judged(card) for name, card in own.spoken(self.home).items()}
        refused = {n for n, each in kept.items() if each.code or use not in each.card.consent.uses}
        return tuple(each for each in load.voices(self.home) if each.name not in refused)

    def _kept(self, name: str) -> Kept | None:
        if name in builtin(self.home):
            return None
        self._avatars.revocations.look()
        card = own.spoken(self.home).get(name)
        return self._judged(card) if card is not None else None

    def revocation(self, name: str, at: str, reason: str, by: str) -> Entry:
        """What goes into the list. name: a voice's. Raises NotFound, ConfigError, AvatarError."""
        card = self.card(name)
        self._avatars.revocations.look()
        if self._avatars.revocations.fault:
            raise ConfigError(self._avatars.revocations.fault)
        if self._avatars.revocations.of(card) is not None:
            raise AvatarError("consent-revoked", f"The consent to {name} was taken back before.")
        return Entry("revoked", card.reference, card.sample_sha256, name, at, reason, by)

    def check_new(self, card: VoiceCard) -> None:
        """A recording whose consent was taken back makes no voice again. Raises AvatarError."""
        self._avatars.revocations.look()
        if self._avatars.revocations.of(card) is not None:
            message = (
                "The consent to this recording was taken back: if the person agrees once more, "
                "record them anew."
            )
            raise AvatarError("consent-revoked", message)

    def revoke(self, entry: Entry) -> None:
        """Nobody uses it from now on, wherever the list is read. Raises ConfigError."""
        self._avatars.revocations.add([entry])

    def delete(self, name: str) -> str:
        """Its file, with the sample in it, and what a server keeps of it; words of what stays.

        Raises NotFound, AvatarError, OSError.
        """
        path = self.file(name)
        if not path.exists():
            raise NotFound(f"There is no voice {name!r} of one's own.")
        stays = ""
        try:
            own.forget(voice_file.read(path))
        except (EngineError, AvatarError) as error:
            stays = str(error)
        path.unlink()
        return stays


def builtin(home: Path) -> frozenset[str]:
    """Names of voices that are nobody's likeness."""
    return frozenset(each.name for each in load.voices(home) if each.licence != own.LICENCE)


def as_json(name: str, kept: Kept) -> dict[str, Any]:
    """What operators are shown of a voice."""
    card = kept.card
    return {
        "name": name,
        "language": card.language,
        "description": own.voice(card).description,
        "kind": card.kind,
        "state": STATES.get(kept.code, kept.code),
        "reference": card.reference,
        "until": card.consent.until,
        "uses": list(card.consent.uses),
        "languages": list(card.consent.languages),
        "alike": round(card.alike, 2),
    }
