"""What is said for what is written: the cases, and that no input is too odd or too long."""

import random
import re

import pytest

from bench.sound.spoken_forms import cases, right, said
from visavis.engines.language.spoken import spell

REACHED = 459  # of 460; "CHAPTER I--THE" is the one that is not


def test_the_score_that_was_reached_is_held():
    table = cases()
    wrong = [f"{c.written} -> {said(c.written)}" for c in table if not right(c, said(c.written))]
    assert len(table) >= 460
    assert len(table) - len(wrong) >= REACHED, "\n".join(wrong)


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("-5°C", "five degrees Celsius"),
        ("-$5", "five dollars"),
        ("$120/night", "one hundred twenty dollars night"),
        ("5 min.", "five minimum"),
        ("12000", "one two zero zero zero"),
        ("World War II", "World War I I"),
        ("0800 123 456", "eight hundred one two three four five six"),
        ("31.12.2025", "thirty one point one two two thousand twenty five"),
        ("5 1/2", "five one half"),
        ("the 90s", "the ninety seconds"),
    ],
)
def test_the_rule_tells_right_from_wrong(written, wrong):
    (case,) = (case for case in cases() if case.written == written)
    assert right(case, case.right[0].upper())
    assert not right(case, wrong)


@pytest.mark.parametrize("case", [c for c in cases() if c.source == "own"], ids=lambda c: c.written)
def test_each_written_word_keeps_its_place(case):
    spelled = spell(case.written)
    assert [word.text for word in spelled] == case.written.split()


def test_what_belongs_together_is_said_by_the_words_it_is_written_in():
    assert [w.spoken for w in spell("12 000 € a week")] == [
        "twelve thousand",
        "",
        "euros",
        "a",
        "week",
    ]
    assert [w.spoken for w in spell("$ 5 or 5.50 €")][:2] == ["", "five dollars"]
    assert [w.spoken for w in spell("4 1/2 lbs")] == ["four", "and a half", "pounds"]


def test_no_input_breaks_it():
    letters = [*"0123456789.,:/-+$€%°'\"()[]{}<>#@&*_~ abcmkpIVXstndh½²…—–é中😀٣", "World War II "]
    chance = random.Random(5)
    for _ in range(3000):
        text = "".join(chance.choices(letters, k=chance.randint(1, 24)))
        for word in spell(text):
            assert re.fullmatch(r"[^\W\d_ ]?[^\d_$%&@#*+=<>/\\]*", word.spoken), (text, word)
