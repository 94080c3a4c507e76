"""Leave to show a face and to use a voice, looked at while a long film of them is made, too."""

from __future__ import annotations

import time
from typing import Final

from visavis.server.avatars.standing import Permit
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.errors import Ended

_LOOK: Final = 5.0  # s between two looks at the lists


class Leave:
    """Of one film for all that it needs leave for."""

    def __init__(self, store: AvatarStore, *permits: Permit) -> None:
        self._lists, self._permits = store.revocations, permits
        self._looked = time.monotonic()
        self.over = ""  # why it is, in words; empty: it is not

    def check(self) -> None:
        """Raises Ended. Cheap: it looks every few seconds."""
        if time.monotonic() - self._looked >= _LOOK:
            self._lists.look()
            self._looked = time.monotonic()
            self.over = next(filter(None, (each.over() for each in self._permits)), "")
        if self.over:
            raise Ended(self.over, "consent-revoked")
