"""Time grows with the text alone, whatever it is made of: 50,000 characters of each kind."""

import gc
import itertools
import time

import pytest
from support.pace import within

from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.mishearing import Ear
from visavis.engines.direction.director import Director
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.language import brackets, markup, native, saying, sentences, spoken, wording
from visavis.engines.language.clauses import Clauses

SIZE = 50_000
MOST = 0.3  # s of processor time for the second half: squares take seconds
KINDS = [
    *" 1.[a,\n(\"-*_<!#'|&中😀",
    *("oh ", "please ", "Dr. ", "[a]. ", "<!--", "](", "<a ", "http://", "a.b", "- ", ".” "),
]
_DIRECTOR = Director()
_EAR = Ear(["when is breakfast", "do you have a pool"])
_SENTIMENT = Sentiment(_DIRECTOR)


def _streamed(reader):
    def read(text):
        for at in range(0, len(text), 5):
            list(reader.feed(text[at : at + 5]))
        return list(reader.flush())

    return read


def _knowledge(text):
    try:
        knowledge_file.parse(f"# T\n## t\n### s\n- q?\nAnswer {text}x\n")
    except knowledge_file.KnowledgeError:
        return


def _title(text):
    try:
        knowledge_file.parse(f"# {text}x\n<!--{text}")
    except knowledge_file.KnowledgeError:
        return


READERS = {
    "clauses": lambda text: _streamed(Clauses())(text),
    "clauses in Mandarin": lambda text: _streamed(Clauses("zh"))(text),
    "words in German": lambda text: native.spell(text, "de"),
    "words in Mandarin": lambda text: native.spell(text, "zh"),
    "brackets": lambda text: _streamed(brackets.BracketReader())(text),
    "mark-up": lambda text: _streamed(markup.MarkupReader())(text),
    "sentences": sentences.sentences,
    "core": lambda text: wording.core(wording.normalise(text)),
    "sounds": _EAR.guesses,
    "nothing to say": saying.empty,
    "wishes": _DIRECTOR.literal,
    "feelings": _SENTIMENT.answer,
    "knowledge": _knowledge,
    "a title": _title,
}


@pytest.fixture(autouse=True)
def _uncollected():
    """What all the other tests left on the heap would be looked through in the middle of a text."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_text_alone(name):
    read = READERS[name]
    for kind in KINDS:
        text = (kind * (SIZE // len(kind) + 1))[:SIZE]
        began = time.thread_time()
        read(text)
        whole = time.thread_time() - began
        if whole > MOST / 2:  # long words take longer than blanks: it is the growth that counts
            began = time.thread_time()
            read(text[: SIZE // 2])
            assert whole < 3.2 * (time.thread_time() - began) + MOST, kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_of_any_length_is_read_at_once(kind):
    """Clauses have 25 words at most; each of them may be endless."""
    word = kind.strip() * (4 * SIZE)
    began = time.thread_time()
    spoken.spell(f"{word[: 4 * SIZE]} and")
    assert within(time.thread_time() - began, 0.3)


def test_no_word_makes_a_pattern_try_all_ways_to_divide_it():
    """Two signs that a pattern may read either way took twice as long for each more of them."""
    signs = "1a xX.,-/:'\"()@#$€%°^+*=_²IV"
    slowest, at = 0.0, ""
    for one, other in itertools.product(signs, repeat=2):
        for word in (
            one * 70 + other * 70 + "!1!",
            (one + other) * 70 + "!",
            "1" + (one + other) * 70,
        ):
            began = time.thread_time()
            spoken.spell(word.replace(" ", ""))
            native.spell(word, "de")
            native.spell(word, "zh")
            took = time.thread_time() - began
            slowest, at = max((slowest, at), (took, word))
    assert slowest < 0.1, at
