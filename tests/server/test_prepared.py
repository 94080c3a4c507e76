"""Answers that were synthesized ahead: found, kept within bounds, and nothing else kept."""

from __future__ import annotations

import asyncio
import logging
import os

import numpy as np
import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines import fake, load
from visavis.engines.base import PLAIN, EngineError, Phoneme, Prosody, Speech, Word
from visavis.engines.dialogue import smalltalk
from visavis.engines.direction.director import Director
from visavis.engines.settings import DialogueSettings
from visavis.server.commands import doctor
from visavis.server.services import prepared, preparing
from visavis.server.services.prepared import Repertoire, Shelf, Wanted
from visavis.server.services.preparing import Preparing, Room
from visavis.server.services.speech_files import DamagedError, decoded, encoded
from visavis.server.session import events
from visavis.server.session.history import History
from visavis.server.system import priority
from visavis.server.system.config import Config
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.process import EngineProcess

HELLO, BREAKFAST = Wanted("Hello.", PLAIN), Wanted("Breakfast is at seven.", PLAIN)


def said(text, prosody=PLAIN):
    return tuple(fake.FakeTts().synthesize(text, prosody))


def alike(one, other):
    assert [(p.phonemes, p.words, p.alphabet) for p in one] == [
        (p.phonemes, p.words, p.alphabet) for p in other
    ]
    assert all(np.array_equal(p.pcm, q.pcm) for p, q in zip(one, other, strict=True))
    return True


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def repertoire():
    known = Repertoire()
    known.learn([HELLO, BREAKFAST])
    return known


@pytest.fixture
def shelf(tmp_path, repertoire, metrics):
    worker = Worker("prepared", deadline=5.0)
    yield Shelf("fake", "first", tmp_path, repertoire, worker, metrics)
    worker.close()


def put(shelf, wanted):
    shelf.path(wanted).write_bytes(encoded(said(wanted.text, wanted.prosody)))


def counted(metrics, how):
    return metrics.registry.get_sample_value("visavis_lines_total", {"how": how})


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [0, 1, 4095, 4096, 48_001])
def test_a_file_gives_the_speech_back_to_the_bit(samples):
    pcm = np.random.default_rng(samples).integers(-32768, 32767, samples, np.int16, endpoint=True)
    piece = Speech(pcm, (Phoneme("ˈA", 0, samples),), (Word("Ä", 0, samples),), "misaki")
    assert alike(decoded(encoded([piece, piece])), [piece, piece])


def test_a_file_that_was_changed_is_damaged():
    content = encoded(said("hello"))
    for spoilt in (b"", content[:-1], b"x" + content[1:], content[:-1] + b"\0", content[:60]):
        with pytest.raises(DamagedError):
            decoded(spoilt)


# --- looking up ----------------------------------------------------------------------------------


async def test_a_line_that_was_prepared_is_found_and_then_at_hand(shelf, metrics):
    put(shelf, HELLO)
    found = await shelf.find("Hello.", PLAIN)
    assert alike(found, said("Hello."))
    shelf.path(HELLO).unlink()
    assert await shelf.find("Hello.", PLAIN) is found
    assert (counted(metrics, "prepared"), counted(metrics, "missed")) == (2, 0)
    assert metrics.registry.get_sample_value("visavis_lines_at_hand_bytes") == found[0].pcm.nbytes
    with pytest.raises(ValueError, match="read-only"):
        found[0].pcm[0] = 1


async def test_another_delivery_or_edition_is_another_line(shelf, tmp_path, repertoire, metrics):
    put(shelf, HELLO)
    assert await shelf.find("Hello.", Prosody(0.9)) is None
    worker = Worker("prepared")
    newer = Shelf("fake", "second", tmp_path, repertoire, worker, metrics)
    assert await newer.find("Hello.", PLAIN) is None
    worker.close()


async def test_what_was_missed_is_remembered_and_only_if_it_is_the_operators(shelf, metrics):
    slow = Prosody(0.9)
    assert await shelf.find("Hello.", slow) is None
    assert await shelf.find("My card number is 1234.", PLAIN) is None
    assert shelf.missed == (Wanted("Hello.", slow),)
    assert (counted(metrics, "missed"), counted(metrics, "new")) == (1, 1)
    shelf.settle(Wanted("Hello.", slow))
    assert shelf.missed == ()


async def test_a_damaged_file_is_named_and_taken_away(shelf, caplog):
    put(shelf, HELLO)
    path = shelf.path(HELLO)
    path.write_bytes(path.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING):
        assert await shelf.find("Hello.", PLAIN) is None
    assert not path.exists()
    assert [(r.message, r.file) for r in caplog.records] == [
        ("prepared speech is damaged", path.name)
    ]
    assert shelf.missed == (HELLO,)  # to be made anew


