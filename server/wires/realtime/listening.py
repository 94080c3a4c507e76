"""A client's sound: heard as it comes, or taken whole when the client says that it is all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE, PLAY_RATE, VAD_FRAME, Pcm, Stt
from visavis.server.playout.messages import TICK_RATE, Tick, ms, to_ms
from visavis.server.session.session import Session
from visavis.server.session.transcribing import Transcribing
from visavis.server.system.bucket import Bucket
from visavis.server.system.flow import Tasks
from visavis.server.system.served import Served
from visavis.server.wires.realtime.microphone import Microphone
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Settings
from visavis.server.wires.realtime.sound import Inflow, unwritten

LONGEST: Final[Tick] = ms(180_000)  # that is taken whole
_SHORTEST: Final[Tick] = ms(100)
_RELEASED: Final = 0.4  # s after which the ear is opened again: see session/gate.py
_DECODED: Final = 4 * 4_096  # characters of base64 that are made sound in one step of the loop
_FLOW: Final = 8 * TICK_RATE, LONGEST  # of sound: in a second, and at once


class Take:
    """What one visitor says between two commits, transcribed while it comes."""

    def __init__(self, stt: Served[Stt], session: Session, tasks: Tasks) -> None:
        self._known = asyncio.Event()
        self._words = Transcribing(stt, session.clock, tasks, lambda ended: self._known.set())
        self._words.begin()
        self._rate = soxr.ResampleStream(PLAY_RATE, HEAR_RATE, 1, dtype="int16", quality="MQ")
        self._rest = np.zeros(0, np.int16)
        self.length: Tick = 0

    def keep(self, pcm: Pcm, *, last: bool = False) -> None:
        """More of it, at 48 kHz."""
        self.length += len(pcm)
        self._rest = np.concatenate([self._rest, self._rate.resample_chunk(pcm, last=last)])
        whole = len(self._rest) - len(self._rest) % VAD_FRAME
        for start in range(0, whole, VAD_FRAME):
            self._words.keep(self._rest[start : start + VAD_FRAME])
        self._rest = self._rest[whole:]

    async def words(self) -> tuple[str, float]:
        """What was understood of it, and how many s it lasted."""
        self._words.draft(0)
        await self._known.wait()
        text = self._words.words.text if self._words.words is not None else ""
        return text, to_ms(self.length) / 1000


class Listening:
    """Of one client. sends: its sound comes with its events; else a track of its own has it.

    stt: who understands what is taken whole; None: nobody.
    """

    def __init__(self, settings: Settings, stt: Served[Stt] | None, *, sends: bool) -> None:
        self._settings, self._stt, self._sends = settings, stt, sends
        self._inflow = Inflow(settings.heard)
        self._room = Bucket(*_FLOW)
        self._microphone = Microphone()
        self._take: Take | None = None
        self._taken: Tick = 0
        self._began: Tick = 0
        self._session: Session
        self._tasks: Tasks

    def begin(self, session: Session, tasks: Tasks) -> None:
        """Let this session hear it."""
        self._session, self._tasks, self._began = session, tasks, session.clock.now()
        if self._sends:
            session.add_inlet(self._microphone)

    @property
    def position(self) -> float:
        """ms of the client's sound so far."""
        if self._sends:
            return self._microphone.position + to_ms(self._taken)
        return to_ms(self._session.clock.now() - self._began)

    def set(self, settings: Settings) -> None:
        """Other settings hold from here on."""
        if settings.heard != self._inflow.format:
            self._inflow = Inflow(settings.heard)
        if (settings.detection is None) != (self._settings.detection is None):
            self.clear()
        self._settings = settings

    async def append(self, audio: str) -> None:
        """More sound, in base64. Raises Refused."""
        if not self._sends:
            what = "Sound comes over the call's own track here."
            raise Refused("unsupported", what, "audio")
        format = self._settings.heard
        length = ms(1000 * len(audio) * 3 / 4 / format.bytes_a_second)
        if not self._room.take(length):
            what = "Sound comes much faster than anybody speaks: send it as it is spoken."
            raise Refused("rate_limit_exceeded", what, "audio")
        if length > self._left:  # before any of it is looked at
            raise Refused("input_audio_buffer_full", self._full, "audio")
        for start in range(0, len(audio), _DECODED):
            self._hear(self._inflow.take(unwritten(audio[start : start + _DECODED])))
            await asyncio.sleep(0)

    @property
    def _full(self) -> str:
        if self._settings.detection is None:
            return "Three minutes of sound are taken at most: commit them, or clear them."
        return "More than a minute of sound waits to be heard: send it as it is spoken."

    @property
    def _left(self) -> Tick:
        """How much more sound can be kept."""
        if self._settings.detection is not None:
            return self._microphone.left
        return LONGEST - (self._take.length if self._take is not None else 0)

    def _hear(self, pcm: Pcm) -> None:
        if self._settings.detection is not None:
            self._microphone.put(pcm)
            return
        if self._stt is None:
            raise Refused("unsupported", "This session hears nothing.", "audio")
        if self._take is None:
            self._take = Take(self._stt, self._session, self._tasks)
        self._take.keep(pcm)

    def clear(self) -> None:
        """What was sent and not heard yet is nothing."""
        self._take = None
        self._microphone.clear()

    def commit(self) -> Awaitable[tuple[str, float]] | None:
        """Its words and its length in s; None: the ear tells what it has heard. Raises Refused."""
        if not self._sends or self._settings.detection is not None:
            self._session.mic(on=False)
            asyncio.get_running_loop().call_later(_RELEASED, self._session.mic, True)
            return None
        take, self._take = self._take, None
        if take is None or take.length < _SHORTEST:
            what = f"The buffer has less than {to_ms(_SHORTEST):g} ms of sound."
            raise Refused("input_audio_buffer_commit_empty", what)
        take.keep(self._inflow.rest(), last=True)
        self._taken += take.length
        return take.words()
