import json
import random
from dataclasses import replace

import pytest

from visavis.server.studio.document.faults import Fault, ScriptError
from visavis.server.studio.document.naming import is_name, named
from visavis.server.studio.document.project import (
    Background,
    Beside,
    Frame,
    LowerThird,
    Music,
    Project,
    Scene,
)
from visavis.server.studio.document.reading import LARGEST, from_json, parse, read
from visavis.server.studio.document.writing import as_json, rewritten, write

FULL = """\
+++
title = "Welcome"
avatar = "mira"
language = "en"
frame = "9:16 1080p"
background = "#204060"
music = { file = "calm.mp3", level = -20 }
subtitles = true
languages = ["de", "pt-BR"]
glossary = ["Harbour"]

[pronounce]
Nguyen = "win"
"Łódź" = "woodge"
+++

# Welcome, everybody!
+++
style = "confident"
background = "blur"
beside = { file = "pictures/chart.png", side = "left" }
lower_third = { name = "Anna Berg", line = "Head of HR" }
after = 1
rate = 1.1
+++

[smiles] Hello {{first_name}}. 🎉

\\# this is said, and so is
\\+++

# rooms

Наши номера. غرف. 客室。

# صباح الخير

مرحبا
"""


def faults(text: str) -> list[Fault]:
    with pytest.raises(ScriptError) as caught:
        read(text)
    return list(caught.value.faults)


def test_a_full_script_comes_back_byte_by_byte() -> None:
    project = read(FULL)
    assert write(project) == FULL
    assert [scene.name for scene in project.scenes] == ["welcome-everybody", "rooms", "صباح-الخير"]
    first = project.scenes[0]
    assert first.title == "Welcome, everybody!"
    assert first.text.endswith("\n\n# this is said, and so is\n+++")
    assert first.beside == Beside("pictures/chart.png", "left")
    assert first.lower_third == LowerThird("Anna Berg", "Head of HR")
    assert project.scenes[1].title == ""
    assert project.frame == Frame("9:16", 1080)
    assert project.music == Music("calm.mp3", -20.0)


@pytest.mark.parametrize("text", ["Hello there.\n", "One.\n\nTwo. #3 +++\n", "+1 is a number\n"])
def test_a_text_alone_is_one_scene(text: str) -> None:
    project = read(text)
    assert project == Project(scenes=(Scene("scene-1", text.strip()),))
    assert write(project) == text


def test_nothing_is_a_project_without_scenes() -> None:
    assert read("") == read(" \n\n") == Project()
    assert read(write(Project())) == Project()


def test_ends_of_lines_and_marks_of_other_systems_are_read() -> None:
    expected = Project(title="A", scenes=(Scene("b", "c\nd"),))
    assert read("\ufeff+++\r\ntitle = 'A'\r\n+++\r\n\r\n# b\r\n\r\nc\r\nd\x07\r\n") == expected


def test_headings_name_scenes_and_are_shown_where_they_are_more_than_a_name() -> None:
    project = read("# A & B #\n\nx\n\n# C#\n+++\ntitle = ''\n+++\n\ny\n\n# 🎉\n\nz\n\n#no\n")
    assert [(s.name, s.title) for s in project.scenes] == [
        ("a-b", "A & B"), ("c", ""), ("scene-3", "🎉"),
    ]  # fmt: skip
    assert project.scenes[2].text == "z\n\n#no"
    assert read(write(project)) == project


def test_short_forms_and_full_ones_mean_the_same() -> None:
    short = read("+++\nframe = '1080p'\nbackground = 'a.MP4'\nmusic = 'm.mp3'\n+++\n")
    full = read(
        "+++\nframe = { lines = 1080 }\nmusic = { file = 'm.mp3' }\n"
        "background = { kind = 'video', value = 'a.MP4' }\n+++\n"
    )
    assert short == full
    assert short.background == Background("video", "a.MP4")


def test_placeholders_are_left_for_whoever_fills_them_in() -> None:
    text = '+++\nvoice = "{{v}}"\nlanguage = "{{tag}}"\nbackground = "{{room}}"\n+++\n\nHi {{a}}\n'
    project = read(text)
    assert project.background == Background("picture", "{{room}}")
    assert write(project) == text


