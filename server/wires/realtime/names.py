"""What a client may name: avatars and voices of this server. All else is taken for no name."""

from __future__ import annotations

import asyncio
from pathlib import Path

from visavis.engines import load
from visavis.server.avatars.store import AvatarStore


class HomeNames:
    """Of one server. home: the directory for state."""

    def __init__(self, home: Path) -> None:
        self._home, self._store = home, AvatarStore(home)

    async def has_avatar(self, name: str) -> bool:
        """Whether there is such an avatar."""
        return await asyncio.to_thread(self._store.has, name)

    async def has_voice(self, name: str) -> bool:
        """Whether there is such a voice."""
        voices = await asyncio.to_thread(load.voices, self._home)
        return any(voice.name == name for voice in voices)
