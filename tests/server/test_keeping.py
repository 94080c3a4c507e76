"""What is kept for the operator goes when its time is over, or when the operator says so."""

import asyncio
import contextlib
import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from visavis.server.cli import main
from visavis.server.commands import keeping, wipe
from visavis.server.jobs.job import Job
from visavis.server.jobs.ledger import Ledger
from visavis.server.services import gaps as store
from visavis.server.services.gaps import Gaps
from visavis.server.system import audit_check, chain
from visavis.server.system.audit import Unaudited
from visavis.server.system.config import Config
from visavis.server.system.installation import Installation
from visavis.server.system.spans import Span

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Recordings and questions of 1, 10 and 40 days ago; lines of the audit log as well."""
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    for age in (40, 10, 1):
        day = NOW - timedelta(days=age)
        record(tmp_path, day, f"session{age}")
        monkeypatch.setattr(store, "_today", day.date)
        Gaps(tmp_path, 0).keep(f"Do you rent {'abcdefghij'[age % 10]} bicycles?", "en")
        made = chain.Chain(chain.folder_of(tmp_path), Installation.of(tmp_path), day.timestamp)
        made.append([made.row("session-opened", session=f"session{age}")])
    monkeypatch.setattr(store, "_today", NOW.date)
    return tmp_path


def record(home, at, session, age=60.0):
    folder = home / "recordings"
    folder.mkdir(exist_ok=True)
    path = folder / f"{at:%Y%m%d-%H%M%S}-000-{session}.mp4"
    path.write_bytes(bytes(1000))
    os.utime(path, (time.time() - age,) * 2)
    return path


def recorded(home):
    return [name.split("-", 3)[3] for name in sorted(os.listdir(home / "recordings"))]


def days(home):
    return [row.day for row in Gaps(home, 0).read()]


def deeds(home):
    found = (json.loads(line) for _, line in audit_check.rows(chain.folder_of(home)))
    return [(r["what"], r.get("kind"), r.get("count")) for r in found if r["what"] != "x"]


def test_what_is_too_old_is_deleted_and_nothing_else(home):
    (home / "recordings" / "mine.mp4").write_bytes(b"of the operator")
    gone = keeping.expired(Config(home=str(home), recordings_days=30, audit_days=5), NOW)
    assert (home / "recordings" / "mine.mp4").exists()
    (home / "recordings" / "mine.mp4").unlink()
    assert recorded(home) == ["session10.mp4", "session1.mp4"]
    assert days(home) == ["2026-11-19", "2026-11-28"]
    assert {name: amount.count for name, amount in gone.items()} == {
        "recordings": 1, "questions": 1, "audit": 2, "jobs": 0, "studio-cache": 0,
    }  # fmt: skip
    assert not audit_check.check(chain.folder_of(home), Installation.of(home).key).faults


def test_zero_days_keep_all_of_it(home):
    config = Config(
        home=str(home), recordings_days=0, keep_questions_days=0, audit_days=0, jobs_days=0
    )
    assert keeping.expired(config, NOW) == {}
    assert len(recorded(home)) == len(days(home)) == 3


async def test_a_running_server_does_it_and_notes_it(home):
    class Noted(Unaudited):
        def record(self, what, **fields):
            super().record(what, **fields)
            found.append((what, fields))
            if len(found) == 3:
                done.set()

    found, done = [], asyncio.Event()
    # The real clock is later than the files', however late this test runs.
    watching = asyncio.create_task(
        keeping.watch(Config(home=str(home), audit_days=1, recordings_days=1), Noted())
    )
    await asyncio.wait_for(done.wait(), 20)
    watching.cancel()
    assert recorded(home) == []
    assert {fields["kind"] for _, fields in found} == {"recordings", "questions", "audit"}


async def test_a_clock_that_jumped_deletes_nothing(home, monkeypatch):
    slept = asyncio.Event()
    real = time.time()
    times = iter([real, real + 40 * 86400])
    monkeypatch.setattr(keeping.time, "time", lambda: next(times, real + 40 * 86400))

    async def sleep(_seconds):
        slept.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(keeping.asyncio, "sleep", sleep)
    watching = asyncio.create_task(keeping.watch(Config(home=str(home)), Unaudited()))
    await asyncio.wait_for(slept.wait(), 20)
    watching.cancel()
    assert len(recorded(home)) == 3


def test_a_recording_that_is_being_written_stays(home):
    record(home, NOW, "live", age=0.0)
    assert main(["wipe", "--all", "--yes"]) == 0
    assert recorded(home) == ["live.mp4"]
    assert days(home) == []


def test_wiping_says_what_would_go_and_what_it_does_not_reach(home, capsys, monkeypatch):
    assert main(["wipe", "--all"]) == 2, "nobody can be asked"
    out, complaint = capsys.readouterr()
    assert "recordings: 3 files, 0.0 MB" in out
    assert "questions: 3 questions" in out
    assert out.count("not reached: ") == 4
    assert "give --yes" in complaint
    monkeypatch.setattr(wipe, "_agreed", lambda: False)
    assert main(["wipe", "--all"]) == 0
    assert "nothing was deleted" in capsys.readouterr().out
    assert (len(recorded(home)), len(days(home))) == (3, 3)
    assert main(["wipe"]) == 2, "without a limit it does nothing"


def test_what_lies_beside_a_recording_goes_with_it(home):
    film = record(home, NOW, "signed")
    for beside in (film.with_suffix(".mp4.unsigned"), film.with_suffix(".c2pa")):
        beside.write_text("of its signature")
        os.utime(beside, (0, 0))
    assert main(["wipe", "--session", "signed", "--yes"]) == 0
    assert not [name for name in recorded(home) if name.startswith("signed")]


def test_one_session_or_a_range_of_time_can_be_wiped(home):
    assert main(["wipe", "--session", "session10", "--yes"]) == 0
    assert (recorded(home), len(days(home))) == (["session40.mp4", "session1.mp4"], 3)
    assert main(["wipe", "--since", "2026-11-10", "--until", "2026-11-20", "--yes"]) == 0
    assert (len(recorded(home)), days(home)) == (2, ["2026-10-20", "2026-11-28"])
    assert main(["wipe", "--what", "recordings", "--until", "2026-11-01", "--yes"]) == 0
    assert recorded(home) == ["session1.mp4"]
    assert ("kept-deleted", "recordings", 1) in deeds(home)


def test_the_audit_log_is_wiped_from_its_beginning_alone(home, capsys):
    assert main(["wipe", "--what", "audit", "--session", "session10", "--yes"]) == 0
    assert "there is nothing to delete" in capsys.readouterr().out
    assert main(["wipe", "--what", "audit", "--until", "2026-11-28", "--yes"]) == 0
    assert "audit: 2 lines" in capsys.readouterr().out
    assert len(recorded(home)) == 3
    assert not audit_check.check(chain.folder_of(home), Installation.of(home).key).faults


def test_jobs_that_are_over_go_with_their_films(tmp_path):
    config = Config(home=str(tmp_path), jobs_days=30)
    place = tmp_path / "jobs"
    with contextlib.closing(Ledger(place)) as ledger:
        ledger.add([Job(id, "film", {"script": "Welcome."}) for id in ("done", "waits")])
        assert ledger.take().job.id == "done"
        ledger.end("done", "done")
    (place / "results" / "done").mkdir(parents=True)
    (place / "results" / "done" / "film.mp4").write_bytes(bytes(1000))
    later = datetime.now(UTC) + timedelta(days=31)
    kept = keeping.kinds(config)["jobs"]
    assert kept.count(Span(until=later)) == keeping.Amount(1, 1000)
    assert keeping.expired(config, later - timedelta(days=2))["jobs"].count == 0
    assert keeping.expired(config, later)["jobs"].count == 1
    assert not (place / "results" / "done").exists()
    with contextlib.closing(Ledger(place)) as ledger:
        assert ledger.find("done") is None
        assert ledger.find("waits") is not None
