"""What stands around a mind, whichever it is: dangers are met first, then moods are minded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from visavis.engines.base import EngineError, Mind
from visavis.engines.dialogue import danger
from visavis.engines.dialogue.danger import Kind, Rescue
from visavis.engines.dialogue.danger_meaning import Meaning
from visavis.engines.dialogue.knowledge_file import EXAMPLE
from visavis.engines.language import minilm
from visavis.engines.language.phrasebook import ENGLISH
from visavis.models.manifest import ManifestError
from visavis.server.services import considerate
from visavis.server.services.considerate import ConsiderateMind
from visavis.server.services.dangers import DangerMind, OwnAnswers


async def guarded(
    mind: Mind,
    knowledge: Path | None,
    rescue: Rescue,
    home: Path,
    *,
    obeying: bool,
) -> DangerMind:
    """A mind with both around it, and what they need read.

    knowledge: the operator's file, None: the example. obeying: False for a mind that says whatever
    it is given, so that nothing is to be added.
    """
    await asyncio.to_thread(danger.warm)
    if not obeying:
        return DangerMind(mind, rescue, OwnAnswers(knowledge))
    await asyncio.to_thread(considerate.warm)
    own = OwnAnswers(knowledge or EXAMPLE)
    await own.get(ENGLISH)
    return DangerMind(ConsiderateMind(mind), rescue, own, _Meant(home))


class _Meant:
    """Reads what a text means; loads what it needs when it is first asked, in whichever thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._meaning: Meaning | None = None

    def __call__(self, text: str) -> Kind | None:
        """Raises EngineError, also where there is no network for it."""
        if self._meaning is None:
            try:
                self._meaning = Meaning(minilm.shared(self._home))
            except ManifestError as error:
                raise EngineError(f"danger is told by phrases alone: {error}") from error
        return self._meaning.danger(text)
