"""How the C library keeps freed memory, and what Python looks through for garbage."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

_MMAP_THRESHOLD: Final = -3  # mallopt(3), malloc.h of glibc
_LARGE: Final = 4 << 20  # bytes


def give_back_large_blocks() -> bool:
    """Return blocks of 4 MB and more to the system as soon as they are freed.

    By itself glibc raises that limit to the largest block it has freed, keeps what is smaller, and
    a server grows with every sentence that is longer than those before: by 4 to 13 MB over fifty,
    now by 2, at 3 ms more of 20 ms in each second of speech. False where there is no glibc. To be
    called before the engines are loaded.
    """
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE))
    except AttributeError:  # musl has no mallopt
        return False


def give_back_what_is_free() -> bool:
    """Return what is free between blocks that are in use. False where there is no glibc.

    Loading the models leaves 120 to 170 MB of it, which nothing that comes later would fill; takes
    20 ms. To be called once they are loaded.
    """
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:
        return False


def spare_what_is_loaded() -> None:
    """Leave what there is now out of every search for garbage: it lives as long as the server.

    170,000 objects of models and libraries take 95 ms of a quiet core to look through, in which
    no thread runs Python, so that packets come late; a crowd of callers has it done more often.
    """
    gc.freeze()
