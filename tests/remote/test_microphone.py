"""The program's own sound on its way: rates, shapes, back-pressure."""

import asyncio

import numpy as np
import pytest

from visavis.remote import RemoteError
from visavis.remote.files import packets
from visavis.remote.microphone import MicrophoneTrack, Outgoing, mono


def tone(rate, seconds=1.0, hz=440):
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate).astype(np.float32) / 2


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
async def test_any_rate_becomes_48_kHz_whatever_the_pieces(rate):
    outgoing = Outgoing()
    sound = tone(rate, 0.8)
    for at in range(0, len(sound), 777):  # odd lengths
        await outgoing.put(sound[at : at + 777], rate)
    made = np.concatenate([outgoing.take() for _ in range(40)])
    peak = np.abs(np.fft.rfft(made[9600:33600])).argmax() * 48_000 / 24_000
    assert peak == pytest.approx(440, abs=2)
    assert np.abs(made[9600:33600]).max() == pytest.approx(16_384, rel=0.03)


@pytest.mark.parametrize(
    ("sound", "heard"),
    [
        (np.array([1, -2, 3], np.int16), [1, -2, 3]),
        (np.array([[2, 4], [-6, -8]], np.int16), [3, -7]),
        (np.array([1.0, -2.0, 0.5]), [32_767, -32_768, 16_384]),
        (np.zeros(0, np.int16), []),
    ],
)
def test_shapes_and_types(sound, heard):
    assert mono(sound).tolist() == heard


@pytest.mark.parametrize("sound", [np.zeros((1, 1, 1), np.int16), np.zeros(3, np.uint8)])
def test_what_is_no_sound_is_refused(sound):
    with pytest.raises(ValueError, match="give"):
        mono(sound)


async def test_no_more_than_two_seconds_wait():
    outgoing = Outgoing()
    putting = asyncio.create_task(outgoing.put(tone(48_000, 5), 48_000))
    await asyncio.sleep(0)
    for _ in range(4):
        assert not putting.done()
        assert len(outgoing._waiting) <= 96_000
        for _ in range(60):
            outgoing.take()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.wait_for(putting, 1)


async def test_a_track_is_silent_when_there_is_nothing():
    track = MicrophoneTrack(Outgoing())
    frames = [await track.recv() for _ in range(3)]
    assert [frame.pts for frame in frames] == [0, 960, 1920]
    assert not any(frame.to_ndarray().any() for frame in frames)
    track.stop()


async def test_a_file_is_read_or_the_reason_told(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path / "text.wav"):
        with pytest.raises(RemoteError, match=r"wav cannot be read"):
            async for _ in packets(path):
                pass
        (tmp_path / "text.wav").write_text("no sound")
