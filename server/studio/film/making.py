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
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from visavis.engines.base import PLAY_RATE, Demeanour
from visavis.server.jobs.job import Working
from visavis.server.studio.document import checks, length
from visavis.server.studio.document.project import Project
from visavis.server.studio.film import acting, files, performing, sounding
from visavis.server.studio.film.acting import FRAME
from visavis.server.studio.film.casting import Cast, Role
from visavis.server.studio.film.groups import FPS
from visavis.server.studio.film.keeping import FOLDER, Kept
from visavis.server.studio.film.performing import Performed
from visavis.server.studio.film.progress import Progress
from visavis.server.studio.film.reel import Reel
from visavis.server.studio.film.sets import Sets
from visavis.server.studio.film.shooting import Shooting, Take
from visavis.server.studio.film.signing import Signing
from visavis.server.studio.film.voicing import Voicing
from visavis.server.studio.layers import cues, sound
from visavis.server.studio.layers.exports import FORMATS, Format
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Unprocessable

_LONGEST: Final = 2 * 3600  # s of a film
_SURELY: Final = 1.5 * _LONGEST  # s; no estimate is that far off
_PARTS: Final = "parts"  # of a job's folder: what is made on the way


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
        if each not in FORMATS:
            raise ConfigError(f"there is no format {each!r}: {', '.join(FORMATS)}")
    if not project.scenes:
        raise Unprocessable("The project has no scene: write one.", "script-invalid")
    made_in = studio(config or settings.load({}))
    return _Film(made_in, project, folder, formats, working).make()


class Studio:
    """What the films of one installation have in common."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cast = Cast(config)
        folder = config.home_path / FOLDER
        kept = config.studio_cache_mb * 1_000_000
        self.groups = Kept(folder / "groups", kept - kept // 10)
        self.clauses = Kept(folder / "clauses", kept // 10)

    def voicing(self, role: Role, pronounce: Mapping[str, str]) -> Voicing | None:
        """Who speaks for it; None: it is a recording."""
        if not role.voice:
            return None
        return Voicing(role.voice, self.cast.tts(role), self.clauses, pronounce, role.edition)


@lru_cache(1)
def studio(config: Config) -> Studio:
    """Kept from film to film: voices and faces are loaded once."""
    return Studio(config)


class _Film:
    """One in the making."""

    def __init__(
        self, studio: Studio, project: Project, folder: Path, formats: Sequence[Format],
        working: Working,
    ) -> None:  # fmt: skip
        self._studio, self._project, self._folder = studio, project, folder
        self._formats, self._working = tuple(dict.fromkeys(formats)), working
        self._config, self._cast = studio.config, studio.cast
        self._scenes = [project.complete(scene) for scene in project.scenes]
        self._roles = [self._cast.role(scene) for scene in self._scenes]
        self._sets = Sets(self._cast, project, folder)
        self._signing = Signing(studio.config, self._roles)
        self._codings = files.codings(self._formats, transparent=self._is_transparent)
        self._progress = Progress(
            working, [scene.text for scene in self._scenes], max(len(self._codings), 1)
        )

    @property
    def _is_transparent(self) -> bool:
        behind = [scene.background for scene in self._scenes]
        return any(each is not None and each.kind == "transparent" for each in behind)

    def make(self) -> Made:
        """See `make`."""
        self._check()
        parts = self._working.folder / _PARTS
        parts.mkdir(parents=True, exist_ok=True)
        with Reel(parts / "sound.raw") as reel:
            with closing(Shooting(parts, self._studio.groups, self._progress)) as shooting:
                self._shoot(reel, shooting)
            self._progress.joining()
            made = self._written(reel, parts)
        seconds = round(reel.pictures * FRAME / PLAY_RATE, 2)
        self._note(seconds)
        shutil.rmtree(parts, ignore_errors=True)
        unfilled = [f"{f.scene}: {f.what}; {f.fix}" for f in checks.unfilled(self._project)]
        notes = tuple(dict.fromkeys([*unfilled, *reel.notes]))
        return Made(made, seconds, notes, shooting.made, shooting.found)

    def _check(self) -> None:
        """What would else be found when hours of it are made. Raises Unprocessable."""
        if length.seconds(self._project, self._folder) > _SURELY:
            raise _too_long()
        if self._project.music:
            sound.tune(self._folder, self._project.music.file)

    def _shoot(self, reel: Reel, shooting: Shooting) -> None:
        before: tuple[str, Demeanour] | None = None
        for scene, role in zip(self._scenes, self._roles, strict=True):
            at_rest = performing.general(self._cast, scene)
            left = before[1] if before and before[0] == role.digest else at_rest
            performed = performing.performed(
                self._cast,
                scene,
                role,
                self._studio.voicing(role, self._project.pronounce),
                self._folder,
                left,
                self._progress.speaking,
            )
            before = role.digest, at_rest
            self._progress.spoken(performed.pictures)
            if reel.pictures + performed.pictures > _LONGEST * FPS:
                raise _too_long()
            self._shoot_scene(performed, reel, shooting)
            reel.notes += performed.notes
        shooting.finish(reel.under_way)

    def _shoot_scene(self, performed: Performed, reel: Reel, shooting: Shooting) -> None:
        words = performed.said
        reel.begin(performed.scene.title, words)
        place = None
        if self._codings:
            place = self._sets.of(performed, cues.cut(words, self._project.frame.size))
        at = 0
        for sentence in performed.sentences:
            performed.role.leave.check()
            states = acting.states(sentence) if self._codings else []
            shot = {
                coding: shooting.shoot(Take(place, states, at, coding))
                for coding in self._codings
                if place is not None
            }
            reel.add(shot, sentence.pictures, performing.sound(sentence))
            at += sentence.pictures

    def _written(self, reel: Reel, parts: Path) -> dict[str, str]:
        """All files, each signed before it is where it belongs; their names by format."""
        shown = files.Shown(
            self._project.title, self._project.frame.size, reel.shots,
            sounding.heard(
                reel.sound(), self._project.music, self._folder, self._sets.sound,
                parts / "mixed.raw",
            ),
            reel.words, reel.scenes,
        )  # fmt: skip
        made: dict[str, str] = {}
        for format in self._formats:
            for role in self._roles:
                role.leave.check()
            path = files.write(shown, format, parts)
            made[format] = path.name
            if format not in files.TEXTS:
                beside = self._signed(path, reel)
                made |= {f"{format}.c2pa": beside} if beside else {}
            path.replace(self._working.folder / path.name)
            self._progress.joining()
        return made

    def _signed(self, path: Path, reel: Reel) -> str:
        """The name of the file that goes with it; empty: there is none."""
        outcome = self._signing.sign(path)
        if outcome.why:
            reel.notes.append(f"not signed: {outcome.why}")
        reel.notes += outcome.notes
        if outcome.why or outcome.beside is None:
            return ""
        outcome.beside.replace(self._working.folder / outcome.beside.name)
        return outcome.beside.name

    def _note(self, seconds: float) -> None:
        with auditing(self._config, "visavis studio") as audit:
            for card in {role.digest: role.avatar.card for role in self._roles}.values():
                audit.record(
                    "video-made", avatar=card.name, reference=card.reference, seconds=seconds,
                    who=_user(),
                )  # fmt: skip


def _too_long() -> Unprocessable:
    msg = f"The film would be longer than {_LONGEST // 60} minutes: split the project."
    return Unprocessable(msg, "film-too-long")


def _user() -> str:
    """Who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        return f"user {os.getuid()}"
