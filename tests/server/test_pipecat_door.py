"""The face as a service in Pipecat's own pipelines, on fake engines and mostly in virtual time."""

import asyncio
import builtins
import importlib
import sys
from contextlib import asynccontextmanager

import numpy as np
import pytest
from pipecat.frames.frames import (
    EndFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner
from support.services import FakeServices
from support.virtual_time import virtual_time

from visavis.doors.pipecat import VisavisVideoService
from visavis.server.embedded.house import House
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RNG = np.random.default_rng(0)
PACKET = 960


class Sink(FrameProcessor):
    """The end of the pipeline: what came, and when."""

    def __init__(self):
        super().__init__()
        self.came = []

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        self.came.append((asyncio.get_running_loop().time(), frame))
        await self.push_frame(frame, direction)

    def of(self, *kinds):
        return [frame for _, frame in self.came if isinstance(frame, kinds)]

    def at(self, kind):
        return [at for at, frame in self.came if isinstance(frame, kind)]

    @property
    def sound(self):
        frames = self.of(SpeechOutputAudioRawFrame)
        return np.concatenate([np.frombuffer(each.audio, np.int16) for each in frames] or [[]])


class Show:
    """A pipeline with the face in it. errors: what the pipeline was told."""

    def __init__(self, house, **options):
        self.errors = []
        self.face, self.sink = VisavisVideoService(house, **options), Sink()
        self.worker = PipelineWorker(Pipeline([self.face, self.sink]), idle_timeout_secs=None)

        @self.worker.event_handler("on_pipeline_error")
        async def failed(_worker, frame):
            self.errors.append(frame)

    async def give(self, *frames):
        for frame in frames:
            await self.worker.queue_frame(frame)

    async def say(self, pcm, rate=48_000, chunk=PACKET, channels=1, data=b""):
        await self.give(TTSStartedFrame())
        data = data or pcm.tobytes()
        for at in range(0, len(data), 2 * chunk):
            await self.give(TTSAudioRawFrame(data[at : at + 2 * chunk], rate, channels))
        await self.give(TTSStoppedFrame())


@asynccontextmanager
async def showing(house, **options):
    show = Show(house, **options)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(show.worker)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.2)
    try:
        yield show
        await show.worker.queue_frame(EndFrame())
    except BaseException:
        await show.worker.cancel()
        raise
    finally:
        await asyncio.wait_for(running, 30)


@asynccontextmanager
async def house():
    services = FakeServices()
    try:
        yield House(Config(avatar="mira", width=128, height=128), services, services.metrics)
        assert services.lent == 0
    finally:
        services.close()


def noise(seconds, rate=48_000):
    return RNG.integers(2000, 9000, int(seconds * rate)).astype(np.int16)


@virtual_time
async def test_sound_goes_in_and_pictures_and_the_same_sound_come_out():
    async with house() as home, showing(home) as show:
        first = show.sink.of(OutputImageRawFrame)[0]
        assert (first.size, first.format, len(first.image)) == ((128, 128), "RGB", 128 * 128 * 3)
        assert first.sync_with_audio
        sound = noise(1)
        await show.say(sound)
        await asyncio.sleep(2)
        came = show.sink.sound
        begins = int(np.flatnonzero(came)[0])
        assert (came[begins : begins + len(sound)] == sound).all()
        assert not show.sink.of(TTSAudioRawFrame)
        assert {each.sample_rate for each in show.sink.of(SpeechOutputAudioRawFrame)} == {48_000}
        assert len(show.sink.of(OutputImageRawFrame)) > 50


@virtual_time
async def test_a_hundred_segments_none_lost_and_none_doubled_in_two_sessions_of_a_process():
    async with house() as home:
        for _session in range(2):
            async with showing(home) as show:
                segments = [noise(0.1 + 0.001 * number) for number in range(100)]
                for each in segments:
                    await show.say(each)
                await asyncio.sleep(25)
                whole, came = np.concatenate(segments), show.sink.sound
                begins = int(np.flatnonzero(came)[0])
                assert (came[begins : begins + len(whole)] == whole).all()
                assert not came[begins + len(whole) :].any()
                assert len(show.sink.of(TTSStoppedFrame)) == 100


@virtual_time
async def test_what_follows_speech_is_passed_on_when_it_was_heard():
    async with house() as home, showing(home) as show:
        began = asyncio.get_running_loop().time()
        await show.say(noise(1))
        await show.give(LLMFullResponseEndFrame())
        await show.say(noise(1))
        await asyncio.sleep(4)
        stopped, ended = show.sink.at(TTSStoppedFrame), show.sink.at(LLMFullResponseEndFrame)
        assert 1.0 < stopped[0] - began < 1.3
        assert stopped[0] <= ended[0] < stopped[0] + 0.05
        assert 2.0 < stopped[1] - began < 2.3
        assert show.sink.at(TTSStartedFrame)[0] - began < 0.1


@virtual_time
async def test_an_end_waits_for_the_last_word():
    async with house() as home:
        async with showing(home) as show:
            sound = noise(2)
            await show.say(sound)
        assert np.count_nonzero(show.sink.sound) == len(sound)
        assert show.sink.at(EndFrame)[0] - show.sink.at(TTSStartedFrame)[0] > 2


