"""The pool through which all sessions draw: order, batches, and whom a failure concerns."""

import asyncio
import itertools
import threading
import time

import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Before, EngineError, EngineHung, FaceState, Puppet
from visavis.engines.fake import FakeGenerator
from visavis.server.playout.clock import PERIOD, seconds
from visavis.server.playout.messages import FRAME, TICK_RATE
from visavis.server.services import drawing
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.requests import Requests
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


class Choosy(FakeGenerator):
    """Refuses the puppet "odd", and with it the whole call."""

    def draw(self, portrayals, deadline):
        pictures = super().draw(portrayals, deadline)
        if any(one.puppet.startswith("odd") for one in portrayals):
            raise EngineError("face state holds a number that is not finite")
        return pictures


@virtual_time
async def test_a_face_that_is_refused_concerns_its_own_session_only():
    watched = health()
    pool = DrawingPool(Choosy(batch=3), watched, threads=1)
    for _ in range(3):
        a, odd, b = await ask(pool, a=1.0, odd=2.0, b=3.0)
        assert (a.shape, b.shape) == ((96, 64), (96, 64))
        assert isinstance(odd, EngineError)
    assert not watched.broken
    for _ in range(3):
        outcomes = await ask(pool, odd=1.0, odd2=2.0, odd3=3.0)
        assert all(isinstance(one, EngineError) for one in outcomes)
    assert watched.broken  # it draws nothing at all
    pool.close()


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


class Timed(FakeGenerator):
    """Notes what it drew, when and over what."""

    def __init__(self, batch=1):
        super().__init__(batch=batch)
        self.calls, self.over, self.under_way, self.most = [], [], 0, 0

    def draw(self, portrayals, deadline):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        pictures = super().draw(portrayals, deadline)
        self.calls.append((seconds(), [one.puppet for one in portrayals]))
        self.over += [one.over for one in portrayals]
        self.under_way -= 1
        return pictures


async def asking(pool, name, after, lead):
    """One request, `after` s from now, that is due `lead` s later; when it was there."""
    await asyncio.sleep(after)
    await pool.draw(Puppet(name), at_rest(name), seconds() + lead)
    return seconds()


@virtual_time
async def test_who_asks_late_waits_for_its_turn():
    """Due first, but asked for last: it does not make late those that asked in time."""
    waiting, now = Requests(), seconds()
    for name, asked, due in (
        ("a", 0.0, 0.05),
        ("b", 0.008, 0.058),
        ("c", 0.015, 0.065),
        ("late", 0.012, 0.013),
    ):
        waiting.add(now + asked, now + due, Puppet(name), at_rest(name), None)
    assert [request.puppet for request in waiting.take(4)] == ["a", "late", "b", "c"]


@virtual_time
async def test_nobody_is_overtaken_by_what_is_asked_for_a_pictures_time_later():
    """One that is due in a minute is drawn before those that ask from then on, 40 ms before."""
    waiting, now = Requests(), seconds()
    far = waiting.add(now, now + 1.0, Puppet("far"), at_rest("far"), None)
    for n in range(50):
        asked = now + n * 0.04
        waiting.add(asked, asked + 0.05, Puppet(f"{n}"), at_rest(""), None)
    order = [request.puppet for request in waiting.take(100)]
    assert order.index("far") == 24  # those that were asked for at least 50 ms before its time
    late = [waiting.add(now + n, now - 5, Puppet(f"{n}"), at_rest(""), None) for n in range(9)]
    assert waiting.take(9) == late  # those that are late anyway: in the order in which they asked
    far.picture.cancel()


@virtual_time
async def test_what_is_due_about_now_is_drawn_together():
    generator = Timed(batch=64)
    pool = DrawingPool(generator, health(), threads=3)
    came = await asyncio.gather(*(asking(pool, f"{n}", 0.0001 * n, 0.05) for n in range(30)))
    pool.close()
    assert [len(names) for _, names in generator.calls] == [30]
    assert max(came) - min(came) == 0
    assert came[0] <= generator.calls[0][0] + 1e-9


@virtual_time
async def test_a_batch_waits_for_others_no_longer_than_its_window():
    generator = Timed(batch=64)
    pool = DrawingPool(generator, health(), threads=3)
    began = seconds()
    came = await asyncio.gather(*(asking(pool, f"{n}", 0.003 * n, 0.05) for n in range(10)))
    pool.close()
    assert len(generator.calls) == 5
    waits = [at - began - 0.003 * n for n, at in enumerate(came)]
    assert max(waits) <= drawing._WINDOW + 1e-6


