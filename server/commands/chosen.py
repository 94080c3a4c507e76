"""The avatar and the voice that an option names, or which there are to choose from."""

from __future__ import annotations

from pathlib import Path

from visavis.engines import load
from visavis.server.avatars.store import AvatarStore
from visavis.server.system.errors import ConfigError, NotFound


def avatar_path(store: AvatarStore, name: str) -> Path:
    """`AvatarStore.path`, and where to look if there is none. Raises NotFound."""
    try:
        return store.path(name)
    except NotFound as error:
        raise NotFound(f"{error} `visavis avatar list` names those there are.") from error


def check_voice(name: str, home: Path) -> None:
    """Raises ConfigError for a voice that there is not."""
    if name not in {voice.name for voice in load.voices(home)}:
        why = load.missing_voices().get(name, "`visavis voices` names those there are")
        raise ConfigError(f"there is no voice {name!r}: {why}")
