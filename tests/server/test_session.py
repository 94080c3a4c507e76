import asyncio
from dataclasses import replace

import numpy as np
import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import Remark
from visavis.server.playout.messages import FRAME, Request, ms, to_ms
from visavis.server.session import events
from visavis.server.session.endpointing import Endpointing, Evidence
from visavis.server.system.served import Health, Served


@virtual_time
async def test_typed_text_is_answered_aloud_and_recorded():
    async with Stage() as stage:
        stage.session.ask("hello there")
        await stage.pass_time(3000)
        ended = stage.of(events.ReplyEnded)
        assert [(e.reason, e.heard) for e in ended] == [("done", "You said: hello there")]
        receipt = stage.of(events.Receipt)[0]
        assert receipt.origin == "text"
        assert receipt.first_clause <= receipt.ended
        assert list(stage.session.history.remarks) == [
            Remark(1, "visitor", "hello there"),
            Remark(1, "avatar", "You said: hello there", heard="You said: hello there"),
        ]


@virtual_time
async def test_sound_and_lips_are_scheduled_for_the_same_tick():
    async with Stage() as stage:
        stage.session.ask("hello")
        await stage.pass_time(300)
        start = stage.of(events.ReplyStarted)[0].at
        assert ("speak", start) in stage.motion.told
        assert (stage.timeline.audio(start - 480, 480) == 0).all()
        assert np.abs(stage.timeline.audio(start, 960)).max() > 7000


@virtual_time
async def test_captions_follow_the_voice_word_by_word():
    async with Stage() as stage:
        stage.session.say("one two three")
        await stage.pass_time(2000)
        captions = [(c.text, c.heard) for c in stage.of(events.Caption)]
        assert captions == [("one two three", n) for n in (3, 7, 13)]
        first, second, third = stage.at(events.Caption)
        assert to_ms(second - first) == pytest.approx(250, abs=2)
        assert to_ms(third - second) == pytest.approx(250, abs=2)


@virtual_time
async def test_a_spoken_question_is_heard_and_answered():
    async with Stage() as stage:
        await stage.speak([(SILENCE, 400), (VOICE, 1000), (SILENCE, 1000)])
        await stage.pass_time(3000)
        finals = [t.text for t in stage.of(events.Transcribed) if t.final]
        assert finals == ["what time is breakfast?"]
        assert stage.of(events.ReplyEnded)[0].heard == "You said: what time is breakfast?"
        assert [m.active for m in stage.of(events.Listening)] == [True, False]


@virtual_time
async def test_the_answer_is_prepared_before_the_turn_ends():
    async with Stage() as stage:
        await stage.speak([(VOICE, 1000), (SILENCE, 1000)])
        await stage.pass_time(2000)
        receipt = stage.of(events.Receipt)[0]
        assert receipt.transcript < 200
        # The end of the turn is waited for; after that only the start lead is spent.
        silence = Endpointing().silence_for(Evidence("what time is breakfast?"))
        assert receipt.first_sound is None  # no track is read here
        assert receipt.first_clause == pytest.approx(silence, abs=41)
        assert len(stage.dialogue.histories) == 1


@virtual_time
async def test_going_on_after_a_pause_throws_the_first_words_away():
    async with Stage() as stage:
        await stage.speak([(VOICE, 600), (SILENCE, 260), (VOICE, 600), (SILENCE, 1000)])
        await stage.pass_time(2000)
        finals = [t for t in stage.of(events.Transcribed) if t.final]
        assert len(finals) == 1
        assert stage.stt.calls == 2


@virtual_time
async def test_speaking_over_the_avatar_stops_it():
    async with Stage(answer=lambda text: " ".join(["word"] * 40)) as stage:
        stage.session.ask("go")
        await stage.pass_time(1500)
        began = stage.clock.now()
        await stage.speak([(VOICE, 600), (SILENCE, 300)])
        held = stage.at(events.ReplyHeld)[0]
        assert to_ms(held - began) <= 200
        assert (stage.timeline.audio(held + FRAME + ms(30), 48_000) == 0).all()
        assert stage.of(events.ReplyEnded)[0].reason == "interrupted"
        assert any(name == "cut" for name, _ in stage.motion.told)


