import random
import time

import pytest
from support.pace import within

from visavis.engines.language.clauses import MOST_WORDS, Clauses

TEXTS = [
    "Hello there! Breakfast is from 6:30 a.m. to 10 a.m. on the ground floor. Enjoy it.",
    "Of course, Dr. Smith, the suite is $1,200.50 a night, e.g. with a view. Shall I book it?",
    "Write to info@grand.hotel.com or see https://grand.example.com/spa?x=1,2. Thank you...",
    "No. I am sorry. It is room No. 5, on St. Mark's Ave. The lift is there — to the left.",
    '“Really?” he said. "Yes!" (He was sure.) J. K. Rowling lives in the U.S. She writes.',
    "Well, yes;  no\n\nwhat\tever: 1. Take the lift. 2. Turn left. At 9. Then stop",
    "word " * 60 + "end.",
    "😀 你好 — ! fine",
    "",
]


def split(text, size):
    clauses = Clauses()
    out = []
    for start in range(0, len(text), size):
        out += clauses.feed(text[start : start + size])
    return out + clauses.flush()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_clauses_give_the_text_back(text, size):
    clauses = split(text, size)
    assert " ".join(clauses) == " ".join(text.split())
    assert all(len(clause.split()) <= MOST_WORDS for clause in clauses)


@pytest.mark.parametrize("text", TEXTS)
def test_the_size_of_fragments_does_not_matter(text):
    assert split(text, 1) == split(text, 2) == split(text, 11)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi! How are you? Fine.", ["Hi!", "How are you?", "Fine."]),
        ("Yes, it is.", ["Yes, it is."]),
        ("Yes, of course, come in.", ["Yes, of course,", "come in."]),
        ("We open at 6:30 a.m. on Monday. Bye.", ["We open at 6:30 a.m. on Monday.", "Bye."]),
        ("We close at 10 p.m. Good night.", ["We close at 10 p.m.", "Good night."]),
        ("Ask Dr. Smith, e.g. Now. Go.", ["Ask Dr. Smith,", "e.g. Now.", "Go."]),
        ("It is $1,200.50. Right.", ["It is $1,200.50.", "Right."]),
        ("No. I see. No. 5 it is.", ["No.", "I see.", "No. 5 it is."]),
        ("1. Take the lift. 2. Turn.", ["1. Take the lift.", "2. Turn."]),
        ("We met J. Smith. He sat.", ["We met J. Smith.", "He sat."]),
        (
            "See www.a.com. Then e-mail me@b.org. Bye",
            ["See www.a.com.", "Then e-mail me@b.org.", "Bye"],
        ),
        ("Wait... what", ["Wait...", "what"]),
        ('He said "Stop." Then left.', ['He said "Stop."', "Then left."]),
    ],
)
def test_where_clauses_end(text, expected):
    assert split(text, 4) == expected


def test_only_the_first_clause_ends_at_an_early_comma():
    text = "To your left, please. In the hall, near the sofa, you see it, and then, a door."
    assert split(text, 5) == [
        "To your left,",
        "please.",
        "In the hall, near the sofa, you see it, and then,",
        "a door.",
    ]


def test_a_clause_comes_as_soon_as_the_space_after_it():
    clauses = Clauses()
    assert clauses.feed("Good morning!") == []  # it may go on: 'morning!"' or "morning!!"
    assert clauses.feed(" ") == ["Good morning!"]
    assert clauses.feed("It is 10 a.m. ") == []  # the next word decides
    assert clauses.feed("a") == []
    assert clauses.feed("nd sunny") == []
    assert clauses.flush() == ["It is 10 a.m. and sunny"]
    assert clauses.flush() == []


def test_random_text_survives_random_cuts():
    rng = random.Random(7)
    alphabet = "ab A1. ,;:!?-—\"'() \n$€%@/"
    for _ in range(300):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(120)))
        assert " ".join(split(text, rng.randrange(1, 9))) == " ".join(text.split())


def test_it_is_quick():
    text = " ".join(TEXTS) * 20
    start = time.thread_time()
    split(text, 4)
    assert within(time.thread_time() - start, 1.0)  # 17,000 characters; a reply has 300
