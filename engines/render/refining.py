"""Another generator's pictures, with mouth and eyes refined by a small network on the CPU; the
graph has the network inside (models/graph/refining).

4 ms of one core a picture of 512x512, 6 of 720x1280, on top of what the other takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.engines.base import I420, EngineError, Generator, Portrayal, Puppet
from visavis.engines.render import posing
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import Body
from visavis.models.pictures import double as doubled
from visavis.models.refine.apply import Answer, refine
from visavis.models.refine.apply import network as load
from visavis.models.refine.windows import Places, amounts, places
from visavis.models.warp import scene


@dataclass(frozen=True, slots=True)
class Refined:
    """The other generator's puppet, and where its face is looked at; None: nowhere.

    double: px of height of double pictures (models/pictures/double.py); 0: they are not.
    """

    puppet: Puppet
    body: Body
    places: Places | None
    double: int = 0


class RefiningGenerator:
    """engines.base.Generator over another one; ask: the network, see models/refine/apply.py."""

    def __init__(self, drawing: Generator, ask: Answer) -> None:
        self.width, self.height = drawing.width, drawing.height
        self._drawing, self._ask = drawing, ask

    @property
    def batch(self) -> int:
        """As many as the other one takes now."""
        return self._drawing.batch

    @batch.setter
    def batch(self, most: int) -> None:
        self._drawing.batch = most

    def prepare(self, avatar: Avatar) -> Puppet:
        """What the other one does; a scene for the places alone, where that is none."""
        puppet = self._drawing.prepare(avatar)
        known: object = puppet
        if not isinstance(known, scene.Scene):
            known = scene.build(avatar, self.width, self.height)
        double = known.height if known.matted else 0
        return Puppet(Refined(puppet, known.body, places(known), double))

    def release(self, puppet: Puppet) -> None:
        """Free the other one's."""
        self._drawing.release(_own(puppet).puppet)

    def draw(self, portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        """Drawn together, refined one after the other."""
        owned = [_own(one.puppet) for one in portrayals]
        plain = [Portrayal(own.puppet, p.state) for own, p in zip(owned, portrayals, strict=True)]
        pictures = self._drawing.draw(plain, deadline)
        for picture, own, one in zip(pictures, owned, portrayals, strict=True):
            if own.places is not None:
                told = amounts(posing.controls(one.state), one.state.pose)
                motion = posing.view(own.body, one.state.pose, one.state.torso)
                colour = doubled.opaque(picture, own.double) if own.double else picture
                refine(colour, own.places, motion, told, self._ask)
                if own.double:
                    doubled.paint(picture, colour)
        return pictures

    def close(self) -> None:
        """Close the other one."""
        self._drawing.close()


def network(path: Path) -> Answer:
    """The network of a file. Raises EngineError."""
    try:
        return load(path)
    except Exception as error:  # whatever onnxruntime raises
        message = f"{path.name} cannot be loaded: reinstall visavis, or set refine to off"
        raise EngineError(message) from error


def _own(puppet: Puppet) -> Refined:
    if not isinstance(puppet, Refined):
        message = "the puppet was prepared by another generator"
        raise EngineError(message)
    return puppet
