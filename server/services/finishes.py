"""What is put into the pictures of all sessions of a process, and made for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import Finish
from visavis.models.pictures.canvas import Canvas
from visavis.server.session.finishing import Finishing

Maker = Callable[[Canvas], Finish]  # called off the event loop; raises EngineError


@dataclass(frozen=True, slots=True)
class Finishes:
    """In the order in which they are put in: what is seen first, what is hidden over it."""

    makers: tuple[Maker, ...] = ()

    def of(self, canvas: Canvas) -> Finishing:
        """For one session. Raises EngineError."""
        return Finishing(*(make(canvas) for make in self.makers))


AS_DRAWN: Final = Finishes()  # pictures as they are drawn
