"""Batches over a queue: made row by row, mended, gone on with, fetched, and whole after an end."""

import asyncio
import csv
import errno
import io
import zipfile
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.batches import queue

from visavis.server.commands import keeping
from visavis.server.jobs.job import OVER, Job
from visavis.server.jobs.ledger import Ledger
from visavis.server.studio.batches import archive, checking, manifest, tables
from visavis.server.studio.batches import outcome as module
from visavis.server.studio.batches.keeping import Batches
from visavis.server.studio.batches.outcome import Outcome
from visavis.server.studio.batches.preparing import Order
from visavis.server.studio.batches.working import Working, manifest_of
from visavis.server.studio.document import reading
from visavis.server.studio.document.checks import Known
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Conflict, NotFound
from visavis.server.system.spans import Span

SCRIPT = "# Hello\n\nHello {{first_name}}.\n"
PEOPLE = "first_name,mail\nAnna,=cmd()\nBroken,b\nBo,+49 30\nEva,e\n".replace("=cmd()", "@cmd")


def checked(table=PEOPLE, script=SCRIPT):
    known = Known(lambda _name, _language: "", {}, lambda _wish: ())
    return checking.check(reading.read(script), tables.read(table.encode()), None, known)


@pytest.fixture
def kept(tmp_path):
    return Batches(tmp_path / "batches")


@asynccontextmanager
async def works(tmp_path, kept):
    async with queue(tmp_path / "jobs") as (it, runner):
        working = Working(kept, it)
        yield working, it, runner


async def begun(working, kept, table=PEOPLE, proof=(), files=None):
    new = await asyncio.to_thread(kept.keep, checked(table), "", "Welcome", ["mp4"], files)
    return (await working.begin(new, proof, "")).batch.id


async def over(working, id):
    """The last that was told, when it is over."""
    async for _ in working.watch(id):
        pass
    return await working.report(id)


async def test_rows_are_made_and_what_failed_is_told(tmp_path, kept):
    async with works(tmp_path, kept) as (working, _, runner):
        id = await begun(working, kept)
        report = await over(working, id)
        rows = [(row.kept.row, row.as_json()["status"]) for row in report.rows]
        assert rows == [(2, "done"), (3, "failed"), (4, "done"), (5, "done")]
        summary = report.summary()
        assert (summary["status"], summary["done"], summary["left"]) == ("failed", 1.0, 0.0)
        assert summary["counts"] == {"done": 3, "failed": 1, "cancelled": 0}
        broken = report.rows[1].as_json()
        assert broken["fault"] == "The picture of Broken cannot be read."
        assert broken["code"] == "unusable-file"
        path, name = await working.file(id, 2, "film.mp4")
        assert "Hello Anna." in path.read_text()
        assert name == "00002-anna.mp4"
        with pytest.raises(NotFound):
            await working.file(id, 3, "film.mp4")
        with pytest.raises(NotFound):
            await working.file(id, 2, "../film.mp4")
        assert len(runner.done) == 4


async def test_what_failed_is_made_anew_alone(tmp_path, kept):
    async with works(tmp_path, kept) as (working, _, runner):
        id = await begun(working, kept)
        await over(working, id)
        await asyncio.to_thread(lambda: (kept.files(id) / "mended.png").touch())
        await working.retry(id)
        report = await over(working, id)
        assert report.status == "done"
        assert runner.done[4:] == [f"{id}.3"]
        with pytest.raises(Conflict):
            await working.retry(id)


async def test_a_proof_is_made_first_and_the_rest_when_it_is_wanted(tmp_path, kept):
    async with works(tmp_path, kept) as (working, _, runner):
        id = await begun(working, kept, proof=(2, 5))
        report = await over(working, id)
        assert report.status == "done"
        assert [row.as_json()["status"] for row in report.rows] == [
            "done",
            "waiting",
            "waiting",
            "done",
        ]
        assert (report.summary()["proof"], report.summary()["waiting"]) == (True, 2)
        await working.go_on(id)
        await over(working, id)
        assert sorted(runner.done) == [f"{id}.{row}" for row in (2, 3, 4, 5)]
        with pytest.raises(Conflict):
            await working.go_on(id)


@pytest.fixture
def crashed(kept):
    """A batch of which the queue was told nothing."""
    return kept.publish(kept.keep(checked(), "", "Welcome", ["mp4"], None))


async def test_what_was_not_asked_for_is_asked_for_after_a_crash(tmp_path, kept, crashed):
    async with works(tmp_path, kept) as (working, _, runner):
        await working.open()
        await over(working, crashed.id)
        assert len(runner.done) == 4
        await working.open()  # as after a further start: what failed waits for somebody
        assert len(runner.done) == 4
        assert (await working.report(crashed.id)).status == "failed"


