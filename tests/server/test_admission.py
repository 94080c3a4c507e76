"""How many sessions are let in: by the setting, the self-test, and what a look shows."""

import asyncio
import json
import time
from unittest.mock import Mock

import pytest
from support.pace import crowd, soon
from support.serving import serving, watching

from visavis.engines.base import EngineError, Puppet
from visavis.engines.fake import FakeGenerator
from visavis.server.commands import admitting, serve
from visavis.server.http.admission import Admission, Carried, Look
from visavis.server.http.places import Places
from visavis.server.services import carrying
from visavis.server.services.carrying import Measured, measure
from visavis.server.services.rehearsal import rehearsal
from visavis.server.services.self_test import SelfTest
from visavis.server.system.config import Config
from visavis.server.system.errors import Full
from visavis.server.system.load import Machine

PLENTY = 8 << 30


class Day:
    """A server on two cores, of which time passes; `cores`: how many are busy."""

    def __init__(self, fixed=None, carried=Carried(8, 0.2)):  # noqa: B008 (frozen)
        self.admission = Admission(fixed, 2.0)
        if carried:
            self.admission.carries(carried)
        self.at = self.busy = self.sent = self.late = 0.0
        self.taken = 0

    def passes(self, seconds, cores=0.1, late=0.0, memory=PLENTY):
        """With 25 pictures a second of each session, of which that share is late."""
        for _ in range(round(seconds)):
            self.at += 1
            self.busy += cores
            self.sent += 25 * self.taken
            self.late += 25 * self.taken * late
            look = Look(self.at, self.busy, memory, self.sent, self.late, self.taken)
            self.admission.look(look)
        return self.admission.places


def test_a_fixed_number_is_kept_whatever_happens():
    day = Day(fixed=3)
    day.taken = 3
    assert day.passes(20, cores=2.0, late=0.5, memory=0) == 3
    assert day.admission.why == "max_sessions is set"


def test_before_anything_is_measured_few_are_let_in():
    assert (Admission(None, 1.0).places, Admission(None, 2.0).places) == (1, 2)
    assert Admission(None, 2.0).why == "not measured yet"


def test_it_is_at_most_what_the_self_test_found():
    day = Day()
    assert day.passes(10, cores=0.0) == 8
    assert "self-test" in day.admission.why


def test_a_busy_processor_closes_the_door_before_pictures_are_late():
    day = Day()
    day.taken = 4
    assert day.passes(10, cores=0.8) == 8  # room for five more by the processor: 1.8 - 0.8
    assert day.passes(10, cores=1.3) == 6
    assert day.admission.why == "the processor is busy"
    assert day.passes(10, cores=1.9) == 4


def test_who_came_just_now_counts_although_it_does_not_show_yet():
    day = Day(carried=Carried(20, 0.2))
    day.taken = 2
    assert day.passes(10, cores=0.4) == 9
    day.taken = 9
    assert day.passes(1, cores=0.4) == 9
    assert day.passes(10, cores=1.8) == 9


def test_late_pictures_close_the_door_and_it_opens_again_with_hysteresis():
    day = Day()
    day.taken = 4
    assert day.passes(8, cores=0.8, late=0.004) == 8
    assert day.passes(3, cores=0.8, late=0.05) == 4
    assert day.admission.why == "pictures are late"
    assert day.passes(8, cores=0.8, late=0.004) == 4  # fewer, not few
    assert day.passes(8, cores=0.8, late=0.0) == 4
    assert day.passes(12, cores=0.8, late=0.0) == 8


def test_a_few_late_pictures_of_one_session_are_nothing():
    day = Day()
    day.taken = 1
    assert day.passes(1, late=1.0) == 8  # its first second


def test_short_memory_closes_the_door():
    day = Day()
    day.taken = 1
    assert day.passes(5, memory=(256 + 3 * 24) << 20) == 4
    assert day.admission.why == "memory is short"
    assert day.passes(5, memory=100 << 20) == 1


def test_the_self_tests_own_load_is_forgotten():
    day = Day()
    assert day.passes(5, cores=2.0) == 1
    day.admission.forget()
    assert day.admission.places == 8
    assert day.passes(1, cores=0.1) == 8


def test_whoever_comes_first_is_let_in():
    day = Day()
    assert day.passes(10, cores=2.0, memory=0) == 1


def test_places_follow_and_nobody_loses_one():
    room = [3]
    places = Places(lambda: room[0], 0)
    for name in "abc":
        places.take(name, "192.0.2.1")
        places.hold(name, type("Live", (), {"state": "live", "since": 0, "begun": True}))
    room[0] = 1
    with pytest.raises(Full, match="All 3 places"):
        places.take("d", "192.0.2.2")
    assert places.taken == 3


async def test_the_figure_and_its_reason_are_told():
    async with serving() as client, watching(client):
        told = await (await client.get("/readyz")).json()
        assert (told["places"], told["taken"], told["why"]) == (2, 1, "not measured yet")
        assert "visavis_places 2.0" in await (await client.get("/metrics")).text()


# --- the self-test -------------------------------------------------------------------------------


