"""Speech over a reply: held at once, then ended by words, or gone on with at the same word."""

import asyncio

import numpy as np
import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import Phoneme, Speech, Word
from visavis.server.playout.messages import PACKET, ms, to_ms
from visavis.server.playout.remainder import unsaid
from visavis.server.session import events

WORDS = [f"w{n}" for n in range(30)]
TEXT = " ".join(WORDS)
COUGH = [(VOICE, 300), (SILENCE, 1500)]


def counting(stt, answer=TEXT):
    return Stage(answer=lambda text: answer, stt=stt)


def kinds(stage):
    kept = (events.ReplyStarted, events.ReplyHeld, events.ReplyResumed, events.ReplyEnded)
    return [type(event).__name__ for _, event in stage.sent if isinstance(event, kept)]


@virtual_time
@pytest.mark.parametrize("noise", ["", "Mm-hm.", "Yes.", "Okay, great."])
async def test_what_is_no_turn_holds_the_reply_and_it_goes_on_at_the_word(noise):
    async with counting(noise) as stage:
        stage.session.ask("go")
        await stage.pass_time(1590)
        await stage.speak(COUGH)
        await stage.pass_time(9000)
        assert kinds(stage) == ["ReplyStarted", "ReplyHeld", "ReplyResumed", "ReplyEnded"]
        assert stage.of(events.ReplyEnded)[0].heard.split() == WORDS
        assert len(stage.dialogue.histories) == 1
        assert len([text for text, _ in stage.tts.prosodies if "w0" in text]) == 1
        assert stage.timeline.turn == 1
        assert [m.active for m in stage.of(events.Listening)] == [True, False]


@virtual_time
async def test_it_goes_on_soon_after_the_voice_with_the_word_that_was_cut():
    async with counting("Mm-hm.") as stage:
        stage.session.ask("go")
        await stage.pass_time(1590)
        start = stage.of(events.ReplyStarted)[0].at
        ended = stage.clock.now() + ms(300)
        await stage.speak(COUGH)
        held, on = stage.at(events.ReplyHeld)[0], stage.of(events.ReplyResumed)[0].at
        assert to_ms(on - ended) <= 400
        cut = held + PACKET - start  # in samples of the answer
        word = cut // fake.WORD
        assert cut % fake.WORD > 0  # in the middle of a word
        heard = stage.timeline.heard_until(on + fake.WORD, 1).split()
        assert heard == WORDS[: word + 1]
        assert (stage.timeline.audio(on - ms(100), ms(100)) == 0).all()
        assert np.abs(stage.timeline.audio(on + ms(10), ms(100))).max() > 7000
        assert ("speak", on) in stage.motion.told  # the lips, too
        assert ("cut", held + PACKET) in stage.motion.told


@virtual_time
async def test_captions_go_on_and_no_word_is_told_twice():
    text = " ".join(WORDS[:20])  # one clause
    async with counting("Mm-hm.", text) as stage:
        stage.session.ask("go")
        await stage.pass_time(1590)
        await stage.speak(COUGH)
        await stage.pass_time(9000)
        captions = stage.of(events.Caption)
        told = [c.heard for c in captions]
        assert {c.text for c in captions} == {text}
        assert told == sorted(set(told))
        assert told[-1] == len(text)
        while_held = [
            at
            for at, event in stage.sent
            if isinstance(event, events.Caption)
            and stage.at(events.ReplyHeld)[0] < at < stage.at(events.ReplyResumed)[0]
        ]
        assert not while_held


@virtual_time
async def test_several_coughs_lose_no_word():
    async with counting(
        "", " ".join(f"v{n}." if n % 4 == 3 else f"v{n}" for n in range(24))
    ) as stage:
        stage.session.ask("go")
        for _ in range(4):
            await stage.pass_time(700)
            await stage.speak([(VOICE, 200), (SILENCE, 900)])
        await stage.pass_time(9000)
        ended = stage.of(events.ReplyEnded)
        assert [e.reason for e in ended] == ["done"]
        assert [w.rstrip(".") for w in ended[0].heard.split()] == [f"v{n}" for n in range(24)]
        assert kinds(stage).count("ReplyHeld") == kinds(stage).count("ReplyResumed") == 4


@virtual_time
async def test_words_end_the_turn_at_the_first_pause():
    async with counting("where is the gym") as stage:
        stage.session.ask("go")
        await stage.pass_time(1590)
        speaking = asyncio.create_task(stage.speak([(VOICE, 600), (SILENCE, 1500)]))
        await stage.pass_time(900)
        assert kinds(stage) == ["ReplyStarted", "ReplyHeld", "ReplyEnded"]
        ended = stage.of(events.ReplyEnded)[0]
        assert ended.reason == "interrupted"
        assert ended.heard.split() == WORDS[: len(ended.heard.split())]
        await speaking
        await stage.pass_time(500)
        assert stage.dialogue.histories[-1][-1].heard == ended.heard


