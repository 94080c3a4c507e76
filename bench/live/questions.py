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
    ("Hello, what time is breakfast tomorrow?", "breakfast is served"),
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
MORE = (
    ("When do you serve dinner?", "Polaris"),
    ("Is there a sauna?", "two saunas"),
    ("Can I bring my dog?", "ten euros"),
    ("How much is late check-out?", "thirty euros"),
    ("Is there a safe in my room?", "four digits"),
    ("Do you have a laundry service?", "back by six"),
    ("How much does breakfast cost?", "included"),
    ("Can I borrow a bicycle?", "twelve euros"),
    ("Where is the nearest pharmacy?", "next corner"),
    ("What can I do when it rains?", "lighthouse"),
    ("How far is it to the train station?", "ten minutes"),
    ("Can I get an iron?", "wardrobe"),
    ("Is there a minibar in the room?", "soft drinks"),
    ("Can I have a wake-up call?", "Dial nine"),
    ("Do you have vegetarian food?", "gluten-free"),
    ("Where can I get some cash?", "cash machine"),
    ("Can I extend my stay by one night?", "love to keep you"),
    ("Do you have a meeting room?", "three of them"),
    ("What is your name?", "Nora"),
    ("Where is the elevator?", "behind the front desk"),
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