def work(seconds):
    """Draws nothing, for so long."""

    def make(_number):
        def step(_at):
            until = time.thread_time() + seconds
            while time.thread_time() < until:
                pass
            return 1

        return step

    return make


async def test_the_self_test_finds_what_a_picture_costs():
    measured = await measure(work(0.005), 2.0, lambda: True, seconds=1.0)
    assert 0.0045 < measured.cost < 0.007
    assert measured.pictures > 20


def test_sessions_are_bounded_by_processor_time_and_by_a_gpu():
    each = 0.006 * 25 * (1 + carrying._REST)
    assert Measured(cost=0.006, pictures=333, cores=2.0).sessions == int(2 * 0.72 / each)
    assert Measured(cost=0.0005, pictures=400, cores=2.0).sessions == int(400 * 0.72 / 25)
    assert Measured(cost=1.0, pictures=1, cores=1.0).sessions == 1


def test_what_two_cores_were_seen_to_carry_is_what_it_says():
    """There 10 sessions were all in time, and 12 were not: docs/figures.md, "Sessions"."""
    assert Measured(cost=0.0032, pictures=600, cores=2.0).sessions == 10


async def test_it_makes_way_at_once_for_who_comes():
    began = time.monotonic()
    assert await measure(work(0.001), 2.0, lambda: time.monotonic() - began < 0.3) is None
    assert soon(time.monotonic() - began, 1)


@pytest.mark.parametrize("patience", [0.1, 9.0])
async def test_nothing_is_drawn_after_it(patience):
    """What it draws with is given back then."""
    under_way, began = [], time.monotonic()

    def make(_number):
        def step(_at):
            under_way.append(1)
            time.sleep(0.2)
            under_way.pop()
            return 1

        return step

    await measure(make, 2.0, lambda: time.monotonic() - began < patience, seconds=0.3)
    assert not under_way


async def test_a_machine_that_is_busy_with_other_things_is_measured_all_the_same():
    """Its threads give way to everybody: the first pictures took longer than the whole test."""

    def make(_number):
        def step(_at):
            time.sleep(0.4)
            return 1

        return step

    measured = await measure(make, 1.0, lambda: True, seconds=0.1)
    assert 1.9 / crowd() < measured.pictures < 3.1


async def test_one_that_fails_says_so():
    def make(_number):
        raise RuntimeError

    with pytest.raises(EngineError, match="drew no picture"):
        await measure(make, 1.0, lambda: True, seconds=0.2)


def test_the_result_is_kept_by_machine_and_version(tmp_path):
    measured = Measured(0.01, 150.0, 2.0)
    by = carrying.key(2.0, (512, 512), "Warp")
    assert carrying.kept(tmp_path, by) is None
    carrying.keep(tmp_path, by, measured)
    assert carrying.kept(tmp_path, by) == measured
    assert carrying.kept(tmp_path, carrying.key(4.0, (512, 512), "Warp")) is None


def test_what_an_earlier_start_found_holds_until_this_one_has_the_time(tmp_path, monkeypatch):
    """The same kind of processor may be slower today."""
    by = carrying.key(2.0, (512, 512), "Warp")
    then, now = Measured(0.005, 300.0, 2.0), Measured(0.0125, 120.0, 2.0)
    carrying.keep(tmp_path, by, then)
    found = iter([None, now])

    async def measured(*_):
        return next(found)

    monkeypatch.setattr(SelfTest, "_measured", measured)
    monkeypatch.setattr("visavis.server.services.self_test.Machine", lambda: Mock(cores=2.0))
    defaults = Mock(size=(512, 512), refine=False)
    test = SelfTest(tmp_path, defaults, Mock(), Mock(), Mock())

    async def run():
        return [await test.run("Warp", Mock(), lambda: True) for _ in range(4)]

    assert asyncio.run(run()) == [then, then, now, now]  # the second time somebody was there
    assert carrying.kept(tmp_path, by) == now


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "7",
        '{"k": 7}',
        "\udcff",
        "[" * 100_000,
        '{"k": {"cost": 0, "pictures": 1, "cores": 1}}',
        '{"k": {"cost": 1, "pictures": 1' + "0" * 400 + ', "cores": 1}}',
        '{"k": {"cost": 1, "pictures": NaN, "cores": 1}}',
        '{"k": {"cost": 1, "pictures": 1, "cores": Infinity}}',
        '{"k": {"cost": 1e-300, "pictures": 1e300, "cores": 2}}',
    ],
)
def test_a_damaged_result_is_none(tmp_path, text):
    file = carrying.file(tmp_path)
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert carrying.kept(tmp_path, "k") is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / "cache").write_text("no folder")
    carrying.keep(tmp_path, "k", Measured(0.01, 150.0, 2.0))
    assert carrying.kept(tmp_path, "k") is None


def test_a_full_disk_keeps_what_was_there_and_leaves_nothing_behind(tmp_path, monkeypatch):
    carrying.keep(tmp_path, "k", Measured(0.01, 150.0, 2.0))
    folder = carrying.file(tmp_path).parent

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    carrying.keep(tmp_path, "k", Measured(0.02, 150.0, 2.0))
    assert [each.name for each in folder.iterdir()] == ["carries.json"]
    assert carrying.kept(tmp_path, "k") == Measured(0.01, 150.0, 2.0)


