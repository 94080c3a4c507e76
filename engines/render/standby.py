"""Two generators as one: a fast one on a device while it works, and one that always does.

The fast one is made in a thread of its own, and draws as soon as its first pictures are those of
the other one. Whatever goes wrong with it later, the picture under way is drawn by the other one,
and so are all others until it was made anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol, TypeVar

import numpy as np

from visavis.engines.base import (
    I420,
    EngineError,
    EngineHung,
    FaceState,
    Generator,
    Portrayal,
    Puppet,
)
from visavis.engines.render import posing
from visavis.engines.render.lane import Lane
from visavis.engines.render.runtimes import Standing
from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.pictures import double

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES: Final = (10.0, 30.0, 120.0, 600.0)  # s before it is tried again, the last for ever
_LOOK: Final = 0.1  # s between looks whether the end has come
_LATES, _LATE_IN = 4, 60.0  # calls given up in so many s that are forgiven
_HUNG: Final = 2.0  # s after which a call that nobody waits for any more is taken for dead
_MAKE: Final = 3600.0  # s to make it, an engine's build included
_PLACE: Final = 60.0  # s for one avatar
# Of 255: what no viewer sees is below 2 and 12; what is above these is another picture.
_MEAN, _BLOCK = 4.0, 48.0
_TILE: Final = 8  # px


class Fast(Generator, Protocol):
    """A generator that draws from what another one has prepared.

    patience: s after which a call is not waited for. standing: what it is.
    """

    patience: float
    standing: Standing

    def pack(self, puppet: Puppet) -> object:
        """The sure generator's puppet as it goes to the device; uses no device itself.

        Raises EngineError: the sure one must draw that.
        """
        ...

    def place(self, packed: object) -> Puppet:
        """Put it there. Raises EngineError."""
        ...


@dataclass(eq=False, slots=True)
class _Pair:
    """One avatar. fast: as prepared by the fast generator of that number; None: not, or never.

    shape: of its pictures.
    """

    sure: Puppet
    shape: tuple[int, int]
    fast: Puppet | None = None
    of: int = 0


@dataclass(eq=False, slots=True)
class _Active:
    """A fast generator that was made. placing: its lane is kept busy by an avatar that comes."""

    number: int
    generator: Fast
    lane: Lane
    since: float
    placing: bool = False
    lates: list[float] = field(default_factory=list)  # when calls were given up

    def was_late(self, now: float) -> bool:
        """Whether that happens too often: each time pictures came too late."""
        self.lates = [*(at for at in self.lates if now - at < _LATE_IN), now]
        return len(self.lates) > _LATES

    def call(self, work: Callable[[], T], patience: float | None = None) -> T:
        return self.lane.call(work, self.generator.patience if patience is None else patience)

    def drop(self) -> None:
        """Whatever it holds goes, once it answers."""
        self.lane.abandon(self.generator.close)


class Standby:
    """engines.base.Generator. make: the fast generator, ready to draw; raises EngineError.

    told: who draws, whenever that changes; from any thread. The thread that makes the fast one
    begins with the first picture: what was made before a fork would be of no use after it.
    """

    def __init__(
        self, sure: Generator, make: Callable[[], Fast], told: Callable[[Standing], None],
        pauses: Sequence[float] = PAUSES,
    ) -> None:  # fmt: skip
        self.width, self.height, self.batch = sure.width, sure.height, sure.batch
        # What the sure one may be asked beyond the Protocol; the fast one draws whole pictures.
        self.patches = bool(getattr(sure, "patches", False))
        self._sure, self._make, self._told = sure, make, told
        self._pauses = tuple(pauses)
        self._failures = 0
        self._made = 0
        self._pairs: list[_Pair] = []
        self._fast: _Active | None = None
        self._lock = threading.Lock()  # of the fields above, never held while something is drawn
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        told(Standing("warp", "CPU", "the faster renderer is being made ready"))

    def prepare(self, avatar: Avatar) -> Puppet:
        """For the sure one now, for the fast one as soon as its thread comes to it."""
        pair = _Pair(self._sure.prepare(avatar), self._shape(avatar))
        with self._lock:
            self._pairs.append(pair)
        self._wake.set()
        return Puppet(pair)

    def _shape(self, avatar: Avatar) -> tuple[int, int]:
        if avatar.backdrop.kind == "nothing":
            return double.shape(self.width, self.height)
        return self.height * 3 // 2, self.width

    def release(self, puppet: Puppet) -> None:
        """Free both halves."""
        pair = _pair(puppet)
        with self._lock:
            if pair in self._pairs:
                self._pairs.remove(pair)
            active, half, of = self._fast, pair.fast, pair.of
            pair.fast = None
        self._sure.release(pair.sure)
        if active is not None and half is not None and active.number == of:
            with suppress(EngineError):  # it is being given up then, with all that it holds
                active.call(lambda: active.generator.release(half))

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """By the fast one what it can draw, the rest, and everything where it fails, by the CPU."""
        self._begin()
        for one in portrayals:
            posing.check(one.state)  # a state that is none is nobody's fault here
        pairs = [_pair(one.puppet) for one in portrayals]
        fast = self._fast
        drawn = self._drawn_fast(fast, pairs, portrayals, deadline) if fast else {}
        left = [n for n in range(len(pairs)) if n not in drawn]
        if left:
            asked = [replace(portrayals[n], puppet=pairs[n].sure) for n in left]
            drawn |= dict(zip(left, self._sure.draw(asked, deadline), strict=True))
        return [drawn[n] for n in range(len(pairs))]

    def close(self) -> None:
        """End the thread, and both generators."""
        self._closed = True
        self._wake.set()
        with self._lock:
            active, self._fast = self._fast, None
        if active is not None:
            with suppress(EngineError):
                active.call(active.generator.close, _HUNG)
            active.lane.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_HUNG)
        self._sure.close()

    def _drawn_fast(
        self, fast: _Active, pairs: Sequence[_Pair], portrayals: Sequence[Portrayal],
        deadline: float,
    ) -> dict[int, I420]:  # fmt: skip
        """Pictures by their place; empty where it did not draw them."""
        late = fast.lane.late_for
        if fast.placing:
            return {}
        if late:  # nobody queues behind a call that hangs
            if late > _HUNG:
                self._degrade(fast, f"{fast.generator.standing.renderer} hangs")
            return {}
        halves = {n: p.fast for n, p in enumerate(pairs) if p.of == fast.number}
        asked = {n: Portrayal(half, portrayals[n].state) for n, half in halves.items() if half}
        if not asked:
            return {}
        work = list(asked.values())
        try:
            made = fast.call(lambda: fast.generator.draw(work, deadline))
            _check(made, [pairs[n].shape for n in asked])
        except EngineHung:
            if fast.was_late(time.monotonic()):  # else the next pictures tell
                self._degrade(fast, f"{fast.generator.standing.renderer} is too slow")
            return {}
        except Exception as error:  # noqa: BLE001 (the border: whatever a device's library throws)
            self._degrade(fast, _words(error))
            return {}
        return dict(zip(asked, made, strict=True))

    def _degrade(self, active: _Active, why: str) -> None:
        """The CPU draws from now on; once, whoever of several threads comes first."""
        with self._lock:
            if self._fast is not active:
                return
            self._fast = None
            self.batch = self._sure.batch
            if time.monotonic() - active.since > self._pauses[-1]:
                self._failures = 0  # it worked for long: an accident, not a habit
        active.drop()
        self._say_failed(why)
        self._wake.set()

    def _say_failed(self, why: str) -> None:
        self._failures += 1
        self._told(Standing("warp", "CPU", f"{why}; tried again in {self._pause:.0f} s"))

    @property
    def _pause(self) -> float:
        return self._pauses[min(self._failures, len(self._pauses)) - 1] if self._failures else 0.0

    def _begin(self) -> None:
        """Threads do not outlive a fork: each process begins its own, with its first picture."""
        if self._thread is not None and (self._thread.is_alive() or self._closed):
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._keep, name="standby", daemon=True)
                self._thread.start()

    def _keep(self) -> None:
        """Make the fast generator, adopt what is prepared, and begin again when it fails."""
        while not self._closed:
            self._wake.clear()
            active = self._fast
            if active is None:
                self._wait()
                active = self._made_anew()
            else:
                try:
                    self._adopt_all(active)
                except EngineError as error:  # of those that came: the others are drawn as before
                    _say_refused(error)
            if active is not None:
                self._wake.wait()

    def _wait(self) -> None:
        """The pause after a failure, however often something else happens meanwhile."""
        until = time.monotonic() + self._pause
        while not self._closed and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))

    def _made_anew(self) -> _Active | None:
        """Ready, checked with every avatar that is prepared, and in force; None: it failed."""
        lane = Lane("renderer")
        self._made += 1
        try:
            generator = lane.call(self._make, _MAKE)
        except Exception as error:  # noqa: BLE001 (the border: whatever a device's library throws)
            lane.abandon(lambda: None)
            self._say_failed(_words(error))
            return None
        active = _Active(self._made, generator, lane, time.monotonic())
        try:
            self._adopt_all(active)
        except EngineError as error:
            active.drop()
            self._say_failed(str(error))
            return None
        return self._put_in_force(active)

    def _put_in_force(self, active: _Active) -> _Active | None:
        with self._lock:
            if self._closed:
                active.drop()
                return None
            self._fast, self.batch = active, active.generator.batch
        self._told(active.generator.standing)
        return active

    def _adopt_all(self, active: _Active) -> None:
        """Whatever that generator has not seen. Raises EngineError where nothing came out right."""
        with self._lock:
            unseen = [pair for pair in self._pairs if pair.of != active.number]
        adopted, failed = 0, list[EngineError]()
        for pair in unseen:
            pair.of, pair.fast = active.number, None
            try:
                packed = active.generator.pack(pair.sure)
            except EngineError as error:
                _say_refused(error)
                continue
            try:
                self._adopt(active, pair, packed)
                adopted += 1
            except Exception as error:  # noqa: BLE001 (as above)
                failed.append(EngineError(_words(error)))
        if failed and not adopted:
            raise failed[0]
        for refused in failed:
            _say_refused(refused)

    def _adopt(self, active: _Active, pair: _Pair, packed: object) -> None:
        """Hand one avatar over, and see that it looks the same. Raises EngineError."""
        generator, kept = active.generator, False
        active.placing = True
        try:
            half = active.call(lambda: generator.place(packed), _PLACE)
            try:
                self._try(active, half, pair.sure)
                with self._lock:
                    if kept := pair in self._pairs:
                        pair.fast = half
            finally:
                if not kept:  # wrong, or released meanwhile
                    with suppress(EngineError):
                        active.call(lambda: generator.release(half))
        finally:
            active.placing = False

    def _try(self, active: _Active, half: Puppet, sure: Puppet) -> None:
        """Raise EngineError where the fast one's first pictures are not those of the sure one."""
        for state in _TRIALS:
            asked = [Portrayal(half, state)]
            made = active.call(partial(active.generator.draw, asked, 0.0), _PLACE)
            _compare(made, self._sure.draw([Portrayal(sure, state)], 0))