async def test_a_batch_whose_jobs_have_gone_goes_with_them(tmp_path, kept):
    async with works(tmp_path, kept) as (working, it, _):
        id = await begun(working, kept)
        await over(working, id)
        await it.forget(f"{id}.2")
        report = await working.report(id)
        assert report.rows[0].as_json()["status"] == "deleted"
        await it.forget(id)
        await working.open()
        assert await asyncio.to_thread(kept.all) == []
        with pytest.raises(NotFound):
            await working.report(id)


async def test_removing_cancels_first_and_forgets_then(tmp_path, kept):
    async with works(tmp_path, kept) as (working, it, _):
        id = await begun(working, kept, "first_name\nSlow\nSlow\nSlow\nAnna\n")
        async for report, _ in working.watch(id):
            if report.status == "running":
                break
        assert not await working.remove(id)
        report = await over(working, id)
        assert report.status == "cancelled"
        assert await working.remove(id)
        assert await it.group(id) == ()
        assert await asyncio.to_thread(kept.all) == []


async def test_an_archive_has_all_films_and_the_manifest(tmp_path, kept):
    async with works(tmp_path, kept) as (working, _, _):
        id = await begun(working, kept)
        report = await over(working, id)
        entries = await working.entries(report)
    data = await asyncio.to_thread(lambda: b"".join(archive.pieces(entries)))
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        names = ["manifest.csv", "00002-anna.mp4", "00004-bo.mp4", "00005-eva.mp4"]
        assert packed.namelist() == names
        assert b"Hello Anna." in packed.read("00002-anna.mp4")
        rows = list(csv.DictReader(io.StringIO(packed.read("manifest.csv").decode("utf-8-sig"))))
    assert [row["state"] for row in rows] == ["done", "failed", "done", "done"]
    assert rows[0]["video"] == "00002-anna.mp4"
    assert rows[0]["mail"] == "'@cmd", "no formula"
    assert rows[2]["mail"] == "+49 30", "a number is none"


async def test_a_manifest_can_be_sent_as_the_table_of_what_failed(tmp_path, kept):
    async with works(tmp_path, kept) as (working, _, _):
        id = await begun(working, kept)
        text = manifest_of(await over(working, id))
    again = tables.read(text.encode())
    assert again.rows[0].values["mail"] == "@cmd"
    assert checked(text).films[0].label == "Anna"


def test_a_projects_files_stay_as_they_were(tmp_path, kept):
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    (project / "sub" / "sea.png").write_bytes(b"old")
    (project / "script.md").write_text("x")
    (project / ".lock").write_text("x")
    batch = kept.publish(kept.keep(checked(), "p", "Welcome", ["mp4"], project))
    new = project / "new"
    new.write_bytes(b"new")
    new.replace(project / "sub" / "sea.png")  # as the store of projects does it
    assert (kept.files(batch.id) / "sub" / "sea.png").read_bytes() == b"old"
    assert [p.name for p in kept.files(batch.id).rglob("*")] == ["sub", "sea.png"]


def test_the_time_left_is_told_by_the_latest_rows(tmp_path, kept):
    from visavis.server.jobs.job import State
    from visavis.server.studio.batches.working import Report

    batch = kept.publish(kept.keep(checked(), "", "Welcome", ["mp4"], None))
    states = {f"{n}": State(f"{n}", "done", at=100.0 + 10 * n) for n in range(5)}
    states |= {"a": State("a", "running", 0.5), "b": State("b", "queued")}
    report = Report(batch, states)
    assert report.left == pytest.approx(15.0)
    assert report.done == pytest.approx(5.5 / 7)
    assert Report(batch, {"a": states["a"]}).left is None


# --- the folder of the command -------------------------------------------------------------------


async def run(tmp_path, table=PEOPLE, script=SCRIPT, again=False, formats=("mp4",)):
    """What the command does with a folder; the ids of jobs that were done."""
    found = checked(table, script)
    order = Order(tmp_path / "t", script, tmp_path, "", formats)
    outcome = await asyncio.to_thread(Outcome, tmp_path / "out", order, headings=found.headings)
    async with queue(tmp_path / "jobs") as (it, runner):
        jobs = await outcome.missing(it, found.films, again=again)
        shares = [share async for share, _ in outcome.made(it, jobs)] if jobs else []
        assert all(state.status in OVER for state in await it.group(outcome.group))
    return outcome, [int(id.split(".")[1]) for id in runner.done], shares


