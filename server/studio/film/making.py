"""A project performed into films: spoken, shot, joined, signed.

A scene is spoken as a whole, for its titles and subtitles hang on its times; then its sentences are
shot while the next scene is spoken. What is there already is not made again: clauses, groups of
pictures. So a film that was broken off goes on where it was, and one of which a sentence changed
costs that sentence.
"""

from __future__ import annotations

import errno
import getpass
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np

from visavis.engines.base import PLAY_RATE, Demeanour, EngineError, Pcm, SoundFinish
from visavis.engines.marking.payload import SessionClass
from visavis.models.pictures.canvas import Canvas
from visavis.server.jobs.job import Working
from visavis.server.services.configured import finishes, stamp
from visavis.server.session.finishing import Finishing
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.film import joining, performing
from visavis.server.studio.film.acting import FRAME, states
from visavis.server.studio.film.casting import Cast, Role
from visavis.server.studio.film.keeping import Kept
from visavis.server.studio.film.performing import Performed
from visavis.server.studio.film.plain import Plain
from visavis.server.studio.film.shooting import Set, Shooting, Take
from visavis.server.studio.film.signing import Signing
from visavis.server.studio.film.voicing import Voicing
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

Format = Literal["mp4"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
LONGEST: Final = 3 * 3600  # s of a film
_PARTS: Final = "parts"  # of a job's folder: what is made on the way
_NAME: Final = "film"
_SPOKEN: Final = 0.05  # of the work: a scene's speech
_JOINED: Final = 0.05


@dataclass(frozen=True, slots=True)
class Made:
    """files: by format, names in the job's folder. seconds: of the film. notes: what was left out,
    in words for the user. drawn, found: pictures that were drawn, and that were there.
    """

    files: dict[str, str]
    seconds: float
    notes: tuple[str, ...] = ()
    drawn: int = 0
    found: int = 0


@dataclass(slots=True)
class _Reel:
    """A film on its way. shot: its groups in order, each with its number of pictures."""

    shot: list[tuple[Future[Path], int]] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pictures: int = 0


def make(
    project: Project, folder: Path, formats: Sequence[Format], working: Working,
    config: Config | None = None,
) -> Made:  # fmt: skip
    """folder: of the project's files.

    Raises what the command line calls a fault (`commands`): ConfigError, NotFound, NotAllowed,
    Ended, EngineError, ModelError, OSError; and Cancelled.
    """
    if unknown := [each for each in formats if each not in FORMATS]:
        raise ConfigError(f"there is no format {unknown[0]!r}: {', '.join(FORMATS)}")
    if not project.scenes:
        raise ConfigError("the project has no scene: write one")
    config = config or settings.load({})
    with _full_disk_told():
        return _Studio.of(config).make(project, folder, working)


class _Studio:
    """What films of one installation have in common, kept from one to the next."""

    _known: dict[str, _Studio] = {}

    @classmethod
    def of(cls, config: Config) -> _Studio:
        """The same one for the same settings."""
        key = repr(config)
        if key not in cls._known:
            cls._known.clear()
            cls._known[key] = cls(config)
        return cls._known[key]
