"""Engines that fail or hang: what it costs, and who is told."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import EngineError, EngineHung, Transcript
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.defaults import Defaults
from visavis.server.services.engines import Services
from visavis.server.system import priority, process
from visavis.server.system import served as module
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.process import EngineProcess
from visavis.server.system.served import Health, InThread, Served


class Moody:
    """An engine that does as it is told."""

    def __init__(self):
        self.released = threading.Event()

    def work(self):
        return threading.get_ident()

    def fail(self):
        raise EngineError("told to fail")

    def hang(self):
        self.released.wait(30)

    def items(self):
        yield 1
        self.hang()
        yield 2


@pytest.fixture
def moody():
    engine = Moody()
    yield engine
    engine.released.set()


def serve(engine, deadline=0.5):
    metrics = Metrics()
    runner = InThread(engine, Worker("ears", deadline=deadline))
    return Served(runner, Health("ears", "Hearing", metrics)), metrics


def count(metrics, name, engine="ears"):
    return metrics.registry.get_sample_value(name, {"engine": engine}) or 0


async def test_a_call_that_hangs_costs_its_thread_and_not_the_next_call(moody):
    served, metrics = serve(moody)
    first = await served.call(Moody.work)
    hanging = asyncio.create_task(served.call(Moody.hang))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(served.call(Moody.work))  # behind the one that hangs
    with pytest.raises(EngineHung, match=r"no answer within 0\.5 s"):
        await hanging
    assert await waiting != first
    assert count(metrics, "visavis_engine_errors_total") == 1
    assert count(metrics, "visavis_engine_hangs_total") == 1
    served.close()


async def test_a_stream_that_hangs_ends_and_the_engine_goes_on(moody):
    served, _ = serve(moody)
    got = []
    with pytest.raises(EngineHung):
        async for item in served.stream(Moody.items):
            got.append(item)
    assert got == [1]
    assert await served.call(Moody.work)
    served.close()


async def test_three_failures_in_a_row_are_too_many(moody):
    served, metrics = serve(moody)
    for _ in range(2):
        with pytest.raises(EngineError):
            await served.call(Moody.fail)
    await served.call(Moody.work)  # begins to count anew
    for _ in range(3):
        assert not served.health.broken
        with pytest.raises(EngineError):
            await served.call(Moody.fail)
    assert served.health.broken
    assert count(metrics, "visavis_engine_errors_total") == 5
    assert count(metrics, "visavis_engine_hangs_total") == 0
    served.close()


async def test_streams_that_break_off_are_failures_in_a_row(moody):
    def torn(engine):
        yield 1
        engine.fail()

    served, _ = serve(moody)
    for _ in range(3):
        assert not served.health.broken
        with pytest.raises(EngineError):
            assert [item async for item in served.stream(torn)] == [1]
    assert served.health.broken
    served.close()


async def test_a_broken_engine_is_tried_again_after_a_rest(moody, monkeypatch):
    served, _ = serve(moody)
    for _ in range(3):
        with pytest.raises(EngineError):
            await served.call(Moody.fail)
    later = time.monotonic() + module.REST + 1
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    assert not served.health.broken
    served.close()


async def test_readiness_names_the_engine_that_keeps_failing(moody, tmp_path):
    defaults = Defaults("mira", "heart", "echo", None, (512, 512))
    services = Services(tmp_path, defaults, AvatarStore(tmp_path), Metrics())
    served, _ = serve(moody)
    services._loading = None
    services._healths.append(served.health)
    assert services.missing is None
    for _ in range(3):
        with pytest.raises(EngineHung):
            await served.call(Moody.hang)
    assert services.missing == "Hearing keeps failing."
    services.close()


@virtual_time
async def test_loading_may_take_as_long_as_it_takes():
    worker = Worker("slow", deadline=0.001)
    assert await worker.load(lambda: (time.sleep(0.05), "loaded")[1]) == "loaded"
    worker.close()


def test_a_thread_that_hangs_does_not_keep_the_program_alive():
    program = """
import asyncio, threading
from visavis.engines.base import EngineHung
from visavis.server.system.flow import Worker
async def main():
    worker = Worker("hung", deadline=0.05)
    try:
        await worker.call(threading.Event().wait)
    except EngineHung:
        print("given up")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.strip() == "given up"


def ended(seconds):
    """A program that fails with 3 while a call lasts so long that nobody has a hold on."""
    program = f"""
import time
from visavis.server.system import ending, thread
ending.ends_with(3)
thread.Thread("loading").submit(lambda: (time.sleep({seconds}), print("done", flush=True)))
raise SystemExit(3)
"""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )


