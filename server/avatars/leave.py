"""Leave to show a face, and to speak with a voice, looked at while a long film of it is made, too."""

from __future__ import annotations

import time
from typing import Final

from visavis.models.avatar.file import Card
from visavis.server.avatars.standing import Permit, first_of
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.errors import Ended

_LOOK: Final = 5.0  # s between two looks at the lists


class Leave:
    """Of one film for one face. voice: leave to speak with a person's; None: it needs none."""

    def __init__(self, store: AvatarStore, card: Card, voice: Permit | None = None) -> None:
        self._lists, self._over = store.revocations, first_of(store.permit(card), voice)
        self._looked = time.monotonic()
        self.over = ""  # why it is, in words; empty: it is not

    def check(self) -> None:
        """Raises Ended. Cheap: it looks every few seconds."""
        if time.monotonic() - self._looked >= _LOOK:
            self._lists.look()
            self._looked = time.monotonic()
            self.over = self._over()
        if self.over:
            raise Ended(self.over, "consent-revoked")
