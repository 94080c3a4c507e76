"""What sessions draw and encode, done as fast as it goes: for the self-test of `carrying`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from threading import Lock
from typing import Final

from visavis.engines import load
from visavis.engines.base import Generator, Portrayal, Puppet
from visavis.models.pictures.canvas import Canvas
from visavis.server.playout.messages import FRAME
from visavis.server.services import carrying
from visavis.server.services.finishes import AS_DRAWN, Finishes

_TOGETHER: Final = 16  # pictures that are drawn in one call


def rehearsal(
    generator: Generator, puppet: Puppet, encoder: carrying.Encoder,
    finishes: Finishes = AS_DRAWN,
) -> Callable[[int], carrying.Step]:  # fmt: skip
    """What sessions draw, finish and encode, as fast as they can: one a thread, or a batch."""
    drawing = nullcontext() if generator.batch == 1 else Lock()  # a batch is drawn in one call

    def make(number: int) -> carrying.Step:
        count = min(generator.batch, _TOGETHER)
        motions = [load.motion(number * count + n) for n in range(count)]
        encoders = [encoder() for _ in motions]
        canvas = Canvas(generator.width, generator.height)
        finishing = [finishes.of(canvas) for _ in motions]

        def step(at: int) -> int:
            portrayals = [Portrayal(puppet, motion.state(at * FRAME)) for motion in motions]
            with drawing:
                pictures = generator.draw(portrayals, time.monotonic())
            for encode, finish, picture in zip(encoders, finishing, pictures, strict=True):
                encode(finish.of(picture, at * FRAME), at)
            return count

        return step

    return make
