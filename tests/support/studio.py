"""A studio of fake engines, for tests of the server around it."""

from __future__ import annotations

from functools import partial

import numpy as np

from visavis.engines import fake
from visavis.engines.base import Puppet, Transcript
from visavis.engines.direction.director import Director
from visavis.engines.direction.rapport import Rapport
from visavis.server.playout.messages import Clause
from visavis.server.services.drawing import DrawingPool
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.session import Engines
from visavis.server.session.speaking import Guided, Minded, Voiced
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Worker


class FakeStudio:
    """Stands in for `Studio`: the avatar "mira", the voice "heart", nothing else."""

    def __init__(self, answer=lambda text: f"You said: {text}", stt="what time is breakfast?"):
        self.missing = None
        self.stt, self.dialogue = fake.FakeStt(stt), fake.FakeDialogue(answer)
        self.motion, self.generator = fake.FakeMotion(), fake.FakeGenerator(128, 128)
        self.drawing, self.puppet = DrawingPool(self.generator, threads=1), Puppet("mira")
        self.lent = 0  # sessions that were furnished and did not end
        self.tts = fake.FakeTts()
        self.workers = {name: Worker(name) for name in ("stt", "dialogue", "tts", "direction")}
        self.director = Director()
        self.rapport = Rapport(self.director)

    async def furnish(self, avatar, voice, source="dialogue"):
        if avatar != "mira":
            raise NotFound(f"There is no avatar {avatar!r}.")
        self.lent += 1
        return self.engines(fake.FakeLips() if source == "microphone" else None)

    def engines(self, lips=None) -> Engines:
        return Engines(
            echo=fake.FakeEcho(),
            vad=fake.FakeVad(),
            motion=self.motion,
            paint=partial(self.drawing.draw, self.puppet),
            give_back=self._take_back,
            transcribe=self._transcribe,
            mind=Minded(self.dialogue, self.workers["dialogue"]),
            guide=Guided(self.director, self.rapport, self.workers["direction"]),
            voice=Voiced(self.tts, self.workers["tts"]),
            apology=(Clause("Sorry.", next(self.tts.synthesize("Sorry."))),),
            still=np.full((192, 128), 128, np.uint8),
            endpointing=Endpointing(),
            lips=lips,
        )

    def _take_back(self):
        self.lent -= 1

    async def _transcribe(self, pcm) -> Transcript:
        return await self.workers["stt"].call(self.stt.transcribe, pcm)

    async def avatars(self):
        return [{"name": "mira", "title": "Mira", "preview": "/v1/avatars/mira/preview.webp"}]

    def voices(self):
        return [{"name": "heart", "language": "en-US", "description": "a tone"}]

    async def preview(self, avatar):
        if avatar != "mira":
            raise NotFound(f"There is no avatar {avatar!r}.")
        return b"RIFF"

    def close(self):
        self.drawing.close()
        for worker in self.workers.values():
            worker.close()
