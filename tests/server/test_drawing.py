"""The pool through which all sessions draw: order, batches, and whom a failure concerns."""

import asyncio
import threading

import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import EngineError, EngineHung, FaceState, Puppet
from visavis.engines.fake import FakeGenerator
from visavis.server.playout.messages import FRAME, TICK_RATE
from visavis.server.services import drawing
from visavis.server.services.drawing import DrawingPool
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health


def at_rest(name):
    """How the puppet's face is made; that of "mad" cannot be."""

    def make():
        if name == "mad":
            raise EngineError("mad")
        return FaceState()

    return make


class Picky(FakeGenerator):
    """Cannot draw the puppet "bad", nor count the puppet "twice"."""

    def draw(self, portrayals, deadline):
        pictures = super().draw(portrayals, deadline)
        puppets = [one.puppet for one in portrayals]
        if "bad" in puppets:
            raise ValueError("bad")
        return pictures * 2 if "twice" in puppets else pictures


class Slow(FakeGenerator):
    """Each picture waits until another one is under way."""

    def __init__(self):
        super().__init__()
        self.two, self.names = threading.Barrier(2, timeout=5), set()

    def draw(self, portrayals, deadline):
        self.names.add(threading.current_thread().name.rsplit("_")[0])
        self.two.wait()
        return super().draw(portrayals, deadline)


class Stuck(FakeGenerator):
    """Never finishes the puppet "stuck"."""

    def __init__(self):
        super().__init__()
        self.released = threading.Event()

    def draw(self, portrayals, deadline):
        if portrayals[0].puppet == "stuck":
            self.released.wait(30)
        return super().draw(portrayals, deadline)


def health():
    return Health("render", "Drawing", Metrics())


def ask(pool, **due):
    """One request a puppet, in the order given; the pictures or what went wrong."""
    requests = (pool.draw(Puppet(name), at_rest(name), at) for name, at in due.items())
    return asyncio.gather(*requests, return_exceptions=True)


def batches(generator):
    return ["".join(one.puppet for one in drawn) for drawn in generator.drawn]


@virtual_time
async def test_what_is_due_first_is_drawn_first():
    generator = FakeGenerator()
    pool = DrawingPool(generator, health(), threads=1)
    pictures = await ask(pool, c=3.0, a=1.0, d=3.0, b=2.0)
    pool.close()
    assert [picture.shape for picture in pictures] == [(96, 64)] * 4
    assert batches(generator) == ["a", "b", "c", "d"]
    assert generator.deadlines == [1.0, 2.0, 3.0, 3.0]


@virtual_time
async def test_a_generator_that_takes_many_at_once_is_given_many():
    generator = FakeGenerator(batch=3)
    pool = DrawingPool(generator, health(), threads=2)
    pictures = await ask(pool, d=4.0, b=2.0, e=5.0, a=1.0, c=3.0)
    pool.close()
    assert len({id(picture) for picture in pictures}) == 5
    assert sorted(batches(generator)) == ["abc", "de"]
    assert sorted(generator.deadlines) == [1.0, 4.0]


@pytest.mark.parametrize("bad", ["bad", "twice"])
@virtual_time
async def test_a_broken_batch_fails_its_own_requests_only(bad):
    pool = DrawingPool(Picky(batch=2), health(), threads=1)
    outcomes = await ask(pool, **{"a": 1.0, bad: 2.0, "c": 3.0, "d": 4.0})
    pool.close()
    assert [isinstance(one, EngineError) for one in outcomes] == [True, True, False, False]
    assert outcomes[0] is not outcomes[1]


@virtual_time
async def test_threads_draw_side_by_side():
    generator = Slow()
    pool = DrawingPool(generator, health(), threads=2)
    await ask(pool, a=1.0, b=1.0)
    pool.close()
    assert generator.names == {"drawing-0", "drawing-1"}


@virtual_time
async def test_a_request_that_is_cancelled_is_not_drawn():
    generator = FakeGenerator()
    pool = DrawingPool(generator, health(), threads=1)
    kept, dropped = (asyncio.create_task(pool.draw(Puppet(p), at_rest(p), 1.0)) for p in "ab")
    await asyncio.sleep(0)
    dropped.cancel()
    await asyncio.gather(kept, dropped, return_exceptions=True)
    await ask(pool, c=2.0)
    pool.close()
    assert batches(generator) == ["a", "c"]


@virtual_time
async def test_closing_fails_what_waits_and_what_comes():
    pool = DrawingPool(FakeGenerator(), health(), threads=1)
    waiting = ask(pool, a=1.0, b=2.0)
    await asyncio.sleep(0)
    pool.close()
    outcomes = [*await waiting, *await ask(pool, c=3.0)]
    assert [type(one) for one in outcomes] == [EngineError] * 3


@virtual_time
async def test_a_picture_of_a_session_is_due_when_it_is_shown():
    async with Stage() as stage:
        await stage.pass_time(1000)
        wanted = stage.generator.deadlines[-5:]
        ticks = [(at - stage.clock.seconds(0)) * TICK_RATE / FRAME for at in wanted]
        assert ticks == pytest.approx([round(ticks[0]) + n for n in range(5)])
        assert wanted[-1] > stage.clock.seconds(stage.clock.now())


async def test_a_picture_that_hangs_costs_its_thread_and_not_the_next_picture(monkeypatch):
    monkeypatch.setattr(drawing, "_DEADLINE", 0.3)
    generator, watched = Stuck(), health()
    pool = DrawingPool(generator, watched, threads=1)
    stuck, fine = await ask(pool, stuck=1.0, fine=2.0)
    assert isinstance(stuck, EngineHung)
    assert fine.shape == (96, 64)
    assert not watched.broken
    for _ in range(3):
        await ask(pool, stuck=1.0)
    assert watched.broken
    generator.released.set()
    pool.close()


@virtual_time
async def test_a_face_that_cannot_be_made_concerns_its_own_request_only():
    generator, watched = FakeGenerator(batch=3), health()
    pool = DrawingPool(generator, watched, threads=1)
    for _ in range(3):
        a, mad, b = await ask(pool, a=1.0, mad=2.0, b=3.0)
        assert (a.shape, b.shape) == ((96, 64), (96, 64))
        assert isinstance(mad, EngineError)
    assert not watched.broken  # it is not the generator's fault
    assert batches(generator) == ["ab"] * 3
    pool.close()