@virtual_time
async def test_an_interruption_is_silence_at_once_and_the_next_words_are_whole():
    async with house() as home, showing(home) as show:
        await show.say(noise(30))
        await show.give(LLMFullResponseEndFrame())
        await asyncio.sleep(1)
        cut = asyncio.get_running_loop().time()
        await show.give(InterruptionFrame())
        await asyncio.sleep(1)
        frames = [(at, frame) for at, frame in show.sink.came if at > cut + 0.02]
        sound = [frame for _, frame in frames if isinstance(frame, SpeechOutputAudioRawFrame)]
        assert not any(np.frombuffer(each.audio, np.int16).any() for each in sound)
        assert sum(isinstance(frame, OutputImageRawFrame) for _, frame in frames) > 20
        assert not show.sink.of(TTSStoppedFrame, LLMFullResponseEndFrame)
        before = len(show.sink.sound)
        words = noise(0.5)
        await show.say(words)
        await asyncio.sleep(1)
        came = show.sink.sound[before:]
        begins = int(np.flatnonzero(came)[0])
        assert (came[begins : begins + len(words)] == words).all()
        assert len(show.sink.of(TTSStoppedFrame)) == 1


@virtual_time
async def test_speech_that_must_not_be_interrupted_is_not():
    async with house() as home, showing(home) as show:
        sound = noise(1)
        frame = TTSAudioRawFrame(sound.tobytes(), 48_000, 1)
        frame.interruptible = False
        await show.give(TTSStartedFrame(), frame, TTSStoppedFrame())
        await asyncio.sleep(0.5)
        await show.give(InterruptionFrame())
        await asyncio.sleep(1)
        assert np.count_nonzero(show.sink.sound) == len(sound)
        assert not show.sink.of(SpeechOutputAudioRawFrame)[5].interruptible


@virtual_time
async def test_a_flood_waits_and_nothing_of_it_is_lost():
    async with house() as home, showing(home) as show:
        voice = show.face._session.voice
        voice.room = 5 * 48_000
        sound = noise(20)
        await show.say(sound, chunk=24_000)
        await asyncio.sleep(3)
        assert 0 < voice._held <= voice.room  # more is in Pipecat's queue, not here
        await asyncio.sleep(20)
        assert np.count_nonzero(show.sink.sound) == len(sound)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (22_050, 1), (24_000, 2)])
def test_other_rates_are_spoken_at_ours(rate, channels):
    @virtual_time
    async def run():
        async with house() as home, showing(home) as show:
            sound = np.repeat(noise(1, rate), channels)
            await show.say(sound, rate, 333, channels)
            await asyncio.sleep(2)
            loud = np.flatnonzero(show.sink.sound)
            assert abs(loud[-1] - loud[0] - 48_000) < 200

    run()


@virtual_time
async def test_odd_lengths_are_kept_over_to_the_next_frame():
    async with house() as home, showing(home) as show:
        data = noise(1).tobytes()
        for at in range(0, len(data), 1001):
            await show.give(TTSAudioRawFrame(data[at : at + 1001], 48_000, 1))
        await show.give(TTSAudioRawFrame(b"", 48_000, 1), TTSStoppedFrame())
        await asyncio.sleep(2)
        came = show.sink.sound
        begins = int(np.flatnonzero(came)[0])
        assert came[begins : begins + 48_000].tobytes() == data


@pytest.mark.parametrize(("rate", "channels"), [(4_000, 1), (96_000, 1), (24_000, 3), (0, 1)])
def test_sound_that_cannot_be_spoken_is_an_error_of_the_pipeline(rate, channels):
    @virtual_time
    async def run():
        async with house() as home, showing(home) as show:
            await show.give(TTSAudioRawFrame(noise(0.1).tobytes(), rate, channels))
            await show.say(noise(0.5))
            await asyncio.sleep(1)
            assert "cannot be spoken" in show.errors[0].error
            assert np.count_nonzero(show.sink.sound) == 24_000

    run()


@virtual_time
async def test_silence_is_no_speech():
    async with house() as home, showing(home) as show:
        await show.say(np.zeros(48_000, np.int16))
        await asyncio.sleep(2)
        assert not show.sink.sound.any()
        assert len(show.sink.of(TTSStoppedFrame)) == 1


@virtual_time
async def test_an_avatar_that_there_is_not_leaves_the_voice():
    async with house() as home, showing(home, avatar="nobody") as show:
        await show.say(noise(0.5))
        await asyncio.sleep(1)
        assert "nobody" in show.errors[0].error
        assert show.sink.of(TTSAudioRawFrame)
        with pytest.raises(NotFound):
            await show.face.direct("warm")


@virtual_time
async def test_it_is_directed_in_plain_words():
    async with house() as home, showing(home, sync_with_audio=False) as show:
        assert await show.face.direct("warm")
        assert not show.sink.of(OutputImageRawFrame)[0].sync_with_audio


def test_without_pipecat_the_import_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pipecat"):
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "visavis.doors.pipecat")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "visavis\[pipecat\]"'):
        importlib.import_module("visavis.doors.pipecat")