async def test_the_same_command_makes_what_is_missing_failed_or_changed(tmp_path):
    outcome, done, shares = await run(tmp_path)
    assert sorted(done) == [2, 3, 4, 5]
    assert shares[-1] == 4
    assert outcome.rows[3]["fault"] == "The picture of Broken cannot be read."
    assert outcome.shared == pytest.approx(0.75)
    _, done, _ = await run(tmp_path)
    assert done == [3], "what failed"
    (tmp_path / "mended.png").touch()
    _, done, _ = await run(tmp_path)
    assert done == [3]
    _, done, _ = await run(tmp_path)
    assert done == []
    (tmp_path / "out" / "00004-bo.mp4").unlink()
    _, done, _ = await run(tmp_path)
    assert done == [4], "what is missing"
    _, done, _ = await run(tmp_path, PEOPLE.replace("Eva", "Ida"))
    assert done == [5], "what changed"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    expected = ["00002-anna.mp4", "00003-broken.mp4", "00004-bo.mp4", "00005-ida.mp4"]
    assert names == [*expected, "manifest.csv"], "and nothing that is nobody's any more"
    _, done, _ = await run(tmp_path, again=True)
    assert sorted(done) == [2, 3, 4, 5]


async def test_what_a_killed_command_had_made_is_not_made_again(tmp_path):
    """It had asked for all, and fetched none."""
    found = checked(PEOPLE.replace("Broken", "Max"))
    order = Order(tmp_path / "t", SCRIPT, tmp_path)
    outcome = await asyncio.to_thread(Outcome, tmp_path / "out", order, headings=found.headings)
    async with queue(tmp_path / "jobs") as (it, runner):
        jobs = await outcome.missing(it, found.films, again=False)
        await it.add(*jobs)
        async for _ in it.watch(outcome.group):
            pass
        assert len(runner.done) == 4
    outcome, done, _ = await run(tmp_path, PEOPLE.replace("Broken", "Max"))
    assert done == []
    assert {row["state"] for row in outcome.rows.values()} == {"done"}
    assert (tmp_path / "out" / "00003-max.mp4").is_file()


async def test_a_folder_that_is_full_loses_nothing(tmp_path, monkeypatch):
    moved, full = module._moved, []

    def no_room(source, to):
        if "00004" in to.name and not full:
            full.append(to)
            raise OSError(errno.ENOSPC, "No space left on device")
        moved(source, to)

    monkeypatch.setattr(module, "_moved", no_room)
    table = PEOPLE.replace("Broken", "Max")
    with pytest.raises(OSError, match="No space left"):
        await run(tmp_path, table)
    outcome, done, _ = await run(tmp_path, table)
    assert 4 not in done, "it was whole in the queue"
    assert {row["state"] for row in outcome.rows.values()} == {"done"}
    assert len(list((tmp_path / "out").glob("*.mp4"))) == 4


async def test_several_formats_are_several_files(tmp_path):
    outcome, _, _ = await run(tmp_path, "first_name\nAnna\n", formats=("mp4", "srt"))
    assert outcome.rows[2]["video"] == "00002-anna.mp4 00002-anna.srt"
    names = [name for name, _ in outcome.entries()]
    assert names == ["manifest.csv", "00002-anna.mp4", "00002-anna.srt"]


async def test_a_picture_of_the_project_that_changed_is_shown_anew(tmp_path):
    (tmp_path / "sea.png").write_bytes(b"sea")
    script = f'+++\nbackground = "sea.png"\n+++\n\n{SCRIPT}'
    await run(tmp_path, "first_name\nAnna\n", script)
    _, done, _ = await run(tmp_path, "first_name\nAnna\n", script)
    assert done == []
    (tmp_path / "sea.png").write_bytes(b"another")
    _, done, _ = await run(tmp_path, "first_name\nAnna\n", script)
    assert done == [2]


@pytest.mark.parametrize("text", ["row,video\n2,x\n", "nothing", "row;video\nx;y\n"])
def test_a_folder_with_another_manifest_is_left_alone(tmp_path, text):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(ConfigError, match="not what a batch left"):
        Outcome(tmp_path, Order(Path("t"), SCRIPT))
    assert (tmp_path / "manifest.csv").read_text() == text


@pytest.mark.parametrize(
    ("words", "written"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-Anna", "'-Anna"), ("-5", "-5"), ("Anna", "Anna")],
)
def test_no_cell_of_a_manifest_is_a_formula(words, written):
    assert manifest.cell(words) == written


def test_what_is_wiped_takes_its_batch_with_it(tmp_path):
    """As `visavis wipe --what jobs` does it."""
    home, span = tmp_path / "home", Span()
    kept = Batches(home / "jobs" / "batches")
    batch = kept.publish(kept.keep(checked(), "", "Welcome", ["mp4"], None))
    kept.change(replace(batch, asked=True))
    waiting = kept.publish(kept.keep(checked(), "", "Welcome", ["mp4"], None))
    with closing(Ledger(home / "jobs")) as ledger:
        ledger.add([Job(batch.job(2), "film", {}, group=batch.id)])
        ledger.take()
        ledger.end(batch.job(2), "done")
    assert keeping.Jobs(Config(home=str(home))).delete(span).count == 1
    assert [each.id for each in kept.all()] == [waiting.id], "which nobody has asked for yet"