@virtual_time
async def test_history_keeps_only_the_words_heard():
    async with Stage(answer=lambda text: "one two three four five six seven eight") as stage:
        stage.session.ask("count")
        await stage.pass_time(1100)
        stage.session.interrupt()
        heard = stage.session.history.remarks[-1].heard
        assert heard
        assert "one two three four five six seven eight".startswith(heard)
        assert len(heard.split()) < 8
        assert stage.of(events.ReplyEnded)[0].heard == heard


@virtual_time
async def test_nothing_of_an_interrupted_reply_comes_later():
    async with Stage(answer=lambda text: " ".join(["word"] * 40)) as stage:
        stage.session.ask("go")
        await stage.pass_time(800)
        stage.session.interrupt()
        captions = len(stage.of(events.Caption))
        await stage.pass_time(5000)
        assert len(stage.of(events.Caption)) == captions
        assert (stage.timeline.audio(stage.clock.now(), 48_000) == 0).all()


@virtual_time
async def test_an_answer_that_is_asked_for_again_skips_what_was_heard():
    async with Stage(answer=lambda text: "one two three four five") as stage:
        request = Request("go", "text", 0, skip=3)
        reply = stage.session._replies.prepare(request)
        assert [clause.text async for clause in reply.clauses()] == ["four five"]
        assert reply.complete


@virtual_time
async def test_a_fault_that_is_no_engine_error_ends_only_the_turn():
    async with Stage() as stage:
        stage.dialogue._answer = lambda text: [][1]
        stage.session.ask("go")
        await stage.pass_time(2000)
        assert stage.of(events.ReplyEnded)[0].reason == "failed"
        stage.motion.state = lambda at: [][1]
        await stage.pass_time(3000)
        del stage.motion.state
        stage.dialogue._answer = lambda text: "fine"
        stage.session.ask("go")
        await stage.pass_time(2000)
        assert stage.of(events.ReplyEnded)[1].heard == "fine"


@virtual_time
async def test_speaking_on_while_the_last_words_are_transcribed_leaves_it_hearing():
    async with Stage() as stage:
        await stage.speak([(VOICE, 26_500), (SILENCE, 200), (VOICE, 300), (SILENCE, 2000)])
        assert [m.active for m in stage.of(events.Listening)][-1] is False
        before = len(stage.of(events.Listening))
        await stage.pass_time(15_000)
        await stage.speak([(VOICE, 600), (SILENCE, 1500)])
        assert len(stage.of(events.Listening)) == before + 2


@virtual_time
async def test_a_click_in_a_pause_does_not_begin_the_transcript_anew():
    async with Stage() as stage:
        await stage.speak([(VOICE, 600), (SILENCE, 240), (VOICE, 20), (SILENCE, 800)])
        assert stage.stt.calls == 1


@virtual_time
async def test_a_long_answer_is_not_all_on_the_timeline():
    async with Stage(answer=lambda text: "A short sentence here. " * 60) as stage:
        stage.session.ask("go")
        await stage.pass_time(1000)
        assert to_ms(stage.timeline.end - stage.clock.now()) < 15_000
        stage.session.interrupt()


@virtual_time
async def test_no_caption_follows_the_end_of_its_reply():
    for offset in (250, 500, 750):
        async with Stage() as stage:
            stage.session.say("one two three four five")
            await stage.pass_time(10)
            start = stage.of(events.ReplyStarted)[0].at
            await stage.clock.sleep_until(start + ms(offset))
            stage.session.interrupt()
            await stage.pass_time(1000)
            kinds = [type(m) for _, m in stage.sent]
            assert events.Caption not in kinds[kinds.index(events.ReplyEnded) :]


