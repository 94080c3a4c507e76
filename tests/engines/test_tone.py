"""The visitor's voice: raised, as always or soft, whoever speaks into whatever microphone."""

import time

import numpy as np
import pytest
import soxr
from support.pace import within
from support.stage import SILENCE, Stage
from support.virtual_time import virtual_time

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAIN, PLAY_RATE, VAD_FRAME, Prosody
from visavis.engines.direction.director import Director
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.direction.styles import NOTHING, ActiveStyles
from visavis.engines.ears.tone import RAISED, Tone
from visavis.server.playout.messages import PACKET

SENTENCES = (
    "Could you tell me when breakfast is served?",
    "I would like a taxi to the airport tomorrow morning.",
    "There is no hot water in my room.",
)
RAISED_VOICE, SOFT_VOICE = Prosody(1.08, 3.0, 1.0), Prosody(0.92, -1.5, -1.0)


def voice(seconds=0.8, hertz=120.0, level=0.0, slope=-12.0, rate=HEAR_RATE):
    """A hum of harmonics that fall by `slope` dB an octave, with a little melody; level in dB."""
    at = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.04 * np.sin(2 * np.pi * 1.5 * at))) / rate
    parts = [n ** (slope / 6.02) * np.sin(n * phase) for n in range(1, int(3900 / hertz))]
    hum = np.sum(parts, axis=0)
    return (3000 * 10 ** (level / 20) * hum / np.abs(hum).max()).astype(np.int16)


CALM = {}
LOUD = {"hertz": 150.0, "level": 8.0, "slope": -9.0}
FAINT = {"hertz": 100.0, "level": -8.0, "slope": -15.0}


def heard(tone, pcm):
    """The arousal of one utterance."""
    tone.begin()
    for start in range(0, len(pcm) - VAD_FRAME + 1, VAD_FRAME):
        tone.feed(pcm[start : start + VAD_FRAME])
    arousal = tone.arousal()
    tone.learn()
    return arousal


def acquainted(*, gain=1.0, hertz=120.0):
    """A tone that has heard three calm utterances."""
    tone = Tone()
    for change in (1.0, 1.06, 0.95):
        heard(tone, voice(hertz=hertz * change, level=20 * np.log10(gain)))
    return tone


def test_the_first_words_tell_nothing():
    assert heard(Tone(), voice(**LOUD)) == 0.0


@pytest.mark.parametrize("gain", [0.1, 1.0, 3.0])
def test_raised_and_soft_are_heard_at_any_gain(gain):
    for how, expected in ((LOUD, 1), (FAINT, -1), (CALM, 0)):
        level = how.get("level", 0.0) + 20 * np.log10(gain)
        arousal = heard(acquainted(gain=gain), voice(**{**how, "level": level}))
        assert (arousal > RAISED) - (arousal < -RAISED) == expected, arousal


@pytest.mark.parametrize("change", [{"level": 12.0}, {"level": -12.0}, {"hertz": 160.0}])
def test_one_cue_alone_is_no_raised_voice(change):
    assert abs(heard(acquainted(), voice(**change))) < RAISED


def test_a_high_voice_is_not_a_raised_one():
    assert abs(heard(acquainted(hertz=230.0), voice(hertz=230.0))) < 0.2


def test_who_is_always_loud_is_so_no_longer():
    tone = acquainted()
    assert heard(tone, voice(**LOUD)) > RAISED
    for _ in range(6):
        last = heard(tone, voice(**LOUD))
    assert abs(last) < RAISED / 2


@pytest.mark.parametrize("pcm", [np.zeros(VAD_FRAME * 50), np.ones(VAD_FRAME * 50) * 20_000])
def test_no_voice_is_no_arousal(pcm):
    assert heard(acquainted(), pcm.astype(np.int16)) == 0.0


def test_noise_is_no_arousal():
    noise = np.random.default_rng(0).normal(0, 3000, HEAR_RATE).astype(np.int16)
    assert abs(heard(acquainted(), noise)) < RAISED


