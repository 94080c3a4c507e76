"""Voices and dialogues by name: a new one is one file, and one line here.

The file of a voice has `VOICE: Voice` and `load(home: Path) -> Tts`; that of a dialogue
`load(home: Path, knowledge: Path | None) -> Dialogue | Mind`. `home` is the directory for state,
`knowledge` the operator's file of answers, None: an example.
"""

from __future__ import annotations

from typing import Final

VOICES: Final[dict[str, str]] = {
    "heart": "visavis.engines.voices.hibari",
    "joe": "visavis.engines.voices.piper",
}
DIALOGUES: Final[dict[str, str]] = {
    "knowledge": "visavis.engines.dialogue.knowledge",
    "echo": "visavis.engines.dialogue.echo",
}
