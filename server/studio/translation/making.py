"""A translation from its beginning to what is reviewed, by an installation's own means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from visavis.engines.translation.base import Shortening, Translators
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.configured import avatars
from visavis.server.studio.document.project import Project
from visavis.server.studio.translation import kept
from visavis.server.studio.translation.choosing import configured
from visavis.server.studio.translation.fitting import fitted
from visavis.server.studio.translation.pairs import ENGLISH, Translation
from visavis.server.studio.translation.timing import Spoken
from visavis.server.studio.translation.translating import translated
from visavis.server.studio.translation.voices import Casting
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound, Unprocessable

Tell = Callable[[float, str], None]  # how far it is, 0 to 1, and what it does

_TRANSLATED: Final = 0.6  # how far it is then


def make(
    project: Project, folder: Path, language: str, config: Config, tell: Tell, *,
    anew: bool = False,
) -> Translation:  # fmt: skip
    """Translate what is new or has changed, and fit it. Reads the folder, writes nothing in it.

    anew: everything, over what somebody wrote or checked. Raises EngineError, ModelError, Problem,
    ConfigError, OSError.
    """
    wanted = kept.tag(language)
    if wanted == (project.language or ENGLISH):
        raise Unprocessable(f"The project is in {wanted} already.", "language-invalid")
    there = None if anew else _there(project, folder, wanted)
    translators = configured(config)
    voice_for = Casting(config.home_path, _usual(config))
    tell(0.0, f"translates into {wanted}")
    made = translated(project, wanted, translators, voice_for, there.pairs if there else ())
    if there is not None and not made.by:
        made = replace(made, by=there.by)
    tell(_TRANSLATED, "listens how long it is")
    timing = Spoken(config, folder)
    shortener = _shortener(translators, project, wanted) if made.by else None
    done = fitted(made, project, timing, voice_for, shortener)
    return replace(done, notes=(*done.notes, *timing.notes))


def _there(project: Project, folder: Path, language: str) -> kept.Standing | None:
    try:
        return kept.standing(project, folder, language)
    except NotFound:
        return None


def _shortener(translators: Translators, project: Project, language: str) -> Shortening | None:
    translator = translators(project.language or ENGLISH, language)
    return translator if isinstance(translator, Shortening) else None


def _usual(config: Config) -> Callable[[str], str]:
    """Who speaks for an avatar where no voice is named, as films have it."""
    store: AvatarStore = avatars(config)

    def usual(avatar: str) -> str:
        if config.voice:
            return config.voice
        try:
            return store.load(avatar or config.avatar, "videos").card.voice
        except NotFound:  # said when its scenes are timed
            return ""

    return usual
