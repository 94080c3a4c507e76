"""Two pieces of a remark, heard together: what the second one is, and whether they are one."""

import numpy as np
import pytest

from visavis.engines.base import VAD_FRAME
from visavis.server.session.halves import Halves, parted
from visavis.server.session.segments import tightened

# As whisper wrote them; what was said before, the words of both, and what came of it.
ONE = [
    (
        "I would like to book a table.",
        "I would like to book a table for four people at seven.",
        "for four people at seven.",
    ),
    (  # the first piece was misheard alone
        "Is it a pass-a-b-tah?",
        "Is it possible to leave our luggage here until the evening?",
        None,
    ),
    ("What time is breakfast?", "What time is breakfast? On Sundays?", "On Sundays?"),
    ("I need a taxi.", "I need a taxi to the station. At half past five.", None),
    ("Ich brauche ein Zimmer.", "Ich brauche ein Zimmer für zwei Nächte.", "für zwei Nächte."),
]
TWO = [
    (
        "Am I allowed to smoke in my room?",
        "Am I allowed to smoke in my room? No, wait, where's the gym?",
        "No, wait, where's the gym?",
    ),
    ("Can I get an iron?", "Can I get an iron? Hold on a second.", "Hold on a second."),
    ("What can I do when it rains?", "What can I do when it rains? Yes.", "Yes."),
    ("Where is the gym? I need it.", "Where is the gym? I need it. Okay.", "Okay."),
    ("What time is breakfast?", "What time is breakfast?", ""),
    ("What time is breakfast?", "", ""),
]


@pytest.mark.parametrize(("before", "whole", "rest"), ONE)
def test_a_sentence_that_goes_on_is_one(before, whole, rest):
    found = parted(whole, before)
    assert found.one
    assert found.rest
    assert rest is None or found.rest == rest


@pytest.mark.parametrize(("before", "whole", "rest"), TWO)
def test_another_one_is_not(before, whole, rest):
    assert parted(whole, before) == Halves(rest, "")


def test_a_mark_in_the_middle_of_one_is_left_out():
    found = parted("Can you tell me? Where the nearest pharmacy is?", "Can you tell me?")
    assert found.one == "Can you tell me where the nearest pharmacy is?"


def sound(*parts):
    """(seconds, level, voiced) each -> frames and flags."""
    frames, voiced = [], []
    for seconds, level, voice in parts:
        count = round(seconds * 50)
        frames += [np.full(VAD_FRAME, level, np.int16)] * count
        voiced += [voice] * count
    return frames, voiced


def seconds(frames):
    return len(frames) / 50


def test_a_long_pause_is_made_short():
    frames = tightened(*sound((1, 5000, True), (1.4, 3, False), (1, 5000, True)))
    assert seconds(frames) == pytest.approx(2.3)
    assert sum(int(frame[0]) == 5000 for frame in frames) == 100


def test_a_soft_word_in_it_that_was_not_taken_for_voice_is_left():
    soft = (0.4, 600, False)
    frames = tightened(
        *sound((1, 5000, True), (0.5, 3, False), soft, (0.5, 3, False), (1, 5000, True))
    )
    assert sum(int(frame[0]) == 600 for frame in frames) == 20
    assert seconds(frames) == pytest.approx(3.0)


def test_a_short_pause_and_sound_that_nobody_judged_stay_as_they_are():
    short = sound((1, 5000, True), (0.3, 3, False), (1, 5000, True))
    assert len(tightened(*short)) == len(short[0])
    whisper = sound((1, 5000, False), (1.4, 3, False))
    assert len(tightened(*whisper)) == len(whisper[0])
