import time

import numpy as np
import pytest
from support.embedders import WordVectors
from support.pace import within

from visavis.engines import load
from visavis.engines.base import PLAIN, Affect, EngineError
from visavis.engines.direction import styles
from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import Lines, said
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.direction.styles import NOTHING, ActiveStyles
from visavis.engines.language.brackets import Bracket, BracketReader, Words, unmarked
from visavis.engines.motion.affect import voiced
from visavis.models import arkit

WORDS = Director()


def active(*wishes):
    return ActiveStyles().directed(*(WORDS.literal(wish) for wish in wishes))


def held(*wishes):
    return {style.name: strength for style, strength in active(*wishes).held}


# --- the table -----------------------------------------------------------------------------------


def test_the_table_is_sound():
    table = styles.table()
    assert len(table) >= 35
    for style in table.values():
        assert style.opposite in {"", *table}, style.name
        assert style.say, style.name
        for unit, amount in style.expression.face.items():
            assert unit in arkit.INDEX or f"{unit}Left" in arkit.INDEX, unit
            assert -1 <= amount <= 1
        assert set(style.affect) <= {"valence", "arousal", "confidence", "attention"}
        assert 0.75 <= style.prosody.speed <= 1.3
    phrasings = [phrase for style in table.values() for phrase in (*style.say, *style.also)]
    assert len(phrasings) == len(set(phrasings))


@pytest.mark.parametrize("name", styles.table())
def test_every_style_does_something_and_is_understood_by_its_name(name):
    style = styles.table()[name]
    (change,) = WORDS.literal(f"please be {name} now").changes
    assert change.style is style
    plain = ActiveStyles().demeanour
    assert style.move or style.resets or active(name).demeanour != plain


# --- what words mean -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "understood"),
    [
        ("appear thoughtful", ("thoughtful",)),
        ("Speak with CONFIDENCE!", ("confident",)),
        ("warm and slow", ("warm", "slow")),
        ("Be calm and neutral", ("calm", "neutral")),
        ("very warm, but not so fast", ("very warm", "less fast")),
        ("a little sad", ("slightly sad",)),
        ("slightly happy; extremely quiet", ("slightly happy", "extremely quiet")),
        ("quite serious", ("somewhat serious",)),
        ("don't smile", ("not smiling",)),
        ("stop smiling please", ("not smiling",)),
        ("smile less", ("less smiling",)),
        ("don't look sad or angry", ("not sad", "not angry")),
        ("not too fast or loud", ("less fast", "less loud")),
        ("don't be so sad", ("less sad",)),
        ("you speak too fast", ("less fast",)),
        ("not too loud", ("less loud",)),
        ("a bit slower and happier", ("more slow", "more happy")),
        ("raise your voice", ("loud",)),
        ("low voice", ("quiet",)),
        ("bitte sprich etwas langsamer", ("more slow",)),
        ("sei nicht so traurig", ("less sad",)),
        ("sehr herzlich", ("very warm",)),
        ("muy alegre", ("very happy",)),
        ("habla despacio", ("slow",)),
        ("plus souriant", ("more smiling",)),
        ("un peu triste", ("slightly sad",)),
        ("nod", ("nods",)),
        ("", ()),
        ("please", ()),
    ],
)
def test_wishes_in_words_of_the_table(wish, understood):
    direction = WORDS.literal(wish)
    assert direction.styles == understood
    assert direction.dropped == ()


def test_what_is_unknown_is_dropped_and_the_rest_understood():
    direction = WORDS.understand("warm, moonwalk across the room, slow")
    assert direction.styles == ("warm", "slow")
    assert direction.dropped == ("moonwalk across the room",)
    assert WORDS.understand("...!?") is NOTHING


@pytest.mark.parametrize(
    "wish", ["a" * 5000, "very " * 2000, "not " * 999 + "sad", "[]{}", "\0\n\t"]
)
def test_no_wish_is_too_odd(wish):
    began = time.thread_time()
    WORDS.understand(wish)
    assert within(time.thread_time() - began, 0.2)


def test_words_are_read_within_the_patience_of_an_event_loop():
    WORDS.literal("warm up")
    spent = []
    for number in range(50):
        began = time.thread_time()
        WORDS.literal(f"very warm, but not so fast, and a little sad {number}")
        spent.append(time.thread_time() - began)
    assert within(np.median(spent), 0.002)


# --- what is in force ----------------------------------------------------------------------------


def test_strength_words_scale():
    warmth = [
        active(f"{how} warm").demeanour.affect.valence
        for how in ("slightly", "", "very", "extremely")
    ]
    assert warmth == sorted(warmth)
    assert warmth[0] < 0.6 * warmth[1] < warmth[1] < warmth[2]


