"""One exception in any engine or stage: the session goes on, is told, and no text is logged."""

import asyncio
import logging
from dataclasses import replace

import numpy as np
import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import EngineError, FaceState, Fragment, Phoneme, Speech
from visavis.server.playout.messages import PACKET, ms
from visavis.server.services.minds import WatchedMind
from visavis.server.session import events, hearing
from visavis.server.session.lipsync import Mouth
from visavis.server.session.renewing import TOO_MANY
from visavis.server.system.faults import log_loop_faults
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.served import Health

SECRET = "what the visitor said"
# What an engine may throw, those included that would end an event loop or a task.
THROWN = (
    ValueError(SECRET), SystemExit(SECRET), KeyboardInterrupt(SECRET), StopIteration(SECRET),
    asyncio.CancelledError(SECRET), GeneratorExit(SECRET),
)  # fmt: skip
thrown = pytest.mark.parametrize("error", THROWN, ids=lambda error: type(error).__name__)
QUESTION = [(SILENCE, 400), (VOICE, 1000), (SILENCE, 1000)]


@pytest.fixture(autouse=True)
def silent_log(caplog):
    """No test may leave a visitor's words in the log."""
    yield
    assert SECRET not in "".join(map(logging.Formatter().format, caplog.records))


class Failing:
    """Makes engines that are as `inner` but for the calls in `at`, counted over all of them."""

    def __init__(self, inner, method, at, error):
        self._inner, self._method, self._at, self._error = inner, method, at, error
        self.made = self.calls = 0

    def __call__(self):
        self.made += 1
        engine = self._inner()
        method = getattr(engine, self._method)

        def failing(*args, **more):
            self.calls += 1
            if self.calls in self._at:
                raise self._error
            return method(*args, **more)

        setattr(engine, self._method, failing)
        return engine


def hearing_with(**parts):
    """A stage whose ear has other parts."""
    stage = Stage()
    engines = stage.services.engines()
    stage.open(replace(engines, ear=replace(engines.ear, **parts)))
    return stage


def told(stage):
    return [failure.code for failure in stage.of(events.Failure)]


def errors(stage, engine):
    labels = {"engine": engine}
    registry = stage.services.metrics.registry
    return registry.get_sample_value("visavis_engine_errors_total", labels) or 0


def answered(stage):
    return [ended.heard for ended in stage.of(events.ReplyEnded) if ended.reason == "done"]


ANSWER = "You said: what time is breakfast?"


# --- hearing -------------------------------------------------------------------------------------


@thrown
@pytest.mark.parametrize("part", ["echo", "vad"])
@virtual_time
async def test_an_ear_that_fails_once_is_made_anew(part, error):
    inner, method = {"echo": (fake.FakeEcho, "process"), "vad": (fake.FakeVad, "is_speech")}[part]
    maker = Failing(inner, method, {30}, error)
    async with hearing_with(**{part: maker}) as stage:
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert answered(stage) == [ANSWER]
        assert told(stage) == ["hearing-restarted"]
        at_first = 1 if part == "echo" else 2  # voice is looked for in the sound as it came, too
        assert (errors(stage, part), maker.made) == (1, at_first + 1)


@virtual_time
async def test_an_engine_that_cannot_be_made_is_a_failure_of_it():
    def broken():
        raise OSError(SECRET)

    async with hearing_with(vad=broken) as stage:
        await stage.speak(QUESTION)
        assert errors(stage, "vad") == TOO_MANY


@virtual_time
async def test_voice_activity_that_keeps_failing_is_left_alone_for_a_minute_and_the_visitor_told():
    maker = Failing(fake.FakeVad, "is_speech", range(1, TOO_MANY + 1), ValueError(SECRET))
    async with hearing_with(vad=maker) as stage:
        await stage.speak(QUESTION)
        await stage.pass_time(2000)
        assert told(stage) == ["hearing-restarted"] * (TOO_MANY - 1) + ["hearing-failed"]
        assert maker.calls == TOO_MANY
        assert not answered(stage)
        await stage.pass_time(60_000)
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert answered(stage) == [ANSWER]


