"""What is said of a project before a film of it is made, and how long that will be."""

import wave

import pytest

from visavis.server.avatars.store import AvatarStore
from visavis.server.studio.document import length
from visavis.server.studio.document.checks import Known, check, unfilled
from visavis.server.studio.document.project import Scene
from visavis.server.studio.document.reading import parse
from visavis.server.studio.knowing import known

KNOWN = Known(
    lambda name, language: "there is no avatar nobody" if name == "nobody" else "",
    {"heart": "en-US", "espeak-de": "de"},
    lambda wish: [wish] if "wobble" in wish else [],
)


def told(text, folder=None, having=KNOWN):
    script = parse(text)
    return [
        (fault.line, fault.scene, fault.what, fault.grave)
        for fault in check(script.project, folder, having, script.line)
    ]


def test_a_project_that_is_well_has_no_faults(tmp_path):
    (tmp_path / "sea.jpg").write_bytes(b"x")
    text = (
        '+++\nvoice = "heart"\nbackground = "sea.jpg"\n\n[pronounce]\nGdańsk = "g-dah-nsk"\n+++\n\n'
        "# one\n\n[smiles] Welcome to Gdańsk. [pause 0.5] And {{name}}. 🎉\n"
    )
    assert told(text, tmp_path) == []


def test_places_that_one_film_leaves_unfilled_are_told():
    script = parse(
        '# one\n\nHello.\n\n# two\n+++\ntitle = "For {{name}}"\n+++\n\nHi {{name|you}}.\n'
    )
    (fault,) = unfilled(script.project, script.line)
    assert (fault.scene, fault.line, fault.grave) == ("two", 5, False)
    assert "{{name|you}}, {{name}}" in fault.what


def test_what_is_missing_stops_the_film_and_is_told_first(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    text = (
        '+++\navatar = "nobody"\nstyle = "wobble"\nmusic = "calm.mp3"\nlanguages = ["de", "sw"]\n'
        '[pronounce]\nZebra = "x"\n+++\n\n# one\n+++\nvoice = "none"\nbeside = "empty.png"\n+++\n\n'
        "[wobbles] Hello.\n\n# two\n"
    )
    assert told(text, tmp_path) == [
        (0, "", "music: there is no file calm.mp3", True),
        (10, "one", "there is no avatar nobody", True),
        (10, "one", "there is no voice 'none'", True),
        (10, "one", "beside: the file empty.png is empty", True),
        (18, "two", "there is no avatar nobody", True),
        (18, "two", "nothing is said in it", True),
        (0, "", "nobody understands the direction wobble", False),
        (0, "", "no voice here speaks sw", False),
        (0, "", "pronounce has what nobody says: Zebra", False),
        (10, "one", "nobody understands the direction wobbles", False),
    ]


def test_what_the_voice_cannot_say_is_told_unless_it_is_spelled():
    assert told("Hello Владимир and 東京.") == [
        (1, "scene-1", "the voice leaves out what it cannot say: Владимир, 東京", False)
    ]
    spelled = (
        '+++\n[pronounce]\n"Владимир" = "Vladimir"\n"東京" = "Tokyo"\n+++\nHello Владимир and 東京.'
    )
    assert told(spelled) == []
    assert told("🎉🎉") == [(1, "scene-1", "no word of it can be said by the voice", True)]
    assert told('+++\nvoice = "espeak-de"\n+++\nСъешь') == [
        (4, "scene-1", "no word of it can be said by the voice", True)
    ]
    assert told('+++\nvoice = "heart"\nlanguage = "de"\n+++\nHallo')[0][2] == (
        "the voice heart speaks en-US, and the text is de"
    )


def test_a_film_without_end_is_refused():
    words = "Some words, and then more of them. " * 7200
    (fault,) = told(words)
    assert fault[3]
    assert "minutes" in fault[2]
    (fault,) = told(words[: len(words) // 6])
    assert not fault[3]


def test_a_fresh_installation_knows_its_faces_voices_and_styles(tmp_path):
    having = known(AvatarStore(tmp_path), "mira", tmp_path)
    text = '+++\nvoice = "heart"\n+++\n# a\n\n[confident, slowly] Yes. [flabbergast] No.\n'
    assert told(text, having=having) == [
        (4, "a", "nobody understands the direction flabbergast", False)
    ]
    (fault,) = told('+++\navatar = "nobody"\n+++\nHello.', having=having)
    assert fault[2].startswith("There is no avatar 'nobody'")


def test_lengths_are_about_those_of_the_voices():
    # what the voice "heart" takes, and espeak-ng's German
    text = (
        "Welcome to the Harbour Hotel. Breakfast is served from seven to ten in the garden room, "
        "and on Sundays until eleven."
    )
    assert length.of_text(text) == pytest.approx(6.84, rel=0.1)
    german = "Willkommen im Hafenhotel. Frühstück gibt es von sieben bis zehn Uhr im Gartenzimmer."
    assert length.of_text(german, "de-AT") == pytest.approx(5.7, rel=0.1)
    assert length.of_text("[smiles] One. [pause 2.5]") == pytest.approx(2.8, abs=0.3)
    assert length.of_scene(Scene("a", text, rate=0.8, after=1)) == pytest.approx(9.3, rel=0.1)


def test_a_recording_is_as_long_as_it_is(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(96_000 * 3))
    assert length.of_scene(Scene("a", sound="a.wav", after=0), tmp_path) == 3.0
    (tmp_path / "b.wav").write_bytes(b"RIFF nonsense")
    assert length.of_scene(Scene("a", sound="b.wav", after=0), tmp_path) < 1
