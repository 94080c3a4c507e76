"""Cards of the file of answers: shown with the answer whose entry names them."""

import pytest
from support.embedders import WordVectors

from visavis.engines.base import Card, Exchange, Show
from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.knowledge import KnowledgeDialogue

INN = """\
# The Inn
name: Ada

## house

### the pool
- Where is the pool?
- Is there a swimming pool?

On the roof.

Picture: ![By night](pool.jpg)

### the way here
- How do I find you?
- What is your address?
Map: [Harbour Street 5](https://map.example/1)

By the harbour.

#### de: der Weg zu uns
- Wie finde ich euch?

Am Hafen.

### breakfast
- When is breakfast?

From seven to ten.
"""
POOL = Card("picture", "The pool", "pool.jpg", "By night")
WAY = Card("map", "The way here", "https://map.example/1", "Harbour Street 5")


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "inn.md"
    file.write_text(INN)
    return file


@pytest.fixture
def inn(path):
    return KnowledgeDialogue(path, WordVectors())


def test_entries_have_their_cards_in_every_language(path):
    known = knowledge_file.load(path)
    assert [entry.cards for entry in known.entries] == [(POOL,), (WAY,), ()]
    assert [entry.cards for entry in known.in_language("de").entries][1] == (WAY,)


def test_a_card_comes_before_the_words_and_is_no_word(inn):
    assert list(inn.reply("Where is the pool?", [])) == [Show(POOL), "On the roof."]
    assert list(inn.reply("What is your address?", [])) == [Show(WAY), "By the harbour."]
    assert list(inn.reply("When is breakfast?", [])) == ["From seven to ten."]


def test_two_questions_show_both(inn):
    said = list(inn.reply("Where is the pool, and what is your address?", []))
    assert [each.card for each in said if isinstance(each, Show)] == [POOL, WAY]


def test_what_is_not_known_shows_nothing(inn):
    for text in ("xylophone zebra", "", "Wo ist das Schwimmbad bitte, mein Herr?"):
        assert not any(isinstance(each, Show) for each in inn.reply(text, []))
    history = [Exchange("xylophone", "Sorry.")]
    assert not any(isinstance(each, Show) for each in inn.reply("yes", history))


@pytest.mark.parametrize("line", ["Picture: ../pool.jpg", "Link: javascript:alert(1)"])
def test_a_line_that_shows_nothing_is_a_mistake_with_its_number(path, line):
    path.write_text(INN.replace("Picture: ![By night](pool.jpg)", line))
    with pytest.raises(knowledge_file.KnowledgeError, match=r"inn\.md:12: "):
        knowledge_file.load(path)
