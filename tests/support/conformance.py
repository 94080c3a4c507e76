"""Every fake is what its Protocol says: `make check` has mypy read this, and nothing runs it."""

from __future__ import annotations

from support.embedders import Words

from visavis.engines import fake
from visavis.engines.base import Dialogue, EchoCanceller, Lips, Motion, Renderer, Stt, Tts, Vad
from visavis.engines.language.embeddings import Embedder

ears: tuple[Vad, EchoCanceller, Stt] = (fake.FakeVad(), fake.FakeEcho(), fake.FakeStt())
dialogue: Dialogue = fake.FakeDialogue()
voice: Tts = fake.FakeTts()
lips: Lips = fake.FakeLips()
motion: Motion = fake.FakeMotion()
renderer: Renderer = fake.FakeRenderer()
embedder: Embedder = Words()
