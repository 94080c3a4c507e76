"""The fast generator draws while it works; when it does not, no picture is lost."""

import threading
import time
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from support.pace import soon

from visavis.engines.base import EngineError, EngineHung, FaceState, Portrayal, draw_one
from visavis.engines.fake import FakeGenerator
from visavis.engines.render.lane import Lane
from visavis.engines.render.runtimes import Standing
from visavis.engines.render.standby import Standby
from visavis.models.avatar.backdrop import NOTHING, ORIGINAL
from visavis.models.pictures import double

SURE, FAST = 128, 130  # shades: alike to a viewer, but not to a test
SHAPE = (96, 64)
ANYBODY = SimpleNamespace(backdrop=ORIGINAL)
ON_GPU = Standing("tensorrt", "a card", "")


class Fast:
    """Draws a little brighter than the sure one; `fault` says what goes wrong with it."""

    width = height = 64
    batch = 64
    patience = 0.1
    standing = ON_GPU

    def __init__(self, fault=""):
        self.fault, self.closed = fault, False
        self.release_hang = threading.Event()
        self.placed, self.released, self.drawn = [], [], 0

    def prepare(self, avatar):
        return self.place(self.pack(avatar))

    def pack(self, puppet):
        if self.fault == "too large":
            raise EngineError("the avatar is too large: its texture has 9000 texels")
        return puppet

    def place(self, packed):
        if self.fault == "no room":
            raise EngineError("torch: the GPU is out of memory")
        self.placed.append(packed)
        return ("fast", packed)

    def release(self, puppet):
        self.released.append(puppet)

    def draw(self, portrayals, deadline):
        self.drawn += len(portrayals)
        assert all(one.puppet[0] == "fast" for one in portrayals)
        return FAULTS.get(self.fault, lambda _fast, made: made)(
            self, [np.full(SHAPE, FAST, np.uint8) for _ in portrayals]
        )

    def close(self):
        self.closed = True


def _raise(error):
    raise error


FAULTS = {
    "memory": lambda _fast, _made: _raise(EngineError("torch: the GPU is out of memory")),
    "gone": lambda _fast, _made: _raise(RuntimeError("CUDA error: the launch timed out")),
    "exit": lambda _fast, _made: _raise(SystemExit(3)),
    "hang": lambda fast, made: made * fast.release_hang.wait(30),
    "slow": lambda fast, made: made * (not fast.release_hang.wait(0.15)),
    "shape": lambda _fast, made: [each[:-2] for each in made],
    "few": lambda _fast, made: made[1:],
    "black": lambda _fast, made: [each * 0 for each in made],
}


class Bench:
    """A standby over fakes, and what it told."""

    def __init__(self, *faults, pauses=(0.05,)):
        self.sure, self.told, self.made = FakeGenerator(64, 64), [], []
        self._faults = iter([*faults, *("" for _ in range(50))])
        self.standby = Standby(self.sure, self._make, self.told.append, pauses)

    def _make(self):
        fault = next(self._faults)
        if fault.startswith("cannot"):
            raise EngineError(fault)
        if fault == "bug":
            raise ZeroDivisionError("private words")
        self.made.append(Fast(fault))
        return self.made[-1]

    def shades(self, *puppets):
        asked = [Portrayal(each, FaceState()) for each in puppets]
        return [int(made[0, 0]) for made in self.standby.draw(asked, time.monotonic() + 1)]

    def until(self, renderer, within=3.0):
        end = time.monotonic() + within
        while self.told[-1].renderer != renderer:
            assert time.monotonic() < end, self.told
            time.sleep(0.005)

    def until_fast(self, puppet, within=3.0):
        end = time.monotonic() + within
        while self.shades(puppet) != [FAST]:
            assert time.monotonic() < end, self.told
            time.sleep(0.005)


@pytest.fixture
def bench():
    made = []

    def new(*faults, **options):
        made.append(Bench(*faults, **options))
        return made[-1]

    yield new
    for each in made:
        for fast in each.made:
            fast.release_hang.set()
        each.standby.close()


def test_the_cpu_draws_until_the_fast_one_is_ready(bench):
    it = bench()
    puppet = it.standby.prepare(ANYBODY)
    assert it.standby.batch == 1
    assert it.shades(puppet) == [SURE]
    it.until("tensorrt")
    assert it.shades(puppet) == [FAST]
    assert it.standby.batch == 64
    assert it.told == [Standing("warp", "CPU", "the faster renderer is being made ready"), ON_GPU]


