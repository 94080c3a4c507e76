"""Spoken questions as a microphone's WAV file, said by a voice that is not the avatar's."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Tts

# Question, and words that only the right answer holds (see engines/data/hotel.md).
QUESTIONS = (
    ("Hello, what time is breakfast tomorrow?", "half past ten"),
    ("How do I get to the airport?", "shuttle"),
    ("Do you have a swimming pool?", "twenty-nine degrees"),
    ("Where can I park my car?", "Anchor Lane"),
    ("What is the password for the internet?", "Aurora Guest"),
    ("When do I have to check out?", "eleven in the morning"),
    ("Can I leave my luggage with you?", "bags safe"),
    ("Am I allowed to smoke in my room?", "smoke-free"),
    ("Is there a gym where I can exercise?", "never closes"),
    ("From what time can I check in?", "three in the afternoon"),
)


@cache
def _voice(home: Path) -> Tts:
    return load.tts("joe", home)


def write_wav(path: Path, script: list[tuple[str, float]], home: Path) -> None:
    """Each text, followed by so many seconds of silence, as 48 kHz mono 16 bit."""
    parts = []
    for text, pause in script:
        if text:
            parts += [speech.pcm for speech in _voice(home).synthesize(text)]
        parts.append(np.zeros(int(pause * PLAY_RATE), np.int16))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAY_RATE)
        file.writeframes(np.concatenate(parts).tobytes())
