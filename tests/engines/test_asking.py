"""What kind of thing a question asks for, and whether an entry has it."""

import pytest

from visavis.engines.dialogue.doubting import Evidence, Lacking, certainty
from visavis.engines.language.asking import Form, Kind, Telling, form

KINDS = """
price | how much is the pool | what do you charge for a towel | is breakfast expensive
time | and until when | when is breakfast | at what time do you close | how late can we come
person | who built the tower | and who is the chef
measure | how heavy is the safe | how many lifts are there
which | which router do you use | what breed is the dog | what is the name of the driver
quality | are the bananas organic | does the boat have a bar | is your roof green
there | is there a lift | are there any plants
having | do you have a cot
leave | can i smoke here | may we swim at night
place | where is the bar
way | how do i get there
what | what is a suite | why is it closed
other | my room is cold | a towel please
"""
CASES = [
    (line.split(" | ")[0], text)
    for line in KINDS.strip().splitlines()
    for text in line.split(" | ")[1:]
]
POOL = Telling(
    ("where is the pool", "how warm is the pool", "when is the pool open"),
    "it is downstairs and open from seven to nine and has twenty nine degrees",
)


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_the_words_that_a_question_begins_with_tell_what_it_asks_for(kind, text):
    assert form(text).kind == kind


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("how much is the pool", False),
        ("until when is the pool open", True),
        ("how warm is it", True),
        ("how deep is the pool", False),
        ("who built the pool", False),
        ("is the pool nice", True),
    ],
)
def test_an_entry_has_a_price_or_a_time_or_it_has_not(text, has):
    assert POOL.has(form(text)) is has


def test_a_figure_alone_is_no_time():
    price = Telling(("is breakfast included",), "yes and children under twelve pay half")
    assert not price.has(Form(Kind.TIME))
    assert price.has(Form(Kind.PRICE))


def test_of_two_questions_that_lie_as_near_the_one_that_asks_for_what_is_not_told_is_doubted():
    found = Evidence(0.6, 0.3, 0.2, 0.6, [Lacking("word", 0.02, new=True)])
    there, price = "where do we find the pool", "how much is the pool"
    assert certainty(there, found, POOL) > 0.5 > certainty(price, found, POOL)
    assert certainty("are the tiles of the pool italian", found, POOL) < certainty(
        there, found, POOL
    )


def test_what_fits_badly_is_not_known_however_its_words_are():
    found = Evidence(0.2, 0.3, 0.2, 1.0, [])
    assert certainty("where is the pool", found, POOL) < 0.5
