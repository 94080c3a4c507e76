"""Threads go ahead of other processes where the system allows it, media ahead of engines."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from support.pace import soon

from visavis.server.system import priority

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scheduling is Linux's")

_REPORT = """
import asyncio, json, os, resource, threading
from visavis.server.system.flow import Worker, file_threads
from visavis.server.system import priority
from visavis.server.system.priority import go_first
{setup}
def level():
    return priority.policy() == os.SCHED_RR and os.sched_getparam(0).sched_priority
def born():
    found = []
    thread = threading.Thread(target=lambda: found.append(level()))
    thread.start()
    thread.join()
    return found[0]
async def main():
    early = Worker("voice")
    await early.load(level)
    reached = go_first()
    late, render = Worker("ears"), Worker("render", media=True)
    async def hurried(worker):
        return [item async for item in worker.stream(lambda: (level() for _ in "ab"), awaited=True)]
    levels = [level(), await early.load(level), await late.load(level), await render.load(level)]
    levels += await hurried(early) + [await early.load(level)]
    asyncio.get_running_loop().set_default_executor(file_threads())
    levels.append(await asyncio.to_thread(level))
    levels.append(await render.load(born))
    print(json.dumps([reached, levels]))
    for worker in (early, late, render):
        worker.close()
asyncio.run(main())
"""


def report(setup: str = "") -> tuple[str, list[int]]:
    """What a process of its own reaches: the tests' own threads stay as they are."""
    script = _REPORT.format(setup=setup)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    reached, levels = json.loads(run.stdout)
    return reached, levels


_GRANT = """
normal, levels = (os.SCHED_OTHER, 0), {}
def of(thread):
    return levels.get(thread or threading.get_native_id(), normal)
def grant(policy, level):
    levels[threading.get_native_id()] = (policy, level)
priority._set = grant
os.sched_getscheduler = lambda thread: of(thread)[0]
os.sched_getparam = lambda thread: os.sched_param(of(thread)[1])
"""


def assert_media_ahead(levels: list[int]) -> None:
    loop, early, late, render, first, second, after, files, born = levels
    assert (loop, render) == (3, 2)  # what is drawn holds no packet up
    assert (first, second) == (1, 0)
    # Threads of libraries, too, whoever starts them.
    assert (early, late, after, files, born) == (0, 0, 0, 0, 0)


def test_media_goes_ahead_of_engines_in_real_time() -> None:
    reached, levels = report()
    if reached != "real-time":
        pytest.skip("this user may not schedule in real time")
    assert_media_ahead(levels)


def test_media_is_asked_to_go_ahead_of_engines() -> None:
    reached, levels = report(_GRANT)
    assert reached == "real-time"
    assert_media_ahead(levels)


def test_a_user_without_the_right_gets_what_there_is_and_no_error() -> None:
    refuse = """
def deny(*_):
    raise PermissionError
priority._set = os.setpriority = deny
"""
    assert report(refuse) == ("normal", [0] * 9)


@pytest.mark.parametrize("ask", [priority.go_first, priority.be_urgent, priority.take_turns])
def test_urgency_is_never_handed_on(monkeypatch, ask) -> None:
    """Whoever becomes less urgent again keeps that, which only a right of its own could undo."""
    asked = []

    class Libc:
        def sched_setscheduler(self, _thread, policy, _level):
            asked.append(policy)
            return 0

    monkeypatch.setattr(priority, "_LIBC", Libc())
    ask()
    assert [policy & os.SCHED_RESET_ON_FORK for policy in asked] == [os.SCHED_RESET_ON_FORK]


def test_the_interpreter_is_given_up_while_a_thread_becomes_less_urgent(monkeypatch) -> None:
    """Else a thread that loses its core in that call keeps everybody waiting."""
    asleep = type(priority._LIBC)(None).usleep  # as the library is called there
    inside = threading.Event()

    class Libc:
        def sched_setscheduler(self, *_):
            inside.set()
            return asleep(300_000)

    monkeypatch.setattr(priority, "_LIBC", Libc())
    lowered = threading.Thread(target=priority.take_turns)
    lowered.start()
    assert inside.wait(5)
    began = time.monotonic()
    time.sleep(0.01)
    assert soon(time.monotonic() - began, 0.2)
    lowered.join()


def test_a_refusal_is_a_permission_error(monkeypatch) -> None:
    class Libc:
        def sched_setscheduler(self, *_):
            ctypes.set_errno(errno.EPERM)
            return -1

    monkeypatch.setattr(priority, "_LIBC", Libc())
    with pytest.raises(PermissionError):
        priority.take_turns()