@virtual_time
async def test_without_echo_cancelling_the_visitor_is_heard_but_not_over_the_avatar():
    maker = Failing(fake.FakeEcho, "process", range(1, 1_000_000), ValueError(SECRET))
    async with hearing_with(echo=maker) as stage:
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert answered(stage) == [ANSWER]
        assert told(stage)[-1] == "echo-failed"
        stage.session.say(" ".join(["word"] * 12))
        await stage.pass_time(300)
        await stage.speak([(VOICE, 1500)])  # which may be the avatar's own
        await stage.pass_time(4000)
        assert len(answered(stage)) == 2


@virtual_time
async def test_a_new_echo_canceller_is_not_trusted_before_it_knows_the_room():
    maker = Failing(fake.FakeEcho, "process", {1}, ValueError(SECRET))
    async with hearing_with(echo=maker) as stage:
        stage.session.say(" ".join(["word"] * 12))
        await stage.pass_time(300)
        await stage.speak([(VOICE, 900)])
        await stage.pass_time(4000)
        assert len(answered(stage)) == 1


@virtual_time
async def test_an_echo_canceller_that_gives_back_something_else_has_failed():
    class Short(fake.FakeEcho):
        def process(self, mic, far):
            return mic[:-1]

    async with hearing_with(echo=Short) as stage:
        await stage.speak(QUESTION)
        assert errors(stage, "echo") == TOO_MANY
        assert errors(stage, "vad") == 0


@virtual_time
async def test_a_tone_that_fails_costs_the_tone(monkeypatch):
    def feed(self, frame):
        raise ValueError(SECRET)

    monkeypatch.setattr(hearing.Tone, "feed", feed)
    async with Stage() as stage:
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert answered(stage) == [ANSWER]
        assert errors(stage, "tone") == TOO_MANY


@virtual_time
async def test_a_fault_of_no_engine_begins_hearing_anew(monkeypatch):
    push, calls = hearing.Endpointer.push, []

    def failing(self, *args, **more):
        calls.append(args)
        if len(calls) == 40:  # while the visitor speaks
            raise ValueError(SECRET)
        return push(self, *args, **more)

    monkeypatch.setattr(hearing.Endpointer, "push", failing)
    async with Stage() as stage:
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert [m.active for m in stage.of(events.Listening)][:2] == [True, False]
        assert answered(stage) == [ANSWER]  # of the rest of the question
        assert (told(stage), errors(stage, "hearing")) == (["hearing-restarted"], 1)


@virtual_time
async def test_hearing_that_keeps_failing_rests_and_says_so(monkeypatch):
    def failing(self, *args, **more):
        raise ValueError(SECRET)

    with monkeypatch.context() as patch:
        patch.setattr(hearing.Endpointer, "push", failing)
        async with Stage() as stage:
            await stage.speak(QUESTION)
            assert told(stage)[-1] == "hearing-failed"
            assert errors(stage, "hearing") == TOO_MANY
            patch.undo()
            await stage.pass_time(60_000)
            await stage.speak(QUESTION)
            await stage.pass_time(3000)
            assert answered(stage) == [ANSWER]


@pytest.mark.parametrize("broken", ["nothing", "draft", "turn end"])
@virtual_time
async def test_a_turn_whose_words_are_never_known_ends_all_the_same(monkeypatch, broken):
    async with Stage() as stage:
        with monkeypatch.context() as patch:

            def failing(*args, **more):
                raise ValueError(SECRET)

            if broken == "nothing":
                patch.setattr(stage.stt, "transcribe", lambda *args: None)
            elif broken == "draft":
                patch.setattr(stage.session._taking, "on_draft", failing)
            else:
                patch.setattr(stage.session._taking, "on_turn_end", failing)
            await stage.speak(QUESTION)
        await stage.pass_time(1000)
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert answered(stage) == [ANSWER]


@virtual_time
async def test_an_inlet_that_breaks_is_told():
    async def broken():
        yield SILENCE
        raise ValueError(SECRET)

    class Inlet:
        async def feed(self, session):
            await session.listen(broken())

    async with Stage() as stage:
        stage.session.add_inlet(Inlet())
        await stage.pass_time(100)
        assert told(stage) == ["hearing-failed"]
        assert errors(stage, "inlet") == 1


# --- a microphone that is relayed ----------------------------------------------------------------


