"""What a process gives up before it touches bytes of a stranger; called in that process.

A hostile file that takes over its decoder finds no network, no other program, no file but Python's
own, nothing to write to, and an end of memory and processor time. No rights are needed for it, so
that it works in a container as well. Where the kernel lacks a part, the others hold.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from visavis.server.system import landlock, seccomp

_DEATH_SIGNAL, _DUMPABLE = 1, 4  # prctl(2)
_CAPABILITIES: Final = 0x20080522  # version 3 of capset(2)
_MAY_SEARCH: Final = 1 << 2  # CAP_DAC_READ_SEARCH: as root, Python may lie in anybody's folder
_DESCRIPTORS: Final = 64
_PATIENCE: Final = 20.0  # s
# Python's packages, by the name of their folder: what else is on its path may be anything.
_PACKAGES: Final = frozenset({"site-packages", "dist-packages", "lib-dynload"})
_SYSTEM: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/proc/cpuinfo",
                  "/sys/devices/system/cpu")  # fmt: skip
# Variables that a Python process needs to find what it is made of; none is a secret.
_NEEDED: Final = frozenset(
    {"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "NUMBA_CACHE_DIR", "PYTHONHOME",
     "PYTHONPATH", "PYTHONUSERBASE", "TZ", "XDG_CACHE_HOME"}
)  # fmt: skip

FILES, CALLS = "files", "system calls"  # what `confine` may have to go without


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Of a process's variables those that its child needs: never a token."""
    return {key: value for key, value in own.items() if key in _NEEDED}


def die_with(owner: int) -> None:
    """End this process with the one that started it, however that ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != owner:  # it ended before that call
        sys.exit(1)


def limit(memory: int, seconds: int) -> None:
    """Bytes of address space and seconds of processor time; no memory of it is ever dumped."""
    _bound(resource.RLIMIT_AS, memory)
    _bound(resource.RLIMIT_CPU, seconds)
    _bound(resource.RLIMIT_CORE, 0)


def confine(readable: Iterable[Path], runnable: Iterable[Path] = ()) -> dict[str, str]:
    """Give up all that is said above but for reading `readable`, once and for ever.

    runnable: where programs lie that it may still start; they have given up the same.
    What the system denies is returned, with the reason: FILES, CALLS. Threads that run already keep
    their files, so that there must be none.
    """
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    missing: dict[str, str] = {}
    if sys.platform != "linux":
        return dict.fromkeys((FILES, CALLS), f"not on {sys.platform}")
    ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)
    _drop_capabilities()
    alone, programs = _is_alone(), tuple(runnable)
    for name, restrict in (
        (FILES, lambda: landlock.restrict(readable, programs)),
        (CALLS, lambda: seccomp.restrict(programs=bool(programs))),
    ):
        try:
            restrict()
        except OSError as error:
            missing[name] = error.strerror or type(error).__name__
    if not alone:
        missing.setdefault(FILES, "threads may run already")
    return missing


def _bound(what: int, most: int) -> None:
    """Never more than the system allows already: asking for more is an error."""
    _, allowed = resource.getrlimit(what)
    limit = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
    resource.setrlimit(what, (limit, limit))


def _is_alone() -> bool:
    """Whether this process has one thread, as far as can be seen."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # no /proc here
        return False


def installed(*packages: str) -> tuple[Path, ...]:
    """Where Python, its packages and the system's libraries lie, and these packages if apart."""
    paths = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    paths |= {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    paths |= {Path(entry) for entry in sys.path if Path(entry).name in _PACKAGES}
    for name in packages:
        package = import_module(name)
        paths |= {Path(place) for place in package.__path__}
        if package.__file__:
            paths.add(Path(package.__file__).resolve().parent)  # of an installation by links
    return (*sorted(paths), *(Path(place) for place in _SYSTEM))


def examine() -> dict[str, str]:
    """What `confine` goes without on this system, found out in a process that does it."""
    command = [sys.executable, "-P", "-m", __name__]
    own = environment(os.environ)
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=True, env=own)
        found: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return dict.fromkeys((FILES, CALLS), type(error).__name__)
    return found


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _drop_capabilities() -> None:
    """Of root's rights none but to read, which the rest then bounds."""
    libc: Any = ctypes.CDLL(None)
    header, sets = _Header(_CAPABILITIES, 0), (_Set * 2)()
    if libc.capget(ctypes.byref(header), ctypes.byref(sets)):
        return
    kept = sets[0].permitted & _MAY_SEARCH
    sets[0] = _Set(kept, kept, 0)
    sets[1] = _Set(0, 0, 0)
    libc.capset(ctypes.byref(header), ctypes.byref(sets))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(confine(installed())))