def test_every_fault_is_told_with_its_line_and_what_mends_it() -> None:
    found = faults(
        "+++\ntitle = 3\nfoo = 1\nbackground = 'red'\n+++\n# a\n\nx\n\n"
        "# a\n+++\nafter = 100\n\nbeside = '../x.png'\nsound = 'x.exe'\n+++\n"
    )
    assert [fault.line for fault in found] == [2, 3, 4, 10, 12, 14, 15]
    assert [fault.scene for fault in found] == ["", "", "", "a", "a", "a", "a"]
    assert all(fault.fix and fault.grave for fault in found)
    assert '"#204060"' in found[2].fix


def test_settings_that_are_no_toml_are_told_with_their_line() -> None:
    assert [fault.line for fault in faults("# a\n\nx\n\n# b\n+++\nstyle = warm\n+++\n\ny\n")] == [7]
    assert [fault.line for fault in faults("\n+++\ntitle = 'x'\n")] == [2]
    assert [fault.line for fault in faults('+++\ntitle = "x\n+++\n')] == [2]


def test_a_script_that_is_too_long_is_refused() -> None:
    assert "split it" in faults("a" * (LARGEST + 1))[0].fix
    many = faults("".join(f"# a{number}\n" for number in range(1001)))
    assert "1000 at most" in many[0].fix


def test_json_comes_back_the_same() -> None:
    project = read(FULL)
    sent = json.loads(json.dumps(as_json(project)))
    assert from_json(sent) == project
    assert from_json({"scenes": [{"text": "Hi"}]}) == read("Hi")


@pytest.mark.parametrize(
    "given",
    [
        None, [], {"scenes": {}}, {"scenes": ["x"]}, {"scenes": [{"text": 3}]}, {"x": 1},
        {"scenes": [{"name": "A b"}]}, {"scenes": [{"name": "a"}, {"name": "a"}]},
        {"background": {"kind": "sky"}}, {"background": {"kind": "colour", "value": "red"}},
        {"background": {"kind": "picture", "value": "/etc/passwd"}}, {"frame": {"lines": 4320}},
        {"frame": {"lines": [720]}}, {"pronounce": {"a": 1}}, {"languages": "de"},
        {"music": {"file": "a.mp3", "level": float("nan")}}, {"subtitles": "yes"},
        {"title": "x" * 201},
        {"scenes": [{"beside": {"file": "a.png", "share": True}}]}, {"language": "Deutsch!"},
    ],
)  # fmt: skip
def test_json_that_is_no_project_is_refused_with_the_fix(given: object) -> None:
    with pytest.raises(ScriptError) as caught:
        from_json(given)
    assert all(fault.fix for fault in caught.value.faults)
    assert caught.value.status == 422


def test_halves_of_characters_are_left_out() -> None:
    assert from_json({"scenes": [{"text": "a\ud83c b"}]}).scenes[0].text == "a b"


def test_names_hold_letters_of_every_script() -> None:
    for heading in ("Über uns", "हिन्दी में", "ŉ İ ß", "Ærø " * 40, "日本語 1", "e\u0301te"):
        assert is_name(named(heading, 1)), heading
    assert named("?!", 4) == "scene-4"
    assert named("हिन्दी में", 1) == "हिन्दी-में"


def test_any_project_survives_being_written_and_read() -> None:
    rng = random.Random(17)
    for _ in range(300):
        project = _anything(rng)
        assert read(write(project)) == project
        assert from_json(as_json(project)) == project


def test_what_did_not_change_stays_as_it_stood() -> None:
    before = (
        "+++\n# our colours\nvoice   =  'joe'\n+++\n\n\n# One\n+++\nafter = 1.0 # long\n+++\n"
        "Hello   there.\n\n\n# Two\n\n\nSecond.\n\n# three\nThird."
    )
    project = read(before)
    assert rewritten(project, before) == before
    scenes = list(project.scenes)
    scenes[1] = Scene(**{**_fields(scenes[1]), "text": "Changed."})
    changed = Project(**{**_fields(project), "scenes": tuple(scenes)})
    after = rewritten(changed, before)
    assert after == before.replace("Second.", "Changed.") + "\n"
    moved = Project(**{**_fields(project), "scenes": (scenes[2], *scenes[:2])})
    after = rewritten(moved, before)
    assert read(after) == moved
    assert "after = 1.0 # long" in after
    assert "# our colours" in after


