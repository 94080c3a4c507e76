"""A film's sound: how loud it is, and music that gives way to a voice."""

import numpy as np
import pytest

from visavis.engines.base import PLAY_RATE
from visavis.server.studio.document.project import Music
from visavis.server.studio.layers import exports, sound
from visavis.server.studio.layers.loudness import SILENT, loudness
from visavis.server.system.errors import Unprocessable


def tone(hertz, seconds, peak):
    at = np.arange(round(seconds * PLAY_RATE)) / PLAY_RATE
    return np.round(np.sin(2 * np.pi * hertz * at) * 32767 * 10 ** (peak / 20)).astype(np.int16)


def level(pcm, begin, end):
    part = pcm[round(begin * PLAY_RATE) : round(end * PLAY_RATE)].astype(float)
    return 20 * np.log10(np.sqrt((part**2).mean()) / 32768 + 1e-9)


def voice(words=((1.0, 3.0), (9.0, 11.0)), seconds=14.0, peak=-20.0):
    """Bursts of a tone, with silence between."""
    pcm = np.zeros(round(seconds * PLAY_RATE), np.int16)
    for begin, end in words:
        burst = tone(440, end - begin, peak)
        pcm[round(begin * PLAY_RATE) :][: len(burst)] = burst
    return pcm


@pytest.fixture
def folder(tmp_path):
    exports.sound(tone(220, 5, -10), tmp_path / "tune.wav", "wav")
    return tmp_path


def test_loudness_is_what_the_standard_says():
    # EBU Tech 3341, 1 and 2, in one channel: 3 LU less than in two; then gating, 3 and 4
    assert loudness(tone(1000, 20, -23)) == pytest.approx(-26.0, abs=0.1)
    assert loudness(tone(1000, 20, -33)) == pytest.approx(-36.0, abs=0.1)
    parts = [tone(1000, 10, -36), tone(1000, 60, -23), tone(1000, 10, -36)]
    assert loudness(np.concatenate(parts)) == pytest.approx(-26.0, abs=0.1)
    quiet = [tone(1000, 10, -72), *parts, tone(1000, 10, -72)]
    assert loudness(np.concatenate(quiet)) == pytest.approx(-26.0, abs=0.1)
    assert loudness(np.zeros(PLAY_RATE, np.int16)) == SILENT
    assert loudness(np.zeros(0, np.int16)) == SILENT
    assert loudness(tone(1000, 0.2, -23)) == pytest.approx(-26.0, abs=0.3)


@pytest.mark.parametrize("peak", [-34, -20, -3])
def test_a_voice_has_the_usual_loudness_and_no_peak_over_the_limit(peak):
    loud = sound.levelled(voice(peak=peak))
    assert loudness(loud) == pytest.approx(-16, abs=0.2)
    crests = voice(peak=peak)
    crests[5 * PLAY_RATE : 5 * PLAY_RATE + 40] = 30000 * np.sin(np.arange(40))
    limited = sound.levelled(crests)
    assert np.abs(limited.astype(int)).max() <= 32768 * 10 ** (-1 / 20) + 1
    assert not limited[: PLAY_RATE // 2].any(), "silence stays silence"


def test_what_is_hardly_there_is_not_blown_up():
    faint = sound.levelled(voice(peak=-75))
    assert loudness(faint) < -30
    assert not sound.levelled(np.zeros(PLAY_RATE, np.int16)).any()
    assert len(sound.levelled(np.zeros(0, np.int16))) == 0


def test_music_gives_way_before_the_first_word_and_comes_back_after_the_last(folder):
    spoken = voice()
    whole = sound.mixed(spoken, Music("tune.wav", level=-20, ducked=12), folder)
    assert len(whole) == len(spoken)
    under = whole.astype(int) - sound.levelled(spoken)
    free, away = level(under, 5.6, 6.6), level(under, 1.5, 2.5)
    assert free - away == pytest.approx(12, abs=0.2)
    assert level(under, 0.9, 1.0) < free - 9, "it is away when the first word comes"
    assert level(under, 0.55, 0.65) > free - 1
    assert level(under, 3.0, 3.1) < free - 11, "and comes back without haste"
    assert level(under, 0, 0.02) < free - 20
    assert level(under, 13.95, 14) < free - 20
    assert loudness(
        sound.mixed(np.zeros(20 * PLAY_RATE, np.int16), Music("tune.wav", -20), folder)
    ) == (pytest.approx(-20, abs=0.5))


def test_music_that_is_too_short_goes_on_without_a_gap(folder):
    silent = np.zeros(16 * PLAY_RATE, np.int16)
    whole = sound.mixed(silent, Music("tune.wav", -20), folder)
    levels = [level(whole, at, at + 0.1) for at in np.arange(1, 13, 0.1)]
    assert max(levels) - min(levels) < 4
    assert np.abs(np.diff(whole.astype(int))).max() < 1500, "and without a click"


def test_a_tune_that_cannot_be_used_is_told(folder):
    exports.sound(np.zeros(PLAY_RATE, np.int16), folder / "silence.wav", "wav")
    (folder / "words.txt").write_text("la la la")
    told = {"words.txt": "save it as WAV", "a.mp3": "no such file", "silence.wav": "silence"}
    for name, words in told.items():
        with pytest.raises(Unprocessable, match=words) as raised:
            sound.mixed(voice(), Music(name), folder)
        assert str(folder) not in raised.value.detail


def test_a_long_film_is_mixed_in_pieces_as_it_would_be_at_once(folder, monkeypatch):
    spoken = voice(peak=-30, seconds=14)
    spoken[2 * PLAY_RATE : 2 * PLAY_RATE + 40] = 30000 * np.sin(np.arange(40))
    at_once = sound.mixed(spoken, Music("tune.wav"), folder)
    monkeypatch.setattr(sound, "_PIECE", 31_007)
    out = np.memmap(folder / "sound", np.int16, "w+", shape=(len(spoken),))
    pieces = sound.mixed(spoken, Music("tune.wav"), folder, out)
    assert pieces is out
    assert np.abs(pieces.astype(int) - at_once).max() <= 1