def test_a_direction_replaces_what_it_speaks_of_and_nothing_else():
    assert held("sad and slow", "happy") == {"slow": 1.0, "happy": 1.0}
    assert held("warm and confident", "fast") == {"warm": 1.0, "confident": 1.0, "fast": 1.0}
    assert held("slow", "fast") == {"fast": 1.0}
    assert held("sad, slow and quiet", "neutral") == {}
    assert held("sad", "moonwalk") == {"sad": 1.0}


def test_more_and_less_go_from_what_is_in_force():
    assert held("slow", "slower")["slow"] > 1.2
    assert held("slower") == {"slow": 1.0}
    assert held("a bit slower")["slow"] < 0.6
    assert held("sad", "less sad") == {"sad": 0.5}
    assert held("sad", "not sad") == {}
    assert held("sad and happy", "not sad") == {"happy": 1.0}
    assert held("slow", *["even slower"] * 9)["slow"] <= 1.7


def test_not_and_less_of_what_is_not_in_force_is_the_opposite():
    assert held("not so fast") == {"slow": 0.6}
    assert held("don't smile") == {"straight-faced": 0.6}
    assert held("not surprised") == {}


def test_movements_leave_in_force_what_was_there():
    direction = WORDS.literal("nod")
    assert direction.movements == ("nod",)
    assert direction.momentary
    assert held("warm", "nod") == {"warm": 1.0}
    assert WORDS.literal("don't nod").movements == ()


def test_two_moods_both_show():
    mixed = active("warm and confident").demeanour.affect
    assert mixed.valence == pytest.approx(0.62)
    assert mixed.confidence == pytest.approx(1.0)


def test_a_demeanour_stays_within_what_is_human():
    loudest = active("extremely excited, extremely fast, extremely loud, extremely high").demeanour
    assert loudest.prosody.speed <= 1.3
    assert loudest.prosody.pitch <= 3.0
    assert loudest.prosody.energy <= 1.0
    assert abs(loudest.affect.arousal) <= 1.0
    assert max(map(abs, active("extremely proud and confident").demeanour.expression.pose)) <= 8.0
    slowest = active("extremely tired, extremely slow").demeanour
    assert slowest.prosody.speed >= 0.75


# --- the voice follows ---------------------------------------------------------------------------


def test_the_plain_affect_is_the_plain_voice():
    assert voiced(Affect()) == PLAIN
    assert ActiveStyles().demeanour.prosody == PLAIN


def test_arousal_raises_the_voice_and_sadness_lowers_it():
    excited, sad = (active(mood).demeanour.prosody for mood in ("excited", "sad"))
    assert excited.speed > 1.05 > 0.95 > sad.speed
    assert excited.pitch > 0.5 > -0.5 > sad.pitch
    assert excited.energy > 0.2 > -0.2 > sad.energy


@pytest.mark.parametrize("mood", [s.name for s in styles.table().values() if s.group == "mood"])
def test_moods_colour_the_voice_and_do_not_disguise_it(mood):
    prosody = active(mood).demeanour.prosody
    assert 0.84 <= prosody.speed <= 1.16
    assert abs(prosody.pitch) <= 1.5


# --- likeness of meaning -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def director(warm_home):
    return load.director(warm_home)


@pytest.mark.parametrize(
    ("wish", "among"),
    [
        ("sound like you mean business", {"serious", "confident"}),
        ("take your sweet time", {"slow", "calm"}),
        ("as though you had lost your best friend", {"sad"}),
        ("pretend you won a prize", {"delighted", "happy", "excited"}),
        ("keep your cool", {"calm"}),
        ("show them you care", {"warm", "sympathetic"}),
        ("you find this fascinating", {"curious", "excited"}),
        ("you made a terrible mistake", {"sorry"}),
        ("do not take your eyes off the visitor", {"attentive"}),
        ("do not wake the baby", {"quiet"}),
        ("you have not slept for days", {"tired"}),
        ("something is wrong here", {"concerned"}),
    ],
)
def test_other_words_are_understood_by_likeness(director, wish, among):
    direction = director.understand(wish)
    assert {change.style.name for change in direction.changes} <= among
    assert direction.changes


@pytest.mark.parametrize(
    "wish", ["what time is breakfast", "open the window", "recite the alphabet", "purple elephants"]
)
def test_what_is_no_direction_changes_nothing(director, wish):
    assert director.understand(wish).styles == ()
    assert director.understand(wish).dropped == (wish,)


def test_the_table_is_embedded_once(tmp_path):
    first, second = WordVectors(), WordVectors()
    Director(first, tmp_path)
    Director(second, tmp_path)
    assert first.texts >= 100
    assert second.texts == 0


def test_an_embedder_that_fails_is_told_as_an_engine_error(director, monkeypatch):
    monkeypatch.setattr(director._embedder, "_session", None)
    with pytest.raises(EngineError, match="MiniLM failed"):
        director.understand("a wish that nobody has had")
    with pytest.raises(EngineError, match="MiniLM failed"):
        Director(director._embedder)


