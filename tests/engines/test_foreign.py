"""Which language a text is written in."""

import time
import tomllib
from pathlib import Path

import pytest
from support.embedders import WordVectors
from support.pace import within

from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.engines.language.foreign import is_foreign

TESTS = Path(__file__).parents[1]
QUESTIONS = TESTS.parent / "bench" / "dialogue_questions.toml"

ENGLISH = """
    wifi | Spa | Nora | menu | pool? | Where is the Café Zürich? | a la carte? | table d'hôte
    Where is Via Roma? | How do I get to the Champs-Élysées? | Crème brûlée, please | sauerkraut
    Is there a doner kebab nearby? | I am José | My name is François Müller | Señor García's room
    The Louvre | Rijksmuseum opening hours | Leonardo da Vinci airport | El Greco exhibition
    Do you speak German? | How do you say thank you in French? | brekfst tim | wat time brekfast
    Two croissants and a café au lait, please | Hotel de Paris | Casa Batlló tickets | Los Angeles
    Is the à la carte menu vegan? | ok | yes | 305 | :-) | | ... | O'Neill | rock 'n' roll
    The fiancée of Herr Schmidt | Can I pay in złoty? | Die Hard | Where is the Straße des 17. Juni?
    no | Nein means no, right? | Dune | Gin & tonic | Tapas bar | Pho restaurant near me | lol
    """
ALSO = """
    Wo ist die Toilette | c'est combien la chambre | donde esta el bano
    quiero una habitacion doble
    avete una camera libera per stanotte | ¡Hola! ¿Qué tal? | ik wil graag ontbijt op mijn kamer
    Ich verstehe Sie nicht, sprechen Sie Deutsch? | je ne comprends pas | Где туалет? | トイレはどこ
    שלום | Πού είναι το ξενοδοχείο; | ห้องน้ำอยู่ที่ไหน | 네 | 你好 Nora
    """


def phrases(text):
    return [phrase.strip() for line in text.strip().splitlines() for phrase in line.split("|")]


def texts(value):
    """Every string of a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    else:
        for key, each in value.items():
            yield from (key, *texts(each))


def test_no_english_question_is_taken_for_foreign():
    asked = set(texts(tomllib.loads(QUESTIONS.read_text())))
    assert len(asked) > 700
    assert [text for text in asked if is_foreign(text)] == []
    assert [text for text in phrases(ENGLISH) if is_foreign(text)] == []


def test_what_a_guest_asks_in_another_language_is_known_for_that():
    asked = tomllib.loads((TESTS / "data" / "foreign.toml").read_text())
    every = [text for row in asked.values() for text in row]
    missed = [text for text in every if not is_foreign(text)]
    assert len(every) > 200
    assert len(missed) < 0.04 * len(every), missed
    assert [text for text in phrases(ALSO) if not is_foreign(text)] == []


@pytest.mark.parametrize("text", ["a" * 200_000, "ä " * 100_000, "é" * 100_000, "'" * 100_000])
def test_long_texts_take_no_time(text):
    began = time.perf_counter()
    is_foreign(text)
    assert within(time.perf_counter() - began, 0.1)


@pytest.fixture(scope="module")
def inn(tmp_path_factory):
    path = tmp_path_factory.mktemp("inn") / "inn.md"
    path.write_text(
        "# The Inn\n\nname: Ada\nrole: the host\n\n## food\n\n### breakfast\n"
        "- When is breakfast?\n- ¿A qué hora es el desayuno?\n\nFrom seven to ten.\n\n"
        "### the bar\n- Where is the bar?\n\nUpstairs.\n"
    )
    return KnowledgeDialogue(path, WordVectors())


def test_the_knowledge_says_what_it_understands(inn):
    def answer(text):
        return "".join(inn.reply(text, ()))

    for text in ("Wo ist die Bar, bitte?", "酒吧在哪里?", "où est le bar s'il vous plaît"):
        assert answer(text) == "[sorry] I am afraid I only understand English."
    assert answer("¿A qué hora es el desayuno?") == "From seven to ten."  # the file has it
    assert answer("Where is the bar?") == "Upstairs."
