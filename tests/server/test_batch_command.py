"""`visavis batch`: what it says of a table, and how it ends."""

import json
import os
import re
import signal
import threading
import time

import pytest
from support.batches import Inside

from visavis.server import cli
from visavis.server.jobs import configured
from visavis.server.jobs.queued import JobQueue

SCRIPT = "# Hello\n\nHello {{first_name}}. This is for you alone.\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The command over a fake work; its exit status and what it said."""
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    (tmp_path / "script.md").write_text(SCRIPT)
    runners = []

    def queue(config):
        folder = config.home_path / "jobs"
        runners.append(Inside(folder / "results"))
        return JobQueue(folder, runners[-1])

    monkeypatch.setattr(configured, "queue", queue)

    def command(table, *words):
        (tmp_path / "people.csv").write_text(table)
        paths = [str(tmp_path / "script.md"), str(tmp_path / "people.csv")]
        status = cli.main(["batch", *paths, "-o", str(tmp_path / "out"), *words])
        done = [int(id.split(".")[1]) for runner in runners for id in runner.done]
        runners.clear()
        return status, capsys.readouterr().out, sorted(done)

    return command


def test_a_check_makes_nothing_and_shows_how_rows_read(run, tmp_path):
    status, said, done = run("first_name\nAnna\nBo\n", "--check")
    assert (status, done) == (0, [])
    assert "2 of 2 rows can be made" in said
    assert re.search(r"row 2 \(Anna, \d s\): Hello Anna. This is for you alone.", said)
    assert not (tmp_path / "out").exists()


def test_a_row_that_cannot_be_made_stops_all_unless_it_is_left_out(run):
    table = "first_name\nAnna\nЯрослав\n"
    status, said, done = run(table)
    assert (status, done) == (1, [])
    assert "row 3, column first_name: a voice of 'en" in said
    assert "Rows that cannot be made: 1. Mend the table, or leave them out with --skip." in said
    status, said, done = run(table, "--skip")
    assert (status, done) == (0, [2])
    assert "1 of 1 videos are in" in said


def test_a_proof_the_rest_what_failed_and_an_archive(run, tmp_path):
    table = "first_name\nAnna\nBroken\nBo\nMaximilian Alexander\n"
    status, said, done = run(table, "--proof", "2")
    assert (status, done) == (0, [2, 5])
    status, said, done = run(table, "--zip", str(tmp_path / "all.zip"), "--formats", "mp4")
    assert (status, done) == (1, [3, 4])
    assert "row 3 failed: The picture of Broken cannot be read." in said
    assert "75% of the pictures were there from other videos" in said
    assert (tmp_path / "all.zip").stat().st_size > 500
    status, said, done = run(table, "--rows", "2", "4")
    assert (status, done) == (0, []), "they are there"
    (tmp_path / "mended.png").touch()
    status, said, done = run(table)
    assert (status, done) == (0, [3])


def test_ctrl_c_ends_it_and_the_same_command_goes_on(run, tmp_path):
    results = tmp_path / "home" / "jobs" / "results"

    def interrupt():
        while not list(results.glob("*.3.*")):  # the second row's folder: it has begun
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    table = "first_name\nAnna\nSlow\nBo\n"
    threading.Thread(target=interrupt, daemon=True).start()
    status, _, _ = run(table)
    assert status == 130
    assert (tmp_path / "out" / "manifest.csv").exists()
    (tmp_path / "go.png").touch()
    status, _, done = run(table)
    assert status == 0
    assert {3} <= set(done)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["00002-anna.mp4", "00003-slow.mp4", "00004-bo.mp4", "manifest.csv"]


def test_scripts_read_what_was_found_as_json(run):
    _, said, _ = run("name\nAnna\n", "--check", "--json")
    found = json.loads(said)
    assert found["rows"] == 1
    assert found["faults"][0]["column"] == "first_name"


@pytest.mark.parametrize(
    ("words", "status"), [(["--formats", "exe"], 2), (["--rows", "9"], 2), (["--sheet", "x"], 0)]
)
def test_bad_use_ends_with_2(run, words, status):
    found, _, done = run("first_name\nAnna\n", *words)
    assert found == status
    assert done == ([2] if status == 0 else [])


def test_a_table_that_cannot_be_read_ends_with_2(run, capsys):
    status, _, _ = run("")
    assert status == 2