def _trials() -> tuple[FaceState, ...]:
    """At rest, and everything moved a little: both look at every input of the graph."""
    some = np.full(arkit.COUNT, 0.3, np.float32)
    turned = np.array([8, -5, 3, 0.05, 0.03, 0.05], np.float32)
    look = np.array([6, -4], np.float32)
    return FaceState(), FaceState(some, turned, look, 0.5, 0.5 * turned, 0.5)


_TRIALS: Final = _trials()


def _say_refused(error: EngineError) -> None:
    log.warning("an avatar is drawn by the CPU", extra={"why": str(error)})


def _words(error: Exception) -> str:
    """An EngineError's own, else only its kind: others may quote anything."""
    return str(error) if isinstance(error, EngineError) else type(error).__name__


def _compare(drawn: Sequence[I420], expected: Sequence[I420]) -> None:
    """Raise EngineError where a viewer would see another picture.

    A library may draw nonsense without a word: matrix products on a Turing card with TensorRT-RTX
    do (pytorch/TensorRT#4643), and so do damaged cards.
    """
    (made,), (sure,) = drawn, expected
    if made.shape != sure.shape or made.dtype != sure.dtype:
        raise EngineError(f"its pictures have the shape {made.shape}, {made.dtype}")
    apart = np.abs(made.astype(np.int16) - sure)
    rows, columns = (n - n % _TILE for n in apart.shape)
    tiles = apart[:rows, :columns].reshape(rows // _TILE, _TILE, columns // _TILE, _TILE)
    mean, worst = float(apart.mean()), float(tiles.mean(axis=(1, 3)).max())
    if mean > _MEAN or worst > _BLOCK:
        raise EngineError(
            f"its pictures are not those of the CPU: {mean:.1f} apart, {worst:.0f} at the most"
        )


def _check(made: Sequence[I420], shapes: Sequence[tuple[int, int]]) -> None:
    if [each.shape for each in made] != list(shapes):
        count = len(shapes)
        raise EngineError(f"the renderer made {len(made)} pictures of {count}, or of another size")


def _pair(puppet: Puppet) -> _Pair:
    if not isinstance(puppet, _Pair):
        raise EngineError("the puppet was prepared by another generator")
    return puppet
