"""The knowledge file, retrieval, and the two embedded dialogues."""

import threading
import time
import tomllib

import numpy as np
import pytest
from support.embedders import WordVectors

from bench import dialogue as bench
from visavis.engines.base import EngineError, Exchange
from visavis.engines.dialogue import knowledge_file as knowledge
from visavis.engines.dialogue import retrieval, smalltalk
from visavis.engines.dialogue.echo import EchoDialogue
from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.engines.dialogue.knowledge_file import KnowledgeError
from visavis.engines.dialogue.mishearing import Ear
from visavis.engines.direction.director import Director
from visavis.engines.language import wording
from visavis.engines.language.brackets import unmarked, wishes
from visavis.engines.language.minilm import MiniLm
from visavis.engines.language.phrasebook import LANGUAGES, _phrases, phrase, phrases
from visavis.engines.language.pronouncing import likeness, phonemes
from visavis.engines.language.sentences import fragments, sentences
from visavis.models import manifest

HOTEL = knowledge.EXAMPLE

INN = """\
<!-- a comment
with # a heading in it -->
# The Inn

name: Ada
role: the host of the Inn
greeting: Welcome to {title}.
contact: the landlord

## food

### breakfast
- When is breakfast?
- Breakfast hours
- Where is breakfast served?

From **seven** to ten. See [the menu](https://inn.example/menu) or https://www.inn.example/food.

- Eggs
- Bread, still warm!

### the bar
- Where is the bar?
- Can I get a beer?
- Do you have a bar?

Upstairs, under the roof.
***
It is upstairs.

## rooms

### the Wi-Fi
- What is the wifi password?
- How do I connect to the wifi?

The password is on your key.

### parking
- Where can I park my car?
- Is there parking?

Behind the house. It costs five euros.
"""


@pytest.fixture
def inn(tmp_path):
    path = tmp_path / "inn.md"
    path.write_text(INN, encoding="utf-8")
    return KnowledgeDialogue(path, WordVectors())


@pytest.fixture(scope="session")
def hotel(warm_home):
    embedder = MiniLm(manifest.locate("minilm"), manifest.locate("minilm-tokenizer"))
    return KnowledgeDialogue(HOTEL, embedder, warm_home / "cache")


def talk(dialogue, *texts):
    """All texts in turn -> the last answer."""
    past = []
    for text in texts:
        past.append(Exchange(text, "".join(dialogue.reply(text, past))))
    return past[-1].heard


# --- the file ----------------------------------------------------------------------------------


def test_a_file_is_read_with_spoken_answers():
    inn = knowledge.parse(INN)
    assert inn.title == "The Inn"
    assert inn.persona == knowledge.Persona(
        "Ada", "the host of the Inn", "Welcome to {title}.", "the landlord"
    )
    assert inn.topics == ("food", "rooms")
    assert [entry.id for entry in inn.entries] == ["breakfast", "the-bar", "the-wi-fi", "parking"]
    assert inn.entries[0].questions[0] == "When is breakfast?"
    assert inn.entries[0].answers == (
        "From seven to ten. See the menu or inn.example/food. Eggs. Bread, still warm!",
    )
    assert inn.entries[1].answers == ("Upstairs, under the roof.", "It is upstairs.")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("Behind the house. It costs five euros.\n", ""), 39, "'parking' has no answer"),
        (("- Is there parking?", "- when is BREAKFAST"), 41, "already asked in line 13"),
        (("### parking", "### Breakfast!"), 39, "already used in line 12"),
        (("- Where can I park my car?\n- Is there parking?\n", ""), 39, "no '- question?' line"),
        (("It is upstairs.\n", ""), 22, "both sides of each ***"),
        (("name: Ada", "nome: Ada"), 5, "name, role, greeting, contact"),
        (("role: the", "name: the"), 6, "given twice"),
        (("# The Inn\n", "\n"), 1, "title is missing"),
        (("## rooms", "# rooms"), 31, "second title"),
        (("## rooms", "#### rooms"), 31, "only '#', '##' and '###'"),
        (("## food\n", "\n"), 12, "has no topic"),
        (("Upstairs, under the roof.", "| a | b |"), 27, "tables and code"),
        (("## rooms", "##"), 31, "without words"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, change, line, words):
    assert change[0] in INN
    path = tmp_path / "inn.md"
    path.write_text(INN.replace(*change), encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        knowledge.load(path)
    assert any(p.line == line and words in p.text for p in caught.value.mistakes), caught.value
    assert f"inn.md:{line}: " in str(caught.value)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(KnowledgeError) as caught:
        knowledge.parse("# A\n## b\n### c\n### d\n- e\n")
    assert [mistake.line for mistake in caught.value.mistakes] == [3, 3, 4]


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.md"
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="title is missing") as caught:
        knowledge.load(path)
    assert "no entries" in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused_with_the_line(tmp_path):
    path = tmp_path / "latin.md"
    path.write_bytes(INN.replace("under", "\xfcber").encode("latin-1"))
    with pytest.raises(KnowledgeError, match=r"latin.md:27: not UTF-8"):
        knowledge.load(path)


