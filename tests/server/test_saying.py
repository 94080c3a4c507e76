"""Texts that cannot be said, or only in part, and texts with mark-up, in a session."""

import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.server import protocol
from visavis.server.session import events


@virtual_time
async def test_a_text_without_a_word_to_say_is_refused():
    async with Stage() as stage:
        for text in ("你好", "😀", "...", "<b></b>", "&nbsp;"):
            answer = await protocol.command(stage.session, protocol.SayText(text))
            assert isinstance(answer, events.Failure)
            assert answer.code == "nothing-to-say"
        await stage.pass_time(500)
        assert not stage.of(events.Thinking)
        assert await protocol.command(stage.session, protocol.SayText("[nods]")) is None


@virtual_time
async def test_an_answer_without_a_word_to_say_has_failed(monkeypatch):
    monkeypatch.setattr(fake.FakeDialogue, "reply", lambda *_: iter(["你", "好 ", "😀"]))
    async with Stage() as stage:
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert [e.code for e in stage.of(events.Failure)] == ["nothing-to-say"]
        (ended,) = stage.of(events.ReplyEnded)
        assert (ended.reason, ended.heard) == ("failed", "Sorry.")
        assert ended.unsaid == ("你好",)


@virtual_time
async def test_what_can_be_said_of_an_answer_is_and_the_rest_is_told(monkeypatch):
    monkeypatch.setattr(
        fake.FakeDialogue, "reply", lambda *_: iter(["Say 你好 now. ", "Добро. Bye."])
    )
    async with Stage() as stage:
        stage.session.ask("hello")
        await stage.pass_time(5000)
        (ended,) = stage.of(events.ReplyEnded)
        assert (ended.reason, ended.heard) == ("done", "Say now. Bye.")
        assert ended.unsaid == ("你好", "Добро.")
        assert [c.text for c in stage.of(events.Caption)][-1] == "Bye."


@virtual_time
@pytest.mark.parametrize(
    "text",
    [
        "Welcome to **the <i>bar</i>** &amp; [grill](https://x.org/a).",
        "Welcome to the bar & grill.",
    ],
)
async def test_captions_show_what_is_heard_and_no_mark_up(text):
    async with Stage() as stage:
        stage.session.say(text)
        await stage.pass_time(5000)
        (ended,) = stage.of(events.ReplyEnded)
        assert ended.heard == "Welcome to the bar & grill."
        captions = [c.text for c in stage.of(events.Caption)]
        assert captions[-1] == "Welcome to the bar & grill."