async def test_memory_is_bounded_and_the_hottest_stay(shelf, monkeypatch):
    for wanted in (HELLO, BREAKFAST):
        put(shelf, wanted)
    monkeypatch.setattr(prepared, "MEMORY", said("Breakfast is at seven.")[0].pcm.nbytes)
    await shelf.find("Hello.", PLAIN)
    await shelf.find("Breakfast is at seven.", PLAIN)
    assert list(shelf._at_hand) == [shelf.path(BREAKFAST).name]
    assert shelf._held == prepared.MEMORY


async def test_a_file_that_is_used_is_not_the_oldest(shelf):
    put(shelf, HELLO)
    os.utime(shelf.path(HELLO), (1e9, 1e9))
    await shelf.find("Hello.", PLAIN)
    assert shelf.path(HELLO).stat().st_mtime > 1.5e9


# --- what may be said ----------------------------------------------------------------------------


@virtual_time
async def test_the_lines_that_are_prepared_are_those_that_a_reply_speaks(knowledge, whole):
    """Else no known question would find its answer."""
    assert len(whole.texts) > 300
    firsts = whole.plan[: len(knowledge.knowledge.entries)]
    stage = Stage()
    stage.services.dialogue = knowledge
    stage.open(stage.services.engines())
    async with stage:
        for entry in knowledge.knowledge.entries[::8]:
            stage.session.interrupt()
            stage.tts.prosodies.clear()
            stage.session.history = History()
            stage.session.ask(entry.questions[0])
            await stage.pass_time(1000)
            spoken = [Wanted(*asked) for asked in stage.tts.prosodies]
            assert spoken[0] in firsts
            assert set(spoken) <= set(whole.plan)


@pytest.fixture(scope="module")
def knowledge(warm_home):
    return load.dialogue("knowledge", DialogueSettings(warm_home))


@pytest.fixture(scope="module")
def whole(knowledge):
    repertoire = Repertoire()
    repertoire.learn(prepared.lines(knowledge, Director()))
    return repertoire


def test_what_depends_on_the_question_is_not_in_the_repertoire(knowledge):
    texts = list(smalltalk.fixed(knowledge.knowledge))
    assert "[slightly sorry] I am afraid I don't know that." in texts
    assert not [text for text in texts if "{" in text]


# --- preparing -----------------------------------------------------------------------------------


async def test_what_is_missing_is_made_in_idle_time_as_the_voice_makes_it(
    tmp_path, metrics, monkeypatch
):
    monkeypatch.setattr(preparing, "_FIRST", 0.0)
    # Else it would wait until nobody else wants a core, which may be never where tests run.
    monkeypatch.setattr(preparing, "EngineProcess", _eager)
    known, worker = Repertoire(), Worker("prepared", deadline=5.0)
    known.learn([HELLO, BREAKFAST])
    shelf = Shelf("heart", "first", tmp_path, known, worker, metrics)
    busy = [True]
    work = Preparing(tmp_path, tmp_path, known, lambda: [shelf], metrics)
    running = asyncio.create_task(work.run(lambda: bool(busy)))
    await asyncio.sleep(0.3)
    assert not list(tmp_path.glob("*.speech"))  # somebody speaks
    busy.clear()
    async with asyncio.timeout(50):
        while not shelf.path(BREAKFAST).exists():
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    voice = await asyncio.to_thread(load.tts, "heart", tmp_path)
    for wanted in (HELLO, BREAKFAST):
        found = await shelf.find(wanted.text, wanted.prosody)
        assert alike(found, list(voice.synthesize(wanted.text, wanted.prosody)))
    assert metrics.registry.get_sample_value("visavis_lines_prepared_total") >= 1
    worker.close()