# --- what the kernel tells -----------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    """/proc and /sys/fs/cgroup of a machine, as text by name."""

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Machine(tmp_path / "proc", tmp_path / "groups")

    return write


def test_a_machine_of_its_own(files):
    stat = "cpu  100 50 200 9000 7 10 20 30 0 0\ncpu0 1 1\n"
    machine = files(proc__stat=stat, proc__meminfo="MemFree: 1 kB\nMemAvailable:  2048 kB\n")
    load = machine.load()
    assert load.busy == pytest.approx((100 + 200 + 10 + 20 + 30) / 100)  # niced ones left out
    assert load.memory == 2048 * 1024


def test_where_the_server_goes_first_others_do_not_count(files):
    own = "7 (a ) name) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0"
    machine = files(proc__stat="cpu  100 50 200 9000 7 10 20 30 0 0\n", proc__7__stat=own)
    assert machine.load([7, 8]).busy == pytest.approx((150 + 50 + 30) / 100)  # 30: the host's


def test_a_container_with_bounds(files):
    (machine := files)(
        **{
            "proc__self__cgroup": "0::/own\n",
            "groups__own__cpu.max": "50000 100000\n",
            "groups__own__cpu.stat": "usage_usec 2500000\n",
            "groups__own__memory.max": "1000000\n",
            "groups__own__memory.current": "900000\n",
            "groups__own__memory.stat": "inactive_file 50000\n",
            "proc__meminfo": "MemAvailable: 99999999 kB\n",
        }
    )
    machine = files()
    assert machine.cores == 0.5
    assert machine.load().busy == 2.5
    assert machine.load().memory == 150_000


def test_a_system_that_tells_nothing(tmp_path):
    machine = Machine(tmp_path, tmp_path)
    assert machine.cores >= 1
    assert (machine.load().busy, machine.load().memory) == (0.0, 0)


def test_the_default_is_to_measure():
    assert Config().max_sessions == "auto"
    assert json.dumps(Config().workers) == '"auto"'


def test_processes_follow_cores_and_memory(files):
    plenty = {"proc__meminfo": "MemAvailable: 99999999 kB\n"}
    machine = files(**plenty)
    for cores, count in ((1.0, 1), (0.5, 1), (2.0, 1), (3.0, 1), (4.0, 2), (8.0, 4)):
        machine.cores = cores
        assert serve.workers(Config(), machine) == count
    assert serve.workers(Config(workers=3), machine) == 3
    files(proc__meminfo="MemAvailable: 1300000 kB\n")
    assert serve.workers(Config(), machine) == 2


async def test_the_self_test_draws_and_encodes_whole_batches_one_after_the_other():
    generator, encoded, drawing = FakeGenerator(batch=3), [], []
    plain = generator.draw

    def draw(portrayals, deadline):
        drawing.append(1)
        assert len(drawing) == 1, "two threads draw at a time"
        time.sleep(0.001)
        drawing.clear()
        return plain(portrayals, deadline)

    generator.draw = draw

    def encoder():
        return lambda picture, number: encoded.append((picture.shape, number))

    make = rehearsal(generator, Puppet("p"), encoder)
    measured = await measure(make, 2.0, lambda: True, seconds=1.0)
    assert {len(drawn) for drawn in generator.drawn} == {3}
    assert len(encoded) == 3 * len(generator.drawn)
    assert measured.pictures > 30


async def test_another_renderer_is_measured_and_the_first_one_remembered(monkeypatch):
    """A GPU comes into force after the start, and falls away."""
    monkeypatch.setattr(admitting, "_WATCH", 0.005)
    admission, found = Admission(None, 2.0), []
    monkeypatch.setattr(admission, "carries", lambda carried: found.append(carried.sessions))
    cpu, gpu = Measured(0.01, 100.0, 2.0), Measured(0.001, 1000.0, 2.0)
    drawn = iter([None, cpu, cpu, gpu, gpu, cpu])

    async def carry(free):
        assert free()
        return next(drawn, cpu)

    monkeypatch.setattr(admitting, "_AGAIN", 0.005)
    places = Places(lambda: 2, 0)
    task = asyncio.create_task(admitting.rehearse(admission, carry, places))
    async with asyncio.timeout(5):
        while len(found) < 3:
            await asyncio.sleep(0.005)
    task.cancel()
    assert found == [cpu.sessions, gpu.sessions, cpu.sessions]


def test_results_of_several_renderers_are_kept(tmp_path):
    slow, quick = Measured(0.01, 100.0, 2.0), Measured(0.001, 1000.0, 2.0)
    carrying.keep(tmp_path, "cpu", slow)
    carrying.keep(tmp_path, "gpu", quick)
    assert (carrying.kept(tmp_path, "cpu"), carrying.kept(tmp_path, "gpu")) == (slow, quick)
    carrying.keep(tmp_path, "cpu", slow)
    assert carrying.last(tmp_path) == slow
