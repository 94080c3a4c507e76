"""The work of kind "voice": a recording and the record of a consent -> a voice of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import Pcm
from visavis.engines.voices import recorded
from visavis.models.avatar import consent
from visavis.models.voice_file import VoiceCard
from visavis.server.jobs.job import Working
from visavis.server.recording.files import read_sound
from visavis.server.services.configured import avatars
from visavis.server.system.audit import auditing
from visavis.server.voices import making
from visavis.server.voices.making import Order
from visavis.server.voices.store import OwnVoices

KIND: Final = "voice"
FOLDER: Final = "voice-samples"  # under the directory for state, until the job is over


def voice(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """request: {"name", "kind", "language", "text", "sample": file, "consent": record}.

    Returns {"name", "reference", "alike", "notes"}. The recording is deleted whatever comes of it.
    Raises ConfigError, AvatarError, EngineError, KeyFault.
    """
    sample = Path(request["sample"])
    try:
        return _made(request, sample, working)
    finally:
        sample.unlink(missing_ok=True)


def _made(request: Mapping[str, Any], sample: Path, working: Working) -> Mapping[str, Any]:
    config = working.config
    voices = OwnVoices(avatars(config))
    working.tell(0.0, "reading the recording")
    pcm = read_sound(sample)
    order = Order(
        request["name"], request["kind"], request["language"], consent.read(request["consent"]),
        pcm, making.digest(sample.read_bytes()), request["text"],
    )  # fmt: skip
    if (before := making.made_before(voices, order)) is not None:  # and then this process died
        return _told(before, pcm)
    making.check(voices, order)
    cloner = making.cloner(config, order.kind, order.language)
    card = making.make(voices, order, cloner, lambda done: working.tell(done, "tuning a voice"))
    with auditing(config, "visavis studio") as audit:
        audit.record(
            "voice-made", voice=card.name, kind=card.kind, reference=card.reference,
            uses=" ".join(card.consent.uses), until=card.consent.until or "never",
        )  # fmt: skip
    return _told(card, pcm)


def _told(card: VoiceCard, pcm: Pcm) -> Mapping[str, Any]:
    return {
        "name": card.name, "reference": card.reference, "alike": round(card.alike, 2),
        "notes": list(recorded.faults(pcm)),
    }  # fmt: skip
