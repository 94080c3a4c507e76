"""A voice of one's own from a recording and a consent: checked, made, signed, written, noted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Final

from visavis.engines import load
from visavis.engines.base import Cloned, Pcm, Sample, Tts, VoiceCloner
from visavis.engines.language.languages import LANGUAGES, code_of, is_english
from visavis.engines.registry import VOICES
from visavis.engines.voices import own, recorded, served, styles
from visavis.engines.voices.served import ServedCloner, Way
from visavis.engines.voices.tuned import TunedCloner
from visavis.models import voice_file
from visavis.models.avatar.consent import Consent
from visavis.models.errors import AvatarError
from visavis.models.voice_file import OwnVoice, VoiceCard
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import Installation
from visavis.server.voices.store import OwnVoices, builtin

KINDS: Final = ("tuned", "served")
_MOST: Final = 100  # voices of one's own
_PLAIN: Final = frozenset(VOICES)  # of English, that may be tuned; of other languages any


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. sha256: of the recording's file; text: what is said in it, or nothing."""

    name: str
    kind: str
    language: str
    consent: Consent
    pcm: Pcm
    sha256: str
    text: str = ""

    @property
    def sample(self) -> Sample:
        return Sample(self.pcm, self.language, self.text)


def digest(content: bytes) -> str:
    """Of a recording's file."""
    return hashlib.sha256(content).hexdigest()


def check(voices: OwnVoices, order: Order) -> None:
    """Before any work. Raises AvatarError."""
    check_consent(order.consent)
    check_name(voices, order.name)
    if len(voices.find()) >= _MOST:
        raise AvatarError("too-many-voices", f"There are {_MOST} voices already: delete one first.")
    if code_of(order.language) not in LANGUAGES:
        message = f"{order.language[:20]!r} is no language of visavis: see docs/using.md."
        raise AvatarError("language-invalid", message)
    if recorded.listened(order.pcm).empty:
        message = f"The recording is no use: {recorded.faults(order.pcm)[0]}."
        raise AvatarError("sample-invalid", message)
    voices.check_new(_card(order))


def check_consent(consent: Consent) -> None:
    """Raises AvatarError: "consent-missing", "consent-invalid"."""
    consent.check()
    if not consent.of_a_person:
        message = "A voice is somebody's: name the person as its subject."
        raise AvatarError("consent-invalid", message)


def check_name(voices: OwnVoices, name: str) -> None:
    """Raises AvatarError: "name-invalid", "name-taken"."""
    path = voices.file(name)
    if name in builtin(voices.home):
        message = f"{name!r} is the name of a voice of visavis: choose another one."
        raise AvatarError("name-taken", message)
    if path.exists():
        message = f"There is a voice {name!r} already: choose another name, or delete it."
        raise AvatarError("name-taken", message)


def made_before(voices: OwnVoices, order: Order) -> VoiceCard | None:
    """The voice of this very order, if it is there already."""
    kept = voices.find().get(order.name)
    same = kept is not None and kept.card.reference == _card(order).reference
    return kept.card if kept is not None and same else None


def make(
    voices: OwnVoices, order: Order, cloner: VoiceCloner, told: Callable[[float], None]
) -> VoiceCard:
    """All of it, in a thread. Raises AvatarError, EngineError, KeyFault."""
    check(voices, order)
    return keep(voices, order, cloner.clone(order.sample, told))


def keep(voices: OwnVoices, order: Order, cloned: Cloned) -> VoiceCard:
    """Sign and write it. Raises AvatarError, KeyFault."""
    check(voices, order)  # somebody may have been quicker
    card = replace(_card(order), given=cloned.given, alike=cloned.alike)
    sample = served.packed(order.pcm) if cloned.keeps else b""
    file = OwnVoice(card, cloned.numbers, sample)
    voice_file.write(voices.file(order.name), file.content(Installation.of(voices.home)))
    return card


def _card(order: Order) -> VoiceCard:
    tool = f"visavis {version('visavis')}"
    return VoiceCard(
        order.name, order.kind, order.language, order.consent, order.sha256, tool=tool
    )  # fmt: skip


def could_be_nearer(card: VoiceCard) -> bool:
    """Whether a tuned voice began from few for want of a package."""
    return card.given.get("base") != styles.NETWORK and code_of(card.language) in styles.SPOKEN


def cloner(config: Config, kind: str, language: str) -> VoiceCloner:
    """Who makes voices of that kind here. Raises ConfigError, with the fix."""
    home = config.home_path
    if kind == "served":
        return ServedCloner(_settings(config))
    if kind != "tuned":
        raise ConfigError(f"{kind[:40]!r} is no kind of voice: choose {' or '.join(KINDS)}")

    def base(name: str) -> Tts:
        return load.tts(name, home)

    return TunedCloner(base, _tunable(config, language), home)


def _tunable(config: Config, language: str) -> tuple[str, ...]:
    """Voices of ours in a language; those of English that are quick."""
    own_names = own.spoken(config.home_path)
    found = [
        voice.name
        for voice in load.voices(config.home_path)
        if code_of(voice.language) == code_of(language) and voice.name not in own_names
    ]
    if is_english(language):
        return tuple(name for name in found if name in _PLAIN)
    neural = [name for name in found if not name.startswith("espeak-")]
    return tuple(neural or found[:1])


def _settings(config: Config) -> served.Settings:
    """Raises ConfigError."""
    if not config.speech_url or not config.speech_model:
        raise ConfigError(
            "a voice that a server speaks needs its address: set speech_url, such as "
            "http://127.0.0.1:8091/v1, and speech_model"
        )
    way: Way | None = served.way(config.speech_reference)
    if way is None:
        raise ConfigError(
            f"speech_reference is {config.speech_reference!r}: choose {' or '.join(served.WAYS)}"
        )
    return served.Settings(
        config.speech_url, config.speech_model, config.speech_key_file, way, config.speech_extra
    )
