"""Who plays a scene: an avatar whose consent allows films, and a voice in a language."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from visavis.engines import load
from visavis.engines.base import EngineError, Generator, Puppet, Tts
from visavis.engines.direction.director import Director
from visavis.engines.language.languages import code_of
from visavis.engines.registry import VOICE
from visavis.models.avatar.backdrop import ORIGINAL, Backdrop
from visavis.models.avatar.file import Avatar
from visavis.server.avatars import standing
from visavis.server.avatars.leave import Leave
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.configured import avatars
from visavis.server.studio.document.project import Scene
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.voices.store import OwnVoices

_PUPPETS: Final = 4  # avatars prepared for drawing in a size that are kept
_VOICES: Final = 4


@dataclass(frozen=True, slots=True)
class Role:
    """Who speaks a scene, and may. voice: "" of a recording. language: BCP 47, "" of a recording.

    digest: of the avatar's file. edition: of the file of a voice of one's own, "" of others.
    """

    avatar: Avatar
    path: Path
    digest: str
    leave: Leave
    voice: str
    language: str
    edition: str = ""


class Cast:
    """Avatars, voices and directions of one installation, loaded once, however many films.

    For one thread, but for what `puppet` gives.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store: AvatarStore = avatars(config)
        self._own = OwnVoices(self.store)
        self._director: Director | None = None
        self._voices: OrderedDict[tuple[str, str], Tts] = OrderedDict()
        self._puppets: OrderedDict[tuple[object, ...], tuple[Generator, Puppet]] = OrderedDict()

    @property
    def director(self) -> Director:
        """Who understands directions. Raises ManifestError, EngineError."""
        if self._director is None:
            self._director = load.director(self.config.home_path)
        return self._director

    def role(self, scene: Scene) -> Role:
        """Raises NotFound, NotAllowed, AvatarError, ConfigError."""
        name = scene.avatar or self.config.avatar
        avatar = self.store.load(name, "videos")
        path = self.store.path(name)
        voice = "" if scene.sound else self._voice_of(scene, avatar)
        language = self._language(voice) if voice else ""
        permits = [self.store.permit(avatar.card)]
        if voice:
            standing.check_language(language, avatar.card.consent.languages, name)
            self._own.check(voice, "videos", language)
            permit = self._own.permit(voice)
            permits += [permit] if permit is not None else []
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        leave = Leave(self.store, *permits)
        return Role(avatar, path, digest, leave, voice, language, self._own.edition(voice))

    def tts(self, role: Role) -> Callable[[], Tts]:
        """Its voice, loaded when it is first called; raises EngineError then."""
        key = role.voice, role.edition

        def loaded() -> Tts:
            if key not in self._voices:
                self._voices[key] = load.tts(role.voice, self.config.home_path)
                if len(self._voices) > _VOICES:
                    self._voices.popitem(last=False)
            self._voices.move_to_end(key)
            return self._voices[key]

        return loaded

    def puppet(
        self, role: Role, size: tuple[int, int], backdrop: Backdrop = ORIGINAL
    ) -> tuple[Generator, Puppet]:
        """Who draws it in this size, and before what. Raises EngineError."""
        key = (role.digest, size, backdrop)
        if key not in self._puppets:
            generator = load.generator(*size)
            self._puppets[key] = (
                generator,
                generator.prepare(replace(role.avatar, backdrop=backdrop)),
            )
            if len(self._puppets) > _PUPPETS:
                self._puppets.popitem(last=False)
        self._puppets.move_to_end(key)
        return self._puppets[key]

    def _voice_of(self, scene: Scene, avatar: Avatar) -> str:
        """The scene's; else one of its language, if need be; else the avatar's or the house's."""
        if scene.voice:
            self._check(scene.voice)
            return scene.voice
        usual = self.config.voice or avatar.card.voice or VOICE
        if not scene.language or code_of(scene.language) == code_of(self._language(usual)):
            return usual
        found = load.voice_for(scene.language, self.config.home_path) or VOICE
        if code_of(self._language(found)) != code_of(scene.language):
            raise ConfigError(
                f"no voice speaks {scene.language!r} here: `visavis voices` names those there are"
            )
        return found

    def _check(self, name: str) -> None:
        if name not in {voice.name for voice in load.voices(self.config.home_path)}:
            why = load.missing_voices().get(name, "`visavis voices` names those there are")
            raise ConfigError(f"there is no voice {name!r}: {why}")

    def _language(self, voice: str) -> str:
        for each in load.voices(self.config.home_path):
            if each.name == voice:
                return each.language
        raise EngineError(f"there is no voice {voice!r}")