def test_a_setting_that_changes_leaves_the_lines_around_it():
    before = (
        "+++\n# the house's colours\nbackground='#112233'   # night\ntitle = 'Inn'\n\n"
        "music = { file = 'a.mp3',  level = -20 }\n[pronounce]  # ask Anna\nGdańsk = 'g-dahn-sk'\n"
        "+++\n\n# One\n+++\nstyle = 'warm' # not too much\nafter = 1.0\n+++\n\nHello.\n"
    )
    project = read(before)
    told = rewritten(replace(project, title="Our inn", voice="joe"), before)
    assert told == before.replace("'Inn'", '"Our inn"').replace("-20 }\n", '-20 }\nvoice = "joe"\n')
    told = rewritten(replace(project, background=Background()), before)
    assert told == before.replace("background='#112233'   # night\n", "")
    more = {**project.pronounce, "New York": "noo york"}
    told = rewritten(replace(project, pronounce=more), before)
    assert told == before.replace("sk'\n+++", 'sk\'\n"New York" = "noo york"\n+++')
    scene = replace(project.scenes[0], after=2.0, text="Hi.")
    told = rewritten(replace(project, scenes=(scene,)), before)
    assert told == before.replace("after = 1.0", "after = 2").replace("Hello", "Hi")
    plain = rewritten(replace(project, scenes=(replace(scene, style="", after=0.3),)), before)
    assert "# the house's colours" in plain


def test_settings_over_several_lines_are_written_anew():
    before = "+++\nglossary = [\n  'a',\n  'b',\n]\ntitle = 'x'\n+++\n\nHi.\n"
    told = rewritten(replace(read(before), title="y"), before)
    assert told == '+++\ntitle = "y"\nglossary = ["a", "b"]\n+++\n\nHi.\n'


def test_any_change_of_any_project_is_written_over_any_script():
    rng = random.Random(18)
    for _ in range(200):
        before, project = write(_anything(rng)), _anything(rng)
        assert read(rewritten(project, before)) == project


def test_a_script_that_cannot_be_read_is_written_anew() -> None:
    assert rewritten(read("Hi"), "+++\n") == "Hi\n"


def test_fifty_thousand_words_are_read_and_written() -> None:
    text = "# long\n\n" + "Some words, and more 🎉 of them.\n" * 7200
    project = read(text)
    assert write(project) == text
    assert len(parse(text).parts) == 1


def _fields(thing: Project | Scene) -> dict[str, object]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


_WORDS = (
    "", "a", "# x", "+++", "\\# x", "\\\\+++", "#", "A & B", '"q" \\ \'s\'', "🎉", "مرحبا", "C#",
    "{{x}}", "= 1", "[pronounce]", "scene-2", "scene-1", "---", "e\u0301", "a  b",
)  # fmt: skip


def _anything(rng: random.Random) -> Project:
    def line() -> str:
        return " ".join(" ".join(rng.choices(_WORDS, k=rng.randrange(3))).split())

    def text() -> str:
        return "\n".join(rng.choices(_WORDS, k=rng.randrange(6))).strip()

    def background() -> Background:
        return rng.choice([
            Background(), Background("blur"), Background("colour", "#aabbcc"),
            Background("picture", "own"), Background("picture", "x.mp4"),
            Background("video", "b.webm"),
            Background("picture", "{{p}}"), Background("colour", "{{c}}"),
        ])  # fmt: skip

    def scene(name: str) -> Scene:
        return Scene(
            name, text(), rng.choice(["", "s.wav"]), line(), line(), rng.choice(["", "de"]), line(),
            rng.choice([None, background()]), rng.choice([None, Beside("p.png", "left", 0.25)]),
            line(), rng.choice([None, LowerThird("a", line()), LowerThird("", "b")]),
            rng.choice([1.0, 0.85]), rng.choice([0.3, 0.0, 2.5]),
        )  # fmt: skip

    names = {named(line(), number) for number in range(1, rng.randrange(1, 5))}
    pairs = {key: "x" for key in (line(), line()) if key}
    return Project(
        line(), tuple(scene(name) for name in names), line(), line(), "", line(),
        rng.choice([Frame(), Frame("4:5", 360)]), background(),
        rng.choice([None, Music("m.mp3", -3.25, 0.0)]), pairs,
        ("de",), tuple({line() for _ in range(2)} - {""}), rng.random() < 0.5,
    )  # fmt: skip
