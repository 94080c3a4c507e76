"""How numeric functions over arrays become machine code: one way for every kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Machine code on the first call, kept on disk; without the GIL; plain float32 arithmetic."""
    return cast(
        "F",
        njit(nogil=True, cache=True, fastmath=True, boundscheck=False, error_model="numpy")(
            function
        ),
    )