@thrown
@virtual_time
async def test_lips_that_fail_once_are_made_anew_and_the_voice_goes_on(error):
    maker = Failing(fake.FakeLips, "feed", {40}, error)
    stage = Stage()
    stage.open(replace(stage.services.engines(), ear=Mouth(maker(), maker)))
    placed = []
    async with stage:
        put = stage.timeline.put
        stage.timeline.put = lambda message: placed.append(message) or put(message)
        await stage.speak([(VOICE, 2000)])
        await stage.pass_time(1000)
        assert told(stage) == ["lips-failed"]
        assert (errors(stage, "lips"), maker.made) == (1, 2)
        spoken = [one.clause.speech for one in placed if hasattr(one, "clause")]
        assert sum(len(speech.pcm) for speech in spoken if speech.pcm.any()) >= ms(2000)
        shapes = ["".join(p.symbol for p in speech.phonemes) for speech in spoken]
        assert shapes[0] == shapes[-6] == "a"  # before, and again


@virtual_time
async def test_lips_that_keep_failing_are_left_alone_for_a_minute():
    maker = Failing(fake.FakeLips, "feed", range(1, TOO_MANY + 1), ValueError(SECRET))
    stage = Stage()
    stage.open(replace(stage.services.engines(), ear=Mouth(maker(), maker)))
    async with stage:
        speaking = asyncio.create_task(stage.speak([(VOICE, 64_000)]))
        await stage.pass_time(10_000)
        assert maker.made == TOO_MANY
        await speaking
        assert maker.made == TOO_MANY + 1


# --- threads and tasks ---------------------------------------------------------------------------


@thrown
@virtual_time
async def test_a_thread_hands_over_no_more_than_a_fault(error):
    def fail():
        raise error

    worker = Worker("mind")
    async with asyncio.timeout(5):
        with pytest.raises(EngineError) as caught:
            await worker.call(fail)
        with pytest.raises(Exception, match=r"^"):  # whatever it is, but no BaseException
            await worker.load(fail)
        assert await worker.call(len, "abc") == 3
    assert SECRET not in str(caught.value)
    worker.close()


@pytest.mark.parametrize(
    "error", [SystemExit(SECRET), KeyboardInterrupt(SECRET), ValueError(SECRET)]
)
@virtual_time
async def test_a_task_ends_neither_the_loop_nor_quotes_anybody(error, caplog):
    async def fail():
        await asyncio.sleep(0)
        raise error

    tasks = Tasks()
    tasks.start(fail(), "doomed")
    await asyncio.sleep(0.1)
    record = caplog.records[-1]
    assert (record.message, record.task) == ("a task failed", "doomed")
    assert type(error).__name__ in record.fault
    await tasks.close()


@virtual_time
async def test_what_nobody_awaited_is_logged_without_its_text(caplog):
    def fail():
        raise ValueError(SECRET)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_loop_faults)
    loop.call_soon(fail)
    await asyncio.sleep(0.01)
    assert caplog.records[-1].fault.startswith("ValueError at test_engines.py:")


# --- replies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", THROWN[:4], ids=lambda error: type(error).__name__)
@virtual_time
async def test_a_mind_that_breaks_out_costs_its_answer(error):
    class Mind:
        async def answer(self, question):
            yield Fragment("Well. ")
            raise error

    stage = Stage()
    engines = stage.services.engines()
    mind = WatchedMind(Mind(), Health("dialogue", "The dialogue", stage.services.metrics))
    stage.open(replace(engines, speakers=replace(engines.speakers, mind=mind)))
    async with stage:
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert told(stage) == ["reply-failed"]
        assert errors(stage, "dialogue") == 1


@thrown
@pytest.mark.parametrize("part", ["dialogue", "tts", "stt", "director", "sentiment"])
@virtual_time
async def test_whatever_an_engine_of_a_reply_throws_the_next_one_is_given(part, error, monkeypatch):
    method = {"dialogue": "reply", "tts": "synthesize", "stt": "transcribe"}.get(
        part, "literal" if part == "director" else "answer"
    )

    def fail(*args, **kwargs):
        raise error

    async with Stage() as stage:
        with monkeypatch.context() as patch:
            patch.setattr(getattr(stage.services, part), method, fail)
            await stage.speak(QUESTION)
            await stage.session.direct("very warm")
            await stage.pass_time(3000)
        await stage.speak(QUESTION)
        await stage.pass_time(3000)
        assert answered(stage)[-1] == ANSWER
        name = "direction" if part in {"director", "sentiment"} else part
        assert errors(stage, name) >= 1


