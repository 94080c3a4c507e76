"""The ear with its real engines on sound made for it, in time that does not wait."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE, PLAY_RATE, Floats, Pcm, Stt
from visavis.engines.ears.vad_webrtc import WebrtcVad
from visavis.engines.fake import FakeEcho
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Heard, SpeechStarted
from visavis.server.playout.timeline import Timeline
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.hearing import Ear, Event, Hearing
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

_AFTER = 3  # s of hiss after what is played, so that every turn ends
_HISS = 10.0  # RMS, -70 dBFS


class Listened:
    """What came of it."""

    def __init__(self, events: list[Event]) -> None:
        self.turns = sum(isinstance(event, SpeechStarted) for event in events)
        self.words = [event.text for event in events if isinstance(event, Heard) and event.text]


async def listen(sound: Floats, stt: Stt) -> Listened:
    """A minute of anything at HEAR_RATE, in [-1, 1], as one microphone brings it."""
    clock, tasks, metrics, events = Clock(), Tasks(), Metrics(), list[Event]()
    worker = Worker("stt")
    served: Served[Stt] = Served(InThread(stt, worker), Health("stt", "Ears", metrics))
    ear = Ear(FakeEcho, WebrtcVad, served, Endpointing())
    hearing = Hearing(clock, Timeline(), ear, events.append, tasks, metrics)
    await hearing.run(_packets(clock, _heard(sound)))
    await tasks.close()
    worker.close()
    return Listened(events)


def _heard(sound: Floats) -> Pcm:
    played = np.asarray(soxr.resample(sound, HEAR_RATE, PLAY_RATE), np.float32) * 32_767
    played = np.concatenate([played, np.zeros(_AFTER * PLAY_RATE, np.float32)])
    hiss = np.random.default_rng(0).normal(0.0, _HISS, len(played))
    return np.clip(np.rint(played + hiss), -32_768, 32_767).astype(np.int16)


async def _packets(clock: Clock, pcm: Pcm) -> AsyncIterator[Pcm]:
    at = clock.now()
    for start in range(0, len(pcm) - PACKET + 1, PACKET):
        at += PACKET
        await clock.sleep_until(at)
        yield pcm[start : start + PACKET]
