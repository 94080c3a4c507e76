"""Where avatars are made from photos while sessions go on: one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from visavis.engines.base import EngineError
from visavis.models.avatar.file import Card, read_card
from visavis.models.clip.reading import is_clip
from visavis.models.errors import AvatarError
from visavis.server.avatars.baking import Baked, Order, Refused, Step
from visavis.server.avatars.comparing import given_anew
from visavis.server.avatars.identity import Identity
from visavis.server.avatars.making import Making
from visavis.server.avatars.presence import Evidence
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.audit import Audit, Unaudited
from visavis.server.system.errors import Busy, ConfigError, Conflict, Forbidden, NotFound
from visavis.server.system.faults import fault
from visavis.server.system.flow import Tasks, Worker

log = logging.getLogger(__name__)

_KEPT: Final = 16  # jobs that can still be asked about
_PATIENCE: Final = 180.0  # s for one avatar; it takes about 5 on a quiet 2.4 GHz core
_CLIP_PATIENCE: Final = 1200.0  # s for one made of a clip, which takes 40 to 90
_FREE_AGAIN: Final = "Another avatar is being made. Try again in a few seconds."
_WHOSE: Final = "likeness-", "presence-"  # how codes begin that are about who it is
_ENDED: Final = "Making the avatar was ended before it was done."
_TOO_LONG: Final = (
    "Making the avatar took too long. Try again with a smaller photo or a shorter clip."
)


@dataclass(slots=True)
class Job:
    """One avatar in the making. `failure` says why there is none; `warnings` what will look bad."""

    id: str
    name: str
    state: Literal["making", "done", "failed", "cancelled"] = "making"
    what: str = "waiting"
    share: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Refused | None = None


class Workshop:
    """Makes avatars of the operator's own, and removes them; nothing else is touched."""

    def __init__(
        self, store: AvatarStore, audit: Audit | None = None, identity: Identity | None = None
    ) -> None:
        """identity: None where nobody asks whose face it is."""
        self._store, self._audit, self._identity = store, audit or Unaudited(), identity
        self._worker = Worker("workshop")
        self._tasks = Tasks()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._bakes: dict[str, Making] = {}
        self._taken = False

    def check_free(self) -> None:
        """Raises Busy."""
        if self._taken:
            raise Busy(_FREE_AGAIN)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take the one place; `start` keeps it until the job ends. Raises Busy."""
        self.check_free()
        self._taken = True
        try:
            yield
        finally:
            self._taken = bool(self._bakes)

    def start(self, order: Order, photo: bytes, evidence: Evidence | None = None) -> Job:
        """Begin; call it inside `place`. photo: or a clip. evidence: that the person is there."""
        job = Job(secrets.token_urlsafe(9), order.name)
        self._jobs[job.id] = job
        while len(self._jobs) > _KEPT:
            self._jobs.popitem(last=False)
        bake = Making(order, photo, self._store.sealed, self._identity, evidence)
        self._bakes[job.id] = bake
        patience = _CLIP_PATIENCE if is_clip(photo[:16]) else _PATIENCE
        self._tasks.start(self._make(job, bake, patience), f"bake {job.id}")
        return job

    def job(self, name: str) -> Job:
        """Raises NotFound."""
        if name not in self._jobs:
            msg = "There is no such job; it may be long over."
            raise NotFound(msg)
        return self._jobs[name]

    def cancel(self, job: Job) -> None:
        """End a job that is still running; nothing of it stays."""
        if bake := self._bakes.get(job.id):
            job.state = "cancelled"
            bake.kill()

    async def remove(self, name: str, others: set[str]) -> None:
        """Delete an avatar that was made here; `others` exist but are not ours to delete.

        Raises NotFound, Forbidden, Conflict.
        """
        try:
            await asyncio.to_thread(self._store.file(name).unlink)
        except FileNotFoundError:
            if name in others:
                msg = f"The avatar {name!r} came with visavis and stays."
                raise Forbidden(msg, "avatar-shipped") from None
            msg = f"There is no avatar {name!r}."
            raise NotFound(msg) from None
        except OSError as error:
            msg = f"The avatar {name!r} cannot be removed: {error.strerror or 'unknown reason'}."
            raise Conflict(msg, "avatar-unwritable") from error
        if self._identity is not None and self._identity.comparing is not None:
            await asyncio.to_thread(self._identity.comparing.forget, name)
        log.info("avatar removed", extra={"avatar": name})
        self._audit.record("avatar-deleted", avatar=name, door="page")

    async def close(self) -> None:
        """End what is running."""
        for bake in self._bakes.values():
            bake.kill()
        await self._tasks.close()
        self._worker.close()

    async def _make(self, job: Job, bake: Making, patience: float) -> None:
        """From the first step to the end; the place is free before the end is told."""
        outcome: Baked | Refused | None = None
        try:
            async with asyncio.timeout(patience):
                outcome = await self._follow(job, bake)
        except TimeoutError:
            outcome = Refused("bake-timeout", _TOO_LONG)
        except EngineError as error:
            outcome = Refused("bake-failed", str(error))
        finally:
            bake.kill()
            del self._bakes[job.id]
            self._taken = False
        await self._end(job, outcome)

    async def _follow(self, job: Job, bake: Making) -> Baked | Refused | None:
        """Note every step; what it came to, None when it was killed."""
        outcome = None
        async with contextlib.aclosing(self._worker.stream(bake.run)) as events:
            async for event in events:
                if isinstance(event, Step):
                    job.what, job.share = event.what, event.share
                else:
                    outcome = event
        return outcome

    async def _end(self, job: Job, outcome: Baked | Refused | None) -> None:
        if job.state == "cancelled":
            if isinstance(outcome, Baked):  # in its very last moment
                await asyncio.to_thread(self._store.file(job.name).unlink, missing_ok=True)
        elif isinstance(outcome, Baked):
            job.state, job.share, job.warnings = "done", 1.0, outcome.warnings
            self._audit.record("avatar-made", avatar=job.name, door="page")
            await self._note_consent(job.name)
        else:
            job.state, job.failure = "failed", outcome or Refused("bake-failed", _ENDED)
            if job.failure.code.startswith(_WHOSE):
                self._audit.record(
                    "consent-refused", avatar=job.name, why=job.failure.code, door="page"
                )
        failure = job.failure.code if job.failure else None
        extra = {"avatar": job.name, "state": job.state, "failure": failure}
        log.info("an avatar's making ended", extra=extra)

    async def _count(self, card: Card) -> None:
        try:
            await asyncio.to_thread(given_anew, self._store, card)
        except (ConfigError, OSError) as error:  # it stays refused, and says so
            log.warning("a consent was not given anew", extra={"fault": fault(error)})

    async def _note_consent(self, name: str) -> None:
        try:
            card = await asyncio.to_thread(read_card, self._store.file(name))
        except AvatarError:  # removed at once
            return
        consent = card.consent
        if consent.proof:
            await self._count(card)
        self._audit.record(
            "consent-given", avatar=name, reference=card.reference, door="page",
            uses=" ".join(consent.uses), until=consent.until or "never",
            presence="shown" if consent.proof else "not shown",
            likeness="explained" if consent.likeness else "none",
        )  # fmt: skip
