"""Sound of any rate to what a session plays, in pieces of any length."""

import numpy as np
import pytest

from visavis.server.session.resampling import Resampled
from visavis.server.system.errors import SoundError

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_099, 48_000)
RNG = np.random.default_rng(0)


def tone(hertz, rate, seconds=1.0):
    at = np.arange(round(seconds * rate)) / rate
    return 10_000 * np.sin(2 * np.pi * hertz * at)


def whole(sound, rate, channels=1):
    resampled = Resampled(rate, channels)
    return np.concatenate([resampled.feed(sound), resampled.flush()])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("share", [0.02, 0.4])
def test_a_tone_is_the_same_tone(rate, share):
    made = whole(tone(share * rate, rate).astype(np.int16), rate)
    assert len(made) == 48_000
    error = (made - tone(share * rate, 48_000))[1000:-1000]
    assert np.sqrt((error**2).mean()) < 1.0  # -77 dB: the steps of 16 bits


def test_nothing_is_heard_beyond_what_a_rate_holds():
    made = whole(RNG.normal(0, 5000, 16_000).astype(np.int16), 16_000).astype(float)
    power = np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
    beyond = power[9_000 * len(made) // 48_000 :].sum() / power.sum()
    assert 10 * np.log10(beyond) < -60


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_it_does_not_matter_how_it_is_cut(rate, channels):
    data = RNG.integers(-9000, 9000, rate * channels).astype(np.int16).tobytes()
    resampled, made, at = Resampled(rate, channels), [], 0
    while at < len(data):  # odd lengths too, and single bytes
        size = int(RNG.choice([1, 3, 50, 641, 5000]))
        made.append(resampled.feed(data[at : at + size]))
        at += size
    made.append(resampled.flush())
    np.testing.assert_array_equal(np.concatenate(made), whole(data, rate, channels))


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
def test_it_is_late_by_what_it_says(rate):
    resampled = Resampled(rate)
    made = resampled.feed(np.full(rate // 10, 1000, np.int16))
    assert 0.1 - len(made) / 48_000 == pytest.approx(resampled.delay, abs=1e-3)
    assert resampled.delay <= 0.003


def test_stereo_is_the_mean_of_both():
    both = np.stack([np.full(4800, 3000), np.full(4800, -1000)], 1).astype(np.int16)
    assert set(whole(both, 48_000, 2)) == {1000}


@pytest.mark.parametrize("samples", range(4))
def test_a_few_samples_are_no_trouble(samples):
    assert len(whole(np.ones(samples, np.int16), 8_000)) == 6 * samples


def test_after_a_flush_or_a_reset_it_begins_anew():
    sound = tone(440, 24_000).astype(np.int16)
    resampled = Resampled(24_000)
    first = np.concatenate([resampled.feed(sound), resampled.flush()])
    resampled.feed(b"\x01")
    resampled.reset()
    again = np.concatenate([resampled.feed(sound), resampled.flush()])
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("rate", "channels"), [(7_999, 1), (48_001, 1), (0, 1), (16_000, 3)])
def test_what_cannot_be_spoken_says_what_can(rate, channels):
    with pytest.raises(SoundError, match="send"):
        Resampled(rate, channels)
    with pytest.raises(SoundError, match="int16"):
        Resampled(16_000).feed(np.zeros(10, np.float32))


def test_a_full_swing_does_not_turn_over():
    square = np.where(np.arange(16_000) % 40 < 20, 32_767, -32_768).astype(np.int16)
    made = whole(square, 16_000)
    at = np.arange(len(made)) % 120
    assert (made[(at > 6) & (at < 50)][200:-200] > 20_000).all()
    assert (made[(at > 66) & (at < 110)][200:-200] < -20_000).all()
