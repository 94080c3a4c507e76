"""What is put into pictures and sound of all sessions of a process, and made for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import Finish, SoundFinish
from visavis.models.pictures.canvas import Canvas
from visavis.server.session.finishing import Finishing

Maker = Callable[[Canvas], Finish]  # called off the event loop; raises EngineError
SoundMaker = Callable[[], SoundFinish]  # the same


@dataclass(frozen=True, slots=True)
class Finishes:
    """In the order in which they are put in: what is seen first, what is hidden over it.

    sound: of what is put into sound; None: nothing is.
    """

    makers: tuple[Maker, ...] = ()
    sound: SoundMaker | None = None

    def of(self, canvas: Canvas) -> Finishing:
        """For one session. Raises EngineError."""
        sound = self.sound() if self.sound is not None else None
        return Finishing(*(make(canvas) for make in self.makers), sound=sound)


AS_DRAWN: Final = Finishes()  # pictures as they are drawn
