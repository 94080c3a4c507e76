import time
import tomllib
from pathlib import Path

import pytest
from support.pace import within

from visavis.engines.base import EngineError
from visavis.engines.dialogue import danger as dangers
from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.danger import KINDS, Rescue, answer, danger, own_answers, spoken
from visavis.engines.dialogue.danger_meaning import Meaning
from visavis.engines.language import minilm, phrasebook
from visavis.engines.language.backchannels import only_follows
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.commands import Commands
from visavis.engines.language.patterns import MOST, pattern, written
from visavis.server.system import config_reading as config

HELD_OUT = tomllib.loads((Path(__file__).parents[2] / "bench" / "danger.toml").read_text("utf-8"))
HOUSE = """# Inn
## help
### a crisis
- I want to kill myself.

[friendly] Sit down with {contact}.

### an emergency
- This is an emergency!

Ring the bell.
"""


def said(kind, language="en", rescue=Rescue(), own=None):  # noqa: B008 (frozen)
    return answer(kind, language, rescue, own or {})


# --- what is told --------------------------------------------------------------------------------


# `third` was written last, to measure with: see bench/danger.py.
READ = [name for name in HELD_OUT if name != "third"]


@pytest.mark.parametrize("name", READ)
def test_every_danger_of_the_held_out_sets_is_told(name):
    rows = HELD_OUT[name]["danger"]
    assert [text for texts in rows.values() for text in texts if danger(text) is None] == []
    kinds = [(kind, danger(text)) for kind, texts in rows.items() for text in texts]
    assert sum(kind == told for kind, told in kinds) >= 0.8 * len(kinds)


@pytest.mark.parametrize("name", READ)
def test_what_only_sounds_like_danger_is_not_told(name):
    assert [text for text in HELD_OUT[name]["harmless"] if danger(text) is not None] == []


def test_an_idiom_hides_nothing_else_that_was_said():
    assert danger("This queue is killing me") is None
    assert danger("This queue is killing me, and I want to kill myself") == "suicide"
    assert danger("I am dying for a coffee, but my husband is not breathing") == "medical"
    assert danger("On fire tonight! No, really, there is smoke coming from the kitchen") == "fire"


@pytest.mark.parametrize("text", ["", "?!", "🔥", "the the the", "x" * 5000, "fire " * 3000])
def test_any_text_is_read_at_once(text):
    danger("warm")
    began = time.perf_counter()
    danger(text)
    assert within(time.perf_counter() - began, 0.2)


def test_the_beginning_and_the_end_of_a_long_text_are_read():
    filler = "and so on " * MOST
    assert danger(f"There is a fire in my room {filler}") == "fire"
    assert danger(f"{filler} there is a fire in my room") == "fire"


def test_no_danger_is_a_command_or_leaves_the_turn():
    commands = Commands()
    for text in (text for texts in HELD_OUT["en"]["danger"].values() for text in texts):
        assert commands.read(text, speaking=True) is None, text
        assert not only_follows(text), text


def test_a_second_look_finds_what_no_phrase_has():
    meaning = Meaning(minilm.shared(config.load({}).home_path))
    rows = HELD_OUT["third"]
    unknown = [t for texts in rows["danger"].values() for t in texts if danger(t) is None]
    assert sum(meaning.danger(text) is not None for text in unknown) >= 0.5 * len(unknown)
    assert sum(meaning.danger(text) is not None for text in rows["harmless"]) <= 3
    assert meaning.danger("He's got a gun!") == "emergency"
    assert meaning.danger("I hate my life and I want it to be over.") == "suicide"
    assert meaning.danger("") is None


def test_weights_of_another_embedder_are_refused():
    class Other:
        fingerprint = "other"

    with pytest.raises(EngineError, match="learn it anew"):
        Meaning(Other())


# --- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", phrasebook.LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_has_the_number_and_no_blank_is_left(language, kind):
    text = said(kind, language, Rescue("911", "988", "X"))
    assert text.startswith("[serious, slightly slow] ")
    assert "{" not in text
    assert "9 1 1" in text
    assert "X" in text
    assert ("9 8 8" in text) == (kind in {"suicide", "self_harm"})


def test_the_operators_entry_is_said_where_the_file_has_one():
    own = own_answers(knowledge_file.parse(HOUSE), "en")
    assert said("fire", own=own) == "[serious, slightly slow] Ring the bell."
    assert said("suicide", own=own).endswith("slow] Sit down with a member of the staff.")
    assert said("self_harm", own=own) == said("suicide", own=own)
    assert own_answers(knowledge_file.parse(HOUSE), "de") == {}  # it has no German: our words


def test_the_hotels_emergencies_are_no_answer_to_who_wants_to_die():
    hotel = knowledge_file.load(knowledge_file.EXAMPLE)
    own = own_answers(hotel, "en")
    assert "Dial" in own["medical"]
    assert own["medical"] == own["fire"] == own["violence"] == own["emergency"]
    assert not {"suicide", "self_harm"} & own.keys()


@pytest.mark.parametrize(
    ("number", "read"),
    [("112", "1 1 2"), ("0800 111 0 111", "0 8 0 0, 1 1 1, 0, 1 1 1"), ("the desk", "the desk"),
     ("+49 30 1", "+ 4 9, 3 0, 1")],
)  # fmt: skip
def test_a_number_is_read_digit_by_digit(number, read):
    assert spoken(number) == read


def test_nothing_is_said_cheerfully():
    for language in phrasebook.LANGUAGES:
        for kind in (*KINDS, "still"):
            assert unmarked(phrasebook.phrase(f"danger.{kind}", language)) == phrasebook.phrase(
                f"danger.{kind}", language
            )  # no direction of its own takes the serious one's place


def test_an_entry_for_everything_is_none_for_who_wants_to_die():
    house = HOUSE.replace(
        "- This is an emergency!", "- There is a fire.\n- I want to die.\n- Help! Help!"
    )
    own = own_answers(knowledge_file.parse(house), "en")
    assert own["suicide"] == "Sit down with a member of the staff."
    del own["suicide"]
    general = house.replace("- I want to kill myself.", "- Where is the chapel?")
    assert "suicide" not in own_answers(knowledge_file.parse(general), "en")


# --- phrases -------------------------------------------------------------------------------------


def test_phrases_have_choices_gaps_sets_and_edges():
    found = pattern(["(a|b) ~ <who>", "^ now $", "stop !(it)"], {"who": "me|you two"})
    yes = ["a me", "x b one two three four you two", "now", "stop", "stop that"]
    no = ["a one two three four five me", "now then", "stop it", "ab me", "a meow"]
    assert [text for text in yes if not found.search(written(text))] == []
    assert [text for text in no if found.search(written(text))] == []


@pytest.mark.parametrize("phrase", ["((a|b)|c)", "a(b)?", "a* b", "(a|b"])
def test_a_phrase_that_is_none_is_refused(phrase):
    with pytest.raises(ValueError, match="no phrase"):
        pattern([phrase])


def test_every_language_has_every_kind():
    assert set(dangers._TABLES) == set(phrasebook.LANGUAGES)
    for table in dangers._TABLES.values():
        assert set(table["danger"]) == set(KINDS)
