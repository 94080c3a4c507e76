"""How often an address may offer a session: each offer takes 5 to 20 ms to answer."""

from __future__ import annotations

from typing import Final

from visavis.server.http.callers import is_here
from visavis.server.http.throttle import Throttle
from visavis.server.system.errors import TooMany

RESUME: Final = "Visavis-Resume"  # header: the token of the session that an offer goes on with
AWAY: Final = "There is no such session any more: it waited too long, or its place was needed."
_MOST: Final = 50, 10.0  # of one address in so many seconds


class Offers:
    """Those that came, by caller."""

    def __init__(self) -> None:
        self._throttle = Throttle(*_MOST)

    def count(self, who: str) -> None:
        """One more. Raises TooMany; never for this machine's own address."""
        wait = 0 if is_here(who) else self._throttle.again(who)
        if wait:
            raise TooMany("Too many offers from this address. Wait, then try again.", wait)
