"""A script's places filled with a row's cells, and a project made a person's."""

import pytest

from visavis.server.studio.batches import templates
from visavis.server.studio.batches.personalising import background, personalised
from visavis.server.studio.batches.templates import TemplateError, fill
from visavis.server.studio.document.project import (
    Background,
    Beside,
    LowerThird,
    Project,
    Scene,
)
from visavis.server.studio.document.reading import read
from visavis.server.studio.document.writing import write

ANNA = {"first_name": "Anna", "city": "Rome", "points": "1,200", "note": ""}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello {{first_name}}!", "Hello Anna!"),
        ("Hello {{ First Name }}!", "Hello Anna!"),
        ("Hello {{note|there}}!", "Hello there!"),
        ("Hello {{note|}}, you", "Hello, you"),
        ("A {{#if note}}x{{/if}} B", "A B"),
        ("Now {{#if note}}x{{/if}}", "Now"),
        ("{{#if note}}x{{/if}} So.", "So."),
        ("{{#if city}}in {{city}}{{/if}}", "in Rome"),
        ("{{#if not note}}none{{/if}}", "none"),
        ('{{#if city = "rome"}}R{{else}}-{{/if}}', "R"),
        ("{{#if city is Paris}}P{{else if city is not Rome}}-{{else}}R{{/if}}", "R"),
        ("{{#if points > 1000}}many{{else}}few{{/if}}", "many"),
        ("{{#if points = 1200}}so{{/if}}", "so"),
        ("{{#if note > 3}}x{{else}}y{{/if}}", "y"),
        ("{{#if city}}{{#if note}}a{{else}}b{{/if}}{{/if}}", "b"),
        ("one\n{{#if note}}\ntwo\n{{/if}}\nthree", "one\nthree"),
        ("one\n  {{#if city}}\ntwo\n  {{else}}\nno\n{{/if}}\nthree", "one\ntwo\nthree"),
        ("[confident] {{city}} [pause 0.5]", "[confident] Rome [pause 0.5]"),
        ("nothing {to} fill", "nothing {to} fill"),
    ],
)
def test_places_and_conditions(text, filled):
    assert fill(text, ANNA).text == filled


def test_a_cell_that_is_needed_and_empty_is_told():
    filled = fill("{{note}} {{surname}} {{note|x}} {{#if city}}{{first_name}}{{/if}}", ANNA)
    assert filled.empty == ("note", "surname")


def test_a_branch_that_is_not_taken_needs_nothing():
    assert fill("{{#if note}}{{note}} {{surname}}{{/if}}", ANNA).empty == ()


def test_the_columns_of_a_text():
    text = "{{a}} {{b|x}} {{#if c}}{{d|y}}{{d}}{{else if e > 1}}{{b|z}}{{/if}}"
    found = {"a": True, "b": False, "c": True, "d": True, "e": True}
    assert templates.columns(text) == found
    assert templates.asks(text, "e")
    assert not templates.asks(text, "a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{#if a}}b", "no {{/if}} behind it"),
        ("b{{/if}}", "without {{#if ...}}"),
        ("{{else}}", "without {{#if ...}}"),
        ("a {{b}", "on one line"),
        ("a b}} c", "on one line"),
        ("{{a\nb}}", "on one line"),
        ("{{}}", "names no column"),
        ("{{#each a}}", "is not known"),
        ("{{#if}}x{{/if}}", "is no condition"),
        ("{{#if a}}b{{else}}c{{else}}d{{/if}}", "no {{/if}} right after"),
        ("{{#if city > 3}}x{{/if}}", "'Rome' is no number"),
        ("{{#if a}}" * 30 + "{{/if}}" * 30, "too many"),
    ],
)
def test_what_is_written_wrong_is_named(text, words):
    with pytest.raises(TemplateError) as caught:
        fill(text, ANNA)
    assert words in str(caught.value)


