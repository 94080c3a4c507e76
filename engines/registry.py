"""Voices and dialogues by name: a new one is one file, and one line here.

The file of a voice has `VOICE: Voice` and `load(home: Path) -> Tts`; that of a family of voices
`voices(home: Path | None) -> Sequence[Voice]` and `load(home: Path, name: str) -> Tts`; that of a
dialogue `load(settings: DialogueSettings) -> Dialogue | Mind`, see `engines/settings.py`. `home` is
the directory for state.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

VOICES: Final[dict[str, str]] = {
    "heart": "visavis.engines.voices.hibari",
    "joe": "visavis.engines.voices.piper",
}
VOICE: Final = "heart"  # who speaks where nobody is named
FAMILIES: Final = (
    "visavis.engines.voices.piper_pulled",
    "visavis.engines.voices.kokoro",
    "visavis.engines.voices.espeak",
)
DIALOGUES: Final[dict[str, str]] = {
    "knowledge": "visavis.engines.dialogue.knowledge",
    "openai": "visavis.engines.dialogue.chat.mind",
    "echo": "visavis.engines.dialogue.echo",
}

# Who draws: names of the setting `renderer`, and, without "auto", of the metric.
Renderer = Literal["warp", "torch", "tensorrt"]
Wanted = Literal["auto", "warp", "torch", "tensorrt"]
RENDERERS: Final[tuple[Renderer, ...]] = get_args(Renderer)
WANTED: Final[tuple[Wanted, ...]] = get_args(Wanted)

# Who translates: names of the setting `studio_translator`.
TranslatorName = Literal["auto", "openai", "ctranslate2", "apertium"]
TRANSLATORS: Final[tuple[TranslatorName, ...]] = get_args(TranslatorName)


def as_translator(text: str) -> TranslatorName | None:
    """A setting of `studio_translator` by its name; None: there is none of that name."""
    return next((each for each in TRANSLATORS if each == text), None)


def as_wanted(text: str) -> Wanted | None:
    """A setting of `renderer` by its name; None: there is none of that name."""
    return next((each for each in WANTED if each == text), None)