# --- brackets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("[smiles] Welcome.", ["<smiles>", "Welcome."]),
        ("Well [slowly, serious] note that.", ["Well", "<slowly, serious>", "note that."]),
        ("Good morning [smiles]. Come in", ["Good morning.", "<smiles>", "Come in"]),
        ("See the [menu](https://inn.example) now", ["See the [menu](https://inn.example) now"]),
        ("[] empty [ ] brackets", ["empty brackets"]),
        ("an [open bracket", ["an [open bracket"]),
        ("closed] only", ["closed] only"]),
        ("Bye [nods]", ["Bye", "<nods>"]),
        ("[a][b] c", ["<a>", "<b>", "c"]),
    ],
)
def test_brackets_are_taken_out_however_the_text_comes(text, pieces, size):
    reader = BracketReader()
    found = []
    for start in range(0, len(text), size):
        found += reader.feed(text[start : start + size])
    found += reader.flush()
    merged = []
    for piece in found:
        words = f"<{piece.wish}>" if isinstance(piece, Bracket) else piece.text
        if isinstance(piece, Words) and merged and not merged[-1].startswith("<"):
            merged[-1] += words
        else:
            merged.append(words)
    assert [" ".join(m.split()) for m in merged if m.strip()] == pieces


def test_a_long_text_after_a_bracket_is_not_held_back():
    reader = BracketReader()
    assert [*reader.feed("an [open bracket that " + "goes on and on " * 20)]
    assert unmarked("[smiles] Hello [nods], you. [sad]") == "Hello, you."


def lines_of(text):
    reader, lines = BracketReader(), Lines()
    found = []
    for piece in [*reader.feed(text), *reader.flush()]:
        if isinstance(piece, Words):
            found += lines.text(piece.text)
        else:
            found += lines.cue(piece.wish, WORDS.understand(piece.wish))
    return [*found, *lines.flush()], lines


def test_a_bracket_holds_from_its_word_to_the_next_bracket():
    found, lines = lines_of(
        "Hello you. [smiles] Welcome to us. Sit down. [sad] Oh no. [moonwalk] So."
    )
    assert [(line.text, line.wish) for line in found] == [
        ("Hello you.", ""),
        ("Welcome to us.", "smiles"),
        ("Sit down.", "smiles"),
        ("Oh no.", "sad"),
        ("So.", "sad"),
    ]
    assert lines.dropped == ["moonwalk"]


def test_a_bracket_within_a_sentence_takes_effect_at_its_word():
    found, _ = lines_of("Please [slowly] note the number.")
    assert [(line.text, line.wish) for line in found] == [
        ("Please", ""),
        ("note the number.", "slowly"),
    ]


def test_movements_are_made_once():
    found, _ = lines_of("[warm] Of course. [nods] Do come in. Sit down. [winks]")
    assert [(line.text, line.wish, line.movements) for line in found] == [
        ("Of course.", "warm", ()),
        ("Do come in.", "warm", ("nod",)),
        ("Sit down.", "warm", ()),
        ("", "warm", ("wink",)),
    ]


def test_the_rest_of_a_reply_keeps_its_brackets():
    found, _ = lines_of("Hello you. [smiles] Welcome to us. [sad] Oh no.")
    assert said(found, 0) == "Hello you. [smiles] Welcome to us. [sad] Oh no."
    assert said(found, 3) == "[smiles] to us. [sad] Oh no."
    assert said(found, 7) == ""


# --- visitors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "feeling"),
    [
        ("This is ridiculous.", "frustrated"),
        ("You don't understand me, I already said that!", "frustrated"),
        ("I've been waiting for hours", "frustrated"),
        ("That is not what I asked.", "frustrated"),
        ("I want to speak to a human", "frustrated"),
        ("thank you so much", "pleased"),
        ("That's wonderful!", "pleased"),
        ("You are very helpful.", "pleased"),
        ("That's not very helpful", "frustrated"),
        ("this isn't great", ""),
        ("Where is the Grand Great Hall?", ""),
        ("What time is breakfast?", ""),
        ("thanks", ""),
        ("", ""),
        ("早餐", ""),
    ],
)
def test_a_visitors_words_tell_how_they_feel(text, feeling):
    assert Sentiment(WORDS).feeling(text) == feeling


def test_the_answer_to_a_feeling_is_a_demeanour():
    sentiment = Sentiment(WORDS)
    sorry = ActiveStyles().directed(sentiment.answer("this is useless")).demeanour
    glad = ActiveStyles().directed(sentiment.answer("how lovely, thank you so much")).demeanour
    assert sorry.affect.valence < 0 < glad.affect.valence
    assert sorry.prosody.speed < 1
    assert sentiment.answer("where is the pool?") is NOTHING
