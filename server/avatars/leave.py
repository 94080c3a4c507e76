"""Leave to show a face, looked at while a long film of it is made, too."""

from __future__ import annotations

import time
from typing import Final

from visavis.models.avatar.file import Card
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.errors import Ended

_LOOK: Final = 5.0  # s between two looks at the lists


class Leave:
    """Of one film for one face."""

    def __init__(self, store: AvatarStore, card: Card) -> None:
        self._lists, self._permit = store.revocations, store.permit(card)
        self._looked = time.monotonic()
        self.over = ""  # why it is, in words; empty: it is not

    def check(self) -> None:
        """Raises Ended. Cheap: it looks every few seconds."""
        if time.monotonic() - self._looked >= _LOOK:
            self._lists.look()
            self._looked = time.monotonic()
            self.over = self._permit.over()
        if self.over:
            raise Ended(self.over, "consent-revoked")
