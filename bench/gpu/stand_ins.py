"""Packages that the graph's modules import and its drawing never calls, where they are missing.

A machine that is lent for a few minutes has PyTorch and numpy. What else models/graph reaches by
its imports (numba, OpenCV, ...) prepares avatars, and that was done before.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

_NAMES: Final = ("cv2", "numba", "PIL", "safetensors", "onnxruntime")


class _Everything(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class _Anything(metaclass=_Everything):
    """Whatever is asked of it: a base class, a decorator, a constant."""

    def __init__(self, *_given: Any, **_named: Any) -> None:
        pass

    def __call__(self, *given: Any, **_named: Any) -> Any:
        return given[0] if given and callable(given[0]) else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


class _Finder(MetaPathFinder, Loader):
    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        known = name.partition(".")[0] in self.missing
        return ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, _module: ModuleType) -> None:
        pass


def install() -> tuple[str, ...]:
    """Put them in for what is missing; their names."""
    missing = tuple(name for name in _NAMES if find_spec(name) is None)
    if missing:
        sys.meta_path.append(_Finder(missing))
    return missing