def test_an_avatar_that_comes_later_is_the_cpu_s_until_it_was_adopted(bench):
    it = bench()
    first = it.standby.prepare(ANYBODY)
    it.until_fast(first)
    second = it.standby.prepare(ANYBODY)
    assert set(it.shades(first, second)) <= {SURE, FAST}
    it.until_fast(second)
    assert it.shades(second, first) == [FAST, FAST]


@pytest.mark.parametrize("fault", ["memory", "gone", "exit", "shape", "few"])
def test_whatever_goes_wrong_each_picture_is_drawn_and_it_comes_back(bench, fault):
    it = bench(pauses=(0.3,))
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.made[0].fault = fault
    began = time.monotonic()
    while len(it.told) < 3:
        assert it.shades(puppet, puppet) == [SURE, SURE]
        assert soon(time.monotonic() - began, 4)
        time.sleep(0.02)
    it.until("tensorrt")
    it.until_fast(puppet)
    assert len(it.made) == 2
    assert [each.renderer for each in it.told] == ["warp", "tensorrt", "warp", "tensorrt"]
    assert "tried again in 0 s" in it.told[2].why


def test_a_fault_is_told_in_words_of_ours_or_by_its_kind_alone(bench):
    it = bench("", "", "")
    puppet = it.standby.prepare(ANYBODY)
    for fault, words in (("memory", "out of memory"), ("gone", "RuntimeError")):
        it.until_fast(puppet)
        it.made[-1].fault = fault
        it.shades(puppet)
        fallen = [each for each in it.told if each.renderer == "warp"][-1]
        assert words in fallen.why
        assert "launch" not in fallen.why


def test_a_call_that_is_only_slow_costs_no_more_than_its_own_pictures(bench):
    it = bench()
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.made[0].fault = "hang"
    began = time.monotonic()
    assert it.shades(puppet) == [SURE]
    assert it.shades(puppet) == [SURE]  # nobody waits behind it
    assert soon(time.monotonic() - began, 0.5)
    it.made[0].fault = ""
    it.made[0].release_hang.set()
    it.until_fast(puppet)
    assert len(it.made) == 1
    assert it.told[-1] == ON_GPU


def test_one_that_is_late_again_and_again_is_given_up(bench):
    it = bench("", "cannot", pauses=(5,))
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.made[0].fault = "slow"
    end = time.monotonic() + 5
    while it.told[-1].renderer == "tensorrt":
        assert it.shades(puppet) == [SURE]
        assert time.monotonic() < end
    assert "tensorrt is too slow" in it.told[-1].why


def test_a_call_that_hangs_is_given_up(bench):
    it = bench("", "cannot", pauses=(5,))
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.made[0].fault = "hang"
    began = time.monotonic()
    while it.told[-1].renderer == "tensorrt":
        assert it.shades(puppet) == [SURE]
        time.sleep(0.02)
    took = time.monotonic() - began
    assert took > 1
    assert soon(took, 4)
    assert "tensorrt hangs" in it.told[2].why
    assert not it.made[0].closed
    it.made[0].release_hang.set()
    end = time.monotonic() + 3
    while not it.made[0].closed:  # it answered after all: what it held goes
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_that_cannot_be_made_is_tried_again_after_growing_pauses(bench):
    it = bench(*["cannot: no memory"] * 3, pauses=(0.02, 0.06, 0.2))
    puppet = it.standby.prepare(ANYBODY)
    began = time.monotonic()
    assert it.shades(puppet) == [SURE]
    it.until("tensorrt")
    took = time.monotonic() - began
    assert took >= 0.28
    assert soon(took, 3)
    whys = [each.why for each in it.told[1:4]]
    assert all(why.startswith("cannot: no memory; tried again in ") for why in whys)


def test_a_bug_in_a_renderer_is_its_own_and_told_without_its_words(bench):
    it = bench("bug")
    puppet = it.standby.prepare(ANYBODY)
    assert it.shades(puppet) == [SURE]
    it.until("tensorrt")
    assert it.told[1].why.startswith("ZeroDivisionError; tried again")


def test_one_whose_pictures_are_wrong_never_draws(bench):
    it = bench("black")
    puppet = it.standby.prepare(ANYBODY)
    shades = set()
    end = time.monotonic() + 3
    while it.told[-1].renderer != "tensorrt":
        shades |= set(it.shades(puppet))
        assert time.monotonic() < end
    assert shades <= {SURE, FAST}
    assert "its pictures are not those of the CPU: 128.0 apart" in it.told[1].why
    it.until_fast(puppet)


