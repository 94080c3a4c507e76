"""How long scenes are, by the voices that speak them: the very sound that their film will have."""

from __future__ import annotations

import logging
from pathlib import Path

from visavis.engines.base import Demeanour, EngineError
from visavis.models.errors import ModelError
from visavis.server.studio.document import length
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.film import making, performing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Problem

log = logging.getLogger(__name__)


class Spoken:
    """See fitting.Timing. What is said is kept in the cache of films. For one thread.

    notes: why a scene could only be estimated, in whole sentences.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        """folder: of the project's files."""
        self._studio, self._folder = making.studio(config), folder
        self.notes: list[str] = []

    def __call__(self, project: Project, scene: Scene) -> float:
        """s of the scene, with the silence behind it; estimated where it cannot be performed."""
        complete = project.complete(scene)
        try:
            return self._performed(project, complete)
        except (Problem, ConfigError, EngineError, ModelError, OSError) as error:
            note = f"{scene.name}: its length is estimated, for it cannot be spoken: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return length.of_scene(complete, self._folder)

    def _performed(self, project: Project, scene: Scene) -> float:
        studio = self._studio
        role = studio.cast.role(scene)
        voicing = studio.voicing(role, project.pronounce)
        made = performing.performed(studio.cast, scene, role, voicing, self._folder, Demeanour())
        return made.seconds
