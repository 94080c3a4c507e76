"""Commands of the conversation, typed and spoken, in virtual time."""

import numpy as np
import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Remark
from visavis.server.playout.messages import FRAME, ms
from visavis.server.session import events
from visavis.server.session.obeying import last_answer

WORDS = [f"w{n}" for n in range(30)]


def long(_text):
    return " ".join(WORDS)


async def hear(stage, text, silence=1200):
    """The visitor says it."""
    stage.stt.text = text
    await stage.speak([(VOICE, 600), (SILENCE, silence)])


def commands(stage):
    return [e.command for e in stage.of(events.Commanded)]


def heard(stage):
    return [e.heard for e in stage.of(events.ReplyEnded)]


@virtual_time
async def test_typed_stop_silences_the_avatar_and_asks_nobody():
    async with Stage(answer=long) as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        stage.session.ask("Stop talking, please.")
        at = stage.clock.now()
        await stage.pass_time(3000)
        assert (stage.timeline.audio(at + FRAME + ms(30), 96_000) == 0).all()
        assert len(stage.dialogue.histories) == 1
        assert commands(stage) == ["stop"]
        assert [e.reason for e in stage.of(events.ReplyEnded)] == ["interrupted"]
        assert stage.motion.told[-1][0] in {"listening", "acknowledge"}
        said = [(e.turn, e.text) for e in stage.of(events.Transcribed)]
        assert [text for _, text in said] == ["go", "Stop talking, please."]
        assert said[0][0] < said[1][0]


@virtual_time
async def test_spoken_stop_silences_it_and_no_answer_is_prepared():
    async with Stage(answer=long) as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        await hear(stage, "Stop. Please.")
        at = stage.clock.now()
        await stage.pass_time(3000)
        assert (stage.timeline.audio(at, 96_000) == 0).all()
        assert len(stage.dialogue.histories) == 1
        assert commands(stage) == ["stop"]
        finals = [e.text for e in stage.of(events.Transcribed) if e.final]
        assert finals == ["go", "Stop. Please."]


@virtual_time
@pytest.mark.parametrize(
    ("text", "answer"),
    [("Be quiet.", None), ("Never mind.", "All right."), ("Wait a moment.", "Of course.")],
)
async def test_when_it_is_silent_already_two_words_at_most_are_said(text, answer):
    async with Stage(answer=long) as stage:
        stage.session.ask(text)
        await stage.pass_time(3000)
        assert stage.dialogue.histories == []
        assert heard(stage) == ([answer] if answer else [])
        assert not stage.session.history.remarks  # nothing that a mind should know
        stage.session.ask("go")
        await stage.pass_time(200)
        turns = [e.turn for e in stage.of(events.Transcribed)]
        assert turns == sorted(set(turns))


@virtual_time
@pytest.mark.parametrize("spoken", [False, True])
async def test_it_goes_on_at_the_word_where_it_was_stopped(spoken):
    async with Stage(answer=long) as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        if spoken:
            await hear(stage, "Wait!")
            await hear(stage, "Go on, please.")
        else:
            stage.session.ask("wait")
            await stage.pass_time(1000)
            stage.session.ask("go on")
        await stage.pass_time(9000)
        assert commands(stage) == ["pause", "go-on"]
        assert " ".join(heard(stage)).split() == WORDS
        assert 0 < len(heard(stage)[0].split()) < len(WORDS)


@virtual_time
async def test_an_answer_that_the_mind_was_still_making_is_asked_for_again():
    async with Stage(answer=long) as stage:
        stage.session.ask("go")  # stopped before a word of it is known
        stage.session.ask("stop")
        stage.session.ask("continue")
        await stage.pass_time(9000)
        assert heard(stage)[-1].split() == WORDS
        asked = [r.text for r in stage.session.history.remarks if r.role == "visitor"]
        assert asked == ["go"]


@virtual_time
async def test_after_the_stop_button_one_may_also_ask_it_to_go_on():
    async with Stage(answer=long) as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        stage.session.interrupt()
        await stage.pass_time(500)
        assert stage.motion.told[-2][0] == "idle" or stage.motion.told[-1][0] == "idle"
        stage.session.ask("please continue")
        await stage.pass_time(9000)
        assert " ".join(heard(stage)).split() == WORDS


@virtual_time
async def test_where_nothing_was_stopped_the_mind_is_asked():
    async with Stage() as stage:
        stage.session.ask("go on")
        stage.session.ask("what did you say?")
        await stage.pass_time(3000)
        assert commands(stage) == []
        assert heard(stage)[-1] == "You said: what did you say?"


@virtual_time
async def test_another_question_ends_what_could_be_gone_on_with():
    async with Stage(answer=lambda text: long(text) if text == "go" else "short") as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        stage.session.ask("stop")
        stage.session.ask("something else")
        await stage.pass_time(1500)
        stage.session.ask("go on")
        await stage.pass_time(1500)
        assert heard(stage)[-1] == "short"
        assert commands(stage) == ["stop"]


@virtual_time
@pytest.mark.parametrize("text", ["Say that again.", "What did you say?"])
async def test_the_last_answer_is_said_again_in_full(text):
    async with Stage(answer=long) as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        stage.session.ask("wait")
        await stage.pass_time(500)
        stage.session.ask("wait")  # "Of course." is no answer to repeat
        await stage.pass_time(2000)
        stage.session.ask(text)
        await stage.pass_time(9000)
        assert heard(stage)[-1].split() == WORDS
        assert len(stage.dialogue.histories) == 1


@virtual_time
async def test_slower_is_done_and_the_answer_goes_on_in_that_manner():
    async with Stage(answer=long) as stage:
        stage.session.ask("go")
        await stage.pass_time(2000)
        plain = stage.tts.prosodies[-1][1]
        await hear(stage, "Can you speak slower, please?")
        await stage.pass_time(9000)
        assert commands(stage) == ["manner"]
        assert [e.styles for e in stage.of(events.Directed)] == [("more slow",)]
        assert stage.tts.prosodies[-1][1].speed < plain.speed
        assert " ".join(heard(stage)).split() == WORDS
        stage.session.ask("louder please")
        await stage.pass_time(2000)
        assert heard(stage)[-1] == "Of course."
        assert stage.tts.prosodies[-1][1].energy > plain.energy


@virtual_time
async def test_a_mind_that_says_what_it_is_given_is_told_everything():
    stage = Stage()
    stage.services.commands = None
    stage.open(stage.services.engines())
    async with stage:
        stage.session.ask("Stop.")
        await stage.pass_time(2000)
        assert heard(stage) == ["You said: Stop."]
        assert commands(stage) == []


@virtual_time
async def test_a_visitor_who_says_stop_over_nothing_is_not_answered():
    async with Stage() as stage:
        await hear(stage, "Stop, stop, stop!")
        await stage.pass_time(2000)
        assert heard(stage) == []
        assert np.abs(stage.timeline.audio(0, stage.clock.now())).max() == 0
        assert [m.active for m in stage.of(events.Listening)] == [True, False]


def test_an_answer_in_pieces_is_one_answer():
    def avatar(turn, text, heard="x"):
        return Remark(turn, "avatar", text, heard)

    assert last_answer([]) == ""
    assert last_answer([avatar(1, "a b c"), avatar(2, "b c")]) == "a b c"
    assert last_answer([avatar(1, "a b c"), avatar(2, "d")]) == "d"
    assert last_answer([avatar(1, "a"), avatar(2, "b", heard="")]) == "a"