def test_it_costs_little():
    tone, pcm = Tone(), voice(4.0)
    start = time.thread_time()
    heard(tone, pcm)
    spent = time.thread_time() - start
    assert within(spent / (len(pcm) / VAD_FRAME), 1e-3)  # usually 0.12 ms


def test_spoken_sentences_are_told_apart(tmp_path):
    tts = load.tts("heart", tmp_path)

    def said(text, prosody=PLAIN, gain=1.0):
        pcm = np.concatenate([piece.pcm for piece in tts.synthesize(text, prosody)])
        narrow = soxr.resample(pcm.astype(np.float32), PLAY_RATE, HEAR_RATE) * gain
        frames = narrow[: len(narrow) // VAD_FRAME * VAD_FRAME].reshape(-1, VAD_FRAME)
        return frames[np.abs(frames).max(1) > 300 * gain].astype(np.int16).ravel()

    tone = Tone()
    plain = [heard(tone, said(text)) for text in SENTENCES]
    assert max(np.abs(plain)) < RAISED
    assert heard(tone, said(SENTENCES[2], RAISED_VOICE, 1.4)) > RAISED
    heard(tone, said(SENTENCES[0]))
    assert heard(tone, said(SENTENCES[2], SOFT_VOICE, 0.7)) < -RAISED


# --- what it does to the answer ------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentiment():
    return Sentiment(Director())


def shown(direction):
    return ActiveStyles().directed(direction).demeanour


def test_a_raised_voice_with_angry_words_is_met_calmer_and_sorrier(sentiment):
    words = "this is ridiculous"
    usual, raised = (shown(sentiment.answer(words, arousal)) for arousal in (0.0, 0.8))
    assert raised.affect.valence < usual.affect.valence  # sorry
    assert raised.affect.arousal <= usual.affect.arousal < 0  # calm
    assert raised.expression.away < usual.expression.away  # looks at them
    assert raised.prosody.speed <= 1.0


def test_a_raised_voice_alone_is_met_calmly_and_attentively(sentiment):
    raised = shown(sentiment.answer("when is breakfast", 0.8))
    assert raised.affect.arousal < -0.2
    assert raised.affect.valence >= 0
    assert raised.expression.away < -0.5


def test_joy_is_shared(sentiment):
    usual, raised = (shown(sentiment.answer("thank you so much", a)) for a in (0.0, 0.8))
    assert raised.affect.arousal > usual.affect.arousal > 0


def test_a_soft_voice_is_answered_softly(sentiment):
    soft = shown(sentiment.answer("when is breakfast", -0.8))
    assert soft.prosody.energy < -0.3
    assert sentiment.answer("when is breakfast", -0.2) == NOTHING


@pytest.mark.parametrize("told", [True, False])
@virtual_time
async def test_a_raised_voice_gets_another_demeanour_where_the_operator_lets_it(told):
    def packets(**how):
        pcm = voice(1.2, rate=PLAY_RATE, **how)
        spoken = [pcm[at : at + PACKET] for at in range(0, len(pcm) - PACKET + 1, PACKET)]
        return [(packet, 20) for packet in spoken] + [(SILENCE, 1500)]

    async with Stage(voice_mood=told) as stage:
        calmness = []
        asked = ("breakfast", "lunch", "dinner", "check-in", "the concert")  # nothing twice
        for how, meant in zip((CALM, CALM, CALM, LOUD, CALM), asked, strict=True):
            stage.stt.text = f"when is {meant}?"
            before = len(stage.motion.felt)
            await stage.speak(packets(**how))
            await stage.pass_time(3000)
            calmness.append(min(affect.arousal for _, affect, _ in stage.motion.felt[before:]))
        assert (calmness[3] < -0.2) == told
        assert calmness[:3] == [0.0, 0.0, 0.0]
        assert calmness[4] > -0.2
