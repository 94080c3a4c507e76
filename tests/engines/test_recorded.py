"""Recorded speech made ready, how high somebody speaks, and whose voice it is."""

import numpy as np
import pytest

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, EngineError
from visavis.engines.voices import recorded, speaker, utterance
from visavis.engines.voices.pitch import pitch
from visavis.engines.voices.timbre import Timbre

RNG = np.random.default_rng(3)


def hum(seconds, hertz=120.0, formant=700.0, level=-20.0):
    """A vowel: pulses through one resonance, in syllables of 0.2 s."""
    at = np.arange(round(seconds * PLAY_RATE)) / PLAY_RATE
    sound = np.zeros(len(at))
    for n in range(1, int(8000 / hertz)):
        loud = 1 / (1 + ((n * hertz - formant) / 120) ** 2) + 0.002
        sound += loud * np.sin(2 * np.pi * n * hertz * at)
    sound *= 0.55 + 0.45 * np.sin(2 * np.pi * 2.5 * at)
    sound *= 10 ** (level / 20) / np.sqrt(np.mean(sound**2))
    return sound.astype(np.float32)


def pcm(audio):
    return np.rint(np.clip(audio, -1, 1) * 32_767).astype(np.int16)


def with_silence(audio, noise=1e-4):
    quiet = np.zeros(PLAY_RATE, np.float32)
    whole = np.concatenate([quiet, audio, quiet])
    return whole + noise * RNG.standard_normal(len(whole)).astype(np.float32)


@pytest.mark.parametrize("level", [-50.0, -20.0, -6.0])
def test_every_recording_is_as_loud_as_our_voices(level):
    clean = recorded.cleaned(pcm(with_silence(hum(2.0, level=level), 10 ** (level / 20) / 400)))
    assert utterance.level(clean.astype(np.float32) / 32_768) == pytest.approx(
        utterance.LEVEL, abs=1.5
    )


def test_silence_at_the_ends_goes_and_none_within():
    said = np.concatenate([hum(1.0), np.zeros(PLAY_RATE, np.float32), hum(1.0)])
    clean = recorded.cleaned(pcm(with_silence(said)))
    assert len(clean) / PLAY_RATE == pytest.approx(3.0 + 2 * recorded.AROUND, abs=0.1)


def test_rumble_is_taken_out_and_the_voice_stays():
    said = with_silence(hum(2.0))
    at = np.arange(len(said)) / PLAY_RATE
    rumbling = said + 0.1 * np.sin(2 * np.pi * 30 * at).astype(np.float32)
    clean = recorded.cleaned(pcm(rumbling))
    spectrum = np.abs(np.fft.rfft(clean * np.hanning(len(clean)), 10 * PLAY_RATE))
    assert spectrum[290:310].max() < spectrum[1150:1250].max() / 200  # 30 Hz beside 120 Hz


def test_what_is_wrong_with_a_recording_is_said():
    assert recorded.faults(pcm(with_silence(hum(2.0)))) == ()
    loud = np.clip(12 * hum(2.0), -1, 1)
    assert "turned down" in recorded.faults(pcm(with_silence(loud)))[0]
    assert "very quiet" in recorded.faults(pcm(with_silence(hum(2.0, level=-55.0), 1e-5)))[0]
    assert "noisy" in recorded.faults(pcm(with_silence(hum(2.0, level=-30.0), 0.012)))[0]
    nothing = np.zeros(PLAY_RATE, np.int16)
    assert "nobody speaks" in recorded.faults(nothing)[0]
    assert recorded.cleaned(nothing) is nothing
    assert recorded.faults(np.zeros(0, np.int16))


@pytest.mark.parametrize("hertz", [85.0, 120.0, 210.0, 320.0])
def test_the_pitch_of_a_voice_is_measured(hertz):
    found = pitch(pcm(hum(1.5, hertz)))
    assert found is not None
    assert found.hertz == pytest.approx(hertz, rel=0.02)


def test_noise_and_silence_have_no_pitch():
    assert pitch(pcm(0.1 * RNG.standard_normal(2 * PLAY_RATE))) is None
    assert pitch(np.zeros(PLAY_RATE, np.int16)) is None
    assert pitch(np.zeros(0, np.int16)) is None


def test_formants_move_and_the_pitch_stays():
    plain = hum(1.0, 100.0, 900.0)
    moved = Timbre(1.15).lent(plain)
    assert len(moved) == len(plain)
    assert np.abs(np.fft.rfft(plain)).argmax() == pytest.approx(900, abs=1)
    assert np.abs(np.fft.rfft(moved)).argmax() == pytest.approx(1000, abs=101)
    assert pitch(pcm(moved)).hertz == pytest.approx(100, rel=0.01)
    assert np.sqrt(np.mean(moved**2)) == pytest.approx(np.sqrt(np.mean(plain**2)), rel=0.1)


def test_a_timbre_of_one_changes_nothing():
    plain = hum(0.5)
    assert Timbre(1.0).lent(plain) is plain


def test_two_voices_are_told_apart_and_each_is_known_again(warm_home):
    texts = ("The breakfast room is open until half past ten.", "We wish you a safe journey home.")
    found = {}
    for name in ("heart", "joe"):
        tts = load.tts(name, warm_home)
        for text in texts:
            said = np.concatenate([piece.pcm for piece in tts.synthesize(text)])
            found[name, text] = speaker.encoder().embedding(
                said.astype(np.float32) / 32_768, PLAY_RATE
            )
    for name, other in (("heart", "joe"), ("joe", "heart")):
        own = speaker.likeness(found[name, texts[0]], found[name, texts[1]])
        strange = speaker.likeness(found[name, texts[0]], found[other, texts[1]])
        assert own > 0.8 > 0.7 > strange


def test_nobody_is_nobody():
    with pytest.raises(EngineError, match="nobody speaks"):
        speaker.encoder().embedding(np.zeros(16_000, np.float32), 16_000)
    with pytest.raises(EngineError, match="nobody speaks"):
        speaker.encoder().embedding(np.zeros(0, np.float32), 16_000)
