"""What is wrong with a table is told so that whoever made it can mend it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from visavis.server.studio.batches import checking, preparing, tables
from visavis.server.studio.batches.preparing import proof, told
from visavis.server.studio.document import reading
from visavis.server.studio.document.checks import Known
from visavis.server.system.config import Config

SCRIPT = """+++
title = "Welcome"
+++

# Hello

Hello {{first_name}}. {{#if city}}See you in {{city}}!{{/if}}

# Bye

Goodbye.
"""


def nothing(_wish: str) -> Sequence[str]:
    return ()


def no_avatar(name: str, _language: str) -> str:
    return f"there is no avatar {name!r}" if name == "nobody" else ""


KNOWN = Known(no_avatar, {"heart": "en-us", "thorsten": "de"}, nothing)


def check(table, script=SCRIPT, folder=None, translated=lambda _: None, name=""):
    project = reading.read(script)
    read = tables.read(table.encode())
    return checking.check(project, read, folder, KNOWN, translated, name)


def grave(checked):
    return [(fault.row, fault.column) for fault in checked.faults if fault.grave]


def words(checked):
    return " / ".join(fault.what for fault in checked.faults)


def test_a_good_table_gives_a_script_for_each_row():
    checked = check("First Name;City\nAnna;Rome\nBo;\n")
    assert checked.faults == ()
    anna, bo = checked.films
    assert (anna.row, anna.label, anna.name) == (2, "Anna Rome", "00002-anna-rome")
    assert "Hello Anna. See you in Rome!" in anna.script
    assert reading.read(bo.script).scenes[0].text == "Hello Bo."
    assert 1 < bo.seconds < anna.seconds
    assert checked.seconds == pytest.approx(anna.seconds + bo.seconds, abs=0.1)


def test_a_missing_column_stops_all_and_names_the_one_that_was_meant():
    checked = check("Firstname;City\nAnna;Rome\n")
    assert checked.stopped
    assert checked.films == ()
    assert "Did you mean {{firstname}}? The table's columns are Firstname, City." in words(checked)


def test_a_column_that_has_words_instead_may_be_missing():
    checked = check("City\nRome\n", SCRIPT.replace("first_name", "first_name|you"))
    assert len(checked.films) == 1
    assert grave(checked) == []
    assert "no such column" in words(checked)


def test_columns_that_nothing_uses_are_told_once():
    checked = check("first_name,city,mail,language\nAnna,Rome,x,en\n")
    assert [fault.what for fault in checked.faults] == ["Nothing in the script uses mail."]


def test_an_empty_name_costs_its_row_alone():
    checked = check("first_name,city\nAnna,Rome\n,Paris\nBo,Ulm\n")
    assert grave(checked) == [(3, "first_name")]
    assert "fill it in, or say in the script what stands there instead" in words(checked)
    assert "{{first_name|there}}" in words(checked)
    assert [film.row for film in checked.films] == [2, 4]


def test_a_name_that_the_voice_cannot_say_is_told_with_two_ways_out():
    checked = check("first_name,city\nЯрослав,Rome\n")
    assert grave(checked) == [(2, "first_name")]
    assert "write it as it sounds in that language's letters" in words(checked)
    assert "first_name said" in words(checked)


def test_a_column_that_spells_it_mends_that():
    checked = check("first_name,city,first_name said\nЯрослав,Rome,Yaroslav\nAnna,Ulm,\n")
    assert grave(checked) == []
    assert reading.read(checked.films[0].script).pronounce == {"Ярослав": "Yaroslav"}


def test_the_rows_own_language_can_say_it():
    script = SCRIPT.replace("Goodbye.", '{{#if language = "ru"}}Пока.{{else}}Bye.{{/if}}')
    checked = check("first_name,city,language\nЯрослав,Рим,ru\n", script)
    assert grave(checked) == []


def test_words_that_stand_for_nobody_are_worth_a_look():
    checked = check("first_name,city\nN/A,Rome\n")
    assert grave(checked) == []
    assert "leave the cell empty" in words(checked)


def test_the_same_row_twice_is_worth_a_look():
    checked = check("first_name,city\nAnna,Rome\nBo,Ulm\nAnna,Rome\n")
    assert "It is the same as row 2" in words(checked)
    assert len(checked.films) == 3


@pytest.mark.parametrize(
    ("column", "cell", "what"),
    [
        ("language", "klingon", "no language that is known"),
        ("voice", "nobody", "there is no voice 'nobody'"),
        ("avatar", "nobody", "there is no avatar 'nobody'"),
        ("background", "../../etc/passwd.png", "name a file within the project's folder"),
        ("background", "missing.png", "there is no file missing.png"),
        ("background", "sky", "is no background"),
    ],
)
def test_what_a_row_wants_and_there_is_not_costs_the_row(column, cell, what, tmp_path):
    checked = check(f"first_name,city,{column}\nAnna,Rome,{cell}\nBo,Ulm,\n", folder=tmp_path)
    assert {row for row, _ in grave(checked)} == {2}
    assert what in words(checked)
    assert [film.row for film in checked.films] == [3]


def test_a_language_without_a_script_is_told_once_for_all_rows():
    checked = check("first_name,city,language\nAnna,Rome,de\nBo,Ulm,German\nEva,Ulm,en\n")
    told_of = [fault for fault in checked.faults if fault.column == "language"]
    assert len(told_of) == 1
    assert "'de' is asked for (rows 2, 3), and there is no script.de.md" in told_of[0].what
    assert len(checked.films) == 3


def test_a_script_in_the_rows_language_is_taken():
    german = reading.read(
        SCRIPT.replace("Hello {{", "Hallo {{").replace("See you in", "Bis bald in")
    )
    checked = check(
        "first_name,city,language\nAnna,Rome,de\n",
        translated=lambda tag: (german, ("stale",)) if tag == "de" else None,
    )
    assert [(fault.what, fault.grave) for fault in checked.faults] == [("stale", False)]
    made = reading.read(checked.films[0].script)
    assert (made.scenes[0].text, made.language) == ("Hallo Anna. Bis bald in Rome!", "de")


def test_what_is_wrong_with_the_script_is_told_as_the_scripts():
    checked = check("first_name,city\nAnna,Rome\n", SCRIPT.replace("{{/if}}", ""))
    assert checked.stopped
    assert "The script: scene hello, text: {{#if city}} has no {{/if}} behind it." in words(checked)


def test_files_that_would_have_one_name_are_told_apart():
    checked = check("first_name,city\nAnna,Rome\nAnna,Ulm\n", name="{{first_name}}")
    assert checked.films[0].name == "anna"
    assert "the name of row 2's, 'anna'" in words(checked)


def test_a_proof_shows_what_differs_most():
    rows = "".join(f"Bo,,{'thorsten' if number == 7 else ''}\n" for number in range(20))
    long_one = "Anna Maria Magdalena,Castrop-Rauxel,\n"
    checked = check(f"first_name,city,voice\n{rows}{long_one}")
    rows = proof(checked.films, 3)
    assert rows == [2, 9, 22]
    assert proof(checked.films, 50) == [film.row for film in checked.films]
    assert proof((), 3) == []


def test_what_is_told_is_bounded():
    table = "first_name,city\n" + "".join(f",{number}\n" for number in range(2000)) + "Anna,Rome\n"
    found = told(check(table))
    assert (found["rows"], found["films"], len(found["faults"]), found["more"]) == (
        2001,
        1,
        500,
        1500,
    )
    assert found["sample"][0]["text"].startswith("Hello Anna.")


def test_rows_that_are_too_much_together_end_where_they_are(monkeypatch):
    monkeypatch.setattr(checking, "MOST_TEXT", 1000)
    read = []
    known = Known(no_avatar, KNOWN.voices, nothing)
    real = checking.personalised

    def counted(project, row):
        read.append(row)
        return real(project, row)

    monkeypatch.setattr(checking, "personalised", counted)
    project = reading.read(SCRIPT)
    rows = tables.read(("first_name,city\n" + "Anna,Rome\n" * 200).encode())
    checked = checking.check(project, rows, None, known)
    assert checked.stopped
    assert not checked.films
    assert "divide the table" in words(checked)
    assert len(read) < 30


def test_a_voice_that_may_not_be_used_is_told_before_films_are_made(tmp_path, monkeypatch):
    over = replace(KNOWN, voice=lambda name, _language: f"{name}'s consent is over")
    monkeypatch.setattr(preparing.knowing, "known", lambda *_of: over)
    table = tmp_path / "people.csv"
    table.write_text("first_name\nAnna\nBen\n")
    script = '+++\nvoice = "heart"\n+++\n# one\nGood day, {{first_name}}.\n'
    order = preparing.Order(table, script)
    _project, checked = preparing.prepared(order, Config(home=str(tmp_path)))
    assert any("heart's consent is over" in fault.what for fault in checked.faults)