def test_every_text_of_a_project_is_filled():
    project = Project(
        "For {{first_name}}",
        (
            Scene(
                "one",
                "Hello {{first_name}}.",
                title="{{city}}",
                lower_third=LowerThird("{{first_name}}", "of {{city}}"),
                beside=Beside("{{city}}.jpg"),
            ),
            Scene("two", "{{#if note}}Only then.{{/if}}"),
            Scene("three", sound="{{first_name}}.wav"),
        ),
        background=Background("picture", "{{city}}.png"),
        pronounce={"Brontë": "{{city}}"},
    )
    made = personalised(project, ANNA)
    assert made.title == "For Anna"
    assert [scene.name for scene in made.scenes] == ["one", "three"]
    one = made.scenes[0]
    assert (one.text, one.title) == ("Hello Anna.", "Rome")
    assert one.lower_third == LowerThird("Anna", "of Rome")
    assert one.beside == Beside("Rome.jpg")
    assert made.scenes[1].sound == "Anna.wav"
    assert made.background == Background("picture", "Rome.png")
    assert made.pronounce == {"Brontë": "Rome"}


def test_columns_say_how_a_row_is_filmed():
    project = Project("x", (Scene("one", "Hi."), Scene("two", "Hi.", voice="theirs")), voice="ours")
    row = {"language": "de-AT", "style": "warm", "avatar": "mira", "background": "#A0b0C0"}
    made = personalised(project, row)
    assert (made.language, made.style, made.avatar) == ("de-AT", "warm", "mira")
    assert made.background == Background("colour", "#a0b0c0")
    assert {made.voice, *(scene.voice for scene in made.scenes)} == {""}, "voices of English"
    assert personalised(project, {"language": "en-GB"}).voice == "ours"
    assert personalised(project, {"language": "de", "voice": "anna"}).voice == "anna"


def test_a_column_says_how_a_name_is_spelled_for_the_voice():
    row = {"first_name": "Siobhán", "first_name_said": "Shivawn", "city_said": "x"}
    project = Project("x", (Scene("one", "Hello {{first_name}}."),), pronounce={"a": "b"})
    assert personalised(project, row).pronounce == {"a": "b", "Siobhán": "Shivawn"}


def test_a_cell_directs_nobody_and_is_no_template():
    project = Project("x", (Scene("one", "Hello {{first_name}}.", title="{{first_name}}"),))
    made = personalised(project, {"first_name": "[shout] {{city}}"})
    assert made.scenes[0].text == "Hello (shout) {{city}}."
    assert made.scenes[0].title == "[shout] {{city}}"


def test_the_place_of_a_fault_is_named():
    project = Project("x", (Scene("intro", "Hello {{surname}}."),))
    with pytest.raises(TemplateError, match="scene intro, text: there is no surname in this row"):
        personalised(project, ANNA)


@pytest.mark.parametrize(
    ("words", "kind"),
    [("Blur", "blur"), ("own", "own"), ("sea.MP4", "video"), ("sea.jpg", "picture")],
)
def test_backgrounds_are_told_by_their_words(words, kind):
    assert background(words).kind == kind


def test_a_background_that_is_none_says_what_may_be_written():
    with pytest.raises(TemplateError, match='\'sky\' is no background: write "own", "blur"'):
        personalised(Project("x", (Scene("one", "Hi."),)), {"background": "sky"})


def test_what_a_filled_place_is_shows_when_it_is_filled():
    project = Project("x", (Scene("one", "Hi."),), background=Background("picture", "{{behind}}"))
    made = personalised(project, {"behind": "waves.mp4"})
    assert made.background == Background("video", "waves.mp4")


def test_a_persons_project_can_be_written_and_read_whatever_a_cell_says():
    project = Project("x", (Scene("one", "{{first_name}}\n{{city}}\nBye."),))
    made = personalised(project, {"first_name": "# Anna", "city": "+++"})
    assert read(write(made)) == made
