"""How long a silence ends a turn, and what voice begins, pauses and resumes one."""

from itertools import pairwise

import pytest

from visavis.server.session.endpointing import Endpointer, Endpointing, Evidence

LIMITS = Endpointing(pause=40)
QUESTION = "What time is breakfast?"


def silence(text, finished=None, sure=None):
    return LIMITS.silence_for(Evidence(text, finished, sure))


def test_a_known_question_that_sounds_finished_is_answered_after_160_ms():
    assert silence(QUESTION, 0.95, 1.0) == 160
    assert silence(QUESTION, 0.5, 0.97) == 160
    assert silence("What time is breakfast", 0.9, 1.0) == 160  # that has no mark behind it
    assert silence("Where can I check in", 0.9, 1.0) == 160  # and ends with "in"


def test_the_less_it_sounds_so_the_later():
    waits = [silence(QUESTION, sound, 1.0) for sound in (0.5, 0.3, 0.1, 0.02)]
    assert waits == sorted(waits)
    assert 300 < waits[-1] <= 500


@pytest.mark.parametrize(
    ("text", "finished", "sure"),
    [
        (QUESTION, 0.95, 0.6),  # an answer that may be wrong is worth no hurry
        (QUESTION, 0.02, 0.8),
        ("What time is the", 0.95, 0.9),
        ("What time is breakfast", 0.9, 0.9),
        (QUESTION, 0.9, None),
    ],
)
def test_nothing_else_is(text, finished, sure):
    assert silence(text, finished, sure) > 300


def test_a_hesitation_gets_a_second_and_a_half():
    assert silence("I would like to, um,", 0.01, 0.0) == 1500
    assert silence("So the", 0.05, 0.4) > 1300


def test_a_finished_sentence_is_never_left_waiting_for_more_than_1200_ms():
    for sound in (0.02, 0.5, 0.98, None):
        for sure in (0.0, 0.5, 1.0, None):
            assert silence("I have lost my key.", sound, sure) < 1100


def test_without_the_network_words_and_silence_decide():
    assert silence("I have lost my key.") < 500
    assert silence(QUESTION) < 800
    assert 800 < silence("I have lost my key") < 1000
    assert silence("I have lost my") > 1000


@pytest.mark.parametrize("text", [QUESTION, "I have lost my key.", "Where is the", "Hello"])
def test_more_evidence_of_an_end_never_makes_the_silence_longer(text):
    grades = [n / 20 for n in range(21)]
    for sure in (0.0, 0.7, 1.0, None):
        waits = [silence(text, sound, sure) for sound in grades]
        assert all(later <= sooner for sooner, later in pairwise(waits))
    for sound in (0.02, 0.5, 0.98):
        waits = [silence(text, sound, sure) for sure in grades]
        assert all(later <= sooner for sooner, later in pairwise(waits))


def run(turn, script, over_reply=False):
    """Changes as (ms, change), of voice (capitals) and silence of 20 ms each."""
    changes = [turn.push(frame == "V", over_reply) for frame in script]
    return [(20 * (n + 1), change) for n, change in enumerate(changes) if change]


def test_a_turn_starts_pauses_and_goes_on():
    turn = Endpointer(LIMITS)
    assert run(turn, "VVVVVV...VV.") == [(80, "started"), (160, "paused"), (220, "resumed")]
    assert turn.silence == 20


def test_over_a_reply_it_takes_a_longer_pause():
    assert run(Endpointer(Endpointing()), "VVVVVV..") == [(80, "started"), (140, "paused")]
    over = run(Endpointer(Endpointing()), "VVVVVV..", over_reply=True)
    assert over == [(60, "started"), (160, "paused")]


def test_a_click_in_a_pause_or_after_the_end_is_not_the_next_word():
    turn = Endpointer(LIMITS)
    assert run(turn, "VVVVV....V....") == [(80, "started"), (140, "paused")]
    turn.linger()
    assert run(turn, ".VV....") == []
    assert turn.silence == 20 * 16
    assert run(turn, "VVV") == [(60, "resumed")]


def test_noise_without_words_begins_no_turn_until_it_was_quiet():
    turn = Endpointer(LIMITS)
    run(turn, "V" * 30)
    turn.reset(wordless=True)
    assert run(turn, "V" * 200) == []
    assert run(turn, "." * 10 + "VVVV") == [(280, "started")]
    turn.reset(wordless=True)
    assert [change for _, change in run(turn, "V" * 800)] == ["started"]  # it is not deaf for good


@pytest.mark.parametrize("text", ["What time is", "What time is...", "Is there a", "What time"])
def test_what_is_nearly_a_known_question_may_be_the_beginning_of_another_one(text):
    assert silence(text, 0.5, 0.99) >= 850
    assert silence(text, 0.5, 1.0) == 160  # some are asked so


@pytest.mark.parametrize(
    "text", ["Can I get an iron", "From what time can I check in?", "From What Time Can I Check In"]
)
def test_a_whole_one_in_nearly_these_words_is_answered_at_once(text):
    assert silence(text, 0.5, 0.965) == 160
    assert silence(text, 0.5, 0.7) > 400


def test_english_words_count_for_nothing_in_another_language():
    """ "So" alone is an English beginning and a whole German word; "die" dangles in neither."""
    for text in ("So.", "In.", "Well."):
        assert Evidence(text, sure=1.0, language="de").known
        assert not Evidence(text, sure=0.9).known
    assert Evidence("Ich möchte ein Zimmer,", sure=0.9, language="de").hanging


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("早餐几点开始？", "zh"),
        ("أين المسبح؟", "ar"),
        ("朝食は七時からです。", "ja"),
        ("Wo ist das Bad?", "de"),
    ],
)
def test_a_whole_sentence_is_closed_by_the_marks_of_its_script(text, language):
    assert LIMITS.silence_for(Evidence(text, 0.95, 1.0, language)) == 160
    assert LIMITS.silence_for(Evidence(text[:-1] + "،", 0.5, None, language)) == 1500


def test_where_sentences_are_seldom_closed_none_has_to_be():
    assert LIMITS.silence_for(Evidence("早餐几点开始", 0.95, 0.9, "zh")) == 240
    assert LIMITS.silence_for(Evidence("早餐几点开始", 0.95, None, "zh")) < 500
    assert LIMITS.silence_for(Evidence("Wann gibt es Tee", 0.95, 0.9, "de")) > 600
