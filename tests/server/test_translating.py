"""A project in another language: what is put and what stays, how long it is, what is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.translators import DoubleTranslator

from visavis.engines.base import EngineError
from visavis.engines.language.languages import is_right_to_left
from visavis.server.studio import building
from visavis.server.studio.document import reading, writing
from visavis.server.studio.document.project import LowerThird, Project, Scene
from visavis.server.studio.translation import fitting, kept
from visavis.server.studio.translation.pairs import Pair, Translation
from visavis.server.studio.translation.translating import translated
from visavis.server.studio.translation.voices import Casting
from visavis.server.system.errors import NotFound, Unprocessable

PROJECT = Project(
    title="Welcome",
    avatar="mira",
    glossary=("Acme",),
    pronounce={"Acme": "ack me"},
    scenes=(
        Scene(
            "hello",
            "[smiles] Hello {{name|friend}}, this is Acme.",
            title="First day",
            lower_third=LowerThird("Mira Lang", "Trainer"),
        ),
        Scene("bye", "Good bye.", voice="joe", after=1.0),
    ),
)


class Whom:
    """One translator for all languages, or nobody."""

    def __init__(self, double: DoubleTranslator | None) -> None:
        self._double = double

    def __call__(self, source: str, target: str) -> DoubleTranslator:
        if self._double is None:
            raise EngineError(f"there is no translator from {source} to {target}")
        return self._double

    def words(self) -> str:
        return "a double"


def whom(double: DoubleTranslator) -> Whom:
    return Whom(double)


def nobody(_voice: str, _avatar: str, _language: str) -> str:
    return ""


def put(project: Project = PROJECT, before: Sequence[Pair] = ()) -> Translation:
    return translated(project, "es", whom(DoubleTranslator()), before=before)


def test_words_are_translated_and_nothing_else() -> None:
    made = put()
    hello, bye = made.project.scenes
    assert made.project.title == "WELCOME"
    assert made.project.language == "es"
    assert hello.text == "[smiles] HELLO {{name|friend}}, THIS IS Acme."
    assert hello.title == "FIRST DAY"
    assert hello.lower_third == LowerThird("Mira Lang", "TRAINER")
    assert (bye.text, bye.voice, bye.after) == ("GOOD BYE.", "", 1.0)
    assert made.project.avatar == "mira"
    assert made.by == "a double"
    assert [pair.state for pair in made.pairs] == ["machine"] * 5
    assert any("'friend' in a placeholder" in note for note in made.notes)
    assert any("How Acme is pronounced" in note for note in made.notes)
    assert any("The voice joe does not speak es" in note for note in made.notes)


def test_only_what_changed_is_translated_again_and_what_was_read_stays() -> None:
    first = put()
    checked = [
        replace(p, target="Adiós.", state="checked") if p.scene == "bye" else p for p in first.pairs
    ]
    changed = replace(
        PROJECT, scenes=(replace(PROJECT.scenes[0], title="Second day"), PROJECT.scenes[1])
    )
    double = DoubleTranslator()
    again = translated(changed, "es", whom(double), before=checked)
    assert [texts for _, _, texts in double.asked] == [("Second day",)]
    assert again.project.scenes[1].text == "Adiós."
    assert [p.state for p in again.pairs if p.scene == "bye"] == ["checked"]


def test_scenes_of_other_languages_go_from_theirs_and_those_of_the_target_stay() -> None:
    scenes = (
        Scene("a", "Hello."),
        Scene("b", "Hola.", language="es-MX"),
        Scene("c", "Hallo.", language="de"),
    )
    double = DoubleTranslator()
    made = translated(Project(scenes=scenes), "es", whom(double))
    assert [(source, texts) for source, _, texts in double.asked] == [
        ("en", ("Hello.",)), ("de", ("Hallo.",)),
    ]  # fmt: skip
    assert [scene.text for scene in made.project.scenes] == ["HELLO.", "Hola.", "HALLO."]
    assert [pair.state for pair in made.pairs] == ["machine", "checked", "machine"]


def test_a_recording_is_spoken_by_a_voice_where_its_words_are_known() -> None:
    scenes = (Scene("a", "Hello.", sound="a.wav"), Scene("b", sound="b.wav"))
    made = translated(Project(scenes=scenes), "es", whom(DoubleTranslator()))
    assert [scene.sound for scene in made.project.scenes] == ["", "b.wav"]
    assert [note[:2] for note in made.notes] == ["a:", "b:"]


# --- length --------------------------------------------------------------------------------------


def seconds(project: Project, scene: Scene) -> float:
    """A letter takes 0.1 s."""
    said = scene.text.split("]")[-1]
    return len(said) * 0.1 / scene.rate + scene.after + (0.5 if "[pause" in scene.text else 0.0)


@pytest.mark.parametrize(
    ("target", "rate", "told"),
    [
        ("x" * 20, 1.0, ""),
        ("x" * 22, 1.1, ""),
        ("x" * 18, 0.9, ""),
        ("x" * 30, 1.15, "still 30% longer"),
        ("x" * 10, 0.85, "still 41% shorter"),
    ],
)
def test_a_scene_is_as_long_as_its_original_within_15_percent(
    target: str, rate: float, told: str
) -> None:
    source = Project(scenes=(Scene("a", "x" * 20),))
    made = translated(source, "es", whom(DoubleTranslator(lambda _: target)))
    done = fitting.fitted(made, source, seconds, nobody)
    assert done.pairs[0].rate == pytest.approx(rate)
    assert done.project.scenes[0].rate == pytest.approx(rate)
    assert [told in note for note in done.notes] == ([True] if told else [])


def test_silences_are_as_long_at_any_rate() -> None:
    source = Project(scenes=(Scene("a", "[pause 0.5] " + "x" * 20, after=2.0),))
    made = translated(source, "es", whom(DoubleTranslator(lambda _: "x" * 22)))
    done = fitting.fitted(made, source, seconds, nobody)
    assert done.pairs[0].fit == pytest.approx(23 / 21)  # blanks count
    film = done.project
    assert seconds(film, film.scenes[0]) == pytest.approx(
        seconds(source, source.scenes[0]), abs=0.02
    )


class Shortener(DoubleTranslator):
    """Says things in as many letters as it may."""

    def shortened(
        self, texts: Sequence[str], drafts: Sequence[str], most: Sequence[int],
        source: str, target: str,
    ) -> list[str]:  # fmt: skip
        self.asked.append((source, target, tuple(texts)))
        return [draft[:room] for draft, room in zip(drafts, most, strict=True)]


def test_what_is_too_long_is_said_in_fewer_words_by_who_can() -> None:
    source = Project(scenes=(Scene("a", "x" * 20), Scene("b", "y" * 20)))
    double = Shortener(lambda text: "z" * 30 if text.startswith("x") else text)
    made = translated(source, "es", whom(double))
    done = fitting.fitted(made, source, seconds, nobody, double)
    assert [len(pair.target) for pair in done.pairs] == [23, 20]
    assert done.pairs[0].rate == 1.15
    assert done.notes == ()
    assert double.asked[-1] == ("en", "es", ("x" * 20,))


def test_what_somebody_checked_is_not_shortened() -> None:
    source = Project(scenes=(Scene("a", "x" * 20),))
    before = [Pair("a", "text", "x" * 20, "z" * 40, "checked")]
    made = translated(source, "es", whom(DoubleTranslator()), before=before)
    done = fitting.fitted(made, source, seconds, nobody, Shortener())
    assert done.pairs[0].target == "z" * 40
    assert "take about" in done.notes[0]


# --- kept ----------------------------------------------------------------------------------------


def test_a_translation_is_a_script_beside_its_script(tmp_path: Path) -> None:
    there = kept.save(PROJECT, tmp_path, put())
    assert kept.languages(tmp_path) == ("es",)
    assert reading.read((tmp_path / "script.es.md").read_text()).scenes[1].text == "GOOD BYE."
    assert [pair.state for pair in there.pairs] == ["machine"] * 5
    assert there.as_json()["direction"] == "ltr"
    kept.remove(tmp_path, "es")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotFound) as raised:
        kept.standing(PROJECT, tmp_path, "es")
    assert raised.value.code == "translation-missing"


def test_what_is_edited_by_hand_counts_as_checked_and_a_changed_source_as_stale(
    tmp_path: Path,
) -> None:
    kept.save(PROJECT, tmp_path, put())
    script = tmp_path / "script.es.md"
    script.write_text(script.read_text().replace("GOOD BYE.", "Adiós."))
    changed = replace(PROJECT, title="Welcome back")
    states = {(p.scene, p.field): p.state for p in kept.standing(changed, tmp_path, "es").pairs}
    assert states["bye", "text"] == "checked"
    assert states["", "title"] == "stale"
    assert states["hello", "text"] == "machine"
    again = put(changed, kept.standing(changed, tmp_path, "es").pairs)
    assert {pair.target for pair in again.pairs} >= {"Adiós.", "WELCOME BACK"}


def test_a_review_is_kept_and_a_longer_text_is_spoken_faster(tmp_path: Path) -> None:
    there = kept.save(PROJECT, tmp_path, put())
    changes = {
        ("bye", "text"): ("Adiós, y gracias.", "checked"), ("hello", "title"): ("Día", "checked"),
    }  # fmt: skip
    after = kept.save(PROJECT, tmp_path, kept.reviewed(there, PROJECT, changes))  # type: ignore[arg-type]
    rows = {(pair.scene, pair.field): pair for pair in after.pairs}
    assert rows["bye", "text"].state == "checked"
    assert rows["bye", "text"].fit == pytest.approx(17 / 9, abs=0.001)
    assert rows["bye", "text"].rate == 1.15
    assert after.project.scenes[1].rate == 1.15
    assert rows["hello", "title"].target == "Día"
    assert rows["hello", "text"].state == "machine"
    with pytest.raises(Unprocessable) as raised:
        kept.reviewed(there, PROJECT, {("gone", "text"): ("x", "checked")})
    assert raised.value.code == "pair-unknown"


def test_a_film_has_the_script_of_today_with_the_words_of_the_translation(tmp_path: Path) -> None:
    kept.save(PROJECT, tmp_path, put())
    script = tmp_path / "script.es.md"
    made = reading.read(script.read_text())
    script.write_text(writing.write(replace(made, voice="espeak-es-man")))
    today = replace(
        PROJECT,
        subtitles=True,
        scenes=(PROJECT.scenes[1], replace(PROJECT.scenes[0], avatar="tomas")),
    )
    film, notes = kept.in_language(today, tmp_path, "ES")
    assert [scene.name for scene in film.scenes] == ["bye", "hello"]
    assert film.scenes[0].text == "GOOD BYE."
    assert film.scenes[1].avatar == "tomas"
    assert (film.voice, film.subtitles, film.language) == ("espeak-es-man", True, "es")
    assert notes == ()
    assert kept.in_language(PROJECT, tmp_path, "en") == (PROJECT, ())
    grown = replace(PROJECT, scenes=(*PROJECT.scenes, Scene("new", "More.")))
    with pytest.raises(Unprocessable, match="lacks new"):
        kept.in_language(grown, tmp_path, "es")
    stale = replace(PROJECT, title="Changed")
    assert kept.in_language(stale, tmp_path, "es")[1] == (
        "the title: changed since it was translated into es.",
    )


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pairs": 3}', '{"pairs": [7, {"field": "x"}]}'])
def test_a_note_that_is_damaged_costs_what_it_said(tmp_path: Path, note: str) -> None:
    kept.save(PROJECT, tmp_path, put())
    (tmp_path / "script.es.json").write_text(note)
    there = kept.standing(PROJECT, tmp_path, "es")
    assert {pair.state for pair in there.pairs} == {"checked"}
    assert there.by == ""


def test_a_note_has_what_a_diff_can_show(tmp_path: Path) -> None:
    kept.save(PROJECT, tmp_path, put())
    note = json.loads((tmp_path / "script.es.json").read_text())
    assert note["pairs"][0] == {
        "scene": "", "field": "title", "source": "Welcome", "target": "WELCOME",
        "state": "machine", "fit": 1.0, "rate": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "tag"),
    [("ES", "es"), ("pt_br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), (" de ", "de")],
)
def test_tags_are_written_in_one_way(given: str, tag: str) -> None:
    assert kept.tag(given) == tag


@pytest.mark.parametrize("given", ["", "klingon", "x", "../es", "es/..", "xx", "es.md", "e s"])
def test_what_is_no_language_is_refused(given: str) -> None:
    with pytest.raises(Unprocessable) as raised:
        kept.tag(given)
    assert raised.value.code == "language-invalid"


def test_arabic_and_hebrew_run_from_right_to_left() -> None:
    tags = ("ar", "ar-EG", "he", "fa", "es", "zh", "ur-Latn")
    assert [tag for tag in tags if is_right_to_left(tag)] == ["ar", "ar-EG", "he", "fa"]
    assert kept.direction("ar") == "rtl"


# --- voices --------------------------------------------------------------------------------------


def test_a_voice_stays_where_it_speaks_the_language_and_else_one_like_it_does(
    tmp_path: Path,
) -> None:
    casting = Casting(tmp_path, lambda _avatar: "heart")
    assert casting("joe", "", "en-GB") == "joe"
    assert casting("", "", "es") == ""  # a woman's before, and the first of Spanish is one
    assert casting("joe", "", "es") == "espeak-es-man"
    assert casting("", "", "en") == ""
    assert Casting(tmp_path, lambda avatar: {"tomas": "joe"}.get(avatar, ""))(
        "", "tomas", "de"
    ) == ("espeak-de-man")


def test_nobody_who_translates_is_told() -> None:
    with pytest.raises(EngineError):
        translated(PROJECT, "es", Whom(None))


def test_a_translation_is_built_of_the_script_of_today(tmp_path: Path) -> None:
    script = tmp_path / "script.md"
    script.write_text(writing.write(PROJECT))
    kept.save(PROJECT, tmp_path, put())
    today = replace(PROJECT, subtitles=True, scenes=(*PROJECT.scenes, Scene("still", after=2.0)))
    script.write_text(writing.write(today))
    own, translated_plan = building.plans(tmp_path)
    assert own.project == today
    made = translated_plan.project
    assert (made.subtitles, made.language) == (True, "es")
    assert [scene.text for scene in made.scenes][1:] == ["GOOD BYE.", ""]
    assert translated_plan.script.line("bye") > 1
