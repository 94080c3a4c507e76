import numpy as np
import pytest
import soxr

from visavis.engines.base import ECHO_FRAME, HEAR_RATE, PLAY_RATE, VAD_FRAME, EngineError
from visavis.engines.ears.echo_webrtc import WebrtcEcho
from visavis.engines.ears.vad_webrtc import WebrtcVad
from visavis.engines.voices.hibari import HibariTts

FULL_SCALE = 32768


@pytest.fixture(scope="module")
def said():
    """16 s of real speech at HEAR_RATE as float64, whole seconds."""
    voice = HibariTts()
    text = "Good morning, and welcome to the house. Breakfast is served in the garden. "
    pcm = np.concatenate([piece.pcm for piece in voice.synthesize(text * 4)])
    return soxr.resample(pcm.astype(float), PLAY_RATE, HEAR_RATE)[: 16 * HEAR_RATE]


def noise(samples, dbfs, seed=0):
    return np.random.default_rng(seed).normal(0, FULL_SCALE * 10 ** (dbfs / 20), samples)


def hum(samples, dbfs):
    wave = np.sin(np.arange(samples) * 2 * np.pi * 120 / HEAR_RATE) * 2**0.5
    return wave * FULL_SCALE * 10 ** (dbfs / 20) + noise(samples, dbfs - 14)


def int16(samples):
    return np.rint(np.clip(samples, -FULL_SCALE, FULL_SCALE - 1)).astype(np.int16)


def spoken(samples, vad=None):
    """The VAD's answer for each frame."""
    vad = vad or WebrtcVad()
    frames = int16(samples[: len(samples) // VAD_FRAME * VAD_FRAME]).reshape(-1, VAD_FRAME)
    return np.array([vad.is_speech(frame) for frame in frames])


def db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=float)) + 1e-9)


@pytest.mark.parametrize("background", [lambda n: noise(n, -60), lambda n: hum(n, -40)])
def test_speech_is_found_and_background_is_not(said, background):
    quiet = np.zeros(3 * HEAR_RATE)
    clip = np.concatenate([quiet, said, quiet])
    loud = clip[: len(clip) // VAD_FRAME * VAD_FRAME].reshape(-1, VAD_FRAME).std(axis=1) > 300
    found = spoken(clip + background(len(clip)))
    assert found[loud].mean() > 0.9
    assert found[50:140].mean() < 0.02
    assert found[-100:].mean() < 0.05


def test_a_loud_hum_is_not_speech_for_long():
    found = spoken(hum(12 * HEAR_RATE, -32))
    assert found[-100:].mean() == 0


def test_digital_silence_is_not_speech():
    assert not spoken(np.zeros(HEAR_RATE)).any()


def test_the_floor_follows_a_room_that_gets_quieter(said):
    vad = WebrtcVad()
    spoken(hum(6 * HEAR_RATE, -32), vad)
    soft = 0.1 * said[: 4 * HEAR_RATE]  # -40 dBFS
    found = spoken(np.concatenate([noise(HEAR_RATE, -65), soft]), vad)
    assert found[50:].mean() > 0.5


@pytest.mark.parametrize("samples", [0, 160, 480])
def test_a_frame_has_one_length(samples):
    with pytest.raises(EngineError, match="frame"):
        WebrtcVad().is_speech(np.zeros(samples, np.int16))


def test_aggressiveness_is_checked():
    with pytest.raises(EngineError, match="aggressiveness"):
        WebrtcVad(7)


def room(delay_ms, seed=1):
    """A synthetic impulse response: a delay, a direct path, 200 ms of decaying reflections."""
    tail = np.random.default_rng(seed).normal(0, 1, 3200)
    tail *= np.exp(-np.arange(3200) / 460)
    tail[0] = 4
    return np.concatenate([np.zeros(delay_ms * HEAR_RATE // 1000), tail / np.linalg.norm(tail)])


def echoed(said, delay_ms):
    return 0.5 * np.convolve(said, room(delay_ms))[: len(said)] + noise(len(said), -66)


@pytest.mark.parametrize("delay_ms", [30, 250])
def test_echo_is_taken_out(said, delay_ms):
    echo = echoed(said, delay_ms)
    clean = WebrtcEcho().process(int16(echo), int16(said))
    late = slice(4 * HEAR_RATE, None)
    assert db(echo[late]) - db(clean[late]) > 25  # measured: 39 to 41
    assert db(echo[: 2 * HEAR_RATE]) - db(clean[: 2 * HEAR_RATE]) > 12  # measured: 28 to 36
    assert spoken(clean[late]).mean() < 0.05  # the avatar must not interrupt itself


def test_a_visitor_is_heard_over_the_echo(said):
    near = np.zeros(len(said))
    near[8 * HEAR_RATE : 12 * HEAR_RATE] = said[HEAR_RATE : 5 * HEAR_RATE]
    clean = WebrtcEcho().process(int16(echoed(said, 60) + near), int16(said))
    talk, alone = slice(8 * HEAR_RATE, 12 * HEAR_RATE), slice(13 * HEAR_RATE, 16 * HEAR_RATE)
    assert db(clean[talk]) > db(near[talk]) - 6  # measured: -2.5
    assert spoken(clean[talk]).mean() > 0.4
    assert spoken(clean[alone]).mean() < 0.05


def test_without_far_sound_the_mic_passes(said):
    clean = WebrtcEcho().process(int16(said), np.zeros(len(said), np.int16))
    assert db(clean) == pytest.approx(db(said), abs=2)


def test_blocks_of_any_number_are_the_same_stream(said):
    mic, far = int16(echoed(said, 30)[:HEAR_RATE]), int16(said[:HEAR_RATE])
    whole = WebrtcEcho().process(mic, far)
    canceller = WebrtcEcho()
    parts = [
        canceller.process(mic[at : at + 5 * ECHO_FRAME], far[at : at + 5 * ECHO_FRAME])
        for at in range(0, HEAR_RATE, 5 * ECHO_FRAME)
    ]
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize(("mic", "far"), [(160, 320), (100, 100), (161, 161)])
def test_blocks_must_match(mic, far):
    with pytest.raises(EngineError, match="blocks"):
        WebrtcEcho().process(np.zeros(mic, np.int16), np.zeros(far, np.int16))
