"""Minds: what they think is said and done, and until the visitor has finished they do not act."""

import asyncio
from dataclasses import replace

import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake, load, registry
from visavis.engines.base import Call, Exchange, Fragment, Gesture, Remark, Result
from visavis.engines.settings import DialogueSettings
from visavis.server.playout.messages import ms
from visavis.server.services.minds import WatchedMind, exchanges
from visavis.server.session import events
from visavis.server.system.served import Health


class ToolUser:
    """A mind that looks something up, once the visitor has finished."""

    def __init__(self):
        self.asked, self.acted, self.ended = [], [], []

    async def answer(self, question):
        self.asked.append((question.text, question.speculative, tuple(question.history)))
        try:
            yield Fragment("Let me see. ")
            await question.confirmed()
            self.acted.append(question.text)
            yield Call("1", "opening_hours", {"of": "pool"})
            await asyncio.sleep(0.2)
            yield Result("1", "open until nine")
            yield Gesture("nod")
            yield Fragment("It is open until nine.")
        finally:
            self.ended.append(question.text)


class Thinker(Stage):
    """A conversation with a mind of one's own."""

    def __init__(self, mind, **options):
        super().__init__(**options)
        self.mind = mind
        engines = self.services.engines()
        self.health = Health("dialogue", "The dialogue", self.services.metrics)
        watched = WatchedMind(mind, self.health)
        self.open(replace(engines, speakers=replace(engines.speakers, mind=watched)))


@virtual_time
async def test_what_a_mind_says_does_and_looks_up():
    async with Thinker(ToolUser()) as stage:
        stage.session.ask("is the pool open?")
        await stage.pass_time(6000)
        heard = "Let me see. It is open until nine."
        assert [e.heard for e in stage.of(events.ReplyEnded)] == [heard]
        spoken, nodded = (
            [at for name, at in stage.motion.told if name == told] for told in ("speak", "nod")
        )
        assert abs(nodded[0] - spoken[1]) < ms(200)  # with the words after it
        assert list(stage.session.history.remarks) == [
            Remark(1, "visitor", "is the pool open?"),
            Remark(1, "tool", "open until nine", name="opening_hours"),
            Remark(1, "avatar", heard, heard=heard),
        ]
        stage.session.ask("thanks")
        await stage.pass_time(100)
        assert stage.mind.asked[1][2] == tuple(stage.session.history.remarks)


@virtual_time
async def test_a_mind_may_think_while_the_visitor_may_go_on_but_not_act():
    async with Thinker(ToolUser()) as stage:
        speaking = asyncio.create_task(stage.speak([(VOICE, 1000), (SILENCE, 1000)]))
        await stage.pass_time(1250)  # at the pause: the turn may not be over
        assert stage.mind.asked == [("what time is breakfast?", True, ())]
        assert not stage.mind.acted
        await speaking
        await stage.pass_time(100)
        assert stage.mind.acted == ["what time is breakfast?"]
        assert len(stage.mind.asked) == 1


@virtual_time
async def test_a_draft_that_nobody_meant_never_acts():
    async with Thinker(ToolUser()) as stage:
        words = iter(["book a taxi", "book a taxi for my mother"])
        stage.stt.transcribe = lambda pcm, before="": fake.Transcript(next(words), 0.0)
        await stage.speak([(VOICE, 600), (SILENCE, 260), (VOICE, 600), (SILENCE, 1000)])
        await stage.pass_time(500)
        assert stage.mind.acted == ["book a taxi for my mother"]
        assert "book a taxi" in stage.mind.ended


@virtual_time
async def test_an_interruption_cancels_the_mind():
    async with Thinker(ToolUser()) as stage:
        stage.session.ask("is the pool open?")
        await stage.pass_time(50)
        stage.session.interrupt()
        await stage.pass_time(50)
        assert stage.mind.ended == ["is the pool open?"]
        await stage.pass_time(3000)
        assert not stage.session.history.remarks or stage.session.history.remarks[-1].heard == ""


@virtual_time
async def test_a_mind_that_never_answers_ends_in_an_apology():
    class Silent:
        async def answer(self, question):
            await asyncio.Event().wait()
            yield Fragment("never")

    async with Thinker(Silent()) as stage:
        stage.session.ask("hello?")
        await stage.pass_time(25_000)
        ended = stage.of(events.ReplyEnded)[0]
        assert (ended.reason, ended.heard) == ("failed", "Sorry.")


@virtual_time
async def test_a_mind_that_breaks_ends_in_an_apology_and_says_nothing_of_the_visitor(caplog):
    class Broken:
        async def answer(self, question):
            yield Fragment("Well")
            raise ValueError(question.text)

    async with Thinker(Broken()) as stage:
        for _ in range(3):
            assert not stage.health.broken
            stage.session.ask("my secret")
            await stage.pass_time(4000)
        assert [e.reason for e in stage.of(events.ReplyEnded)] == ["failed"] * 3
        assert stage.health.broken
        assert "ValueError at test_minds.py" in str([r.__dict__ for r in caplog.records])
        assert "my secret" not in str([r.__dict__ for r in caplog.records])


@virtual_time
async def test_a_cough_while_it_thinks_does_not_lose_the_answer():
    class Slow:
        async def answer(self, question):
            await asyncio.sleep(1.0)
            yield Fragment("one two three")

    async with Thinker(Slow(), stt="") as stage:
        stage.session.ask("go")
        await stage.speak([(VOICE, 300), (SILENCE, 2000)])
        await stage.pass_time(3000)
        assert stage.of(events.ReplyHeld)
        ended = stage.of(events.ReplyEnded)
        assert [(e.reason, e.heard) for e in ended] == [("done", "one two three")]
        assert exchanges(stage.session.history.remarks) == (Exchange("go", "one two three"),)


def test_a_dialogue_is_told_turns():
    remarks = [
        Remark(1, "visitor", "hello"),
        Remark(1, "tool", "nothing", name="look"),
        Remark(1, "avatar", "Hello there, you.", heard="Hello there,"),
        Remark(2, "avatar", "Announcement.", heard="Announcement."),
    ]
    assert exchanges(remarks) == (Exchange("hello", "Hello there,"), Exchange("", "Announcement."))


# --- one file and one line -----------------------------------------------------------------------


@pytest.fixture
def _looked_up_anew():
    """The voices are looked up once a program."""
    kept = (load.missing_voices, load._looked_up)
    for function in kept:
        function.cache_clear()
    yield
    for function in kept:
        function.cache_clear()


def test_a_new_dialogue_is_one_file_and_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(registry.DIALOGUES, "shout", "support.shout")
    dialogue = load.dialogue("shout", DialogueSettings(tmp_path))
    assert list(dialogue.reply("hello", ())) == ["HELLO!"]


@pytest.mark.usefixtures("_looked_up_anew")
def test_a_new_voice_is_one_file_and_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(registry.VOICES, "beep", "support.beep")
    assert "beep" in {voice.name for voice in load.voices()}
    speech = next(load.tts("beep", tmp_path).synthesize("one two"))
    assert [word.text for word in speech.words] == ["one", "two"]


@pytest.mark.usefixtures("_looked_up_anew")
def test_a_voice_that_cannot_be_had_says_why(monkeypatch):
    monkeypatch.setitem(registry.VOICES, "lost", "support.nowhere")
    assert "support.nowhere" in load.missing_voices()["lost"]
    assert "lost" not in {voice.name for voice in load.voices()}
