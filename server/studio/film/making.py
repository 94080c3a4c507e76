"""A project performed into films: spoken, shot, joined, signed.

A scene is spoken as a whole, for its titles and subtitles hang on its times; then its sentences are
shot while the next scene is spoken. What is there already is not made again: clauses, groups of
pictures. So a film that was broken off goes on where it was, and one of which a sentence changed
costs that sentence.
"""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from visavis.engines.base import PLAY_RATE, Demeanour
from visavis.server.jobs.job import Working
from visavis.server.studio.document.project import Project
from visavis.server.studio.film import acting, joining, performing, sounding
from visavis.server.studio.film.acting import FRAME
from visavis.server.studio.film.casting import Cast, Role
from visavis.server.studio.film.keeping import Kept
from visavis.server.studio.film.performing import Performed
from visavis.server.studio.film.progress import Progress
from visavis.server.studio.film.reel import Reel
from visavis.server.studio.film.sets import Sets
from visavis.server.studio.film.shooting import Shooting, Take
from visavis.server.studio.film.signing import Signing
from visavis.server.studio.film.voicing import Voicing
from visavis.server.studio.layers.exports import Format
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Unprocessable

_MADE: Final[tuple[Format, ...]] = ("mp4",)
_NAME: Final = "film"
_PARTS: Final = "parts"  # of a job's folder: what is made on the way
_FOLDER: Final = "studio-cache"  # under the directory for state
_KEPT: Final = 2 * 1024**3  # bytes of groups, and a tenth of it of clauses


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


def make(
    project: Project, folder: Path, formats: Sequence[Format], working: Working,
    config: Config | None = None,
) -> Made:  # fmt: skip
    """folder: of the project's files. config: None: as the settings are.

    Raises Problem, ConfigError, EngineError, ModelError, OSError; and Cancelled.
    """
    for each in formats:
        if each not in _MADE:
            raise ConfigError(f"there is no format {each!r}: {', '.join(_MADE)}")
    if not project.scenes:
        raise Unprocessable("The project has no scene: write one.", "script-invalid")
    made_in = studio(config or settings.load({}))
    return _Film(made_in, project, folder, working).make(formats)


class Studio:
    """What the films of one installation have in common."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cast = Cast(config)
        folder = config.home_path / _FOLDER
        self.groups = Kept(folder / "groups", _KEPT)
        self.clauses = Kept(folder / "clauses", _KEPT // 10)


@lru_cache(1)
def studio(config: Config) -> Studio:
    """Kept from film to film: voices and faces are loaded once."""
    return Studio(config)


class _Film:
    """One in the making."""

    def __init__(self, studio: Studio, project: Project, folder: Path, working: Working) -> None:
        self._studio, self._project, self._folder = studio, project, folder
        self._working, self._config, self._cast = working, studio.config, studio.cast
        self._scenes = [project.complete(scene) for scene in project.scenes]
        self._roles = [self._cast.role(scene) for scene in self._scenes]
        self._sets = Sets(self._cast, project, folder)
        self._signing = Signing(studio.config, self._roles)
        self._progress = Progress(working, [scene.text for scene in self._scenes])

    def make(self, formats: Sequence[Format]) -> Made:
        """See `make`."""
        parts = self._working.folder / _PARTS
        parts.mkdir(parents=True, exist_ok=True)
        with Reel(parts / "sound.raw") as reel:
            with closing(Shooting(parts, self._studio.groups, self._progress)) as shooting:
                self._shoot(reel, shooting)
            self._progress.joining()
            files: dict[str, str] = {each: self._film(reel, parts) for each in formats}
        seconds = round(reel.pictures * FRAME / PLAY_RATE, 2)
        self._note(seconds)
        shutil.rmtree(parts, ignore_errors=True)
        notes = tuple(dict.fromkeys(reel.notes))
        return Made(files, seconds, notes, shooting.made, shooting.found)

    def _shoot(self, reel: Reel, shooting: Shooting) -> None:
        before: tuple[str, Demeanour] | None = None
        for scene, role in zip(self._scenes, self._roles, strict=True):
            at_rest = performing.general(self._cast, scene)
            left = before[1] if before and before[0] == role.digest else at_rest
            performed = performing.performed(
                self._cast, scene, role, self._voicing(role), self._folder, left
            )
            before = role.digest, at_rest
            self._progress.spoken(performed.pictures)
            self._shoot_scene(performed, reel, shooting)
            reel.notes += performed.notes
        shooting.finish([future for future, _ in reel.shot])

    def _shoot_scene(self, performed: Performed, reel: Reel, shooting: Shooting) -> None:
        place, at = self._sets.of(performed, ()), 0
        for sentence in performed.sentences:
            performed.role.leave.check()
            shot = shooting.shoot(Take(place, acting.states(sentence), at))
            reel.add(shot, sentence.pictures, performing.sound(sentence))
            at += sentence.pictures

    def _voicing(self, role: Role) -> Voicing | None:
        if not role.voice:
            return None
        return Voicing(
            role.voice, self._cast.tts(role.voice), self._studio.clauses, self._project.pronounce
        )

    def _film(self, reel: Reel, parts: Path) -> str:
        """The film's file, signed, and only then where it belongs; its name."""
        path = parts / f"{_NAME}.mp4"
        sound = sounding.marked(reel.sound(), self._sets.sound)
        joining.join(path, self._project.frame.size, reel.groups(), sound)
        for role in self._roles:
            role.leave.check()
        outcome = self._signing.sign(path)
        if outcome.why:
            reel.notes.append(f"not signed: {outcome.why}")
        reel.notes += outcome.notes
        for each in (path, outcome.beside):
            if each is not None:
                each.replace(self._working.folder / each.name)
        return path.name

    def _note(self, seconds: float) -> None:
        with auditing(self._config, "visavis studio") as audit:
            for card in {role.digest: role.avatar.card for role in self._roles}.values():
                audit.record(
                    "video-made", avatar=card.name, reference=card.reference, seconds=seconds,
                    who=_user(),
                )  # fmt: skip


def _user() -> str:
    """Who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        return f"user {os.getuid()}"
