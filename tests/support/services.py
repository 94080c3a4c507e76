"""Services of fake engines, for tests of the server around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from visavis.engines import fake
from visavis.engines.base import Dialogue, Lips, Puppet, Stt, Tts
from visavis.engines.direction.director import Director
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.language import detection, tongues
from visavis.engines.language.commands import Commands
from visavis.models.avatar.consent import Use
from visavis.models.avatar.file import Card
from visavis.models.pictures import double
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Clause
from visavis.server.services.carrying import Measured
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.minds import DialogueMind
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.engines import Engines
from visavis.server.session.guide import Guide
from visavis.server.session.hearing import Ear
from visavis.server.session.lipsync import Mouth
from visavis.server.session.speaking import Ahead, Speakers
from visavis.server.system.config import Source
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

T = TypeVar("T")


class FakeServices:
    """Stands in for `Services`: the avatar "mira", the voice "heart", nothing else."""

    def __init__(
        self,
        answer: Callable[[str], str] = lambda text: f"You said: {text}",
        stt: str = "what time is breakfast?",
        ahead: Ahead | None = None,
        voice_mood: bool = False,
    ) -> None:
        tongues.load()
        detection.load()
        self.ahead, self.voice_mood = ahead, voice_mood
        self.missing: str | None = None
        self.own = "heart"  # the voice that belongs to the avatar
        self.metrics = Metrics()
        self.stt, self.dialogue = fake.FakeStt(stt), fake.FakeDialogue(answer)
        self.motion, self.generator = fake.FakeMotion(), fake.FakeGenerator(128, 128)
        self.drawing, self.puppet = (
            DrawingPool(self.generator, Health("render", "Drawing", self.metrics), threads=1),
            Puppet("mira"),
        )
        self.allowed: tuple[str, ...] = ()  # languages, by the consent; empty: all
        self.card: Card | None = None
        self.forbidden = ""  # why the consent to the face is over
        self.lent = 0  # sessions that have engines, and did not end
        self.tts = fake.FakeTts()
        self.commands: Commands | None = Commands(["Nora"])
        self.director = Director()
        self.sentiment = Sentiment(self.director)
        self.workers = {
            name: Worker(name, deadline=20.0) for name in ("stt", "dialogue", "tts", "direction")
        }

    languages = ("en", "de")

    async def language_of(self, voice: str) -> str:
        return {"heart": "en", "greta": "de"}.get(voice, "")

    async def own_voice(self, avatar: str) -> str:
        return self.own

    async def spoken(self, avatar: str) -> tuple[str, ...]:
        await self.check(avatar, "")
        return self.allowed or self.languages

    async def check(self, avatar: str, voice: str) -> None:
        if avatar != "mira":
            raise NotFound(f"There is no avatar {avatar!r}.")

    async def lend(
        self, avatar: str, voice: str, source: Source = "dialogue", language: str = "en", *,
        follows: bool = False, background: str = "", uses: tuple[Use, ...] = ("live",),
    ) -> Engines:  # fmt: skip
        await self.check(avatar, voice)
        self.lent += 1
        engines = self.engines(fake.FakeLips() if source == "microphone" else None)
        if source == "voice":
            engines = replace(engines, ear=None, pushed=await self.mouth())
        if background == "transparent":
            still = double.empty(128, 128)
            sitting = self.drawing.sit(Puppet("mira before nothing"))
            engines = replace(engines, sitting=sitting, still=still, double=128)
        return replace(
            engines, language=language, follows=follows, languages=self.languages, card=self.card,
            forbidden=lambda: self.forbidden,
        )  # fmt: skip

    async def mouth(self) -> Mouth:
        return Mouth(fake.FakeLips(), fake.FakeLips)

    def engines(self, lips: Lips | None = None) -> Engines:
        stt: Served[Stt] = self._served("stt", self.stt)
        dialogue: Served[Dialogue] = self._served("dialogue", self.dialogue)
        tts: Served[Tts] = self._served("tts", self.tts)
        reading: Served[Director] = self._served("direction", self.director)
        guide = Guide(self.director, reading, self.sentiment)
        sitting = self.drawing.sit(self.puppet)

        def give_back() -> None:
            sitting.end()
            self._take_back()

        return Engines(
            ear=Mouth(lips, lambda: lips)
            if lips
            else Ear(fake.FakeEcho, fake.FakeVad, stt, Endpointing(), mood=self.voice_mood),
            motion=self.motion,
            sitting=sitting,
            give_back=give_back,
            clock=partial(Clock, phase=sitting.phase),
            still=np.full((192, 128), 128, np.uint8),
            speakers=Speakers(DialogueMind(dialogue), tts, guide, self.ahead),
            commands=self.commands,
            apology=(Clause("Sorry.", next(self.tts.synthesize("Sorry."))),),
        )

    def stt_served(self) -> Served[Stt]:
        return self._served("stt", self.stt)

    def _served(self, name: str, engine: T) -> Served[T]:
        health = Health(name, name, self.metrics)
        return Served(InThread(engine, self.workers[name]), health)

    def _take_back(self) -> None:
        self.lent -= 1

    async def open(self) -> None:
        """Nothing to load."""

    async def carries(self, _encoder: object, _free: object) -> Measured | None:
        """A machine that carries four sessions."""
        return Measured(0.01, 200.0, 2.0)

    async def renew(self) -> None:
        """No file of answers changes."""
        await asyncio.Event().wait()

    async def prepare(self, _busy: object) -> None:
        """Nothing is made ahead."""

    def close(self) -> None:
        self.drawing.close()
        for worker in self.workers.values():
            worker.close()