def test_the_program_waits_for_a_call_that_is_under_way():
    done = ended(0.5)
    assert (done.returncode, done.stdout, done.stderr) == (3, "done\n", "")


def test_the_program_ends_beside_a_call_that_hangs():
    """Else the interpreter goes away under native code, which aborts the program."""
    done = ended(60)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


# --- in a process of its own ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def _children():
    yield
    assert not multiprocessing.active_children()


def transcribe(stt, pcm):
    return stt.transcribe(pcm)


def crash(stt):
    os._exit(3)


def sleep(stt):
    time.sleep(60)


def blunder(stt):
    raise ValueError("what the visitor said")


def counted(stt, count):
    yield from range(count)


async def in_process(deadline=20.0):
    metrics = Metrics()
    child = EngineProcess("ears", fake.FakeStt, deadline)
    await child.load()
    return Served(child, Health("ears", "Hearing", metrics)), metrics


@pytest.mark.usefixtures("_children")
async def test_an_engine_in_a_process_answers_and_its_faults_stay_there():
    served, metrics = await in_process()
    heard = await served.call(transcribe, np.zeros(320, np.int16))
    assert heard == Transcript("what time is breakfast?", 0.0)
    assert [n async for n in served.stream(counted, 3)] == [0, 1, 2]
    with pytest.raises(EngineError, match=r"ValueError at test_served\.py"):
        await served.call(blunder)
    with pytest.raises(EngineError, match="its process ended"):
        await served.call(crash)
    assert (await served.call(transcribe, np.zeros(320, np.int16))).text  # in a new one
    assert count(metrics, "visavis_engine_errors_total") == 2
    served.close()


@pytest.mark.usefixtures("_children")
async def test_a_process_that_hangs_is_killed():
    served, metrics = await in_process(deadline=4.0)
    with pytest.raises(EngineHung):
        await served.call(sleep)
    assert not [c for c in multiprocessing.active_children() if c.is_alive()]
    assert count(metrics, "visavis_engine_hangs_total") == 1
    again = [await served.call(transcribe, np.zeros(320, np.int16)) for _ in range(2)]
    assert [heard.text for heard in again] == ["what time is breakfast?"] * 2
    served.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("_children")
async def test_a_signal_for_the_whole_server_does_not_end_what_it_is_saying(number):
    """A terminal's Ctrl+C reaches every process of it, and the last reply is to be finished."""
    served, _ = await in_process()
    assert await served.call(signalled, number) == "whole"
    served.close()


def signalled(stt, number):
    os.kill(os.getpid(), number)
    time.sleep(0.05)
    return "whole"


@pytest.mark.usefixtures("_children")
async def test_a_process_that_died_may_take_longer_to_load_anew_than_a_call():
    child = EngineProcess("ears", slowly_made, 1.0)
    await child.load()
    with pytest.raises(EngineError, match="its process ended"):
        await child.call(crash)
    assert (await child.call(transcribe, np.zeros(320, np.int16))).text
    child.close()
    with pytest.raises(EngineError, match="it was closed"):
        await child.call(crash)


def slowly_made():
    time.sleep(1.5)
    return fake.FakeStt()


async def test_a_process_that_the_system_refuses_is_a_fault_of_the_engine(monkeypatch):
    def refused(_process):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(process._SPAWN.Process, "start", refused)
    child = EngineProcess("ears", fake.FakeStt, 1.0)
    with pytest.raises(EngineError, match="ears: Resource temporarily unavailable"):
        await child.load()
    child.close()


async def test_a_process_whose_engine_cannot_be_made_says_so():
    child = EngineProcess("ears", unmakeable, 5.0)
    with pytest.raises(EngineError, match="no such model"):
        await child.load()
    child.close()


def unmakeable():
    raise EngineError("no such model")


def policies(stt, count):
    for _ in range(count):
        yield priority.policy()


@pytest.mark.usefixtures("_children")
async def test_a_process_hurries_for_what_a_visitor_waits_for_and_for_nothing_else(monkeypatch):
    may = []
    monkeypatch.setattr(process, "granted", lambda: bool(may))
    served, _ = await in_process()
    assert [p async for p in served.stream(policies, 2, awaited=True)] == [os.SCHED_OTHER] * 2
    served.close()
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pytest.skip("no real-time scheduling here")
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    may.append(True)
    served, _ = await in_process()
    seen = [p async for p in served.stream(policies, 3, awaited=True)]
    assert seen == [os.SCHED_RR, os.SCHED_OTHER, os.SCHED_OTHER]
    assert [p async for p in served.stream(policies, 1)] == [os.SCHED_OTHER]
    served.close()
