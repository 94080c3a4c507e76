"""Every fake is what its Protocol says: `make check` has mypy read this, and nothing runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.beep import VOICE
from support.beep import load as beep
from support.embedders import WordVectors
from support.shout import Shout
from support.stage import Stage

from visavis.engines import fake
from visavis.engines.base import (
    Dialogue,
    EchoCanceller,
    Generator,
    Lips,
    Motion,
    Stt,
    Tts,
    Vad,
    Voice,
)
from visavis.engines.language.embeddings import Embedder
from visavis.server.recording.files import Playback, Script
from visavis.server.recording.recorder import Recorder
from visavis.server.services.wordless import Mute
from visavis.server.session.doors import Inlet, Outlet

ears: tuple[Vad, EchoCanceller, Stt] = (fake.FakeVad(), fake.FakeEcho(), fake.FakeStt())
dialogue: Dialogue = fake.FakeDialogue()
voice: Tts = fake.FakeTts()
mute: Tts = Mute()
lips: Lips = fake.FakeLips()
motion: Motion = fake.FakeMotion()
generator: Generator = fake.FakeGenerator()
embedder: Embedder = WordVectors()
second: tuple[Voice, Tts, Dialogue] = (VOICE, beep(Path()), Shout())
outlet: Outlet = Stage()
recorder: Outlet = Recorder(Path())
inlets: tuple[Inlet, Inlet] = (Script(""), Playback(np.zeros(0, np.int16)))