@pytest.mark.parametrize("fault", ["too large", "no room"])
def test_an_avatar_that_is_refused_is_drawn_by_the_cpu_beside_the_others(bench, fault, caplog):
    it = bench()
    first = it.standby.prepare(ANYBODY)
    it.until_fast(first)
    it.made[0].fault = fault
    second = it.standby.prepare(ANYBODY)
    end = time.monotonic() + 3
    while not caplog.records:
        assert it.shades(second, first, second)[::2] == [SURE, SURE]
        assert time.monotonic() < end
    assert it.shades(second, first, second) == [SURE, FAST, SURE]
    assert [each.message for each in caplog.records] == ["an avatar is drawn by the CPU"]
    assert it.told[-1] == ON_GPU


def test_one_that_fails_in_its_trial_waits_for_its_turn_again(bench):
    it = bench("gone", pauses=(0.5,))
    puppet = it.standby.prepare(ANYBODY)
    began = time.monotonic()
    assert it.shades(puppet) == [SURE]
    it.until("tensorrt")
    assert time.monotonic() - began > 0.5
    assert it.told[1].why == "RuntimeError; tried again in 0 s"
    it.until_fast(puppet)


def test_one_that_fails_in_its_work_waits_for_its_turn_again(bench):
    it = bench("", pauses=(0.5,))
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.made[0].fault = "memory"
    assert it.shades(puppet) == [SURE]
    began = time.monotonic()
    it.until("tensorrt")
    assert time.monotonic() - began > 0.4


def test_release_frees_both_halves(bench):
    it = bench()
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.standby.release(puppet)
    assert it.sure.released == ["puppet 1"]
    assert it.made[0].released == [("fast", "puppet 1")]


def test_many_threads_lose_nothing_while_it_comes_and_goes(bench):
    it = bench(pauses=(0.01,))
    puppets = [it.standby.prepare(ANYBODY) for _ in range(3)]
    stop, faults, drawn = threading.Event(), [], count()

    def draw():
        while not stop.is_set():
            shades = it.shades(*puppets)
            next(drawn)
            if len(shades) != 3 or not set(shades) <= {SURE, FAST}:
                faults.append(shades)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for fault in ("memory", "gone", "few", "shape"):
        it.until("tensorrt")
        it.made[-1].fault = fault
        it.until("warp")
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert next(drawn) > 20


def test_a_state_that_is_none_is_refused_and_the_renderer_stays(bench):
    it = bench()
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    with pytest.raises(EngineError, match="not finite"):
        draw_one(it.standby, puppet, FaceState(breath=float("nan")))
    assert it.shades(puppet) == [FAST]


def test_a_puppet_of_another_generator_is_refused(bench):
    with pytest.raises(EngineError, match="another generator"):
        draw_one(bench().standby, "a stranger", FaceState())


def test_closing_closes_both(bench):
    it = bench()
    puppet = it.standby.prepare(ANYBODY)
    it.until_fast(puppet)
    it.standby.close()
    assert it.made[0].closed
    assert it.sure.closed


def test_a_lane_hands_on_what_is_thrown_and_gives_up_what_is_late():
    lane, go = Lane("test"), threading.Event()
    with pytest.raises(ZeroDivisionError):
        lane.call(lambda: 1 / 0, 1)
    with pytest.raises(EngineError, match="SystemExit"):
        lane.call(lambda: _raise(SystemExit(1)), 1)
    with pytest.raises(EngineHung):
        lane.call(lambda: go.wait(10), 0.02)
    assert lane.late_for > 0
    assert soon(lane.late_for, 0.5)
    time.sleep(0.02)
    assert lane.late_for > 0.02
    go.set()
    assert lane.call(lambda: 7, 1) == 7
    assert lane.late_for == 0
    lane.close()


def test_a_person_cut_out_has_double_pictures_of_either_half(bench):
    made = bench()
    cut = made.standby.prepare(SimpleNamespace(backdrop=NOTHING))
    whole = made.standby.prepare(ANYBODY)
    made.until_fast(whole)
    drawn = made.standby.draw([Portrayal(cut, FaceState()), Portrayal(whole, FaceState())], 0)
    assert [each.shape for each in drawn] == [double.shape(64, 64), SHAPE]
    assert drawn[0][0, 0] == 16, "the fast one, which has no such pictures, did not get that"
    assert made.told[-1] == ON_GPU, "and is no worse for it"