async def test_a_home_that_cannot_be_written_costs_the_preparing_alone(shelf, metrics, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    place = tmp_path / "file" / "speech"
    work = Preparing(tmp_path, place, shelf._repertoire, lambda: [shelf], metrics)
    assert await work._prepare(shelf, lambda: False) == preparing._LATER


async def test_with_too_little_memory_no_process_is_begun(shelf, metrics, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "_free", lambda: preparing.MEMORY - 1)
    monkeypatch.setattr(preparing, "EngineProcess", None)
    work = Preparing(tmp_path, tmp_path, shelf._repertoire, lambda: [shelf], metrics)
    assert await work._prepare(shelf, lambda: False) == preparing._LATER


async def test_with_no_room_left_no_process_is_begun(shelf, metrics, tmp_path, monkeypatch):
    put(shelf, HELLO)
    monkeypatch.setattr(preparing, "ROOM", 1)
    monkeypatch.setattr(preparing, "EngineProcess", None)
    work = Preparing(tmp_path, tmp_path, shelf._repertoire, lambda: [shelf], metrics)
    assert await work._prepare(shelf, lambda: False) == preparing._EVERY
    assert shelf.path(HELLO).exists()


async def test_a_process_that_keeps_failing_is_left_alone_for_a_while(
    shelf, metrics, tmp_path, monkeypatch, caplog
):
    shelf._repertoire.learn([Wanted(f"Line {n}.", PLAIN) for n in range(9)])
    failing = _Failing()
    monkeypatch.setattr(preparing, "EngineProcess", lambda *_, **__: failing)
    work = Preparing(tmp_path, tmp_path, shelf._repertoire, lambda: [shelf], metrics)
    assert await work._prepare(shelf, lambda: False) == preparing._LATER
    assert (failing.calls, failing.closed) == (3, True)
    assert "answers could not be prepared" in caplog.messages


class _Failing:
    def __init__(self):
        self.calls, self.closed = 0, False

    async def load(self):
        pass

    async def call(self, *_):
        self.calls += 1
        raise EngineError("no")

    def close(self):
        self.closed = True


def _eager(name, make, deadline, *, patient):
    assert patient
    return EngineProcess(name, make, deadline)


async def test_a_patient_process_takes_only_what_nobody_wants():
    child = EngineProcess("patient", fake.FakeTts, 50.0, patient=True)
    await child.load()
    assert await child.call(_scheduling) == (os.SCHED_IDLE, 19)
    child.close()


def _scheduling(_tts):
    return priority.policy(), os.nice(0)


def test_one_process_prepares_at_a_time(tmp_path):
    with preparing.sole(tmp_path) as first, preparing.sole(tmp_path) as second:
        assert (first, second) == (True, False)
    with preparing.sole(tmp_path) as again:
        assert again


def test_the_disk_is_bounded_and_what_was_used_longest_ago_goes_first(tmp_path):
    for age, name in enumerate(("new", "wanted", "old")):
        path = tmp_path / f"{name}.speech"
        path.write_bytes(bytes(100))
        os.utime(path, (2e9 - age, 2e9 - age))
    room = Room(tmp_path, most=250)
    assert (len(room), room.size) == (3, 300)
    assert room.is_there({"wanted.speech"}, anything=False)
    assert sorted(p.stem for p in tmp_path.glob("*.speech")) == ["new", "wanted"]
    room.add(tmp_path / "made.speech", 100)
    assert room.is_there({"wanted.speech", "made.speech"}, anything=False)
    room.add(tmp_path / "more.speech", 200)
    kept = {"wanted.speech", "made.speech", "more.speech"}
    assert not room.is_there(kept, anything=False)  # all of it is wanted
    assert room.is_there(kept, anything=True)
    assert not (tmp_path / "wanted.speech").exists()


# --- a session -----------------------------------------------------------------------------------


class _Ahead:
    def __init__(self, known):
        self._known, self.asked = known, []

    async def find(self, text, prosody):
        self.asked.append((text, prosody))
        return self._known.get(text)


@virtual_time
async def test_a_reply_speaks_what_was_prepared_and_synthesizes_the_rest():
    ahead = _Ahead({"First part.": said("First part.")})
    async with Stage(answer=lambda _text: "First part. Second part.", ahead=ahead) as stage:
        stage.session.ask("go")
        await stage.pass_time(3000)
        assert [text for text, _ in stage.tts.prosodies if text != "Sorry."] == ["Second part."]
        assert [text for text, _ in ahead.asked] == ["First part.", "Second part."]
        assert stage.of(events.ReplyEnded)[0].heard == "First part. Second part."


# --- ahead of the first start ---------------------------------------------------------------------


def test_answers_are_made_ahead_once_and_within_bounds(tmp_path):
    tts = fake.FakeTts()
    plan = [HELLO, BREAKFAST, Wanted("Good night.", Prosody(0.9))]
    assert list(preparing.prepare_now(tts, "first", plan, tmp_path)) == [True] * 3
    assert list(preparing.prepare_now(tts, "first", plan, tmp_path)) == [False] * 3
    assert list(preparing.prepare_now(tts, "second", plan[:1], tmp_path)) == [True]
    assert tts.prosodies[-2:] == [("Good night.", Prosody(0.9)), ("Hello.", PLAIN)]
    small = tmp_path / "small"
    assert list(preparing.prepare_now(tts, "first", plan, small, room=1)) == [True]


def test_doctor_tells_what_is_there(tmp_path):
    config = Config(home=str(tmp_path))
    assert doctor._answers(config).startswith("none yet;")
    list(preparing.prepare_now(fake.FakeTts(), "first", [HELLO], prepared.folder(tmp_path)))
    assert doctor._answers(config) == "1 lines, 0 MB of at most 256"
    assert "off" in doctor._answers(Config(prepare_answers="off"))
