"""The whole of it: a presenter's voice through the face into a virtual camera and microphone."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.pace import soon
from support.presenter import Recorder, Room, film, lag, lips_after_sound, speak
from support.pulse import daemon

from visavis.engines import load
from visavis.engines.base import PLAY_RATE
from visavis.server.camera import sound_server
from visavis.server.camera.presenting import Wishes, presented
from visavis.server.camera.virtual_microphone import SINK, SOURCE
from visavis.server.playout.messages import to_ms
from visavis.server.recording.files import read_sound
from visavis.server.system import config_reading as settings

VOICES = Path(__file__).parent.parent / "data" / "languages"
TEXT = "My name is Mira and I bring papers about bamboo."
LONG = (
    f"Good morning, everybody. {TEXT} Maybe we begin with a map of Bombay, people? "
    "Before we move on, Peter may open the parcel, and Bob will pour a pot of peppermint tea."
)


@pytest.fixture(scope="module")
def pulse(tmp_path_factory):
    with daemon(tmp_path_factory.mktemp("pulse"), "headset", "speakers") as found:
        yield found


def spoken(text, home):
    """By a voice of ours, with a pause before and after."""
    pause = np.zeros(PLAY_RATE // 2, np.int16)
    tts = load.tts("heart", home)
    return np.concatenate([pause, *(each.pcm for each in tts.synthesize(text)), pause])


@pytest.fixture(scope="module")
def config(warm_home):
    return settings.load({}, env={"VISAVIS_HOME": str(warm_home)})


async def seen(path, count):
    """Wait until so many pictures are there."""
    size = 512 * 512 * 3 // 2
    async with asyncio.timeout(10):
        while not path.exists() or path.stat().st_size < count * size:
            await asyncio.sleep(0.05)


async def take(stage, said, path, home):
    """Voice to virtual microphone, ms; lips after sound, s, and how sure; pictures late, of all."""
    late, begun = stage.outlet.late, len(await asyncio.to_thread(film, path))
    recorders = [Recorder("headset.monitor"), Recorder(SOURCE)]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(speak, "headset", said)
    await asyncio.sleep(0.8)
    went_in, came_out = [await asyncio.to_thread(each.end) for each in recorders]
    shot = (await asyncio.to_thread(film, path)).since(begun)
    lips = await asyncio.to_thread(lips_after_sound, shot, came_out, said, home)
    share = (stage.outlet.late - late) / len(shot)
    return to_ms(lag(came_out, went_in)), *lips, share


# In three seconds lips move too seldom to say more than that they are those of the words.
@pytest.mark.parametrize(
    ("text", "apart"),
    [(TEXT, 0.1), (LONG, 0.0425)],  # s, in steps of 5 ms
    ids=["short", "long"],
)
@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_voice_and_lips_leave_together_and_soon(
    text, apart, pulse, config, warm_home, tmp_path
):
    said = await asyncio.to_thread(spoken, text, warm_home)
    path, lines = tmp_path / "out.y4m", []
    wishes = Wishes(device=str(path), microphone="headset.monitor", square=True)
    async with presented(config, wishes, lines.append) as stage:
        await seen(path, 25)
        for _ in range(3):  # of a machine that has no time nothing can be said
            late, skew, likeness, missed = await take(stage, said, path, warm_home)
            if missed < 0.02 and likeness > 0.3:
                break
        told = await stage.told()
    assert 100 < late < 400
    assert likeness > 0.25
    assert abs(skew) < apart
    assert any("about" in line and "ms after you speak" in line for line in told)
    assert lines == []


@pytest.mark.slow  # it loads a whole server's engines
@pytest.mark.timeout(120)
async def test_typed_words_mute_and_be_right_back(pulse, config, tmp_path):
    path, lines = tmp_path / "out.y4m", []
    wishes = Wishes(device=str(path), sink="speakers", typed=True, square=True, away="Back soon")
    async with presented(config, wishes, lines.append) as stage:
        await seen(path, 5)
        recorder = Recorder("speakers.monitor")
        stage.controls.utter("Hello to all of you.")
        await asyncio.wait_for(stage.typed.said(), 20)
        await asyncio.sleep(0.3)
        _, heard = await asyncio.to_thread(recorder.end)
        assert np.abs(heard).max() > 3000
        before = len(film(path).at)
        await stage.controls.leave()
        stage.controls.utter("This is not said.")
        await seen(path, before + 50)
        assert stage.controls.ended.is_set() is False
    assert any("not said" in line for line in lines)
    last = film(path).pictures[-1][:512].astype(float)
    first = film(path).pictures[0][:512].astype(float)
    assert np.abs(np.diff(last[:400])).mean() < 0.2 * np.abs(np.diff(first[:400])).mean()
    assert last[420:460].max() > 200  # the words


@pytest.mark.timeout(60)
async def test_nothing_is_left_behind_when_it_cannot_begin(pulse, config, tmp_path):
    wishes = Wishes(device=str(tmp_path / "out.y4m"), microphone="headset.monitor")
    wrong = replace(config, avatar="nobody")
    began = time.monotonic()
    with pytest.raises(Exception, match="nobody"):
        async with presented(wrong, wishes, lambda line: None):
            pass
    assert soon(time.monotonic() - began, 30)
    assert SINK not in await asyncio.to_thread(sinks)


def sinks():
    with sound_server.connected() as sound:
        return {each.name for each in sound.sinks()}


@pytest.fixture
def far(tmp_path_factory):
    """A meeting's voice; its loudspeaker is heard in the microphone."""
    with daemon(tmp_path_factory.mktemp("pulse"), "speakers", "headset"):
        room = Room("speakers", "headset")
        yield np.resize(read_sound(VOICES / "fr.ogg"), 6 * PLAY_RATE)
        room.end()


@pytest.mark.slow  # two performances
@pytest.mark.timeout(120)
async def test_what_the_meeting_plays_is_not_spoken(far, config, tmp_path):
    levels = {}
    for echo in (False, True):
        path = tmp_path / f"{echo}.y4m"
        wishes = Wishes(device=str(path), microphone="headset.monitor", echo=echo)
        async with presented(config, wishes, lambda line: None):
            await seen(path, 10)
            recorder = Recorder(SOURCE)
            await asyncio.to_thread(speak, "speakers", far)
            _, heard = await asyncio.to_thread(recorder.end)
        levels[echo] = 10 * np.log10(np.mean(np.square(heard, dtype=float)) + 1)
    assert levels[False] > 50
    assert levels[False] - levels[True] > 20
