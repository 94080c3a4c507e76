"""An avatar in a LiveKit agent's room: sound in until sound and picture leave, clear to silence.

livekit-agents' own classes on both sides, with their native sources and streams; between them a
double of a room (tests/support/livekit_room.py), so what a network and a server of LiveKit take is
not in it. In: when the agent hands over the first sound of a sentence. Out: the first loud 10 ms
of the local track, and its first picture whose mouth moves more than an idle one does.

    python -m bench livekit [--rounds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from livekit import rtc
from livekit.agents.voice.avatar import DataStreamAudioOutput

from bench.live.signals import summary
from visavis.engines import load
from visavis.engines.base import PLAIN, PLAY_RATE, Pcm
from visavis.server.embedded.house import House
from visavis.server.livekit.joining import perform
from visavis.server.system import config_reading as settings

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from support.livekit_room import AVATAR, Room, pair

RATE = 24_000
TEXT = "Breakfast is served from half past six until ten in the morning."
LOUD = 600
# Paces of an agent's voice: (length of a frame, pause between two), s
PACES = {"in real time": (0.02, 0.02), "three times as fast": (0.1, 0.033), "at once": (0.1, 0.0)}


class Watched:
    """What leaves by the two tracks: when sound was loud, and when the mouth moved."""

    def __init__(self, room: Room) -> None:
        tracks = [each.track for each in room.local_participant.track_publications.values()]
        self._sound = rtc.AudioStream.from_track(track=tracks[0], sample_rate=PLAY_RATE)
        self._video = rtc.VideoStream.from_track(track=tracks[1])
        self.loud: list[float] = []
        self.moved: list[tuple[float, float]] = []  # when, by how much
        self.tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._look())]

    async def _hear(self) -> None:
        async for event in self._sound:
            if np.abs(np.frombuffer(event.frame.data, np.int16).astype(int)).max() > LOUD:
                self.loud.append(time.monotonic())

    async def _look(self) -> None:
        before: np.ndarray | None = None
        async for event in self._video:
            now, frame = time.monotonic(), event.frame
            luma = np.frombuffer(frame.data, np.uint8)[: frame.width * frame.height]
            image = luma.reshape(frame.height, frame.width).astype(np.int16)
            high, wide = frame.height, frame.width
            mouth = image[int(high * 0.55) : int(high * 0.85), int(wide * 0.33) : int(wide * 0.67)]
            if before is not None:
                self.moved.append((now, float(np.abs(mouth - before).mean())))
            before = mouth

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._sound.aclose()
        await self._video.aclose()


async def run(rounds: int) -> dict[str, Any]:
    """ms, for each pace at which an agent may send."""
    sound = voice()
    async with House.open(settings.load({"avatar": "mira"})) as house:
        result = {}
        for pace, (length, pause) in PACES.items():
            result[pace] = await measured(house, sound, length, pause, rounds)
    return result


def voice() -> Pcm:
    """A sentence from its first sound on, at RATE."""
    tts = load.tts("heart", settings.load({}).home_path)
    said = np.concatenate([piece.pcm for piece in tts.synthesize(TEXT, PLAIN)])
    heard = said[np.flatnonzero(np.abs(said) > LOUD)[0] :]
    return soxr.resample(heard, PLAY_RATE, RATE)


async def measured(
    house: House, sound: Pcm, length: float, pause: float, rounds: int
) -> dict[str, Any]:
    """Every second sentence is cleared while it sounds."""
    sounds, pictures, silences, ends = [], [], [], []
    async with house.session() as session:
        here, there = pair()
        performing = asyncio.create_task(perform(session, there, house.size))
        here.meet(there)
        await asyncio.sleep(1.0)
        watched = Watched(there)
        output = DataStreamAudioOutput(
            here, destination_identity=AVATAR, sample_rate=RATE, wait_playback_start=True
        )
        await asyncio.sleep(3.0)
        still = np.quantile([amount for _, amount in watched.moved], 0.98) * 1.3
        for trial in range(rounds):
            began = time.monotonic()
            saying = asyncio.create_task(say(output, sound, length, pause, seconds=2.0))
            cut = trial % 2 == 1
            if cut:
                await asyncio.sleep(1.0 + 0.03 * trial)
                cleared = time.monotonic()
                output.clear_buffer()
                saying.cancel()
                output.flush()
            await asyncio.gather(saying, return_exceptions=True)
            await output.wait_for_playout()
            told = time.monotonic()
            await asyncio.sleep(0.6)
            loud = [at for at in watched.loud if at > began]
            sounds.append(loud[0] - began)
            moved = [at for at, amount in watched.moved if at > began and amount > still]
            pictures.append(moved[0] - began)
            (silences if cut else ends).append(
                max(loud[-1] - cleared, 0.0) if cut else told - loud[-1]
            )
            await asyncio.sleep(0.4)
        performing.cancel()
        await asyncio.gather(performing, return_exceptions=True)
        await watched.close()
    kinds = {"sound": sounds, "picture": pictures, "silence": silences, "end told after": ends}
    return {name: summary([1000 * value for value in values]) for name, values in kinds.items()}


async def say(
    output: DataStreamAudioOutput, sound: Pcm, length: float, pause: float, seconds: float
) -> None:
    """So much of it."""
    step = int(length * RATE)
    for at in range(0, int(seconds * RATE), step):
        part = sound[at : at + step]
        await output.capture_frame(rtc.AudioFrame(part.tobytes(), RATE, 1, len(part)))
        await asyncio.sleep(pause)
    output.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    json.dump(asyncio.run(run(parser.parse_args().rounds)), sys.stdout, indent=2)


if __name__ == "__main__":
    main()
