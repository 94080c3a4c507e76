"""The engines of a running server: loaded and warmed once, and lent to every session.

Ears, mind, guide and voices are shared, each with one thread; a session gets an echo canceller,
voice activity and motion of its own, and all of them draw through one generator.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from visavis.engines import load
from visavis.engines.base import (
    EngineError,
    Motion,
    Stt,
    TurnEnd,
    draw_one,
)
from visavis.engines.direction.director import Director
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.language import detection, tongues
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.registry import VOICE
from visavis.models.avatar.backdrop import NOTHING
from visavis.models.avatar.consent import Use
from visavis.models.manifest import ManifestError
from visavis.models.pictures.canvas import Canvas
from visavis.server.avatars import standing
from visavis.server.avatars.store import AvatarStore
from visavis.server.playout.clock import Clock
from visavis.server.services import carrying, prepared
from visavis.server.services.answering import Answering
from visavis.server.services.defaults import Defaults
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.ears import Ears
from visavis.server.services.gaps import Gaps
from visavis.server.services.loading import loading
from visavis.server.services.prepared import Disclosed, Repertoire, lines
from visavis.server.services.preparing import Preparing
from visavis.server.services.puppets import Puppets
from visavis.server.services.reloading import Reloading
from visavis.server.services.renderer import RendererNews
from visavis.server.services.self_test import SelfTest
from visavis.server.services.tally import Tally
from visavis.server.services.tongues import Abroad, Tongues, unspoken
from visavis.server.services.voices import Voices
from visavis.server.services.wordless import Wordless
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.engines import Engines
from visavis.server.session.guide import Guide
from visavis.server.session.hearing import Ear
from visavis.server.session.lipsync import Mouth
from visavis.server.session.speaking import Speakers
from visavis.server.session.switching import followed
from visavis.server.system.config import Source
from visavis.server.system.config_faults import AUTO
from visavis.server.system.errors import LOADING
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served
from visavis.server.voices.store import OwnVoices

log = logging.getLogger(__name__)

T = TypeVar("T")

_DEADLINE: Final = 20.0  # s for one call of an engine
_LOOK: Final = 5.0  # s between two looks at the lists of consents that were taken back


class Services:
    """Engines by name. `missing` says in words why no session can begin; None: it can."""

    def __init__(
        self, home: Path, defaults: Defaults, avatars: AvatarStore, metrics: Metrics
    ) -> None:
        self._home, self._defaults, self._metrics = home, defaults, metrics
        self._avatars = avatars
        self._people = OwnVoices(avatars)  # whose voices may be used
        self._seed = secrets.randbits(31)  # no two starts of the server move alike
        self._loading: str | None = LOADING
        self._ends = ExitStack()
        self._repertoire = Repertoire(defaults.house) if defaults.prepare else None
        self._voices = Voices(
            home, metrics, apart=defaults.voices_apart, repertoire=self._repertoire
        )
        self._tongues = Tongues(self._voices, home, defaults.voice or VOICE)
        self._languages: tuple[str, ...] = (ENGLISH,)
        self._reloading = Reloading(metrics)
        self._reloading.tell(self._renewed)
        self._served: list[Served[Any]] = []
        self._healths: list[Health] = []
        self._news = RendererNews(metrics)
        self._self_test: SelfTest
        self._drawing: DrawingPool
        self._puppets: Puppets
        self._ears = Ears(home, self._serve)
        self._turn_end: Served[TurnEnd] | None = None
        self._answering = Answering(home, defaults.mind, metrics, self._serve, self._health)
        self._ends.callback(self._answering.close)
        self._guide: Guide
        self._gaps = Gaps(home, defaults.keep_questions_days)
        self._tally = Tally(metrics, self._gaps if defaults.keep_questions else None)
        self._director: Director

    @property
    def missing(self) -> str | None:
        """Why no session can begin now."""
        voices = (served.health for served in self._voices.served)
        for health in (*self._healths, *voices):
            if health.broken:
                return f"{health.what} keeps failing."
        return self._loading

    async def open(self) -> None:
        """Load and warm what a session needs. Raises EngineError, AvatarError, ManifestError."""
        began = time.perf_counter()
        await asyncio.to_thread(load.settle)
        words = () if self._defaults.wordless else (self._open_words(),)
        await asyncio.gather(self._open_face(), *words)
        worker = Worker("direction", deadline=_DEADLINE)
        director = await worker.load(load.director, self._home)
        reading = self._serve("direction", "Reading directions", director, worker)
        self._guide = Guide(director, reading, await worker.load(Sentiment, director))
        self._director = director
        if not self._defaults.wordless:
            await self._answering.guard()
            await asyncio.to_thread(self._gaps.expire)
        self._loading = None
        log.info("ready", extra={"seconds": round(time.perf_counter() - began, 2)})

    async def _open_words(self) -> None:
        """Who hears, answers and says them."""
        await asyncio.to_thread(tongues.load)
        self._languages = await asyncio.to_thread(load.languages, self._home)
        if why := unspoken(self._defaults.language, self._languages):
            raise EngineError(why)
        usual = await asyncio.to_thread(self._avatars.standing_in, self._defaults.avatar)
        named = self._defaults.voice or await self.own_voice(usual)
        voice = self._tongues.get(self._defaults.house, named)
        await asyncio.gather(self._open_ears(), self._answering.open(), voice)

    async def _open_ears(self) -> None:
        await self._hears(self._defaults.house, self._defaults.language == AUTO)
        self._turn_end = await self._open_turn_end()

    async def _open_turn_end(self) -> Served[TurnEnd] | None:
        """None where its file is missing or damaged: words and silence do without it."""
        worker = Worker("turn-end", deadline=_DEADLINE)
        try:
            network = await worker.load(load.turn_end, self._home)
        except (EngineError, ManifestError) as error:
            log.warning("turns end by words and silence alone", extra={"fault": str(error)})
            worker.close()
            return None
        health = Health("turn-end", "The end of turns", self._metrics)  # does without, if broken
        served: Served[TurnEnd] = Served(InThread(network, worker), health)
        self._served.append(served)
        return served

    def _serve(self, name: str, what: str, engine: T, worker: Worker) -> Served[T]:
        runner = InThread(engine, worker)
        self._reloading.watch(runner)
        served: Served[T] = Served(runner, self._health(name, what))
        self._served.append(served)
        return served

    def _health(self, name: str, what: str) -> Health:
        self._healths.append(Health(name, what, self._metrics))
        return self._healths[-1]

    @property
    def languages(self) -> tuple[str, ...]:
        """What a session can be in, as codes."""
        return self._languages

    async def language_of(self, voice: str) -> str:
        """The code of a voice's language, "" of one that there is not."""
        return await asyncio.to_thread(self._tongues.language_of, voice)

    async def own_voice(self, avatar: str) -> str:
        """The voice of an avatar in a session that names none. Raises NotFound."""
        own = await asyncio.to_thread(self._avatars.voice, avatar)
        own = await asyncio.to_thread(self._people.allowed, own, "live")
        return await asyncio.to_thread(self._tongues.own, avatar, own)

    async def spoken(self, avatar: str) -> tuple[str, ...]:
        """What a session with an avatar can be in, as codes. Raises NotFound."""
        _, card = await asyncio.to_thread(self._avatars.usable, avatar, "live")
        return standing.spoken(card, self._languages, avatar)

    async def check(self, avatar: str, voice: str) -> None:
        """Raises NotFound for an avatar or a voice that there is not, or may not be used."""
        await asyncio.to_thread(self._avatars.usable, avatar, "live")
        if not self._defaults.wordless:
            await self._voices.check(voice)
            await asyncio.to_thread(self._people.check, voice, "live")

    async def lend(
        self, avatar: str, voice: str, source: Source, language: str = ENGLISH, *,
        follows: bool = False, background: str = "",
        uses: tuple[Use, ...] = ("live",),
    ) -> Engines:  # fmt: skip
        """The engines of one new session. Raises NotFound, Malformed, AvatarError, EngineError.

        voice: "": the setting's, or the avatar's own. language: BCP 47, in which it begins.
        follows: whether it goes over to the visitor's.
        background: a word for what its face is drawn before, "": the server's. uses: what the
        consent to its face must be for.
        """
        if self._defaults.wordless:
            return await self._lend_wordless(avatar, source, uses)
        path, card = await asyncio.to_thread(self._avatars.usable, avatar, *uses)
        languages = standing.spoken(card, self._languages, avatar)
        standing.check_language(language, languages, avatar)
        self._answering.expect(language)
        voice = voice or self._defaults.voice or await self.own_voice(avatar)
        permit = await asyncio.to_thread(self._people.checked, voice, uses)
        with loading("The voice"):
            name = await asyncio.to_thread(self._tongues.name, language, voice)
            loaded = await self._voices.get(name)
        with loading("The ears"):
            stt = await self._hears(language, follows)
        backdrop = await asyncio.to_thread(self._defaults.backgrounds.find, background)
        self._seed += 1
        with loading("The session's ears, lips or motion"):
            ear, motion = await asyncio.to_thread(self._own, source, self._seed, stt, language)
            pushed = await self.mouth() if source == "voice" else None
        canvas = Canvas(*self._defaults.size, backdrop == NOTHING)
        finishing = await asyncio.to_thread(self._defaults.finishes.of, canvas)
        loan = await self._puppets.lend(
            path, backdrop
        )  # last: what fails after it would not give it back
        sitting, commands = self._drawing.sit(loan.puppet), self._answering.commands

        def give_back() -> None:
            sitting.end()
            loan.end()

        return Engines(
            ear=ear,
            motion=motion,
            sitting=sitting,
            still=loan.still,
            finishing=finishing,
            double=self._defaults.size[1] if backdrop == NOTHING else 0,
            speakers=Speakers(
                self._answering.mind,
                loaded.tts,
                self._guide,
                loaded.shelf,
                language,
                Abroad(self._tongues, voice),
                self._answering.admitted,
            ),
            apology=loaded.apology,
            give_back=give_back,
            discloses=self._discloses,
            over=self._tally.over,
            clock=partial(Clock, phase=sitting.phase),
            commands=commands.named(avatar) if commands is not None else None,
            language=language,
            voice=name,
            follows=follows,
            languages=languages,
            hears=self._hears,
            pushed=pushed,
            card=loan.card,
            forbidden=standing.first_of(self._avatars.permit(loan.card), permit),
        )

    async def _lend_wordless(self, avatar: str, source: Source, uses: tuple[Use, ...]) -> Engines:
        if source == "dialogue":
            raise EngineError("Nobody here hears or answers: a session can only be given a voice.")
        path, _ = await asyncio.to_thread(self._avatars.usable, avatar, *uses)
        self._seed += 1
        with loading("The session's lips or motion"):
            motion, mouth = await asyncio.to_thread(load.motion, self._seed), await self.mouth()
        canvas = Canvas(*self._defaults.size)
        finishing = await asyncio.to_thread(self._defaults.finishes.of, canvas)
        loan = await self._puppets.lend(path)
        wordless = Wordless(self._guide, self._drawing, self._metrics)
        engines = wordless.engines(loan, motion, mouth, source, finishing)
        over = self._avatars.permit(loan.card).over
        return replace(engines, card=loan.card, forbidden=over)

    @property
    def _discloses(self) -> bool:
        """None where whatever is said is the visitor's: that would be no echo."""
        return self._defaults.discloses and self._answering.commands is not None

    async def learn(self) -> None:
        """Know what may be said: what was synthesized of it before is found from here on."""
        if self._repertoire is not None and (said := await self._answering.foreknown()) is not None:
            if self._discloses:
                said = Disclosed(self._defaults.house, said)
            await asyncio.to_thread(self._repertoire.learn, lines(said, self._director))

    async def _hears(self, language: str, detect: bool) -> Served[Stt]:
        """Recognition in a language; detect: of others too, and then of what is typed as well."""
        if detect:
            await asyncio.to_thread(detection.load)
        among = followed(self._languages, language)
        return await self._ears.get(language, detect=detect, among=among)

    async def mouth(self) -> Mouth:
        """What speaks one person's own voice. Raises EngineError."""
        with loading("Lips"):
            return Mouth(await asyncio.to_thread(load.lips), load.lips)

    async def prepare(self, busy: Callable[[], bool]) -> None:
        """Synthesize ahead what may be said, until cancelled; nothing while somebody is `busy`."""
        await self.learn()
        if self._repertoire is None or self._answering.foreknowing is None:
            return
        place, voices = prepared.folder(self._home), self._voices
        preparing = Preparing(
            self._home, place, self._repertoire, lambda: voices.shelves, self._metrics
        )
        with closing(preparing):
            await preparing.run(busy)

    async def watch(self) -> None:
        """Know soon which consents were taken back, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            await asyncio.to_thread(self._avatars.revocations.look)

    async def renew(self) -> None:
        """Take up changes of the dialogue's files, and consents taken back, until cancelled."""
        await asyncio.gather(self._reloading.run(), self.watch())

    async def _renewed(self, old: object, new: object) -> None:
        """What else was made of a dialogue follows it."""
        if await self._answering.renewed(old, new):
            await self.learn()

    async def carries(
        self, encoder: carrying.Encoder, free: Callable[[], bool]
    ) -> carrying.Measured | None:
        """The self-test, or what an earlier one found of who draws now; None: somebody is there.

        encoder: makes who encodes pictures, in order of their numbers.
        """
        return await self._self_test.run(self._news.drawing, encoder, free)

    def _own(
        self, source: Source, seed: int, stt: Served[Stt], language: str
    ) -> tuple[Ear | Mouth | None, Motion]:
        """What a session shares with nobody."""
        motion = load.motion(seed)
        if source == "voice":
            return None, motion
        if source == "microphone":
            return Mouth(load.lips(), load.lips), motion
        # What cannot be made fails the request, and the event loop has nothing to import.
        load.echo()
        load.vad()
        mood = self._defaults.voice_mood
        ear = Ear(load.echo, load.vad, stt, Endpointing(), self._turn_end, language, mood=mood)
        return ear, motion

    def close(self) -> None:
        """End every engine's thread."""
        self._ends.close()
        self._tally.close()
        for served in self._served:
            served.close()
        self._voices.close()

    async def _open_face(self) -> None:
        """Load motion and generator and run both once, so that the first visitor need not wait."""
        worker = Worker("puppets")
        self._ends.callback(worker.close)
        size, renderer = self._defaults.size, self._defaults.renderer
        news, refine = self._news.tell, self._defaults.refine
        generator = await worker.load(load.generator, *size, renderer, self._home, news, refine)
        self._ends.callback(generator.close)
        self._drawing = DrawingPool(generator, self._health("render", "Drawing"))
        self._ends.callback(self._drawing.close)
        self._puppets = Puppets(generator, worker, self._avatars.vouch, self._metrics.clips)
        self._self_test = SelfTest(
            self._home, self._defaults, self._avatars, generator, self._puppets
        )
        name = await asyncio.to_thread(self._avatars.standing_in, self._defaults.avatar)
        path = await asyncio.to_thread(self._avatars.path, name)
        backdrop = await asyncio.to_thread(self._defaults.backgrounds.find, "")
        loan = await self._puppets.lend(path, backdrop)
        await worker.call(load.warm, partial(draw_one, generator, loan.puppet))
        loan.end()
        await worker.load(lambda: load.motion(0).state(0))
