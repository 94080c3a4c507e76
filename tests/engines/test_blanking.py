import time

import pytest
from support.pace import within

from visavis.engines.language.blanking import blanked


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("I am in room 214.", "I am in room ...."),
        ("Call me at +49 (30) 123-4567, please", "Call me at ..., please"),
        ("My card is 4111 1111 1111 1111", "My card is ..."),
        ("It is four one one one, two two", "It is ..."),
        ("Write to anna.b@mail.example", "Write to ..."),
        ("Write to anna dot miller at gmail dot com", "Write to ..."),
        ("Is it on www.hotel.example/menu?", "Is it on ..."),
        ("My name is Anna Maria Miller and I lost my hat", "My name is ... and I lost my hat"),
        ("my name is anna and i lost my hat", "my name is ... and i lost my hat"),
        ("I'm Anna Miller, do you have a crib?", "I'm ..., do you have a crib?"),
        ("This is Peter.", "This is ...."),
        ("A table for Mrs. Miller", "A table for Mrs. ..."),
        ("It is spelled M I L L E R", "It is spelled ..."),
        ("Me llamo José García, ¿hay cuna?", "Me llamo ..., ¿hay cuna?"),
        ("Je m'appelle Zoë Petit et je cherche un lit", "Je m'appelle ... et je cherche un lit"),
        ("Mein Name ist Jörg Weiß", "Mein Name ist ..."),
        ("Ich heiße Jörg und suche ein Bett", "Ich heiße ... und suche ein Bett"),
        ("我叫王小明，有婴儿床吗", "我叫 ...，有婴儿床吗"),
        ("اسمي أحمد", "اسمي ..."),
    ],
)
def test_personal_data_is_blanked(said, kept):
    assert blanked(said) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Do you rent out bikes?", "I am late, where do I go?", "Can I bring two or three friends?",
        "Is this a quiet house?", "What is the name of the street?", "¿Alquilan bicicletas?",
        "Haben Sie ein oder zwei Kinderbetten?", "有婴儿床吗", "هل لديكم دراجات؟", "",
    ],
)  # fmt: skip
def test_a_question_without_any_stays(text):
    assert blanked(text) == text


@pytest.mark.parametrize("text", ["a " * 200, "1 " * 200, "a.b" * 100, "one " * 100, "@" * 200])
def test_any_text_takes_no_time(text):
    began = time.perf_counter()
    blanked(text)
    assert within(time.perf_counter() - began, 0.2)
