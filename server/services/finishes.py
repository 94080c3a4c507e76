"""What is put into the pictures of all sessions of a process, and made for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import Finish
from visavis.engines.marking.label import Label
from visavis.engines.settings import Lettered
from visavis.models.pictures.canvas import Canvas
from visavis.server.session.finishing import Finishing

Maker = Callable[[Canvas], Finish]  # called off the event loop; raises EngineError


@dataclass(frozen=True, slots=True)
class Finishes:
    """What is seen, the label, is put in first; then what the makers make, in their order."""

    makers: tuple[Maker, ...] = ()
    lettered: Lettered | None = None

    def of(self, canvas: Canvas) -> Finishing:
        """For one session. Raises EngineError."""
        made = (make(canvas) for make in self.makers)
        if self.lettered is None:
            return Finishing(*made)
        label = Label(self.lettered, canvas)
        return Finishing(label, *made, label=label.shown)


AS_DRAWN: Final = Finishes()  # pictures as they are drawn
