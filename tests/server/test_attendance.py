"""Answers that are left to a person: what is told, remembered and no longer asked of a mind."""

import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Exchange, Remark
from visavis.server.session import events


@virtual_time
async def test_a_held_session_leaves_typed_words_and_asks_no_mind():
    async with Stage() as stage:
        stage.session.attendance.hold()
        stage.session.ask("Is somebody there?")
        await stage.pass_time(3000)
        assert stage.dialogue.histories == []
        assert stage.of(events.Transcribed) == [events.Transcribed(1, "Is somebody there?", True)]
        assert stage.of(events.Thinking) == []
        assert stage.session.said == (events.Line(1, "visitor", "Is somebody there?"),)


@virtual_time
async def test_spoken_words_of_a_held_session_are_left_too_and_no_draft_is_made():
    async with Stage() as stage:
        stage.session.attendance.hold()
        await stage.speak([(SILENCE, 400), (VOICE, 1000), (SILENCE, 2000)])
        assert stage.dialogue.histories == []
        final = [t.text for t in stage.of(events.Transcribed) if t.final]
        assert final == ["what time is breakfast?"]
        assert [line.who for line in stage.session.said] == ["visitor"]


@virtual_time
async def test_who_goes_on_after_a_pause_is_left_as_one_remark():
    async with Stage() as stage:
        stage.session.attendance.hold()
        script = [(SILENCE, 400), (VOICE, 1000), (SILENCE, 900), (VOICE, 1000), (SILENCE, 2500)]
        await stage.speak(script)
        assert [line.text for line in stage.session.said] == ["what time is breakfast?"]
        last = [t for t in stage.of(events.Transcribed) if t.final]
        taken_back = {t.turn for t in last if not t.text}
        assert len([t for t in last if t.text and t.turn not in taken_back]) == 1


@virtual_time
async def test_taking_over_ends_the_reply_that_is_spoken_and_what_was_to_be_gone_on_with():
    async with Stage(answer=lambda _: "one two three four five six seven eight nine") as stage:
        stage.session.ask("count")
        await stage.pass_time(900)
        stage.session.attendance.hold()
        await stage.pass_time(200)
        assert [e.reason for e in stage.of(events.ReplyEnded)] == ["interrupted"]
        assert not stage.session.replying
        stage.session.ask("go on")  # no command any more, and nothing goes on
        await stage.pass_time(2000)
        assert stage.of(events.Commanded) == []
        assert len(stage.of(events.ReplyStarted)) == 1


@virtual_time
async def test_what_the_holder_says_is_said_and_known_to_the_mind_afterwards():
    async with Stage() as stage:
        session = stage.session
        session.attendance.hold()
        session.ask("May I bring two dogs?")
        session.say("Two are fine.")
        await stage.pass_time(2500)
        session.attendance.release()
        session.ask("And a cat?")
        await stage.pass_time(2500)
        before = (Exchange("May I bring two dogs?", ""), Exchange("", "Two are fine."))
        assert stage.dialogue.histories == [before]
        said = [line.text for line in session.said]
        assert said[:3] == ["May I bring two dogs?", "Two are fine.", "And a cat?"]
        assert session.history.remarks[:2] == (
            Remark(1, "visitor", "May I bring two dogs?"),
            Remark(2, "avatar", "Two are fine.", heard="Two are fine."),
        )


@virtual_time
async def test_words_over_the_holders_line_stop_it_as_they_stop_any_other():
    async with Stage() as stage:
        stage.session.attendance.hold()
        stage.session.say("one two three four five six seven eight nine ten eleven twelve")
        await stage.pass_time(700)
        await stage.speak([(VOICE, 1000), (SILENCE, 1500)])
        assert [e.reason for e in stage.of(events.ReplyEnded)] == ["interrupted"]
        assert [line.who for line in stage.session.said] == ["avatar", "visitor"]


@virtual_time
async def test_the_visitor_is_told_who_is_there_and_only_of_changes():
    async with Stage() as stage:
        attendance = stage.session.attendance
        attendance.watch(True)
        attendance.watch(True)
        attendance.hold()
        attendance.hold("speaking")
        attendance.watch(False)
        attendance.release()
        attendance.watch(False)
        told = [e.by for e in stage.of(events.Attended)]
        assert told == ["watching", "answering", "speaking", "watching", "nobody"]


@virtual_time
async def test_a_held_session_is_not_idle():
    async with Stage() as stage:
        stage.session.attendance.hold()
        await stage.pass_time(60_000)
        assert stage.session.quiet == 0
        stage.session.attendance.release()
        assert stage.session.quiet > 0


@pytest.mark.parametrize("how", ["typing", "speaking"])
@virtual_time
async def test_words_of_the_holders_own_voice_are_shown_and_remembered(how):
    async with Stage() as stage:
        stage.session.attendance.hold(how)
        stage.session.attendance.spoke("Good evening.")
        assert stage.of(events.Caption) == [events.Caption(1, "Good evening.", 13)]
        assert stage.session.said == (events.Line(1, "avatar", "Good evening."),)