def test_a_missing_or_huge_file_is_an_engine_error(tmp_path):
    with pytest.raises(EngineError, match="cannot be read"):
        knowledge.load(tmp_path / "no.md")
    path = tmp_path / "huge.md"
    path.write_bytes(b"x" * (knowledge.MAX_BYTES + 1))
    with pytest.raises(EngineError, match="larger"):
        knowledge.load(path)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Ask Dr. Low at 5 p.m. today.", ["Ask Dr. Low at 5 p.m. today."]),
        ("It costs 2.50 euros.", ["It costs 2.50 euros."]),
        ("We close at 5 p.m. Then we go.", ["We close at 5 p.m.", "Then we go."]),
        (
            "Room No. 5 on St. Mark's. (No. I see.) Ok",
            ["Room No. 5 on St. Mark's.", "(No.", "I see.)", "Ok"],
        ),
        ("1. Take the lift. 2. Turn.", ["1. Take the lift.", "2. Turn."]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences(text, parts):
    assert sentences(text) == parts


def test_fragments_join_to_the_whole():
    text = "One thing. Another one! And a third?"
    assert len(list(fragments(text))) == 3
    assert "".join(fragments(text)) == text


def test_the_example_is_large_and_made_for_the_ear():
    hotel = knowledge.load(HOTEL)
    assert len(hotel.entries) >= 45
    for entry in hotel.entries:
        for written in entry.answers:
            answer = unmarked(written)
            assert not set("*_[]()#`") & set(answer), entry.id
            assert not any(c.isdigit() for c in answer), entry.id
            assert len(sentences(answer)) <= 4, entry.id
            assert len(sentences(answer)[0]) <= 110, entry.id


def test_every_bracket_of_what_ships_is_understood():
    director = Director()
    hotel = knowledge.load(HOTEL)
    small = [entry for tag in LANGUAGES for part in smalltalk.entries(tag) for entry in part]
    fixed = [text for tag in LANGUAGES for said in _phrases(tag).values() for text in said]
    answers = [a for entry in (*hotel.entries, *small) for a in entry.answers]
    found = [wish for text in (*answers, *fixed) for wish in wishes(text)]
    assert len(found) > 10
    for wish in found:
        assert director.literal(wish).changes, wish
        assert not director.literal(wish).dropped, wish


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("What's the Wi-Fi password?", "what is the wi fi password"),
        ("I can’t find the CAFÉ!", "i cannot find the cafe"),
        ("until 3", "until three"),
        ("?!", ""),
    ],
)
def test_normalise(text, normal):
    assert wording.normalise(text) == normal


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("hello where is the pool please", "where is the pool"),
        ("okay thank you", "okay thank you"),
        ("good morning", "good morning"),
        ("highway to the station", "highway to the station"),
    ],
)
def test_politeness_around_a_question_is_dropped(text, left):
    assert wording.core(text) == left


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("brake fast", "breakfast"),
        ("why five", "wifi"),
        ("pull", "pool"),
        ("jim", "gym"),
        ("rum service", "room service"),
        ("rest around", "restaurant"),
    ],
)
def test_what_is_misheard_sounds_alike_and_what_is_something_else_does_not(heard, meant):
    spoken = ["".join(map(phonemes, text.split())) for text in (heard, meant, "umbrella")]
    same, other = likeness(spoken[:1] * 2, spoken[1:])
    assert same >= 0.75
    assert other < 0.65


