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

    def of(self, canvas: Canvas) -> Finishing:
        """For one session; not in the event loop. Raises EngineError."""
        made: list[Finish] = [make(canvas) for make in self.makers]
        sound = self.sound() if self.sound is not None else None
        label = Label(self.lettered, canvas) if self.lettered is not None else None
        each = [label, *made] if label is not None else made
        finishing = Finishing(*each, sound=sound, label=label.shown if label is not None else None)
        # What is compiled or read at the first picture is so here: the still is finished in the
        # event loop.
        finishing.of(np.full(canvas.shape, 16, np.uint8), 0)
        return finishing


AS_DRAWN: Final = Finishes()  # pictures as they are drawn
