"""One avatar from the form to the file: the video of the person looked at, then the bake."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import replace

from visavis.server.avatars.baking import Bake, Event, Order, Refused, Step
from visavis.server.avatars.footage import Unusable
from visavis.server.avatars.identity import Identity
from visavis.server.avatars.presence import Evidence, Witness


class Making:
    """A plain iterator for a Worker's thread, which may be killed from any."""

    def __init__(
        self,
        order: Order,
        photo: bytes,
        seal: Callable[[bytes], bytes],
        identity: Identity | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        """seal: signs the file. identity: None where nobody asks whose face it is. evidence: that
        the person is there."""
        self._order, self._photo, self._seal = order, photo, seal
        self._identity, self._evidence = identity, evidence
        self._running: Bake | Witness | None = None
        self._killed = False

    def run(self) -> Iterator[Event]:
        """Steps, then Baked or Refused; when killed it just ends."""
        if self._identity is not None and self._evidence is not None:
            yield Step("looking at the video", 0.0)
            try:
                self._order = self._proven(self._identity, self._evidence)
            except Unusable as error:
                if not self._killed:
                    yield Refused(error.code, error.message)
                return
        comparing = self._identity.comparing if self._identity is not None else None
        bake = self._running = Bake(self._order, self._photo, self._seal, comparing)
        if not self._killed:
            yield from bake.run()

    def kill(self) -> None:
        """End it now; nothing of it stays."""
        self._killed = True
        if self._running is not None:
            self._running.kill()

    def _proven(self, identity: Identity, evidence: Evidence) -> Order:
        """The order with its proof in the record. Raises Unusable."""
        witness = self._running = Witness(identity.home)
        proof = witness.look(self._photo, evidence, datetime.datetime.now(datetime.UTC))
        self._evidence = None  # the video is not needed any more
        consent = replace(self._order.consent, proof=str(proof))
        return replace(self._order, consent=consent, present=True)
