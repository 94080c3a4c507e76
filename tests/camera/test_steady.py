import numpy as np
import pytest

from visavis.engines.base import PLAY_RATE
from visavis.server.camera.steady import Clocked, Drift, Stretch
from visavis.server.playout.messages import ms

FRAGMENT = ms(10)
HALF = 16  # samples that the filter holds back


def tone(count, hertz=997.0, speed=1.0):
    return (20000 * np.sin(np.arange(count) * 2 * np.pi * hertz * speed / PLAY_RATE)).astype(
        np.int16
    )


def fragments(pcm):
    return [pcm[at : at + FRAGMENT] for at in range(0, len(pcm), FRAGMENT)]


def test_sound_that_needs_nothing_passes_to_the_bit():
    stretch, sound = Stretch(), tone(PLAY_RATE)
    made = np.concatenate([stretch.push(each, 0.0) for each in fragments(sound)])
    np.testing.assert_array_equal(made[HALF:], sound[:-HALF])


@pytest.mark.parametrize("longer", [0.003, -0.003])
def test_stretched_sound_is_the_same_tone_a_little_lower(longer):
    stretch, sound = Stretch(), tone(4 * PLAY_RATE)
    made = np.concatenate([stretch.push(each, longer) for each in fragments(sound)])
    assert len(made) == pytest.approx(len(sound) * (1 + longer), abs=2)
    at = (np.arange(1000, len(made) - 1000)) / (1 + longer) - HALF
    wanted = 20000 * np.sin(at * 2 * np.pi * 997 / PLAY_RATE)
    error = made[1000:-1000] - wanted
    assert 10 * np.log10((wanted**2).mean() / (error**2).mean()) > 70  # dB


@pytest.mark.parametrize("ppm", [200, -300])
def test_a_microphone_with_another_quartz_keeps_our_time(ppm):
    clocked, rng, length, quiet = Clocked(), np.random.default_rng(1), 0, np.zeros(FRAGMENT, "i2")
    for count in range(1, 9000):  # a minute and a half
        ours = count * FRAGMENT / (1 + ppm * 1e-6)
        length += len(clocked.push(quiet, int(ours + rng.uniform(-ms(3), ms(3))))[1])
    assert abs(length - ours) < ms(4)
    assert abs(count * FRAGMENT - ours) > ms(15)  # what it would have been


def test_the_same_quartz_is_left_alone():
    clocked, rng, sound = Clocked(), np.random.default_rng(1), tone(20 * PLAY_RATE)
    heard = np.cumsum([FRAGMENT] * 2000) + rng.integers(-ms(2), ms(2), 2000)
    made = [
        clocked.push(each, int(at))[1] for each, at in zip(fragments(sound), heard, strict=True)
    ]
    np.testing.assert_array_equal(np.concatenate(made)[HALF:], sound[:-HALF])


def test_after_a_gap_time_goes_on_where_it_is():
    clocked, sound = Clocked(), np.zeros(FRAGMENT, np.int16)
    assert clocked.push(sound, 1000 + FRAGMENT)[0] == 1000
    assert clocked.push(sound, 1000 + 2 * FRAGMENT)[0] == 1000 + FRAGMENT
    later = 1000 + ms(500)
    assert clocked.push(sound, later + FRAGMENT)[0] == later


def test_the_speed_finds_the_difference_of_the_clocks_and_stays_with_it():
    drift, behind, speeds = Drift(), 0.0, []
    for _ in range(20_000):  # 200 s at 100 parts in a million
        behind += FRAGMENT * 100e-6
        longer = drift.longer(round(behind), FRAGMENT)
        behind -= FRAGMENT * longer
        speeds.append(longer)
    assert max(speeds) < 5 * 100e-6
    np.testing.assert_allclose(speeds[-3000:], 100e-6, atol=30e-6)
    assert abs(behind) < ms(1)


def test_what_is_usual_is_left_as_it_is():
    drift = Drift(settles=ms(1000))
    assert not any(drift.longer(ms(8), FRAGMENT) for _ in range(3000))
