"""Many faces at once: the layered warp as a graph on a device that holds the avatars."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420, EngineError, FaceState, Portrayal, Puppet
from visavis.engines.render import posing
from visavis.engines.render.refining import Refined
from visavis.engines.render.runtimes import BUCKETS, Bank, Runtime, Standing
from visavis.models.avatar.file import Avatar
from visavis.models.errors import ModelError
from visavis.models.graph import packing
from visavis.models.graph.spec import Spec
from visavis.models.pictures import double
from visavis.models.refine.windows import Places, places
from visavis.models.warp import scene
from visavis.models.warp.moving import Moving

Bytes = npt.NDArray[np.uint8]

AVATARS: Final = 64  # that a device holds at most, and that engines are built for
_CPU_BATCH: Final = 4  # where nothing is gained by more


class AvatarBank(Protocol):
    """models.graph.bank.Bank: places for avatars; arrays are new ones when generation has grown."""

    generation: int

    @property
    def arrays(self) -> Bank: ...

    def add(self, arrays: Mapping[str, npt.NDArray[Any]]) -> int: ...
    def remove(self, slot: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Face:
    """What the rows of an avatar are made from. places: where it is refined; None: nowhere."""

    scene: scene.Scene
    places: Places | None


@dataclass(frozen=True, slots=True)
class Packed:
    """An avatar as it goes to the device. plates: what it is drawn before, in place of its own.

    One whose pictures are double is drawn twice, before black and before white: what differs is
    its matte. So there is one graph for all of them, and nobody else pays for it.
    """

    face: Face
    arrays: Mapping[str, npt.NDArray[Any]]
    plates: tuple[Bytes, ...]


@dataclass(frozen=True, slots=True)
class _Resident:
    """slots: one, or those before black and before white."""

    face: Face
    slots: tuple[int, ...]


class GraphGenerator:
    """engines.base.Generator over a runtime: a puppet is a place in the bank, a call one batch."""

    def __init__(self, spec: Spec, runtime: Runtime, bank: AvatarBank, why: str = "") -> None:
        self.width, self.height = spec.width, spec.height
        self.batch = _CPU_BATCH if runtime.place == "cpu" else BUCKETS[-1]
        self.patience = runtime.patience
        self.standing = Standing(runtime.name, runtime.device, why)
        self._spec, self._runtime, self._bank = spec, runtime, bank
        self._residents = 0
        self._warm_for = -1  # the bank's generation
        self._lock = threading.Lock()  # of device and bank

    def prepare(self, avatar: Avatar) -> Puppet:
        """Build the scene, pack it, and put it into the bank. Raises EngineError."""
        return self.place(self.pack(Puppet(scene.build(avatar, self.width, self.height))))

    def pack(self, puppet: Puppet) -> Packed:
        """A scene, which is WarpGenerator's puppet, as arrays of the bank; or RefiningGenerator's
        over it. Raises EngineError."""
        if isinstance(puppet, Refined):
            puppet = puppet.puppet
        if isinstance(puppet, Moving):
            raise EngineError("it is made of a clip, which no GPU draws yet")
        if not isinstance(puppet, scene.Scene):
            raise EngineError("the puppet was prepared by another generator")
        if (puppet.width, puppet.height) != (self.width, self.height):
            raise EngineError(
                f"the avatar was prepared for {puppet.width} x {puppet.height} px, "
                f"the graph draws {self.width} x {self.height}"
            )
        try:
            at = places(puppet) if self._spec.refine else None
            plates = _plates(puppet)
            arrays = packing.packed(replace(puppet, plate=plates[0]), self._spec)
            return Packed(Face(puppet, at), arrays, plates)
        except ModelError as error:
            raise EngineError(str(error)) from error

    def place(self, packed: object) -> Puppet:
        """Into a free place; the bank may have to grow for it. Raises EngineError."""
        assert isinstance(packed, Packed)
        with self._lock:
            slots: list[int] = []
            try:
                for plate in packed.plates:
                    slots += [self._add({**packed.arrays, "plates": plate})]
                self._warm(slots[0], packed.face)
            except BaseException:
                for slot in slots:
                    self._bank.remove(slot)
                self._residents -= len(slots)
                raise
        return Puppet(_Resident(packed.face, tuple(slots)))

    def _add(self, arrays: Mapping[str, npt.NDArray[Any]]) -> int:
        if self._residents == AVATARS:
            raise EngineError(f"the device holds {AVATARS} avatars already")
        slot = self._runtime.load(lambda: self._bank.add(arrays))
        self._residents += 1
        return slot

    def _warm(self, slot: int, face: Face) -> None:
        if self._warm_for != self._bank.generation:
            first = (np.array([slot], np.int32), self._row(face, FaceState())[None])
            self._runtime.warm(self._bank.arrays, first)
            self._warm_for = self._bank.generation

    def release(self, puppet: Puppet) -> None:
        """Its place is for another avatar."""
        resident = _resident(puppet)
        with self._lock:
            for slot in resident.slots:
                self._bank.remove(slot)
                self._residents -= 1

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """All at once, whosever faces they are."""
        residents = [_resident(one.puppet) for one in portrayals]
        slots, rows = list[int](), list[npt.NDArray[np.float32]]()
        for resident, one in zip(residents, portrayals, strict=True):
            slots += resident.slots
            rows += [self._row(resident.face, one.state)] * len(resident.slots)
        drawn = iter(self._drawn(slots, rows))
        return [_picture([next(drawn) for _ in resident.slots]) for resident in residents]

    def _drawn(
        self, slots: Sequence[int], rows: Sequence[npt.NDArray[np.float32]]
    ) -> Iterator[I420]:
        """Those that are drawn twice may be more than one call takes."""
        most = BUCKETS[-1]
        for k in range(0, len(slots), most):
            state = np.array(slots[k : k + most], np.int32), np.stack(rows[k : k + most])
            with self._lock:
                pictures = self._runtime.run(self._bank.arrays, state)
            yield from pictures

    def _row(self, face: Face, state: FaceState) -> npt.NDArray[np.float32]:
        posing.check(state)
        drawn = face.scene
        controls = posing.controls(state)
        motion = posing.view(drawn.body, state.pose, state.torso)
        if self._spec.refine:
            return packing.refined_row(drawn, face.places, controls, motion, state.pose)
        return packing.row(drawn, controls, motion)

    def close(self) -> None:
        """Forget the avatars, then the device."""
        with self._lock:
            del self._bank
            self._runtime.close()


def _plates(drawn: scene.Scene) -> tuple[Bytes, ...]:
    if not drawn.matted:
        return (drawn.plate,)
    black = double.opaque(drawn.plate, drawn.height)
    white = black.copy()
    white[: drawn.height] += double.SPAN
    return black, white


def _picture(drawn: Sequence[I420]) -> I420:
    return drawn[0] if len(drawn) == 1 else double.joined(*drawn)


def _resident(puppet: Puppet) -> _Resident:
    if not isinstance(puppet, _Resident):
        raise EngineError("the puppet was prepared by another generator")
    return puppet