@virtual_time
async def test_speaking_on_after_a_back_channel_is_heard_as_a_turn():
    async with counting("Okay.") as stage:
        stage.session.ask("go")
        await stage.pass_time(1590)
        speaking = asyncio.create_task(
            stage.speak([(VOICE, 300), (SILENCE, 500), (VOICE, 600), (SILENCE, 1500)])
        )
        await stage.pass_time(700)
        assert kinds(stage)[-1] == "ReplyResumed"
        stage.stt.text = "where is the gym?"
        await speaking
        assert kinds(stage)[:5] == [
            "ReplyStarted", "ReplyHeld", "ReplyResumed", "ReplyHeld", "ReplyEnded",
        ]  # fmt: skip
        finals = [t.text for t in stage.of(events.Transcribed) if t.final]
        assert finals == ["go", "where is the gym?"]


@virtual_time
async def test_a_short_pause_after_it_does_not_make_the_avatar_go_on():
    async with counting("Okay.") as stage:
        stage.session.ask("go")
        await stage.pass_time(1590)
        speaking = asyncio.create_task(
            stage.speak([(VOICE, 300), (SILENCE, 220), (VOICE, 600), (SILENCE, 1500)])
        )
        await stage.pass_time(500)
        stage.stt.text = "Okay, where is the gym?"
        await speaking
        assert kinds(stage)[:3] == ["ReplyStarted", "ReplyHeld", "ReplyEnded"]
        finals = [t.text for t in stage.of(events.Transcribed) if t.final]
        assert finals == ["go", "Okay, where is the gym?"]


@virtual_time
async def test_yes_over_the_last_words_is_an_answer():
    async with counting("Yes.", "one two three four") as stage:
        stage.session.ask("go")
        start = 0
        while not start:
            await stage.pass_time(10)
            start = next((e.at for e in stage.of(events.ReplyStarted)), 0)
        await stage.clock.sleep_until(start + 2 * fake.WORD)
        await stage.speak([(VOICE, 300), (SILENCE, 1500)])
        finals = [t.text for t in stage.of(events.Transcribed) if t.final]
        assert finals == ["go", "Yes."]


@virtual_time
async def test_a_held_reply_can_be_stopped_and_another_one_begun():
    for act in (lambda s: s.interrupt(), lambda s: s.say("other"), lambda s: s.rest(s.clock.now())):
        async with counting("") as stage:
            stage.session.ask("go")
            await stage.pass_time(1590)
            speaking = asyncio.create_task(stage.speak([(VOICE, 3000), (SILENCE, 1500)]))
            await stage.pass_time(500)
            assert kinds(stage)[-1] == "ReplyHeld"
            act(stage.session)
            ended = stage.of(events.ReplyEnded)[0]
            assert ended.reason == "interrupted"
            assert ended.heard.split() == WORDS[: len(ended.heard.split())]
            await speaking
            await stage.pass_time(2000)
            assert "ReplyResumed" not in kinds(stage)


@virtual_time
async def test_a_reply_that_is_still_written_is_held_and_all_of_it_said():
    sentences = " ".join(f"This is sentence number {n}." for n in range(12))
    async with counting("Mm-hm.", sentences) as stage:
        stage.session.ask("go")
        await stage.pass_time(3000)
        await stage.speak([(VOICE, 400), (SILENCE, 1500)])
        await stage.pass_time(20_000)
        ended = stage.of(events.ReplyEnded)
        assert [(e.reason, e.heard) for e in ended] == [("done", sentences)]


# --- what is left of a piece ---------------------------------------------------------------------

SPEECH = Speech(
    np.full(4000, 1000, np.int16),
    (
        Phoneme("", 0, 500),
        Phoneme("a", 500, 1500),
        Phoneme("", 1500, 2000),
        Phoneme("b", 2000, 4000),
    ),
    (Word("one", 500, 1500), Word("two", 2000, 4000)),
    "espeak",
)


@pytest.mark.parametrize(
    ("at", "begins", "said"),
    [(-5, 0, 0), (0, 0, 0), (300, 500, 0), (1400, 500, 0), (1500, 2000, 1), (3999, 2000, 1)],
)
def test_the_rest_begins_with_the_word_that_had_not_ended(at, begins, said):
    rest, before = unsaid(SPEECH, at)
    assert before == said
    assert len(rest.pcm) == 4000 - begins
    assert [w.text for w in rest.words] == ["one", "two"][said:]
    assert (rest.words[0].start, rest.words[-1].end) == (
        SPEECH.words[said].start - begins,
        len(rest.pcm),
    )
    assert rest.phonemes[0].start == 0
    assert all(a.end == b.start for a, b in zip(rest.phonemes, rest.phonemes[1:], strict=False))
    assert rest.phonemes[-1].end == len(rest.pcm)
    assert (rest.pcm[0] == 0) == (begins > 0)  # it rises: no click
    assert (SPEECH.pcm == 1000).all()


def test_nothing_is_left_after_the_last_word():
    assert unsaid(SPEECH, 4000) is None


def test_a_silence_goes_on_where_it_was():
    rest, said = unsaid(
        Speech(np.zeros(2000, np.int16), (Phoneme("", 0, 2000),), (), "espeak"), 700
    )
    assert (len(rest.pcm), said) == (1300, 0)
    assert rest.phonemes == (Phoneme("", 0, 1300),)