def test_likeness_is_that_of_each_pair_alone_and_one_for_the_same():
    words = [phonemes(word) for word in ("late", "light", "a", "elevator", "coal")]
    pairs = [(a, b) for a in words for b in words]
    together = likeness([a for a, _ in pairs], [b for _, b in pairs])
    alone = [float(likeness([a], [b])[0]) for a, b in pairs]
    assert together.tolist() == pytest.approx(alone)
    assert [together[n * 6] for n in range(5)] == [1.0] * 5
    assert likeness([""], ["a"])[0] < 1


def test_the_ear_guesses_known_words_in_place_of_others():
    ear = Ear(["when is breakfast", "what is the wifi password", "when is check in"])

    def guesses(text):
        return [guess.text for guess in ear.guesses(text)]

    assert "what time is breakfast" in guesses("what time is brake fast")
    assert "the wifi password" in guesses("the why five password")
    assert "when is check in" in guesses("when is chicken")
    assert all(guess.likeness < 1 for guess in ear.guesses("when is breakfast"))
    assert guesses("xylophone quartz") == []
    assert guesses("is " * 40) == []
    assert guesses("brake" * 400) == []
    assert ear.alike("brake" * 400) == ()
    assert Ear([]).guesses("when is breakfast") == []
    assert ear.alike("brekfast") == ("breakfast",)
    assert ear.alike("breakfast") == ()


# --- the dialogue ------------------------------------------------------------------------------


def test_a_question_of_the_file_finds_its_entry(inn):
    for entry in inn.knowledge.entries:
        for question in entry.questions:
            found = inn.match(question)
            assert found.entry_id == entry.id
            assert found.score > 0.9


def test_the_answer_comes_sentence_by_sentence(inn):
    assert list(inn.reply("Is there parking?", [])) == [
        "Behind the house. ",
        "It costs five euros.",
    ]


@pytest.mark.parametrize("text", ["hello, where is the bar please", "WHERE IS THE BAR", "the bar"])
def test_case_punctuation_and_politeness_do_not_matter(inn, text):
    assert inn.match(text).entry_id == "the-bar"


def test_a_misheard_word_is_understood(inn):
    assert inn.match("when is brake fast").entry_id == "breakfast"
    assert inn.match("what is the why five password").entry_id == "the-wi-fi"


def test_words_of_something_else_are_not_bent_until_they_fit(inn):
    assert inn.match("my wife has fainted").entry_id != "the-wi-fi"
    assert inn.match("what does a tax return cost").entry_id is None


def test_what_is_not_known_names_three_subjects_in_changing_words(inn):
    answers = [
        "".join(inn.reply("xylophone quartz vortex", [Exchange("hello", "Hello!")] * turn))
        for turn in range(len(phrases("smalltalk.unknown", "en")))
    ]
    assert len(set(answers)) == len(answers)
    subjects = [entry.subject for entry in inn.knowledge.entries]
    assert all(sum(s in answer for s in subjects) == 3 for answer in answers)
    assert answers[0] == "".join(inn.reply("xylophone quartz vortex", []))
    assert not any("{" in answer for answer in answers)


def test_alternatives_of_an_answer_take_turns(inn):
    assert "".join(inn.reply("Where is the bar?", [])) == "Upstairs, under the roof."
    past = [Exchange("Is there parking?", "Behind the house.")]
    assert "".join(inn.reply("Where is the bar?", past)) == "It is upstairs."


def test_small_talk_knows_who_and_where_it_is(inn):
    assert "Ada, the host of the Inn" in talk(inn, "Who are you?")
    assert "computer avatar" in talk(inn, "are you a robot")
    assert "food and rooms" in talk(inn, "What can you do?")
    assert inn.greeting == "Welcome to The Inn."


def test_silence_is_asked_about_and_not_searched(inn):
    assert talk(inn, " ... ") == phrase("smalltalk.empty", "en")
    assert talk(inn, "朝食は何時ですか") == "[sorry] I am afraid I only understand English."


