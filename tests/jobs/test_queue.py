"""Jobs in real processes: done in order, told, cancelled, killed, begun anew."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from support.jobs import over, queue, runs

from visavis.server.jobs.job import Job
from visavis.server.jobs.ledger import Ledger
from visavis.server.system.errors import NotFound, QueueError


@pytest.fixture(autouse=True)
def _works_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    for name in ("_LOOK", "_SOON"):
        monkeypatch.setattr(f"visavis.server.jobs.queued.{name}", 0.1)


async def until(it, id, note):
    """The first state whose note begins so."""
    async for state in it.watch(id):
        if state.note.startswith(note):
            return state
    return None


def pid_of(state):
    return int(state.note.split()[-1])


async def test_done_with_results_at_the_lowest_urgency(tmp_path):
    async with queue(tmp_path) as it:
        (added,) = await it.add(Job("one", "write", {"text": "Grüße"}, label="A film"))
        told = await over(it, "one")
        results = await it.results("one")
        assert (results / "text.txt").read_text() == "Grüße"
    last = told[-1]
    assert added.status in ("queued", "running")
    assert (last.status, last.done, last.tries) == ("done", 1.0, 1)
    assert last.result["files"] == {"txt": "text.txt"}
    assert last.result["nice"] == 19
    assert last.result["policy"] == os.SCHED_IDLE
    assert last.result["avatar"] == "mira"


async def test_faults_in_their_own_words(tmp_path, caplog):
    hows = {"a": "engine", "b": "problem", "c": "unknown"}
    async with queue(tmp_path) as it:
        await it.add(*(Job(id, "wrong", {"how": how}) for id, how in hows.items()))
        await it.add(Job("d", "odd", {}), Job("e", "no-such-work", {}))
        ends = {id: (await over(it, id))[-1] for id in "abcde"}
    assert {each.status for each in ends.values()} == {"failed"}
    assert ends["a"].fault == "The voice is gone."
    assert (ends["b"].fault, ends["b"].code) == ("There is no avatar 'x'.", "unknown-avatar")
    assert "ZeroDivisionError" in ends["c"].fault
    assert [ends[id].code for id in "cde"] == ["job-broken", "job-broken", "work-unknown"]
    assert "somebody" not in caplog.text + str(ends)


async def test_priority_and_then_the_order_of_arrival(tmp_path):
    order = []
    allowed = 0
    async with queue(tmp_path, lambda: allowed) as it:
        await it.add(*(Job(id, "write", {}, priority=p, group="g") for id, p in
                       (("low", 1), ("first", 5), ("high", 9), ("second", 5))))  # fmt: skip
        allowed = 1
        async for state in it.watch("g"):
            if state.status == "done":
                order.append(state.id)
        assert [state.id for state in await it.group("g")] == ["low", "first", "high", "second"]
    assert order == ["high", "first", "second", "low"]


async def test_one_process_does_many(tmp_path):
    async with queue(tmp_path, lambda: 1) as it:
        await it.add(*(Job(f"r{n}", "write", {}, group="g") for n in range(5)))
        await over(it, "g")
        assert len({state.result["pid"] for state in await it.group("g")}) == 1


async def test_the_same_job_twice_is_one_and_a_failed_one_is_done_again(tmp_path):
    async with queue(tmp_path) as it:
        await it.add(Job("a", "full", {"room": str(tmp_path / "room")}), Job("b", "write", {}))
        await over(it, "b")
        (again,) = await it.add(Job("b", "write", {}))
        assert again.status == "done"
        assert (await until(it, "a", "waits")).status == "queued"
        await it.cancel("a")
        assert (await it.state("a")).status == "cancelled"
        (tmp_path / "room").touch()
        await it.add(Job("a", "full", {"room": str(tmp_path / "room")}))
        assert (await over(it, "a"))[-1].status == "done"


async def test_cancelled_while_it_runs_and_while_it_waits(tmp_path):
    gate = {"gate": str(tmp_path / "never")}
    async with queue(tmp_path, lambda: 1) as it:
        await it.add(Job("a", "wait", gate, group="g"), Job("b", "wait", gate, group="g"))
        await until(it, "a", "step")
        await it.cancel("g")
        await over(it, "g")
        assert [state.status for state in await it.group("g")] == ["cancelled", "cancelled"]
        await it.forget("g")
        assert await it.group("g") == ()
        with pytest.raises(NotFound):
            await it.results("a")


async def test_a_process_that_does_not_listen_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("visavis.server.jobs.embedded._GRACE", 0.2)
    async with queue(tmp_path) as it:
        await it.add(Job("a", "stubborn", {}))
        await until(it, "a", "begun")
        await it.cancel("a")
        assert (await over(it, "a"))[-1].status == "cancelled"


async def test_a_killed_process_loses_nothing(tmp_path):
    async with queue(tmp_path, lambda: 1) as it:
        await it.add(Job("a", "resumes", {"parts": 6, "gate": str(tmp_path / "gate")}))
        running = await until(it, "a", "part 3")
        (tmp_path / "gate").touch()
        os.kill(pid_of(running), signal.SIGKILL)
        last = (await over(it, "a"))[-1]
        made = (await it.results("a") / "made").read_text().split()
    assert (last.status, last.tries, last.result) == ("done", 2, {"parts": 6})
    assert made[:4] == ["0", "1", "2", "3"]
    assert len(made) <= 7  # the part at hand alone is made twice


async def test_what_crashes_each_time_is_given_up(tmp_path):
    async with queue(tmp_path, lambda: 1) as it:
        await it.add(Job("often", "dies", {"times": 9}), Job("once", "dies", {"times": 1}))
        often, once = (await over(it, "often"))[-1], (await over(it, "once"))[-1]
    assert (often.status, often.code, often.tries) == ("failed", "job-crashed", 3)
    assert "SIGKILL" in often.fault
    assert (once.status, once.result) == ("done", {"tries": 2})


async def test_another_process_goes_on_after_a_kill_of_the_first(tmp_path):
    """The owner of the queue is killed with a job running, as by a power cut."""
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.jobs", str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    pid = int(await first.stdout.readline())
    first.kill()
    await first.wait()
    (tmp_path / "gate").touch()
    async with queue(tmp_path) as it:
        last = (await over(it, "a"))[-1]
    assert (last.status, last.tries) == ("done", 2)
    assert last.result["pid"] != pid
    assert not runs(pid)


@pytest.mark.slow
async def test_two_queues_of_a_home(tmp_path):
    """Both may add, one does them, the other one sees it."""
    async with queue(tmp_path) as first, queue(tmp_path) as second:
        await first.add(Job("a", "write", {"text": "1"}))
        await over(first, "a")
        await second.add(Job("b", "write", {"text": "2"}))
        assert (await over(second, "b"))[-1].status == "done"


async def test_those_beyond_what_is_allowed_wait(tmp_path):
    allowed, gate = 2, {"gate": str(tmp_path / "gate")}
    async with queue(tmp_path, lambda: allowed) as it:
        await it.add(Job("a", "wait", gate), Job("b", "wait", gate))
        await until(it, "a", "step")
        await until(it, "b", "step")
        allowed = 1
        assert (await until(it, "b", "waits")).status == "running"
        (tmp_path / "gate").touch()
        assert (await over(it, "a"))[-1].status == "done"
        allowed = 2
        assert (await over(it, "b"))[-1].status == "done"


async def test_a_damaged_file_is_told_with_its_fix_and_seen_when_it_is_gone(tmp_path):
    (tmp_path / "jobs.sqlite").write_bytes(b"nothing of the kind" * 100)
    async with queue(tmp_path) as it:
        with pytest.raises(QueueError, match="move it away"):
            await it.add(Job("a", "write", {}))
        (tmp_path / "jobs.sqlite").rename(tmp_path / "away")
        for _ in range(200):
            try:
                await it.add(Job("a", "write", {}))
                break
            except QueueError:
                await asyncio.sleep(0.05)
        assert (await over(it, "a"))[-1].status == "done"


async def test_ids_that_are_no_names_of_folders(tmp_path):
    async with queue(tmp_path) as it:
        for id in ("", "../x", "a/b", ".hidden", "x" * 81):
            with pytest.raises(QueueError):
                await it.add(Job(id, "write", {}))


@pytest.mark.slow
async def test_ten_thousand_rows_are_added_soon(tmp_path):
    async with queue(tmp_path, lambda: 0) as it:
        await it.add(*(Job(f"r{n}", "write", {}, group="g") for n in range(10_000)))
        assert len(await it.group("g")) == 10_000
        await it.cancel("g")
        states = [state async for state in it.watch("g")]
    assert len(states) == 10_000
    assert {state.status for state in states} == {"cancelled"}
    assert await asyncio.to_thread((tmp_path / "jobs.sqlite").exists)


async def test_what_ran_when_a_full_disk_met_a_crash_is_begun_anew(tmp_path, monkeypatch):
    (tmp_path / "gate").touch()
    async with queue(tmp_path, lambda: 0) as it:
        await it.add(Job("a", "wait", {"gate": str(tmp_path / "gate")}))

    def killed():
        ledger = Ledger(tmp_path)
        ledger.take()
        ledger.close()

    await asyncio.to_thread(killed)
    real, tries = Ledger.put_all_back, []

    def no_room_at_first(self):
        tries.append(1)
        if len(tries) < 3:
            raise QueueError("Jobs cannot be kept: database or disk is full.")
        return real(self)

    monkeypatch.setattr(Ledger, "put_all_back", no_room_at_first)
    async with queue(tmp_path) as it:
        assert (await over(it, "a"))[-1].status == "done"


async def test_a_lock_that_finds_no_room_is_tried_again(tmp_path, monkeypatch):
    real, tries = os.open, []

    def no_room_at_first(path, *args, **more):
        if Path(str(path)).name == "lock" and len(tries) < 2:
            tries.append(1)
            raise OSError(28, "No space left on device")
        return real(path, *args, **more)

    monkeypatch.setattr(os, "open", no_room_at_first)
    async with queue(tmp_path) as it:
        await it.add(Job("a", "write", {}))
        assert (await over(it, "a"))[-1].status == "done"
    assert len(tries) == 2


async def test_a_job_whose_end_finds_no_room_says_what_it_waits_for(tmp_path, monkeypatch):
    real, room = Ledger.end, []

    def end(self, *args, **more):
        if not room:
            raise QueueError("Jobs cannot be kept: database or disk is full.")
        return real(self, *args, **more)

    monkeypatch.setattr(Ledger, "end", end)
    async with queue(tmp_path) as it:
        await it.add(Job("a", "write", {}))
        assert await until(it, "a", "waits: the disk is full") is not None
        assert (await it.state("a")).note.startswith("waits: the disk is full")
        room.append(1)
        assert (await over(it, "a"))[-1].status == "done"


async def test_the_longest_script_in_any_letters_reaches_its_process(tmp_path):
    text = "\N{PARTY POPPER}" * ((2 << 20) // 4)
    async with queue(tmp_path) as it:
        await it.add(Job("a", "write", {"text": text}))
        async with asyncio.timeout(30):
            assert (await over(it, "a"))[-1].status == "done"
        assert (await it.results("a") / "text.txt").read_text() == text


async def test_on_a_full_disk_forgetting_makes_room_for_itself(tmp_path, monkeypatch):
    real = Ledger.forget
    async with queue(tmp_path) as it:
        await it.add(Job("a", "write", {}))
        await over(it, "a")
        results = await it.results("a")

        def forget(self, name):
            if results.exists():
                raise QueueError("Jobs cannot be kept: database or disk is full.")
            return real(self, name)

        monkeypatch.setattr(Ledger, "forget", forget)
        await it.forget("a")
        assert await it.state("a") is None
