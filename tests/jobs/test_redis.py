"""Jobs on other machines: a real Redis, real `visavis worker` processes, and kill -9 of them."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from support.jobs import over, runs

from visavis.server.jobs import distributed
from visavis.server.jobs.distributed import Distributed
from visavis.server.jobs.job import Job
from visavis.server.jobs.queued import JobQueue
from visavis.server.jobs.stores import store
from visavis.server.system.errors import QueueError

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """The address of one, of Debian's package."""
    assert shutil.which("redis-server"), "make test installs Debian's redis-server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
         "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    yield f"redis://127.0.0.1:{port}/0"
    server.kill()
    server.wait()


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    for name in ("_LOOK", "_SOON"):
        monkeypatch.setattr(f"visavis.server.jobs.queued.{name}", 0.1)
    monkeypatch.setattr(distributed, "_LOOK", 0.3)


@contextmanager
def worker(redis, home, results, processes=2):
    """A `visavis worker`; whatever is left of it is killed."""
    env = os.environ | {
        "PYTHONPATH": str(TESTS), "VISAVIS_JOBS": redis, "VISAVIS_HOME": str(home),
        "VISAVIS_JOBS_RESULTS": results,
    }  # fmt: skip
    log = home.with_suffix(".log")
    with log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "support.job_worker", "--processes", str(processes)],
            env=env, stdout=subprocess.PIPE, stderr=err,
        )  # fmt: skip
    try:
        assert b"does jobs" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        said = log.read_text()
        assert "resumes" not in said  # no job, so no script, is in a log
        assert "Traceback" not in said


@asynccontextmanager
async def queue(redis, folder, results):
    it = JobQueue(folder, Distributed(redis, lambda: store(results, folder / "results"), folder))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


async def begun(it, id, note="step"):
    async for state in it.watch(id):
        if state.note.startswith(note):
            return int(state.note.split()[-1])
    return 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "store"])
async def test_done_elsewhere_and_fetched(redis, tmp_path, kind):
    """With files of a project, which the worker has under another path."""
    results = f"file://{tmp_path}/store" if kind == "store" else str(tmp_path / "shared")
    project = tmp_path / "project"
    await asyncio.to_thread(project.mkdir)
    await asyncio.to_thread((project / "words.txt").write_text, "Grüße")
    with worker(redis, tmp_path / "there", results):
        async with queue(redis, tmp_path / "here", results) as it:
            await asyncio.to_thread((tmp_path / "empty").mkdir)
            await it.add(Job("none", "copies", {"folder": str(tmp_path / "empty")}))
            await it.add(Job("a", "copies", {"folder": str(project)}, priority=9))
            assert (await over(it, "none"))[-1].status == "done"
            told = await over(it, "a")
            text = await it.results("a") / "words.txt"
            assert await asyncio.to_thread(text.read_text) == "Grüße"
            await it.forget("a")
            assert await it.state("a") is None
    assert (told[-1].status, told[-1].tries) == ("done", 1)
    assert str(project) not in told[-1].result["from"]
    assert not (await asyncio.to_thread(lambda: list((tmp_path / "store").rglob("a/words.txt"))))


async def test_a_killed_worker_loses_nothing(redis, tmp_path):
    """kill -9 of the worker itself, in the middle of its jobs; another one goes on with them."""
    gate, results = tmp_path / "gate", str(tmp_path / "shared")
    async with queue(redis, tmp_path / "here", results) as it:
        with worker(redis, tmp_path / "one", results) as first:
            await it.add(*(Job(id, "resumes", {"parts": 6, "gate": str(gate)}) for id in "abc"))
            pids = [await begun(it, id, "part 3") for id in "ab"]
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
            while any(map(runs, pids)):  # its processes end with it
                await asyncio.sleep(0.02)
            await asyncio.to_thread(gate.touch)
            with worker(redis, tmp_path / "two", results):
                ends = {id: (await over(it, id))[-1] for id in "abc"}
                made = await asyncio.to_thread((tmp_path / "shared" / "a" / "made").read_text)
    assert {end.status for end in ends.values()} == {"done"}
    assert min(ends["a"].tries, ends["b"].tries) >= 2
    assert made.split() == ["0", "1", "2", "3", "3", "4", "5"]  # the part at hand alone twice


