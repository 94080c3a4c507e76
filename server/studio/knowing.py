"""What an installation has, for the checks of a project: faces, voices, directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from visavis.engines import load
from visavis.engines.direction.director import Director
from visavis.server.avatars import standing
from visavis.server.avatars.store import AvatarStore
from visavis.server.studio.document.checks import Known
from visavis.server.system.errors import NotFound
from visavis.server.voices.store import OwnVoices


def known(
    store: AvatarStore, avatar: str, home: Path,
    dropped: Callable[[str], Sequence[str]] | None = None,
) -> Known:  # fmt: skip
    """As it is now; reads files. avatar: of scenes that name none.

    dropped: a direction's words that nobody understands; None: those that no style is called by.
    """
    if dropped is None:
        director = Director()

        def dropped(wish: str) -> Sequence[str]:
            return director.literal(wish).dropped

    def why_not(name: str, language: str) -> str:
        try:
            _, card = store.usable(name or avatar, "videos")
            if language:
                standing.check_language(language, card.consent.languages, name or avatar)
        except NotFound as error:
            return error.detail.rstrip(".")
        return ""

    def may_not(name: str, language: str) -> str:
        try:
            own.check(name, "videos", language)
        except NotFound as error:
            return error.detail.rstrip(".")
        return ""

    own = OwnVoices(store)
    voices = {voice.name: voice.language for voice in load.voices(home)}
    return Known(why_not, voices, dropped, may_not)
