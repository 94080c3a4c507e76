"""Files that a process may read, and nothing else: Linux's Landlock (kernel 5.13 and newer).

No library has it yet, so its three system calls are made through the C library. Numbers, structures
and rights are those of linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every architecture
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_NO_NEW_PRIVILEGES: Final = 38  # prctl(2)

# What each version can deny; all of it is, but for what `restrict` is given.
_FILES: Final = {1: 13, 2: 14, 3: 15, 5: 16}  # version -> number of rights on files, from bit 0 on
_TCP: Final = 0b11  # to bind and to connect, since version 4
_SCOPES: Final = 0b11  # abstract sockets and signals to processes outside, since version 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_, _layout_ = 1, "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The kernel's. Raises OSError where there is none, or it is switched off."""
    return _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))


def restrict(readable: Iterable[Path], runnable: Iterable[Path] = ()) -> int:
    """Nothing can be opened any more but what lies at or under `readable`, and only to be read.

    runnable: what lies there may be read and run as a program, too.
    TCP, signals to others and reading another process's memory or /proc end as well, as far as the
    kernel's version goes, which is returned. Holds for the calling thread and those that it starts.
    Raises OSError.
    """
    found = version()
    files = (1 << max(count for since, count in _FILES.items() if since <= found)) - 1
    wanted = _Ruleset(files, _TCP if found >= 4 else 0, _SCOPES if found >= 6 else 0)
    # An older kernel refuses a structure that is longer than its own.
    size = 24 if found >= 6 else 16 if found >= 4 else 8
    rules = _call(_CREATE, ctypes.byref(wanted), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(rules, path, _READ_FILE)
        for path in runnable:
            _allow(rules, path, _READ_FILE | _EXECUTE)
        forbid_new_privileges()
        _call(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)
    return found


def forbid_new_privileges() -> None:
    """No program that this process starts gets more rights than it has. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise _fault()


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be read
    try:
        rule = _Beneath(rights | (_READ_DIR if path.is_dir() else 0), place)
        kind = ctypes.c_int(_PATH_BENEATH)
        _call(_ADD_RULE, ctypes.c_int(rules), kind, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    """A system call. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise _fault()
    return result


def _fault() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