@virtual_time
async def test_a_style_holds_for_its_reply():
    async with Stage() as stage:
        stage.session.say("hello there", style="very happy")
        await stage.pass_time(3000)
        felt = [affect.valence for _, affect, _ in stage.motion.felt]
        assert felt[-2:] == [pytest.approx(1.0), 0.0]  # happy, and back
        assert [d.pitch > 0.5 for _, d in stage.tts.prosodies] == [
            False,
            True,
        ]  # the apology first


@virtual_time
async def test_a_second_question_replaces_the_first():
    async with Stage() as stage:
        stage.session.ask("first")
        await stage.pass_time(400)
        stage.session.ask("second")
        await stage.pass_time(3000)
        ended = stage.of(events.ReplyEnded)
        assert [e.reason for e in ended] == ["interrupted", "done"]
        assert ended[1].heard == "You said: second"


@virtual_time
async def test_a_dead_engine_ends_the_turn_with_an_apology_and_the_session_goes_on():
    async with Stage() as stage:
        stage.session.ask("fail")
        await stage.pass_time(2000)
        ended = stage.of(events.ReplyEnded)[0]
        assert (ended.reason, ended.heard) == ("failed", "Sorry.")
        assert stage.of(events.Failure)[0].code == "reply-failed"
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert stage.of(events.ReplyEnded)[1].reason == "done"


@virtual_time
async def test_dead_ears_leave_the_session_alive():
    async with Stage(stt="fail") as stage:
        await stage.speak([(VOICE, 600), (SILENCE, 2000)])
        assert [m.active for m in stage.of(events.Listening)] == [True, False]
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert stage.of(events.ReplyEnded)[0].reason == "done"


@virtual_time
async def test_releasing_the_talk_button_ends_the_turn_at_once():
    async with Stage() as stage:
        speaking = asyncio.create_task(stage.speak([(VOICE, 3000)]))
        await stage.pass_time(1000)
        stage.session.mic(on=False)
        await stage.pass_time(350)
        assert any(t.final for t in stage.of(events.Transcribed))
        await speaking


@virtual_time
async def test_a_closed_microphone_hears_nothing():
    async with Stage() as stage:
        stage.session.mic(on=False)
        await stage.pass_time(300)
        await stage.speak([(VOICE, 1000), (SILENCE, 1000)])
        assert not stage.of(events.Listening)


@virtual_time
async def test_a_broken_generator_leaves_the_voice():
    async with Stage() as stage:
        stage.generator.broken = True
        stage.session.ask("hello")
        await stage.pass_time(3000)
        assert stage.of(events.ReplyEnded)[0].reason == "done"
        stage.generator.broken = False
        await stage.pass_time(1500)
        at = stage.clock.now() // FRAME * FRAME
        assert stage.timeline.reader().picture(at) is not None


class Slow:
    """Serves a voice that needs two seconds for every piece."""

    def __init__(self, tts):
        self._tts = tts

    async def stream(self, work, *args, awaited=False):
        for piece in work(self._tts, *args):
            await asyncio.sleep(2.0)
            yield piece


@virtual_time
async def test_a_slow_voice_delays_sound_and_picture_together():
    stage = Stage(answer=lambda text: "First part. Second part.")
    voice = Served(Slow(stage.tts), Health("tts", "tts", stage.services.metrics))
    engines = stage.services.engines()
    stage.open(replace(engines, speakers=replace(engines.speakers, voice=voice)))
    async with stage:
        stage.session.ask("go")
        await stage.pass_time(4300)
        first, second = (at for name, at in stage.motion.told if name == "speak")
        assert second > first + 2 * fake.WORD + ms(1000)
        assert (stage.timeline.audio(second - 960, 960) == 0).all()
        assert np.abs(stage.timeline.audio(second, 960)).max() > 7000
        await stage.pass_time(2000)
        assert stage.of(events.ReplyEnded)[0].heard == "First part. Second part."


@virtual_time
async def test_pictures_keep_coming_every_frame():
    async with Stage() as stage:
        missing, reader = 0, stage.timeline.reader()
        for _ in range(100):
            await stage.pass_time(40)
            missing += reader.picture(stage.clock.now() // FRAME * FRAME) is None
        assert missing <= 1
