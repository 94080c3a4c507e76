import pytest

from visavis.engines.language.phrases import closed, dangling, goes_on, joined, opens

UNFINISHED = (
    "I would like to", "I would like to.", "Could you tell me where the", "Is it for?",
    "What is the?",
    "Where can I?", "Do you have?", "How much is?", "When do I have to?", "I was wondering if...",
    "My wife and I", "Please tell me about", "Um,", "Well...", "We need two towels and",
    "because", "What time is?", "I'm looking for the,",
)  # fmt: skip
FINISHED = (
    "Who is it for?", "What are you looking at?", "Where are you from?", "What can I do?",
    "What do you have?", "Yes.", "Yes, I do.", "I think so.", "Where is it?", "What is that?",
    "Can you tell me where the pool is?", "I don't know what it was.", "What?",
    "Do you like this?", "Two people.", "Can somebody help me?", "What's this for?",
)  # fmt: skip


@pytest.mark.parametrize("text", UNFINISHED)
def test_a_sentence_that_breaks_off_is_seen(text):
    assert dangling(text)


@pytest.mark.parametrize("text", FINISHED)
def test_a_whole_sentence_does_not_dangle(text):
    assert not dangling(text)
    assert closed(text)


@pytest.mark.parametrize("text", ["Sorry", "Nope.", "No, wait.", "Okay, thank you.", "Hello."])
def test_words_before_one_comes_to_the_point_may_be_all(text):
    assert opens(text)
    assert not dangling(text)


@pytest.mark.parametrize("text", ["", "No smoking?", "Hello, where is the bar?", "Taxi."])
def test_other_words_are_the_point(text):
    assert not opens(text)


def test_no_words_do_not_dangle():
    assert not dangling("")
    assert not dangling("...")
    assert not closed("")
    assert not closed("Where is the...")


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("I would like to", "Book a table.", "I would like to book a table."),
        ("I would like to...", "book a table.", "I would like to book a table."),
        ("My wife and", "I are here.", "My wife and I are here."),
        ("What time is breakfast?", "on Sundays?", "What time is breakfast on Sundays?"),
        ("Is the restaurant?", "And the bar open?", "Is the restaurant and the bar open?"),
        ("Call the", "NHS please.", "Call the NHS please."),
    ],
)
def test_the_rest_of_a_sentence_is_put_to_its_beginning(before, after, whole):
    assert goes_on(before, after)
    assert joined(before, after) == whole


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("What time is breakfast?", "Is there a gym?"),
        ("Do you have a pool?", "No, stop."),
        ("Where is the bar?", ""),
        ("", "Where is the bar?"),
    ],
)
def test_another_sentence_does_not_go_on(before, after):
    assert not goes_on(before, after)
