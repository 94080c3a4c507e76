"""Answers that are left to a person: what is told, remembered and no longer asked of a mind."""

import asyncio

import numpy as np
import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import Exchange, Remark
from visavis.server.playout.messages import PACKET, ms
from visavis.server.session import events
from visavis.server.session.attendance import Presence
from visavis.server.session.lipsync import Mouth


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


def substitute(stage, lips=None):
    lips = lips or fake.FakeLips()
    return stage.session.substitute(Mouth(lips, fake.FakeLips))


async def packets(stage, script):
    at = stage.clock.now()
    for packet, duration in script:
        for _ in range(duration // 20):
            at += PACKET
            await stage.clock.sleep_until(at)
            yield packet


@virtual_time
async def test_a_persons_own_voice_sounds_and_moves_the_lips_at_the_same_tick():
    async with Stage() as stage:
        stage.session.attendance.hold("speaking")
        voice = substitute(stage)
        began = stage.clock.now()
        await voice.listen(packets(stage, [(VOICE, 600)]))
        spoke = [at for what, at in stage.motion.told if what == "speak"]
        assert spoke
        assert np.abs(stage.timeline.audio(spoke[0], PACKET)).max() > 7000
        assert spoke[0] - began < ms(500)
        assert voice.silent() < 0.1


@virtual_time
async def test_its_words_are_shown_and_remembered_as_the_avatars():
    async with Stage(stt="good evening") as stage:
        stage.session.attendance.hold("speaking")
        await substitute(stage).listen(packets(stage, [(VOICE, 1000), (SILENCE, 2500)]))
        assert [c.text for c in stage.of(events.Caption)] == ["good evening"]
        assert stage.session.said == (events.Line(1, "avatar", "good evening"),)
        assert stage.dialogue.histories == []


@virtual_time
async def test_a_microphone_that_hears_nothing_is_known_and_stands_in_nobodys_way():
    async with Stage() as stage:
        stage.session.attendance.hold("speaking")
        voice = substitute(stage)
        assert voice.silent() == float("inf")
        await voice.listen(packets(stage, [(SILENCE, 3000)]))
        assert voice.silent() == float("inf")
        assert not stage.timeline.audible(stage.clock.now())
        assert not [what for what, _ in stage.motion.told if what == "speak"]


@virtual_time
async def test_the_visitors_words_while_a_person_speaks_cut_none_of_theirs():
    async with Stage() as stage:
        stage.session.attendance.hold("speaking")
        speaking = asyncio.create_task(substitute(stage).listen(packets(stage, [(VOICE, 3000)])))
        await stage.pass_time(1000)
        before = stage.timeline.end
        stage.session.attendance.takes("Yes, exactly.")
        assert stage.timeline.end == before
        await stage.pass_time(300)
        assert stage.timeline.end > before
        await speaking


@virtual_time
async def test_lips_that_fail_cost_the_lips_and_not_the_voice():
    lips = fake.FakeLips()
    lips.broken = True
    async with Stage() as stage:
        stage.session.attendance.hold("speaking")
        await substitute(stage, lips).listen(packets(stage, [(VOICE, 1000)]))
        assert stage.timeline.audio(stage.clock.now(), PACKET).any()
        assert [f.code for f in stage.of(events.Failure)] == ["lips-failed"]


@virtual_time
async def test_who_asks_for_a_person_is_answered_by_the_mind_where_none_may_come():
    async with Stage() as stage:
        stage.session.ask("Can I talk to a person?")
        await stage.pass_time(1500)
        assert stage.of(events.StaffWanted) == []
        assert len(stage.dialogue.histories) == 1
        stage.session.attendance.presence = Presence(offered=True)
        stage.session.ask("Can I talk to a person?")
        await stage.pass_time(1500)
        assert [w.reason for w in stage.of(events.StaffWanted)] == ["asked"]
        assert len(stage.dialogue.histories) == 2


@pytest.mark.parametrize(
    "words",
    [
        "Can I talk to a person?",
        "I want to speak to a human, please.",
        "Get me somebody from the staff.",
    ],
)
@virtual_time
async def test_a_person_is_called_and_no_mind_asked_where_one_is_there(words):
    async with Stage() as stage:
        stage.session.attendance.presence = Presence(offered=True, members=1)
        stage.session.ask(words)
        await stage.pass_time(1500)
        assert [w.reason for w in stage.of(events.StaffWanted)] == ["asked"]
        assert [c.command for c in stage.of(events.Commanded)] == ["staff"]
        assert stage.dialogue.histories == []