@virtual_time
async def test_a_voice_that_makes_no_sound_samples_costs_its_reply(monkeypatch):
    async with Stage() as stage:

        def floats(text, prosody=None):
            yield Speech(np.zeros((1, 4800), np.float32), (Phoneme("", 0, 4800),), (), "espeak")

        with monkeypatch.context() as patch:
            patch.setattr(stage.tts, "synthesize", floats)
            stage.session.say("hello")
            await stage.pass_time(2000)
        assert told(stage) == ["reply-failed"]
        stage.session.say("hello")
        await stage.pass_time(2000)
        assert answered(stage) == ["hello"]


@pytest.mark.parametrize("where", ["_unheard", "clauses"])
@virtual_time
async def test_a_fault_in_the_making_of_a_reply_ends_it(monkeypatch, where):
    async def failing(self):
        raise ValueError(SECRET)
        yield

    async with Stage() as stage:
        with monkeypatch.context() as patch:
            patch.setattr(f"visavis.server.session.speaking.Reply.{where}", failing)
            stage.session.ask("hello")
            await stage.pass_time(2000)
        assert told(stage) == ["reply-failed"]
        assert [ended.reason for ended in stage.of(events.ReplyEnded)] == ["failed"]
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert answered(stage) == ["You said: hello"]


# --- pictures ------------------------------------------------------------------------------------


def newest(stage):
    return max((picture.at for picture in stage.timeline._pictures), default=0)


@thrown
@pytest.mark.parametrize("part", ["motion", "generator"])
@virtual_time
async def test_a_picture_that_cannot_be_made_is_not_the_last_one(part, error, monkeypatch):
    def fail(*args):
        raise error

    async with Stage() as stage:
        with monkeypatch.context() as patch:
            patch.setattr(getattr(stage, part), "state" if part == "motion" else "draw", fail)
            await stage.pass_time(100)
        assert errors(stage, "motion" if part == "motion" else "render") == 1
        await stage.pass_time(1500)
        assert newest(stage) > stage.clock.now() - PACKET


@pytest.mark.parametrize(
    "picture", [np.zeros((64, 64), np.uint8), np.zeros((192, 128), np.float32)], ids=str
)
@virtual_time
async def test_a_picture_of_another_kind_is_not_shown(picture, monkeypatch):
    async with Stage() as stage:
        before = newest(stage)
        monkeypatch.setattr(stage.generator, "draw", lambda portrayals, deadline: [picture])
        await stage.pass_time(500)
        assert newest(stage) <= before + ms(80)
        assert stage.session.undrawn >= 1


@virtual_time
async def test_a_drawing_whose_error_is_odd_fails_rather_than_never_ends(monkeypatch):
    class Odd(EngineError):
        def __init__(self, one, two):
            super().__init__(one)

    def fail(portrayals, deadline):
        raise Odd("a", "b")

    async with Stage() as stage:
        services = stage.services
        monkeypatch.setattr(services.generator, "draw", fail)
        async with asyncio.timeout(5):
            with pytest.raises(EngineError):
                await services.drawing.draw(services.puppet, FaceState, 0.0)


# --- outlets -------------------------------------------------------------------------------------


@virtual_time
async def test_an_outlet_that_fails_does_not_stop_the_others(caplog):
    class Deaf:
        def tell(self, event):
            raise ValueError(SECRET)

        async def play(self, playout):
            raise ValueError(SECRET)

    async with Stage() as stage:
        stage.session.add_outlet(Deaf())
        stage.session.say("hello")
        await stage.pass_time(2000)
        assert answered(stage) == ["hello"]
    assert {"an outlet failed", "a task failed"} <= {record.message for record in caplog.records}


@virtual_time
async def test_a_recording_that_breaks_off_is_failed_not_done(tmp_path, monkeypatch):
    from visavis.server.recording import recorder

    def write(self, image, sound):
        raise ValueError(SECRET)

    monkeypatch.setattr(recorder._File, "write", write)
    async with Stage() as stage:
        recording = recorder.Recorder(tmp_path / "x.mp4")
        task = stage.session.add_outlet(recording)
        await stage.pass_time(2000)
        await asyncio.wait([task], timeout=5)
        assert "broken off: ValueError at test_engines.py:" in recording.fault
