import pytest

from visavis.engines.ears.hallucinations import Guess, doubt_of, said_once

MAX_DOUBT = 0.55  # server/session/transcribing.py


def heard(text, seconds, no_speech, log_probability):
    """The words that are believed."""
    guess = Guess(text, seconds, no_speech, log_probability)
    once = said_once(guess)
    return once if once and doubt_of(guess, once) < MAX_DOUBT else ""


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("Hello there. Hello there. Hello", "Hello there."),
        ("What is the Wi-Fi password? What is the Wi", "What is the Wi-Fi password?"),
        ("How are you? how are you?", "How are you?"),
        ("no no no", "no"),
        ("I said that that is so", "I said that that is so"),
        ("Where is the room, and where is the spa?", "Where is the room, and where is the spa?"),
        ("[Music]", ""),
        ("(coughing) Hello [door", "Hello"),
        ("*laughs* ♪ ♪", ""),
        ("Hmm... Mmm. Ahh! Haha, ohh", ""),
        ("Mm-hmm. Uh-huh.", "Mm-hmm. Uh-huh."),
        ("ha" * 3000 + "x", None),  # at once: nothing in it can be read in two ways
        ("He was not an old-s-y-y-y-y-y-y-y-y", None),
        ("It costs 10000000 dollars", "It costs 10000000 dollars"),
        (" . ", ""),
        ("", ""),
        ("早餐几点开始？早餐几点开始？早餐几", "早餐几点开始？"),
        ("谢谢。", "谢谢。"),
        ("プールはどこですか", "プールはどこですか"),
        ("(音楽) はい", "はい"),
        ("作曲 作曲 作曲 作曲 作曲 作曲 作", "作曲"),
        ("oh " + "you know the best of the " * 12, None),
    ],
)
def test_what_is_left_was_said_and_once(text, once):
    assert said_once(Guess(text, 2.0, 0.1, -0.2)) == once


# (text, seconds, no_speech, log_probability) as whisper gave them; who or what made the sound.
SAID = [
    ("Taxi", 0.8, 0.08, -1.41),  # hibari
    ("airport", 0.8, 0.47, -1.36),  # espeak-ng
    ("Address", 0.9, 0.18, -3.99),
    ("Thank you.", 0.8, 0.28, -0.39),
    ("Bye", 0.6, 0.25, -1.4),
    ("Who?", 0.6, 0.38, -1.07),
    ("coffee coffee coffee coffee coffee coffee", 0.9, 0.3, -0.3),
    ("The conference has ended.", 1.9, 0.48, -0.18),  # a recorded prompt
    ("The shower we are in our room", 1.6, 0.45, -0.97),
    ("Peace.", 0.7, 0.47, -1.94),  # "keys", six semitones higher
]
MADE_UP = [
    ("Thank you.", 8.0, 0.82, -0.65),  # music on hold
    ("Thank you.", 3.7, 0.19, -1.39),  # its soft beginning
    ("You", 0.6, 0.66, -3.76),
    ("I'm going to go to the next video.", 0.6, 0.74, -1.83),
    ("I'm so sorry", 8.0, 0.76, -2.83),
    ("You", 10.0, 0.73, -3.91),  # brown noise
    ("Oh, my God.", 0.6, 0.69, -1.53),  # a dozen people at once
    ("I'm gonna go for a bit better.", 4.4, 0.47, -2.04),  # a dolphin
    ("The... The... The... The... The...", 7.8, 0.29, -0.2),  # a bassoon
    ("I'm...", 3.7, 0.34, -2.84),  # drums
    ("BAAAAAAH!", 1.1, 0.3, -1.42),
    ("Mmm", 7.2, 0.44, -3.32),  # a badger
    ("I'm going to go back.", 0.4, 0.52, -1.42),  # scraps of a crowd
    ("I think I...", 0.3, 0.37, -1.89),
]


@pytest.mark.parametrize("said", SAID)
def test_words_are_believed_even_one_alone(said):
    assert heard(*said)


@pytest.mark.parametrize("made_up", MADE_UP)
def test_what_whisper_makes_up_is_not(made_up):
    assert not heard(*made_up)


def test_thank_you_takes_more_to_be_believed_than_a_question():
    assert heard("Thank you.", 1.0, 0.3, -0.5)
    assert not heard("Thank you.", 1.0, 0.45, -0.5)
    assert heard("The bill.", 1.0, 0.45, -0.5)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Vielen Dank."), ("fr", "Merci."),
        ("es", "¡Gracias por ver el video!"),
        ("zh", "字幕由Amara.org社区提供"), ("ja", "ご視聴ありがとうございました"),
        ("ar", "اشتركوا في القناة"),
        ("pt", "O que é isso?"), ("it", "Grazie a tutti."),
    ],
)  # fmt: skip
def test_what_subtitles_leave_behind_is_doubted_in_its_language(language, text):
    def doubt(of):
        return doubt_of(Guess(text, 5.0, 0.4, -1.0, language=of), text)

    assert doubt(language) > doubt("cs") + 0.1


def test_characters_without_blanks_are_no_hurried_words():
    """Nine characters in 1.6 s are said at ease; as nine words they would be none."""
    guess = Guess("早餐几点开始供应呢", 1.6, 0.1, -0.3, language="zh")
    assert doubt_of(guess, guess.text) < 0.3
