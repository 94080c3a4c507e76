"""Where a scene is shot: its face, what is around it, and what is in every picture."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visavis.engines.base import I420, FaceState, Portrayal, SoundFinish
from visavis.engines.marking.payload import EPOCH, Payload, SessionClass
from visavis.models.pictures.canvas import Canvas
from visavis.server.services.configured import finishes, stamp
from visavis.server.services.finishes import Finishes
from visavis.server.services.stamp import Stamp
from visavis.server.session.finishing import Finishing
from visavis.server.studio.document.project import Project
from visavis.server.studio.film.casting import Cast
from visavis.server.studio.film.groups import Still
from visavis.server.studio.film.performing import Performed
from visavis.server.studio.film.shooting import Set
from visavis.server.studio.layers.composition import Composition
from visavis.server.studio.layers.cues import Cue


@dataclass(frozen=True, slots=True)
class _Dressed:
    """Composition and finish, in one thread."""

    composition: Composition
    finishing: Finishing

    def frame(self, face: I420, at: float) -> Still:
        image = self.finishing.of(self.composition.frame(face, at), 0)
        return Still(image, self.composition.canvas)

    def close(self) -> None:
        self.composition.close()


class _Undated(Stamp):
    """The same every day: pictures that were drawn before today have the mark of their own day."""

    def payload(self) -> Payload:
        """See Stamp."""
        return Payload.of(self.installation, EPOCH, self.session)


class Sets:
    """Of one film. folder: of the project's files."""

    def __init__(self, cast: Cast, project: Project, folder: Path) -> None:
        self._cast, self._project, self._folder = cast, project, folder
        config = cast.config
        today = stamp(config, SessionClass.VIDEO)
        self._finishes: Finishes = finishes(config, today)
        undated = None if today is None else _Undated(today.installation, today.session)
        self._undated = finishes(config, undated)
        self._made: dict[tuple[int, Canvas], Finishing] = {}  # by threads

    @property
    def sound(self) -> SoundFinish | None:
        """What is in all sound. Raises EngineError."""
        return self._finishes.sound() if self._finishes.sound is not None else None

    def of(self, performed: Performed, cues: Sequence[Cue]) -> Set:
        """Raises Unprocessable, EngineError."""
        size = self._project.frame.size

        def made() -> _Dressed:
            composition = Composition(
                self._project, performed.scene, self._folder, size, performed.role.avatar,
                seconds=performed.seconds, cues=cues,
                label=lambda canvas: self._finishing(canvas).label,
            )  # fmt: skip
            return _Dressed(composition, self._finishing(composition.canvas))

        first = made()
        performed.notes += first.composition.notes
        wanted, canvas = first.composition.face, first.composition.canvas
        generator, puppet = self._cast.puppet(
            performed.role, (wanted.width, wanted.height), wanted.backdrop
        )
        (face,) = generator.draw([Portrayal(puppet, FaceState())], math.inf)
        (later,) = generator.draw([Portrayal(puppet, FaceState(elapsed=1.0))], math.inf)
        drawn = hashlib.sha256(repr((wanted, performed.role.digest)).encode())
        drawn.update(face.tobytes())
        drawn.update(_signature(self._undated.of(canvas), canvas))
        return Set(
            generator, puppet, made, drawn.digest(), first.composition.key, size,
            moves=not np.array_equal(face, later),
        )  # fmt: skip

    def _finishing(self, canvas: Canvas) -> Finishing:
        key = threading.get_ident(), canvas
        if key not in self._made:
            self._made[key] = self._finishes.of(canvas)
        return self._made[key]


def _signature(finishing: Finishing, canvas: Canvas) -> bytes:
    """What the finish puts into a picture: the mark but for its day, the label."""
    plain = np.full(canvas.shape, 100, np.uint8)
    plain[::2, ::3] = 120
    return hashlib.sha256(finishing.of(plain, 0).tobytes()).digest()