@virtual_time
async def test_a_batch_does_not_wait_until_one_would_be_late():
    generator = Timed(batch=64)
    pool = DrawingPool(generator, health(), threads=3)
    began = seconds()
    one = asyncio.create_task(asking(pool, "a", 0, 0.05))
    soon = asyncio.create_task(asking(pool, "b", 0.001, 0.0055))
    await asyncio.gather(one, soon)
    pool.close()
    ((at, names),) = generator.calls
    assert names == ["b", "a"]
    assert at - began == pytest.approx(0.0025)  # due after 6.5 ms, a call may take 4


@virtual_time
async def test_a_full_batch_is_drawn_at_once():
    generator = Timed(batch=4)
    pool = DrawingPool(generator, health(), threads=3)
    began = seconds()
    await asyncio.gather(*(asking(pool, f"{n}", 0, 0.05) for n in range(8)))
    pool.close()
    assert [at - began for at, _ in generator.calls] == [0, 0]
    assert generator.most == 1


async def test_a_generator_that_draws_many_has_one_call_under_way():
    generator = Timed(batch=2)
    draw = generator.draw

    def slow(portrayals, deadline):
        generator.under_way += 1
        time.sleep(0.01)
        generator.under_way -= 1
        return draw(portrayals, deadline)

    generator.draw = slow
    pool = DrawingPool(generator, health(), threads=3)
    await asyncio.gather(*(asking(pool, f"{n}", 0.001 * n, 0.05) for n in range(12)))
    generator.batch = 1  # the GPU is gone: the CPU draws, in all threads
    await asyncio.gather(*(asking(pool, f"{n}", 0, 0.05) for n in range(3)))
    pool.close()
    assert generator.most <= 3
    assert all(len(names) <= 2 for _, names in generator.calls)
    assert sum(len(names) for _, names in generator.calls) == 15


@virtual_time
async def test_a_batch_is_not_held_up_by_one_that_is_gone():
    generator = Timed(batch=64)
    pool = DrawingPool(generator, health(), threads=2)
    gone = asyncio.create_task(asking(pool, "gone", 0, 0.05))
    await asyncio.sleep(0.001)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await asking(pool, "a", 0.02, 0.05)
    pool.close()
    assert [names for _, names in generator.calls] == [["a"]]


@virtual_time
async def test_closing_ends_a_batch_that_still_gathers():
    pool = DrawingPool(Timed(batch=64), health(), threads=2)
    waiting = asyncio.create_task(asking(pool, "a", 0, 0.05))
    await asyncio.sleep(0.001)
    pool.close()
    with pytest.raises(EngineError):
        await waiting
    await asyncio.sleep(0.1)
    assert not pool._tasks._tasks


@virtual_time
async def test_the_mouth_alone_is_asked_of_a_generator_over_the_picture_before():
    generator = Timed()
    pool = DrawingPool(generator, health(), threads=1)
    sitting = pool.sit(Puppet("a"))
    whole = await sitting.draw(FaceState, seconds() + 0.05)
    before = Before(whole, FaceState())
    await sitting.draw(FaceState, seconds() + 0.05, before)
    assert generator.over == [None, before]
    pool.close()


@virtual_time
async def test_sessions_are_given_phases_that_the_others_leave():
    pool = DrawingPool(FakeGenerator(), health(), threads=1)
    sittings = [pool.sit(Puppet("a")) for _ in range(4)]
    at = sorted(sitting.phase for sitting in sittings)
    assert [b - a for a, b in itertools.pairwise(at)] == pytest.approx([PERIOD / 4] * 3)
    for sitting in sittings:
        sitting.end()
    assert not pool._sittings
    assert not pool._phases._taken
    pool.close()


@virtual_time
async def test_only_who_is_drawn_counts_when_something_is_given_up():
    pool = DrawingPool(FakeGenerator(), health(), threads=1)
    sittings = [pool.sit(Puppet("a")) for _ in range(3)]
    for sitting, urgency in zip(sittings, ("idle", "speaking", "unseen"), strict=True):
        assert sitting.fluency(urgency) == "full"
    sittings[0].pause()
    assert pool._present() == {"speaking": 1, "unseen": 1}
    pool.close()


@pytest.mark.parametrize("leave", ["pause", "end"])
@virtual_time
async def test_whoever_comes_after_the_last_one_is_not_drawn_as_that_one_was(leave):
    pool = DrawingPool(FakeGenerator(), health(), threads=1)
    first, second = (pool.sit(Puppet("a")) for _ in range(2))
    pool.relief.level = 99  # all steps
    assert [first.fluency("speaking"), second.fluency("idle")] == ["still", "still"]
    getattr(first, leave)()
    assert second.fluency("idle") == "still"
    getattr(second, leave)()
    assert pool.sit(Puppet("b")).fluency("speaking") == "full"
    pool.close()