def test_repeat_says_the_last_answer_in_full_even_if_it_was_cut(inn):
    cut = [Exchange("Is there parking?", "Behind")]
    repeated = "".join(inn.reply("Can you repeat that?", cut))
    assert repeated == "Of course. Behind the house. It costs five euros."
    again = [*cut, Exchange("Can you repeat that?", repeated)]
    assert "".join(inn.reply("say that again", again)) == repeated


def test_repeat_before_anything_was_said(inn):
    assert "not said anything" in talk(inn, "repeat that please")
    greeted = [Exchange("", "Welcome.")]
    assert "".join(inn.reply("repeat that please", greeted)) == "Of course. Welcome."


def test_an_entry_of_the_file_wins_over_small_talk(tmp_path):
    path = tmp_path / "inn.md"
    own = "## me\n### who are you\n- Who are you?\n\nNobody.\n"
    own += "### my age\n- How old are you?\n\nTen.\n"
    path.write_text(INN + own, encoding="utf-8")
    dialogue = KnowledgeDialogue(path, WordVectors())
    assert talk(dialogue, "who are you") == "Nobody."
    assert talk(dialogue, "how old are you") == "Ten."


def test_vectors_are_kept_and_only_new_questions_are_embedded(tmp_path):
    path, cache = tmp_path / "inn.md", tmp_path / "cache"
    path.write_text(INN, encoding="utf-8")
    first, second, third, fourth = WordVectors(), WordVectors(), WordVectors(), WordVectors()
    KnowledgeDialogue(path, first, cache)
    KnowledgeDialogue(path, second, cache)
    assert first.texts > 50
    assert second.texts == 0
    path.write_text(INN.replace("- Is there parking?", "- Is there a garage?"), encoding="utf-8")
    changed = KnowledgeDialogue(path, third, cache)
    assert third.texts == 1
    assert changed.match("is there a garage").entry_id == "parking"
    stored = next(cache.iterdir())
    stored.write_bytes(stored.read_bytes()[:1000])
    KnowledgeDialogue(path, fourth, cache)
    assert fourth.texts == first.texts


def test_a_long_history_costs_no_more_than_a_short_one(inn, monkeypatch):
    asked = []
    scores = inn._index.scores
    monkeypatch.setattr(inn._index, "scores", lambda text: asked.append(text) or scores(text))
    list(inn.reply("and now", [Exchange("and then", "Sorry.")] * 200))
    assert 0 < len(asked) < 40


def test_echo_says_what_it_is_given():
    assert list(EchoDialogue().reply(" Hello  there. How are you? ", [])) == [
        "Hello there. ",
        "How are you?",
    ]
    assert list(EchoDialogue().reply("", [])) == []


# --- with the real embeddings ------------------------------------------------------------------


