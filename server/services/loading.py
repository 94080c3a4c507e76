"""What goes wrong while a model is loaded, as an engine's fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from visavis.engines.base import EngineError
from visavis.models.errors import ModelError
from visavis.models.manifest import ManifestError
from visavis.server.system.errors import Problem
from visavis.server.system.faults import place


@contextmanager
def loading(what: str) -> Iterator[None]:
    """A model that is missing or broken is an EngineError, whatever its library makes of it."""
    try:
        yield
    except (EngineError, ModelError, Problem):
        raise
    except ManifestError as error:
        raise EngineError(f"{what} cannot be loaded: {error}") from error
    except Exception as error:
        fault = f"{type(error).__name__} at {place(error)}"
        raise EngineError(f"{what} cannot be loaded: {fault}") from error
