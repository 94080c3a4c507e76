"""What nobody could answer: counted, and kept for a while where the operator wants it."""

import json
import logging
import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context

import numpy as np
import pytest

from visavis.engines.base import Mood
from visavis.engines.dialogue.clusters import Cluster, clustered
from visavis.engines.dialogue.knowledge_file import KnowledgeError, parse
from visavis.server import cli
from visavis.server.playout.messages import Request
from visavis.server.services import gaps as store
from visavis.server.services.gaps import KEPT_DAYS, Gaps
from visavis.server.services.tally import Tally
from visavis.server.system.metrics import Metrics


def asked(text, **fields):
    return Request(text, "text", 0, **fields)


def counted(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def keep_many(home, number):
    for count in range(20):
        Gaps(home).keep(
            f"Do you have a crib of kind {'abcdefghij'[number]}{chr(97 + count)}?", "en"
        )


# --- kept ----------------------------------------------------------------------------------------


def test_a_question_is_kept_without_who_asked_and_for_its_owner_alone(tmp_path):
    gaps = Gaps(tmp_path)
    gaps.keep("My name is Anna, do you rent bikes to room 12?", "en")
    (row,) = gaps.read()
    assert (row.text, row.language) == ("My name is ..., do you rent bikes to room ...?", "en")
    assert row.day == date.today().isoformat()
    for path in (tmp_path / "gaps", *(tmp_path / "gaps").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    "text", ["I want to kill myself", "There is a fire", "12 34", "anna@x.example", "", "Hm"]
)
def test_danger_and_what_is_only_personal_are_never_kept(tmp_path, text):
    Gaps(tmp_path).keep(text, "en")
    assert Gaps(tmp_path).read() == []


def test_they_are_few_short_and_not_old(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MOST", 3)
    gaps = Gaps(tmp_path)
    for text in ("one bike", "two bikes", "three bikes", "four bikes", "many " * 500):
        gaps.keep(text, "en")
    assert [row.text[:10] for row in gaps.read()] == ["three bike", "four bikes", "many many "]
    assert len(gaps.read()[-1].text) <= 200
    later = date.today() + timedelta(days=KEPT_DAYS + 1)
    monkeypatch.setattr(store, "_today", lambda: later)
    assert gaps.read() == []
    assert (tmp_path / "gaps" / "questions.jsonl").read_text() == ""


def test_a_damaged_file_costs_its_damaged_lines(tmp_path):
    gaps = Gaps(tmp_path)
    gaps.keep("Do you rent bikes?", "en")
    path = tmp_path / "gaps" / "questions.jsonl"
    path.write_bytes(
        b'\xff\xfe{"day": 3}\n[1]\n{"day": "x", "text": "a"}\nnull\n' + path.read_bytes()
    )
    assert [row.text for row in gaps.read()] == ["Do you rent bikes?"]
    gaps.keep("And scooters?", "en")
    assert len(gaps.read()) == 2


def test_several_processes_keep_all(tmp_path):
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        list(pool.map(keep_many, [tmp_path] * 3, range(3)))
    assert len(Gaps(tmp_path).read()) == 60


def test_all_is_forgotten(tmp_path):
    assert Gaps(tmp_path).forget() == 0
    Gaps(tmp_path).keep("Do you rent bikes?", "en")
    assert Gaps(tmp_path).forget() == 1
    assert Gaps(tmp_path).read() == []


# --- counted -------------------------------------------------------------------------------------


def test_what_has_no_answer_is_counted_and_kept_only_if_wanted(tmp_path):
    metrics = Metrics()
    for kept in (None, Gaps(tmp_path)):
        tally = Tally(metrics, kept)
        for sure in (0.0, 0.9, None):
            tally.over(asked("Do you rent bikes?"), sure)
        tally.close()
        assert len(Gaps(tmp_path).read()) == (kept is not None)
    assert counted(metrics, "visavis_unanswered_total") == 2


def test_moods_and_dangers_are_counted(tmp_path):
    metrics = Metrics()
    tally = Tally(metrics, None)
    tally.over(asked("There is a fire", felt=Mood(frustration=0.5, urgency=0.1)), 1.0)
    assert counted(metrics, "visavis_dangers_total", kind="fire") == 1
    assert counted(metrics, "visavis_dangers_total", kind="medical") == 0
    assert counted(metrics, "visavis_moods_total", feeling="frustration") == 1
    assert counted(metrics, "visavis_moods_total", feeling="urgency") == 0


def test_a_full_disk_is_told_without_a_word_of_what_was_asked(tmp_path, caplog, monkeypatch):
    def full(self, rows):
        raise OSError(28, "No space left on device", "secret bikes")

    monkeypatch.setattr(Gaps, "_write", full)
    tally = Tally(Metrics(), Gaps(tmp_path))
    with caplog.at_level(logging.DEBUG):
        tally.over(asked("Do you rent secret bikes?"), 0.0)
        tally.close()
    (record,) = caplog.records
    assert record.why == "No space left on device"
    assert "bikes" not in str(record.__dict__)


def test_a_flood_is_not_queued_without_end(tmp_path, monkeypatch):
    tally = Tally(Metrics(), Gaps(tmp_path))
    monkeypatch.setattr(Gaps, "keep", lambda *_: None)
    tally._waiting.acquire = lambda blocking: False
    tally.over(asked("Do you rent bikes?"), 0.0)
    tally.close()
    assert tally._writer._work_queue.qsize() <= 1  # the pool's own end


# --- put together --------------------------------------------------------------------------------


class Meanings:
    """Two subjects: bikes, and all else."""

    fingerprint = "meanings"

    def embed(self, texts):
        return np.array([[1.0, 0.0] if "cycl" in t or "bike" in t else [0.0, 1.0] for t in texts])


def test_questions_that_ask_the_same_come_together_the_most_frequent_first():
    texts = ["Is there a lake?", "Do you rent bikes?", "Do you rent bikes?", "Can I cycle here?"]
    assert clustered(texts, Meanings()) == [
        Cluster(("Do you rent bikes?", "Can I cycle here?"), 3), Cluster(("Is there a lake?",), 1),
    ]  # fmt: skip
    assert [each.count for each in clustered(["rent bikes", "rent the bikes?", "a lake"])] == [2, 1]
    assert clustered([]) == []


def listed(capsys, *arguments):
    status = cli.main(["gaps", *arguments])
    return status, capsys.readouterr()


def test_the_command_lists_entries_that_lack_only_their_answer(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    monkeypatch.setattr("visavis.server.commands.gaps._embedder", lambda home: None)
    status, told = listed(capsys)
    assert (status, told.out) == (0, "")
    assert "keep_questions is off" in told.err
    monkeypatch.setenv("VISAVIS_KEEP_QUESTIONS", "on")
    for text in ("Do you rent bikes?", "Do you rent bikes?", "Do you rent bikes out?"):
        Gaps(tmp_path).keep(text, "en")
    Gaps(tmp_path).keep("¿Alquilan bicicletas?", "es")
    _, told = listed(capsys)
    assert told.err == ""
    pasted = f"# Inn\n## more\n{told.out}"
    with pytest.raises(KnowledgeError) as missing:
        parse(pasted)
    assert len(missing.value.mistakes) == 2  # the two answers
    answered = told.out.replace("out?\n", "out?\n\nYes.\n").replace(
        "bicicletas?\n\n", "bicicletas?\nYes.\n"
    )
    first = parse(f"# Inn\n## more\n{answered}").entries[0]
    assert first.questions == ("Do you rent bikes?", "Do you rent bikes out?")
    _, told = listed(capsys, "--json")
    assert [(row["count"], row["language"]) for row in json.loads(told.out)] == [
        (3, "en"),
        (1, "es"),
    ]
    _, told = listed(capsys, "--forget")
    assert told.out == "4 questions are forgotten\n"
    assert Gaps(tmp_path).read() == []
