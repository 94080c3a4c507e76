"""What is put into pictures and sound of all sessions of a process, and made for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.engines.base import Finish, SoundFinish
from visavis.engines.marking.label import Label
from visavis.engines.settings import Lettered
from visavis.models.pictures.canvas import Canvas
from visavis.server.session.finishing import Finishing

Maker = Callable[[Canvas], Finish]  # called off the event loop; raises EngineError
SoundMaker = Callable[[], SoundFinish]  # the same


@dataclass(frozen=True, slots=True)
class Finishes:
    """The label is put in first, then what the makers make, in their order.

    sound: of what is put into sound; None: nothing is. lettered: the label; None: there is none.
    """

    makers: tuple[Maker, ...] = ()
    sound: SoundMaker | None = None
    lettered: Lettered | None = None

    def ready(self, canvas: Canvas) -> Finishing:
        """`of`, and compiled what is at its first use: off the event loop. Raises EngineError."""
        finishing = self.of(canvas)
        finishing.of(np.zeros(canvas.shape, np.uint8), 0)
        return finishing

    def of(self, canvas: Canvas) -> Finishing:
        """For one session. Raises EngineError."""
        made = [make(canvas) for make in self.makers]
        sound = self.sound() if self.sound is not None else None
        if self.lettered is None:
            return Finishing(*made, sound=sound)
        label = Label(self.lettered, canvas)
        return Finishing(label, *made, sound=sound, label=label.shown)


AS_DRAWN: Final = Finishes()  # pictures as they are drawn
