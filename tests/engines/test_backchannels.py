import time

import pytest
from support.pace import within

from visavis.engines.language.backchannels import only_follows

FOLLOWS = (
    "Mm-hm.", "Mm-hmm.", "Uh-huh.", "Yes.", "Yeah, yeah.", "Okay.", "Okay, great, thanks.",
    "I see.", "(coughs)", "[LAUGHTER", "*sighs*", "Ha ha ha ha ha ha", "Hahaha!", "Heh heh.",
    "Hmm.", "Mmhmm", "Um-hum.", "Right.", "Oh, okay.", "", "...", "That's great.", "Thank you.",
    "Ahem.", "♪♪",
    "Got it.", "Of course.", "Uhm", "MMHN", "Mama?",
    "And then, and, and, and, and, and, and, and, and, and,",
)  # fmt: skip
WANTS_THE_TURN = (
    "Stop.", "No.", "No, wait.", "Wait", "Yes, please.", "Okay, where is the gym?", "Help!", "Home",
    "Ham", "Hello.", "你好", "Taxi.", "Where?", "What?", "And the pool?", "Go on.", "Hold on.",
    "He", "Uh, where is it", "Oh no, stop", "Hey!", "Who?", "(coughs) Where is it?",
    "No, no, no, no, no.", "Good morning.", "Excuse me.", "Sorry,",
    "Thank you, and where is the gym?", "Right or left?", "Is that right?",
)  # fmt: skip


@pytest.mark.parametrize("text", FOLLOWS)
def test_a_listener_leaves_the_turn(text):
    assert only_follows(text)


@pytest.mark.parametrize("text", WANTS_THE_TURN)
def test_words_want_it(text):
    assert not only_follows(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ja, genau."), ("de-AT", "Ach so, verstehe."), ("fr", "D’accord."),
        ("es", "Sí, sí."),
        ("zh", "好的，谢谢。"), ("zh", "嗯嗯"), ("ja", "はい、そうですね。"), ("ar", "نعم، حسنا."),
        ("it", "Mm-hm"), ("pl", "Okay."), ("de", ""),
    ],
)  # fmt: skip
def test_a_listener_leaves_the_turn_in_their_own_language(language, text):
    assert only_follows(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ja, wo ist das?"), ("de", "Nein."), ("de", "right"), ("fr", "Oui, et la piscine ?"),
        ("zh", "好的，在哪里？"), ("zh", "停"), ("ja", "すみません"), ("ar", "أين المسبح؟"),
        ("pl", "tak"),
    ],
)  # fmt: skip
def test_words_of_their_own_want_it(language, text):
    assert not only_follows(text, language)


def test_long_texts_are_read_in_time():
    began = time.process_time()
    for text in ("ha" * 100_000 + "x", "h" * 100_000, "[ " * 50_000, "(" * 100_000, "*" * 99_999):
        only_follows(text)
        only_follows(text, "de")
        only_follows(text, "zh")
    only_follows("m" * 200 + "!x", "zh")
    assert within(time.process_time() - began, 1.0)
