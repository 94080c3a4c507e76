import io
from datetime import date

import av
import numpy as np
import pytest
import soxr
from support.marked import OURS, marked, speech

from visavis.engines.base import PLAY_RATE
from visavis.engines.marking import sound_finding
from visavis.engines.marking.payload import CODED, Payload, SessionClass
from visavis.engines.marking.sound import REACH, SoundMark
from visavis.engines.marking.sound_pattern import BANDS, CARRIED, gathered, spread


def found(sound, rate=PLAY_RATE):
    heard = soxr.resample(sound.astype(np.float32) / 32_768, rate, sound_finding.RATE)
    return sound_finding.find(heard)


def through_opus(sound, bits):
    written = io.BytesIO()
    with av.open(written, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=PLAY_RATE, layout="mono")
        stream.bit_rate = bits
        for at in range(0, len(sound) - 959, 960):
            frame = av.AudioFrame.from_ndarray(sound[None, at : at + 960], "s16", "mono")
            frame.sample_rate, frame.pts = PLAY_RATE, at
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    written.seek(0)
    resampler = av.AudioResampler("s16", "mono", PLAY_RATE)
    with av.open(written) as file:
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def test_every_group_of_bands_carries_the_whole_code():
    for band in range(0, BANDS, 4):
        carried = CARRIED[:, band : band + 4]
        assert sorted(carried[carried < CODED]) == list(range(CODED))
    code = np.where(np.arange(CODED) % 3, 1, -1).astype(np.int8)
    assert (gathered(spread(code).astype(np.float32)) == 5 * code).all()


def test_it_is_found_in_five_seconds_and_says_where_the_sound_came_from():
    sound = marked(speech())[: 5 * PLAY_RATE]

    (mark,) = found(sound)

    assert mark.payload == OURS
    assert mark.log10_false_alarm < -6
    assert 0.2 < mark.agreement < 1


@pytest.mark.parametrize("bits", [16_000, 32_000])
def test_it_survives_opus(bits):
    assert [mark.payload for mark in found(through_opus(marked(speech()), bits))] == [OURS]


def test_it_survives_a_telephone_a_low_level_noise_and_a_cut_anywhere():
    telephone = soxr.resample(marked(speech()), PLAY_RATE, 8_000)
    quiet = (marked(speech())[123_457:] * 0.05).astype(np.int16)
    noise = np.random.default_rng(7).normal(0, 0.03 * 32_768 * 0.05, len(quiet))

    assert [mark.payload for mark in found(telephone, 8_000)] == [OURS]
    assert [mark.payload for mark in found((quiet + noise).astype(np.int16))] == [OURS]


def test_two_sessions_in_one_recording_are_both_named():
    other = Payload.of(7, date(2027, 1, 2), SessionClass.VIDEO)
    sound = np.concatenate([marked(speech()), marked(speech(), payload=other)])

    assert {mark.payload for mark in found(sound)} == {OURS, other}


def test_nothing_is_found_where_there_is_none():
    noise = np.random.default_rng(3).normal(0, 3000, 5 * PLAY_RATE).astype(np.int16)
    for sound in (speech(), speech()[::-1].copy(), noise, np.zeros(3 * PLAY_RATE, np.int16)):
        assert found(sound) == []
    assert sound_finding.find(np.zeros(0, np.float32)) == []
    assert sound_finding.find(np.zeros(400, np.float32)) == []


def test_what_is_no_number_and_what_is_constant_are_no_mark():
    sound = np.full(80_000, np.nan, np.float32)
    sound[::2] = np.inf
    assert sound_finding.find(sound) == []
    assert sound_finding.find(np.ones(80_000, np.float32)) == []


def test_it_is_the_same_sound_in_whatever_pieces_it_is_read():
    at, mark = 4_805, SoundMark(OURS)
    sound = np.concatenate([np.zeros(REACH, np.int16), speech()[:96_000]])
    whole = mark.finish(sound, at)

    begin, parts = 0, []
    for length in (960, 1, 333, 1920, 30_000, 62_786):
        parts.append(mark.finish(sound[begin : begin + REACH + length], at + begin))
        begin += length

    assert (np.concatenate(parts) == whole).all()


def test_silence_stays_silence_and_nothing_is_delayed():
    click = np.zeros(9_600, np.int16)
    click[4_000] = 20_000

    sound = marked(click)

    assert not sound[:4_000].any()
    assert not sound[4_016:].any()
    assert int(np.argmax(np.abs(sound.astype(np.int32)))) == 4_000


def test_it_lies_20_db_under_what_sounds_and_full_scale_does_not_wrap():
    sound = speech().astype(np.float64)
    added = marked(speech()).astype(np.float64) - sound

    assert 10 * np.log10((sound**2).sum() / (added**2).sum()) > 20
    loud = np.where(np.arange(48_000) // 40 % 2, 32_767, -32_768).astype(np.int16)
    assert (np.sign(marked(loud)[1000:]) == np.sign(loud[1000:])).mean() > 0.99
