"""Which worker has which session, and the places of all of them together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from visavis.server.http.keepsakes import Keepsakes, Kept
from visavis.server.http.places import Places
from visavis.server.processes.worker import Distant, Worker
from visavis.server.system.errors import Full

_KEPT: Final = 4096  # names of sessions that were lost
_ELSEWHERE: Final = "This session is being opened by another process. Try again in a moment."


class Register:
    """Of one parent. What workers say of their sessions goes to `hear`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._where: dict[str, Worker] = {}  # by session
        self._lost: OrderedDict[str, None] = OrderedDict()
        self._keepsakes = Keepsakes()  # of sessions that are over, whichever worker had them
        self._heard: dict[str, Callable[..., None]] = {
            "take": self._take,
            "hold": self._hold,
            "state": self._becomes,
            "move": self._move,
            "free": self._free,
            "keep": self._keep,
            "recall": self._recall,
        }

    def of(self, name: str) -> Worker | None:
        """Who has the session of that name."""
        worker = self._where.get(name)
        return worker if worker is not None and not worker.is_over else None

    def has_lost(self, name: str) -> bool:
        """Whether a session of that name went with its worker."""
        return name in self._lost

    def may_go_on(self, name: str) -> bool:
        """Whether a session of that name left what another worker's can go on with."""
        return self._keepsakes.has(name)

    def bury(self, worker: Worker) -> None:
        """It is gone, and its sessions with it."""
        for name in worker.names:
            self._places.free(name)
            self._where.pop(name, None)
            self._lost[name] = None
        while len(self._lost) > _KEPT:
            self._lost.popitem(last=False)

    def hear(self, worker: Worker, kind: str, content: Any) -> bool:
        """What a worker says; False: it is not about sessions. Raises TypeError, ValueError."""
        if kind not in self._heard:
            return False
        self._heard[kind](worker, *content)
        return True

    def _take(self, worker: Worker, number: int, name: str, caller: str) -> None:
        if self._where.get(name, worker) is not worker:
            worker.tell("taken", [number, {"detail": _ELSEWHERE, "retry_after": 1}])
            return
        try:
            leaving = self._places.take(str(name), str(caller))
        except Full as error:
            refused = {"detail": error.detail, "retry_after": error.retry_after}
            worker.tell("taken", [number, refused])
            return
        worker.names[name] = Distant("offered", monotonic(), begun=False)
        self._where[name] = worker
        self._lost.pop(name, None)
        worker.tell("taken", [number, None])
        if leaving is not None:
            self._send_away(leaving)

    def evict(self, name: str) -> None:
        """End the session of that name, whose visitor is away: its place is needed."""
        self._places.free(name)
        self._send_away(name)

    def check(self, caller: str) -> None:
        """Raises Full where nobody of that address would get a place now."""
        self._places.check(caller)

    def _send_away(self, name: str) -> None:
        if (worker := self._where.pop(name, None)) is not None:
            worker.names.pop(name, None)
            worker.tell("leave", name)

    def _hold(self, worker: Worker, name: str, *told: Any) -> None:
        self._becomes(worker, name, *told)
        if name in worker.names:
            self._places.hold(name, worker.names[name])

    def _becomes(self, worker: Worker, name: str, *told: Any) -> None:
        if name in worker.names:
            worker.names[name].becomes(*told)

    def _move(self, worker: Worker, name: str, caller: str) -> None:
        if name in worker.names:
            self._places.move(name, str(caller))

    def _free(self, worker: Worker, name: str) -> None:
        if worker.names.pop(name, None) is not None:
            self._where.pop(name, None)
            self._places.free(name)

    def _keep(self, _worker: Worker, name: str, *kept: Any) -> None:
        proof, until, content = kept
        self._keepsakes.keep(str(name), Kept(str(proof), float(until), str(content)))

    def _recall(self, worker: Worker, number: int, token: str) -> None:
        kept = self._keepsakes.take(str(token))
        told = None if kept is None else [kept.proof, kept.until, kept.content]
        worker.tell("recalled", [number, told])
