"""Sound in and out of a real PulseAudio without hardware, which comes and goes."""

import asyncio
import threading
import time

import numpy as np
import pytest
from support.pace import soon
from support.presenter import Recorder, lag, speak
from support.pulse import daemon

from visavis.engines.base import PLAY_RATE
from visavis.server.camera import sound_server, virtual_microphone
from visavis.server.camera.capture import Capture, ticks
from visavis.server.camera.libpulse import Playing, Recording
from visavis.server.camera.microphone import PresenterMicrophone
from visavis.server.camera.sound_server import connected, microphone
from visavis.server.camera.sounding import Outgoing
from visavis.server.camera.virtual_microphone import SINK, SOURCE
from visavis.server.camera.voice_out import VoiceOut
from visavis.server.playout.messages import PACKET, ms
from visavis.server.system.errors import ConfigError, DeviceError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pulse(tmp_path_factory):
    with daemon(tmp_path_factory.mktemp("pulse"), "headset", "speakers") as found:
        yield found


def noise(seconds):
    return RNG.integers(-9000, 9000, round(seconds * PLAY_RATE)).astype(np.int16)


async def until(condition, within=8.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


# --- devices ----------------------------------------------------------------------------------


def test_a_microphone_is_made_and_taken_away(pulse):
    with connected() as sound:
        made = virtual_microphone.opened(sound)
        found = next(each for each in sound.sources() if each.name == SOURCE)
        assert not found.monitor  # which meetings hide
        assert found.title == virtual_microphone.TITLE
        assert virtual_microphone.is_whole(sound, made)
        virtual_microphone.close(sound, made)
        assert SOURCE not in {each.name for each in sound.sources()}
        assert SINK not in {each.name for each in sound.sinks()}
        virtual_microphone.close(sound, made)  # once more is no fault


def test_nobody_elses_default_changes(pulse):
    """A server without a microphone takes any new source for the default, and a meeting follows."""
    with connected() as sound:
        before = sound.server()
        made = virtual_microphone.opened(sound)
        assert sound.server() == before
        virtual_microphone.close(sound, made)


def test_what_a_killed_run_left_is_taken_away_first(pulse):
    with connected() as sound:
        virtual_microphone.opened(sound)
        made = virtual_microphone.opened(sound)
        assert [each.name for each in sound.sinks()].count(SINK) == 1
        virtual_microphone.close(sound, made)


def test_a_sink_of_the_users_own_is_left_alone(pulse):
    with connected() as sound:
        found = virtual_microphone.opened(sound, "speakers")
        assert (found.sink, found.modules) == ("speakers", ())
        virtual_microphone.close(sound, found)
        assert "speakers" in {each.name for each in sound.sinks()}
        with pytest.raises(ConfigError, match="--sink headset, speakers"):
            virtual_microphone.opened(sound, "nowhere")


def test_a_microphone_by_name_and_never_our_own(pulse):
    with connected() as sound:
        assert microphone(sound, "headset.monitor").name == "headset.monitor"
        assert microphone(sound, "headset").name == "headset.monitor"
        with pytest.raises(ConfigError, match="no microphone 'zzz'"):
            microphone(sound, "zzz")
        # a monitor is no default: the face would say what the meeting says
        with pytest.raises(ConfigError, match="default microphone is none"):
            microphone(sound, "")
        made = virtual_microphone.opened(sound)
        assert microphone(sound, SOURCE).name == SOURCE
        with pytest.raises(ConfigError, match="no microphone"):
            microphone(sound, SOURCE, but=SOURCE)
        virtual_microphone.close(sound, made)


def test_devices_that_are_not_there(pulse):
    with pytest.raises(DeviceError, match=r"nowhere: No such entity"):
        Recording("nowhere", ms(10))
    with pytest.raises(DeviceError, match=r"nowhere: No such entity"):
        Playing("nowhere", ms(40))


def test_no_sound_server(monkeypatch, tmp_path):
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    with pytest.raises(DeviceError, match="no sound server"), connected():
        pass
    with pytest.raises(DeviceError):
        Recording("", ms(10))


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pulsectl", None)
    with pytest.raises(ConfigError, match=r"visavis\[camera\]"), sound_server.connected():
        pass


# --- streams ----------------------------------------------------------------------------------


def test_the_delay_that_is_told_is_the_delay(pulse):
    """From an offer to the same sound in whoever records the sink."""
    said, recorder = noise(1.5), Recorder("speakers.monitor")
    voice = VoiceOut(lambda: "speakers", lambda why: None)
    voice.start()
    began = ticks() + ms(500)
    silence = np.zeros(PACKET, np.int16)
    for at in range(began - ms(500), began + len(said), PACKET):
        time.sleep(max(0.0, at / PLAY_RATE - time.monotonic()))
        start = at - began
        voice.offer(said[start : start + PACKET] if start >= 0 else silence)
    time.sleep(0.2)
    told = voice.delay
    voice.close()
    late = lag(recorder.end(), (began, said))
    assert voice.gaps <= 2
    assert abs(late - told) < ms(25)
    assert told < ms(90)


def test_a_voice_that_stalled_is_not_late_for_ever(pulse):
    told, voice = [], VoiceOut(lambda: "speakers", lambda why: told.append(why))
    voice.start()
    for count in range(80):
        voice.offer(noise(0.02))
        time.sleep(0.4 if count == 30 else 0.02)
    assert voice.delay < ms(110)
    voice.close()
    assert told == []


def test_a_hung_sink_holds_nobody_up(pulse):
    free = threading.Event()

    def find():
        free.wait()
        return "speakers"

    voice = VoiceOut(find, lambda why: None)
    voice.start()
    began = time.monotonic()
    for _ in range(100):
        voice.offer(noise(0.02))
    voice.close(patience=0.1)
    assert soon(time.monotonic() - began, 1.0)
    free.set()


async def test_a_presenter_is_heard_as_they_speak_and_muted_at_once(pulse):
    presenter, said = PresenterMicrophone(), noise(1.0)
    capture = Capture(lambda: "headset.monitor", presenter.take)
    running = asyncio.create_task(capture.run())
    heard = []

    async def listen():
        async for packet in presenter.packets():
            heard.append((ticks(), packet))

    listening = asyncio.create_task(listen())
    await until(lambda: len(heard) > 20)
    began = len(heard)
    await asyncio.to_thread(speak, "headset", said)
    sound = np.concatenate([packet for _, packet in heard[began:]]).tobytes()
    parts = [said[at : at + ms(50)].tobytes() for at in range(0, len(said), ms(50))]
    # to the bit; a machine that has no time may leave a gap
    assert sum(part in sound for part in parts) >= 0.8 * len(parts)
    assert presenter.level > 0.1
    assert presenter.age < ms(60)
    presenter.muted = True
    await asyncio.sleep(0.05)
    before = len(heard)
    await asyncio.to_thread(speak, "headset", said[: ms(300)])
    assert not np.concatenate([packet for _, packet in heard[before:]]).any()
    running.cancel()
    listening.cancel()
    await asyncio.gather(running, listening, return_exceptions=True)


# --- what comes and goes ----------------------------------------------------------------------


async def test_a_microphone_that_is_unplugged_is_waited_for(pulse, monkeypatch):
    monkeypatch.setattr("visavis.server.camera.capture._LOOK", 0.05)
    monkeypatch.setattr("visavis.server.camera.capture._SILENT", 0.5)
    told, came = [], []
    with connected() as sound:
        module = sound.load("module-null-sink", {"sink_name": "usb"})

    def find():
        with connected() as sound:
            return microphone(sound, "usb.monitor").name

    capture = Capture(find, lambda pcm, heard: came.append(1), told.append)
    running = asyncio.create_task(capture.run())
    await until(lambda: came)
    await asyncio.to_thread(_unload, module)
    await until(lambda: told)
    assert told[0]
    await asyncio.sleep(0.3)
    came.clear()
    await asyncio.to_thread(_load, "usb")
    await until(lambda: came and told[-1] == "")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(_unload_named, "usb")


async def test_a_sound_server_that_is_restarted(pulse, monkeypatch):
    monkeypatch.setattr("visavis.server.camera.capture._LOOK", 0.05)
    monkeypatch.setattr("visavis.server.camera.voice_out._AGAIN", 0.1)
    told, came = [], []
    outgoing = await Outgoing.open("", told.append)
    outgoing.voice.start()
    capture = Capture(lambda: "headset.monitor", lambda pcm, heard: came.append(1))
    running = asyncio.create_task(capture.run())
    offering = asyncio.create_task(_offer(outgoing.voice))
    await until(lambda: outgoing.voice.goes and came)
    await asyncio.to_thread(pulse.stop)
    await until(lambda: told)
    await asyncio.sleep(0.3)
    came.clear()
    await asyncio.to_thread(pulse.start)
    await until(lambda: outgoing.voice.goes and came and told[-1] == "")
    assert await asyncio.to_thread(_sources) >= {SOURCE}
    for task in (running, offering):
        task.cancel()
    await asyncio.gather(running, offering, return_exceptions=True)
    await asyncio.to_thread(outgoing.close)
    assert SOURCE not in await asyncio.to_thread(_sources)


async def _offer(voice):
    while True:
        voice.offer(np.zeros(PACKET, np.int16))
        await asyncio.sleep(0.02)


def _load(name):
    with connected() as sound:
        return sound.load("module-null-sink", {"sink_name": name})


def _unload(module):
    with connected() as sound:
        sound.unload(module)


def _unload_named(name):
    with connected() as sound:
        for index, _, arguments in sound.modules():
            if f"sink_name={name}" in arguments.split():
                sound.unload(index)


def _sources():
    with connected() as sound:
        return {each.name for each in sound.sources()}
