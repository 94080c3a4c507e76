"""Laughter by its rhythm: a reply that was held for it goes on without a word being looked for."""

import numpy as np
import pytest
from support.stage import SILENCE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import VAD_FRAME
from visavis.server.playout.messages import PACKET, to_ms
from visavis.server.session import events
from visavis.server.session.laughter import Laughter

RNG = np.random.default_rng(3)


def envelope(*parts):
    """(ms, level) each -> frames at HEAR_RATE."""
    level = np.concatenate([np.full(16 * each, height, float) for each, height in parts])
    whole = level[: len(level) // VAD_FRAME * VAD_FRAME] * RNG.standard_normal(len(level))
    return whole.astype(np.int16).reshape(-1, VAD_FRAME)


def judged(frames):
    laughter = Laughter()
    for frame in frames:
        laughter.feed(frame)
    return laughter.heard()


@pytest.mark.parametrize("period", [180, 200, 220])
def test_the_same_syllable_five_times_a_second_is_laughter(period):
    ha = [(60, 400), (80, 5000), (period - 140, 3)]
    assert judged(envelope(*ha * 4))


def test_two_of_them_are_not():
    assert not judged(envelope(*[(60, 400), (80, 5000), (60, 3)] * 2))


@pytest.mark.parametrize(
    "syllables",
    [
        [(120, 5000), (40, 800), (200, 4000), (80, 50), (90, 5000), (30, 900), (260, 3000)],
        [(300, 5000), (120, 3)] * 3,  # "no, no, no"
        [(1000, 5000)],
        [(200, 3), (150, 5000), (60, 3), (280, 4500), (180, 3), (110, 5000)],
    ],
)
def test_syllables_of_speech_are_not(syllables):
    assert not judged(envelope(*syllables))


@virtual_time
async def test_a_reply_goes_on_soon_after_it_and_whisper_is_not_asked():
    ha = [np.full(PACKET, 9000, np.int16)] * 4 + [SILENCE] * 6
    async with Stage() as stage:
        stage.stt.text = "Ha."
        stage.session.say("one two three four five six seven eight nine ten eleven twelve " * 2)
        await stage.pass_time(1500)
        began = stage.clock.now()
        await stage.speak([(packet, 20) for packet in ha * 6] + [(SILENCE, 1200)])
        (resumed,) = stage.at(events.ReplyResumed)
        assert to_ms(resumed - began) < 1200 + 400  # its last syllable ends after 1.08 s
        assert stage.stt.calls <= 3  # until its rhythm was known