@pytest.mark.slow
async def test_a_killed_process_of_a_worker_is_begun_anew(redis, tmp_path):
    gate, results = tmp_path / "gate", str(tmp_path / "shared")
    with worker(redis, tmp_path / "there", results):
        async with queue(redis, tmp_path / "here", results) as it:
            await it.add(Job("a", "resumes", {"parts": 6, "gate": str(gate)}))
            os.kill(await begun(it, "a", "part 3"), signal.SIGKILL)
            await asyncio.to_thread(gate.touch)
            last = (await over(it, "a"))[-1]
    assert last.status == "done"
    assert last.tries >= 2


@pytest.mark.slow
async def test_cancelled_and_then_asked_for_again(redis, tmp_path):
    gate, results = tmp_path / "gate", str(tmp_path / "shared")
    with worker(redis, tmp_path / "there", results, processes=1):
        async with queue(redis, tmp_path / "here", results) as it:
            await it.add(*(Job(id, "wait", {"gate": str(gate)}, group="g") for id in "ab"))
            await begun(it, "a")
            await it.cancel("g")
            await over(it, "g")
            assert [each.status for each in await it.group("g")] == ["cancelled"] * 2
            await asyncio.to_thread(gate.touch)
            await it.add(Job("b", "wait", {"gate": str(gate)}, group="g"))
            assert (await over(it, "b"))[-1].status == "done"


@pytest.mark.slow
async def test_a_worker_that_is_told_to_end_hands_its_jobs_on(redis, tmp_path):
    gate, results = tmp_path / "gate", str(tmp_path / "shared")
    async with queue(redis, tmp_path / "here", results) as it:
        with worker(redis, tmp_path / "one", results, processes=1) as first:
            await it.add(Job("a", "wait", {"gate": str(gate)}))
            pid = await begun(it, "a")
            first.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(first.wait, 20) == 0
        with worker(redis, tmp_path / "two", results, processes=1):
            await asyncio.to_thread(gate.touch)
            last = (await over(it, "a"))[-1]
    assert last.status == "done"
    assert last.result["pid"] != pid


@pytest.mark.slow
async def test_what_was_done_while_the_server_was_away_is_taken_up(redis, tmp_path):
    gate, results = tmp_path / "gate", str(tmp_path / "shared")
    with worker(redis, tmp_path / "there", results):
        async with queue(redis, tmp_path / "here", results) as it:
            await it.add(Job("a", "wait", {"gate": str(gate)}))
            pid = await begun(it, "a")
        await asyncio.to_thread(gate.touch)
        async with queue(redis, tmp_path / "here", results) as it:
            last = (await over(it, "a"))[-1]
    assert (last.status, last.result) == ("done", {"pid": pid})


async def test_without_a_worker_it_waits_and_says_so(redis, tmp_path, monkeypatch):
    async with queue(redis, tmp_path / "here", str(tmp_path / "shared")) as it:
        await it.add(Job("a", "write", {}))
        async for state in it.watch("a"):
            if state.note.startswith("waits"):
                break
        assert state.status == "queued"
        await it.cancel("a")
        assert (await over(it, "a"))[-1].status == "cancelled"


async def test_without_redis_jobs_wait_in_the_ledger(tmp_path):
    async with queue("redis://127.0.0.1:1/0", tmp_path, "") as it:
        await it.add(Job("a", "write", {}))
        assert (await it.state("a")).status == "queued"
        with pytest.raises(QueueError, match="127.0.0.1:1"):
            await it._runner.open()
