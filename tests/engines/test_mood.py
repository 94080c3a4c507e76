import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from visavis.engines.base import UNTOLD, Mood, Remark
from visavis.engines.direction import mood as moods
from visavis.engines.direction.director import Director
from visavis.engines.direction.mood import TOLD, Turn, agrees, course, mood, rises, turns
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.direction.styles import NOTHING
from visavis.engines.language.phrasebook import LANGUAGES

sys.path.insert(0, str(Path(__file__).parents[2]))
from support.pace import within

from bench.mood import measure

moods.warm()


def felt(*texts, sure=0.9, language="en"):
    said = [Turn(text, f"Answer {number}.", sure) for number, text in enumerate(texts)]
    return course(said, language)


def test_the_held_out_conversations_are_read_as_a_person_reads_them():
    counts, offers = measure()
    assert counts["f"].told()["told"] >= 0.9
    assert counts["f"].told()["false"] <= 0.15
    assert counts["s"].told()["told"] >= 0.9
    assert counts["u"].told()["told"] >= 0.9
    assert offers["conversations"] >= 40
    assert offers["offered"] >= 0.85 * offers["wanted"]
    assert offers["false"] == 0


@pytest.mark.parametrize(
    ("language", "frustrated", "pleased", "urgent"),
    [
        (
            "en",
            "You are not listening to me!",
            "That is wonderful, thank you so much.",
            "Hurry up!",
        ),
        ("es", "¡No me entiende!", "Perfecto, muchas gracias.", "Tengo mucha prisa."),
        ("fr", "Vous ne m'écoutez pas !", "C'est parfait, merci beaucoup.", "C'est urgent."),
        ("de", "Sie verstehen mich nicht!", "Wunderbar, vielen Dank.", "Ich habe es eilig."),
        ("zh", "你听不懂我的话！", "太好了，谢谢你的帮助。", "我赶时间，快点。"),
        ("ar", "أنت لا تفهمني!", "رائع، شكرا جزيلا.", "بسرعة من فضلك."),
    ],
)
def test_each_language_has_its_words(language, frustrated, pleased, urgent):
    assert felt(frustrated, language=language)[-1].frustration >= TOLD
    assert felt(pleased, language=language)[-1].satisfaction >= TOLD
    assert felt(urgent, language=language)[-1].urgency >= TOLD


def test_what_happens_to_a_visitor_counts_where_words_tell_nothing():
    question = "Where is the conference room?"
    again = course([Turn(question, "On the roof.", 0.9), Turn(question)], "en")[-1]
    unknown = course([Turn(question, "I don't know.", 0.0), Turn(question)], "en")[-1]
    same = course([Turn("a", "On the roof.", 0.9), Turn("b", "On the roof.", 0.9), Turn("c")], "en")
    assert min(each.frustration for each in (again, unknown, same[-1])) >= TOLD
    cut = course([Turn(question, "On the roof.", 0.9, cut=True), Turn("No, the big one.")], "en")
    assert 0 < cut[-1].frustration < again.frustration
    assert course([Turn(question, "There.", 0.9), Turn("Is there a lift?")], "en")[-1] == UNTOLD


def test_a_feeling_decays_and_its_opposite_softens_it():
    angry = felt("This is ridiculous", "Where is the bar?", "And the gym?", "And the pool?")
    assert all(later.frustration < sooner.frustration for sooner, later in pairwise(angry))
    assert angry[-1].frustration < TOLD
    eased = felt("This is ridiculous", "Thank you so much, that is perfect.")[-1]
    assert eased.satisfaction > TOLD > eased.frustration


def test_everything_stays_in_its_range():
    for each in felt(*["This is ridiculous, hurry up, perfect!"] * 30):
        values = (each.frustration, each.satisfaction, each.urgency, each.confidence)
        assert all(0 <= value <= 1 for value in values)
    assert felt("Where is the pool?") == [Mood()]
    assert mood([], "", "en") == UNTOLD


def test_only_two_rises_in_a_row_offer_somebody():
    assert not rises(felt("This is ridiculous"))
    assert rises(felt("This is ridiculous", "You are not listening"))
    assert not rises(felt("This is ridiculous", "Where is the pool?", "You are not listening"))
    assert not rises(felt("Where is the bar?", "It is a bit loud in here"))


def test_history_becomes_turns():
    said = [
        Remark(1, "avatar", "Welcome.", "Welcome."),
        Remark(2, "visitor", "Where?"),
        Remark(2, "tool", "a map", name="map"),
        Remark(2, "avatar", "[sorry] I do not know that at all.", "I do not", sure=0.0),
        Remark(3, "visitor", "Oh."),
    ]
    assert turns(said) == [Turn("Where?", "I do not know that at all.", 0.0, True), Turn("Oh.")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_yes_is_understood(language):
    yes = {"en": "Yes, please.", "es": "Sí, por favor.", "fr": "Oui, s'il vous plaît.",
           "de": "Ja, bitte.", "zh": "好的，谢谢。", "ar": "نعم من فضلك."}[language]  # fmt: skip
    no = {"en": "No, thanks.", "es": "No, gracias.", "fr": "Non, merci.", "de": "Nein, danke.",
          "zh": "不用了。", "ar": "لا شكرا."}[language]  # fmt: skip
    assert agrees(yes, language)
    assert not agrees(no, language)
    assert not agrees(f"{yes} {no}", language)


def test_the_demeanour_follows_the_conversation_where_the_words_tell_nothing():
    sentiment = Sentiment(Director())
    assert sentiment.over(UNTOLD) == NOTHING
    assert sentiment.over(Mood(frustration=0.5, satisfaction=0.9)).styles == (
        "sympathetic", "calm", "slightly slow",
    )  # fmt: skip
    assert sentiment.over(Mood(satisfaction=0.5)).styles == ("warm",)
    assert sentiment.over(Mood(urgency=0.5)).styles == ("attentive", "serious")


def test_a_long_conversation_takes_milliseconds():
    said = [Turn("Where is the nearest station, and how do I get there? " * 3, "There.")] * 20
    began = time.perf_counter()
    course(said, "en")
    assert within(time.perf_counter() - began, 0.25)