def test_a_damaged_model_is_an_engine_error(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(EngineError, match=r"model\.onnx"):
        MiniLm(tmp_path / "model.onnx", manifest.locate("minilm-tokenizer"))


def test_embeddings_have_length_one_and_do_not_depend_on_their_neighbours(hotel):
    embedder = MiniLm(manifest.locate("minilm"), manifest.locate("minilm-tokenizer"))
    texts = ["where is the pool", "when is lunch served", "a much longer question than the others"]
    together = embedder.embed(texts)
    assert together.shape == (3, 384)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(embedder.embed([text])[0], row, atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("texts", "entry"),
    [
        (["what time is brake fast"], "breakfast"),
        (["whats the why fi password"], "the-wi-fi"),
        (["can i leave my suitcases with you for a while"], "luggage-storage"),
        (["my wife has fainted please help"], "emergencies"),
        (["What time is breakfast?", "And on Sundays?"], "breakfast"),
        (["Do you have a pool?", "How much is it?"], "the-price-of-the-pool"),
        (["Where can I park?", "Thank you.", "What does that cost?"], "parking"),
        (["Is breakfast included?", "And until when?"], "breakfast"),
        (["What time is breakfast?", "What about parking?"], "parking"),
        (["What time is breakfast?", "do you have a nightclub"], None),
        (["How much is the pool?", "can i buy a submarine there"], None),
        (["Do you have a sauna?", "no thanks that's it then"], "no"),
        (["thanks a lot"], "thanks"),
        (["who was the king of France"], None),
    ],
)
def test_the_hotel_understands(hotel, texts, entry):
    past = [Exchange(text, "...") for text in texts[:-1]]
    assert hotel.match(texts[-1], past).entry_id == entry


def test_yes_answers_the_question_that_was_asked_back(hotel, monkeypatch):
    monkeypatch.setattr("visavis.engines.dialogue.matching.THRESHOLD", 0.9)
    asked_back = talk(hotel, "Where can I do some swimming laps?")
    assert "pool" in asked_back
    assert asked_back.endswith("?")
    answer = talk(hotel, "Where can I do some swimming laps?", "Yes")
    assert "lower level" in answer


WHOLE = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "step", "right", "wrong"),
    [
        ("test", 3, 0.92, 0.05),
        ("test.after", 3, 0.90, 0.07),
        pytest.param("test", 1, 0.92, 0.05, marks=WHOLE),
        pytest.param("test.after", 1, 0.90, 0.07, marks=WHOLE),
        ("follow_up", 1, 0.90, 0.10),
        ("misheard", 1, 0.80, 0.10),
        ("out_of_scope.test", 1, 0.0, 0.10),
        ("out_of_scope.test.after", 1, 0.0, 0.10),
        pytest.param("held.near", 1, 0.0, 0.17, marks=WHOLE),
    ],
)
def test_held_out_questions_are_answered_well_enough(hotel, name, step, right, wrong):
    """step: each so many-th question is asked."""
    file = bench.HELD if name.startswith("held.") else bench.QUESTIONS
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    asked = list(bench.cases(name, data))[::step]
    assert len(asked) >= {"follow_up": 15, "misheard": 40}.get(name, 30)
    if name.startswith(("test", "out_of_scope")):
        assert bench.copied(hotel, asked) == []
    tally = bench.measure(hotel, asked, bench.Times())
    assert tally.right >= right
    assert tally.wrong <= wrong


def big(entries):
    """A knowledge file of so many entries."""
    lines = ["# Big", "## all"]
    for n in range(entries):
        lines += [f"### the {wording_of(n)}", f"- Where is the {wording_of(n)}?", f"Floor {n}."]
    return "\n".join(lines)


def wording_of(n):
    return f"{'abcdefghij'[n % 10]}room {n}"


class Slow(WordVectors):
    """Embeds only once it may."""

    def __init__(self):
        super().__init__()
        self.may = threading.Event()

    def embed(self, texts):
        self.may.wait(10)
        return super().embed(texts)


def test_many_new_entries_are_learnt_beside_the_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(retrieval, "AT_ONCE", 900)  # the small talk has some 700 texts
    monkeypatch.setattr(retrieval, "WRITTEN", 400)
    path = tmp_path / "big.md"
    path.write_text(big(400))
    slow = Slow()
    dialogue = KnowledgeDialogue(path, slow, tmp_path / "cache")
    assert dialogue.learning
    assert dialogue.match("where is the aroom 10").entry_id == "the-aroom-10"
    assert dialogue.match("is it snowing on mars").entry_id is None
    slow.may.set()
    deadline = time.monotonic() + 20
    while dialogue.learning and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not dialogue.learning
    assert dialogue.match("the aroom 10, where is it").entry_id == "the-aroom-10"
    again, first = WordVectors(), slow.texts
    path.write_text(big(401))
    assert not KnowledgeDialogue(path, again, tmp_path / "cache").learning
    assert again.texts == 3  # the new entry's question, subject and answer
    assert first > 1000


def test_an_answer_that_no_voice_can_say_is_named_with_its_line(tmp_path):
    text = "# Inn\n## a\n### one\n- What?\n\n你好。\n### two\n- Who?\nHi.\n***\n😀\n"
    with pytest.raises(KnowledgeError) as caught:
        knowledge.parse(text)
    assert [(m.line, m.text.split(":")[0]) for m in caught.value.mistakes] == [
        (6, "nothing-to-say"),
        (11, "nothing-to-say"),
    ]
