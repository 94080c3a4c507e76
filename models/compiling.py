"""How numeric functions over arrays become machine code: one way for every kernel."""

# mypy: disable-error-code="no-untyped-call"
# numba's cache has no types.

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from numba import njit
from numba.core import caching

from visavis.models.files import not_kept

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Machine code on the first call, without the GIL; plain float32 arithmetic.

    Kept on disk where that can be written to: beside the source, or in numba's folder of the user.
    """
    made: Any = njit(nogil=True, fastmath=True, boundscheck=False, error_model="numpy")(function)
    made._cache = _Cache(function)  # what cache=True does, with a cache of our own
    return cast("F", made)


class _Written(caching.InTreeCacheLocator):
    """Beside the source, where somebody else wrote it: an installation that is only read."""

    def ensure_cache_path(self) -> None:
        """Raises OSError where this function was not kept."""
        module = Path(self._py_file).stem
        lines = f"-{self.get_disambiguator()}."
        if not any(
            name.startswith(f"{module}.") and lines in name and name.endswith(".nbi")
            for name in os.listdir(self.get_cache_path())
        ):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


class _Nowhere(caching.InTreeCacheLocator):
    """Nothing is kept: each process compiles anew."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self:
        """Always there."""
        return cls(py_func, py_file)

    def ensure_cache_path(self) -> None:
        """Raises OSError."""
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


class _Places(caching.CompileResultCacheImpl):
    _locator_classes: list[type[object]] = [  # noqa: RUF012 (numba's own declaration)
        caching.UserProvidedCacheLocator,
        caching.InTreeCacheLocator,
        _Written,
        caching.UserWideCacheLocator,
        _Nowhere,
    ]


class _Cache(caching.FunctionCache):
    """numba's, but optional: numba itself refuses to start, or a call fails, on a full disk."""

    _impl_class = _Places

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """None where there is none; one that is damaged is forgotten."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 (pickle raises whatever it stumbles over)
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep it, if that can be."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            not_kept(Path(self.cache_path), error)
