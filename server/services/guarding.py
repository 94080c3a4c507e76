"""What stands around a mind, whichever it is: dangers are met first, then moods are minded."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from visavis.engines.base import EngineError, Mind
from visavis.engines.dialogue import danger
from visavis.engines.dialogue.danger import Rescue
from visavis.engines.dialogue.danger_meaning import Meaning
from visavis.engines.dialogue.knowledge_file import EXAMPLE
from visavis.engines.language import minilm
from visavis.engines.language.phrasebook import ENGLISH
from visavis.models.manifest import ManifestError
from visavis.server.services import considerate
from visavis.server.services.considerate import ConsiderateMind
from visavis.server.services.dangers import DangerMind, Means, OwnAnswers

log = logging.getLogger(__name__)


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
        own = OwnAnswers(knowledge)
        return DangerMind(mind, rescue, own)
    await asyncio.to_thread(considerate.warm)
    own = OwnAnswers(knowledge or EXAMPLE)
    await own.get(ENGLISH)
    meaning = await asyncio.to_thread(_meaning, home)
    return DangerMind(ConsiderateMind(mind), rescue, own, meaning)


def _meaning(home: Path) -> Means | None:
    """None where there is no network for it."""
    try:
        return Meaning(minilm.shared(home)).danger
    except (EngineError, ManifestError) as error:
        log.warning("danger is told by phrases alone", extra={"fault": str(error)})
        return None
