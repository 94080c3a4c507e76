"""How urgent the server's threads are to the system's scheduler.

A browser on the same two cores holds a 9 ms picture up for 60 ms and a packet for 40 ms, however
nice the server's threads are; scheduled in real time both leave within 20 ms. Measured beside
headless Chromium over a minute with four replies: late pictures 39 -> 1, lateness of packets p99
29 -> 5 ms. Engines must not go first for long: a browser that loses a core for the 500 ms of a
whole answer's synthesis takes 120 instead of 50 ms of sound into its jitter buffer.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

Level = Literal["real-time", "raised", "normal"]

# Real-time priorities, of 99: below what a system keeps for its drivers (50).
# The event loop, which sends: what is drawn and encoded on all cores must not hold a packet up for
# as long as that takes (10 ms a picture on a slow machine), nor the next picture's beginning.
_LOOP: Final = 3
_MEDIA: Final = 2  # encoders, motion and drawing: a picture cannot wait either
# An engine's call that a visitor waits for, 50 ms at most, and whoever waits for a call.
_URGENT: Final = 1
_PATIENT: Final = 5  # nice, where real-time is granted: speech that is made ahead of its time
_NICE: Final = -10  # what audio servers take where real-time is denied


def go_first() -> Level:
    """Schedule the main thread ahead of other processes, as far as the system allows.

    What was reached is returned. Call it once the engines are loaded, which takes seconds of
    processor time. Threads that begin later are like everybody else's, unless they ask.
    """
    if sys.platform != "linux":
        return "normal"
    # The kernel leaves 5 % of each core to everybody else, whatever a real-time thread does.
    for level in (_LOOP, _MEDIA):  # who was granted 2 has it, with the loop among the others
        with suppress(PermissionError):
            _set(os.SCHED_RR, level)
            return "real-time"
    return _raised()


def make_media() -> None:
    """Schedule the calling thread, that draws or encodes, behind the event loop alone."""
    if granted():
        with suppress(PermissionError):
            _set(os.SCHED_RR, _MEDIA)


def begin() -> None:
    """Undo, in a new process, what it has inherited of its parent's urgency."""
    if sys.platform != "linux":
        return
    if policy() != os.SCHED_IDLE:  # who waits for everybody has children that do
        _set(os.SCHED_OTHER, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(0, os.getpriority(os.PRIO_PROCESS, 0)))


@contextmanager
def paced(*, hurried: bool, is_granted: bool | None = None) -> Iterator[None]:
    """How an engine's thread is scheduled during one call, and while it waits for the next.

    hurried: a visitor waits for it, so it goes ahead of other processes, but not of media; after
    it the thread is patient: what follows is made ahead of its time, just when the browser shows
    the first words and would lose its turn to it. A thread that waits is urgent, so that it takes
    its next call up at once: among a browser's threads that took it 3 ms and more.

    is_granted: whether real time is, where it is not this process' main thread that has it.
    """
    if not (granted() if is_granted is None else is_granted):
        yield
        return
    (be_urgent if hurried else take_turns)()
    try:
        yield
    finally:
        if hurried:
            be_patient()
        be_urgent()


def be_urgent() -> None:
    """Schedule the calling thread ahead of other processes, but not of media, where it may be."""
    with suppress(PermissionError):
        _set(os.SCHED_RR, _URGENT)


def take_turns() -> None:
    """Schedule the calling thread like everybody else's."""
    _set(os.SCHED_OTHER, 0)


def be_patient() -> None:
    """Whenever the calling thread takes turns from now on, others come before it."""
    os.setpriority(os.PRIO_PROCESS, 0, _PATIENT)  # of the thread, on Linux


def be_idle() -> None:
    """Run the calling thread, and those that it starts, only where nothing else wants the core."""
    os.nice(19)  # which is counted apart: admission leaves it out of what the machine is busy with
    if sys.platform == "linux":
        _set(os.SCHED_IDLE, 0)


def granted() -> bool:
    """Whether the main thread is scheduled in real time."""
    if sys.platform != "linux":
        return False
    main = threading.main_thread().native_id
    return main is not None and policy(main) == os.SCHED_RR


def policy(thread: int = 0) -> int:
    """Of a thread by its native id, 0: the calling one; such as os.SCHED_OTHER."""
    return os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK


class _Level(ctypes.Structure):
    _fields_ = (("priority", ctypes.c_int),)


_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _set(policy: int, level: int) -> None:
    """Of the calling thread, without the interpreter's lock. Raises PermissionError.

    What it starts from then on, threads of libraries and programs among it, begins like everybody
    else's. That is for good: without a right of its own no thread may undo it (sched(7)).

    os.sched_setscheduler keeps the lock. A thread that becomes less urgent loses its core in that
    very call, to whoever waits for one, and everybody who needs the interpreter waited with it:
    beside twenty other programs the event loop woke 3.3 ms late on average, at most 68; so 0.06
    and 7.
    """
    assert _LIBC is not None
    alone = policy | os.SCHED_RESET_ON_FORK
    if _LIBC.sched_setscheduler(0, alone, ctypes.byref(_Level(level))):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _raised() -> Level:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, min(_NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    except PermissionError:
        return "normal"
    return "raised"
