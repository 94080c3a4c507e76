"""What is in every picture of a session: put in where it is drawn, over each kind of picture."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from visavis.engines.base import I420, EngineError, FaceState, Puppet
from visavis.engines.fake import FakeGenerator
from visavis.models.pictures import double
from visavis.models.pictures.canvas import Canvas
from visavis.server.playout.clock import seconds
from visavis.server.playout.messages import FRAME, Tick
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.finishes import Finishes
from visavis.server.session.finishing import Finishing
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

SEAL = 201


class Seal:
    """A finish that can be told from everything else; notes when and where it was put in."""

    def __init__(self, *, broken: bool = False) -> None:
        self.canvas, self.broken = Canvas(64, 64), broken
        self.at: list[Tick] = []
        self.threads: set[str] = set()

    def finish(self, image: I420, at: int) -> None:
        if self.broken:
            raise ValueError("told to fail")
        self.at.append(at)
        self.threads.add(threading.current_thread().name)
        self.canvas.planes(image)[0][:4, :4] = SEAL


def pool(generator: FakeGenerator) -> DrawingPool:
    return DrawingPool(generator, Health("render", "Drawing", Metrics()), threads=1)


def test_what_was_drawn_is_left_as_it_is() -> None:
    drawn = np.full((96, 64), 16, np.uint8)
    finished = Finishing(Seal()).of(drawn, 0)
    assert (drawn == 16).all()
    assert (finished[:4, :4] == SEAL).all()
    assert (finished[4:] == 16).all()


def test_with_nothing_to_put_in_nothing_is_copied() -> None:
    drawn = np.full((96, 64), 16, np.uint8)
    assert Finishing().of(drawn, 0) is drawn


def test_all_of_it_is_put_in_in_its_order() -> None:
    first, second = Seal(), Seal()
    made = iter((first, second))
    finishing = Finishes((lambda canvas: next(made), lambda canvas: next(made))).of(Canvas(64, 64))
    finishing.of(np.zeros((96, 64), np.uint8), FRAME)
    assert first.at == second.at == [0, FRAME]  # tried once before the first picture


def test_no_picture_goes_out_without() -> None:
    with pytest.raises(EngineError):
        Finishing(Seal(broken=True)).of(np.zeros((96, 64), np.uint8), 0)


async def test_a_pool_puts_it_in_where_it_draws() -> None:
    generator, seal = FakeGenerator(), Seal()
    drawing = pool(generator)
    sitting = drawing.sit(Puppet("mira"))
    finishing = Finishing(seal)
    image = await sitting.draw(FaceState, seconds() + 1, None, lambda one: finishing.of(one, 7))
    drawing.close()
    assert seal.at == [7]
    assert all(name.startswith("drawing") for name in seal.threads)
    assert (image[:4, :4] == SEAL).all()


async def test_one_that_fails_concerns_its_own_session_alone() -> None:
    drawing = pool(FakeGenerator())
    broken = Finishing(Seal(broken=True))
    with pytest.raises(EngineError):
        await drawing.sit(Puppet("mira")).draw(
            FaceState, seconds() + 1, None, lambda one: broken.of(one, 0)
        )
    await drawing.sit(Puppet("anna")).draw(FaceState, seconds() + 1)
    drawing.close()


@pytest.mark.parametrize("is_double", [False, True])
def test_planes_are_views_of_what_is_seen(is_double: bool) -> None:
    canvas = Canvas(96, 80, is_double)
    image = np.zeros(canvas.shape, np.uint8)
    luma, blue, red = canvas.planes(image)
    assert luma.shape == (80, 96)
    assert blue.shape == red.shape == (40, 48)
    luma[:], blue[:], red[:] = 1, 2, 3
    whole = image if not is_double else double.opaque(image, 80)
    flat = whole.reshape(-1)
    assert [int(plane.mean()) for plane in np.split(flat, [7680, 9600])] == [1, 2, 3]


def test_a_double_picture_has_a_matte_to_draw_on() -> None:
    canvas = Canvas(96, 80, is_double=True)
    image = double.empty(96, 80)
    matte = canvas.matte(image)
    assert matte is not None
    matte[:] = 235
    assert (double.matte(image, 80) == 235).all()
    assert Canvas(96, 80).matte(np.zeros((120, 96), np.uint8)) is None
