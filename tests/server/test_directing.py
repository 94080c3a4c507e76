"""Directions in a whole session: the face, the voice and the captions follow them."""

import asyncio
import time

import numpy as np
import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import AT_EASE, PLAIN, EngineError
from visavis.engines.direction.director import Director
from visavis.server import protocol
from visavis.server.playout.messages import ms, to_ms
from visavis.server.session import events
from visavis.server.session.endpointing import Endpointing, Evidence


def valence(stage):
    return stage.motion.felt[-1][1].valence


def spoken(stage, words):
    """The prosody with which the clause of these words was spoken."""
    return next(d for text, d in stage.tts.prosodies if text == words)


class Likeness:
    """An embedder that takes its time and finds everything like the first phrasing of "happy"."""

    fingerprint = "likeness"
    broken = False

    def embed(self, texts):
        if self.broken:
            raise EngineError("told to fail")
        time.sleep(0.01)
        rows = np.zeros((len(texts), 2), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[int(text not in {"happy", "like a fish in water"})] = 1.0
        return rows


# --- per session ---------------------------------------------------------------------------------


@virtual_time
async def test_a_direction_shows_and_is_told_back():
    async with Stage() as stage:
        told = await stage.session.direct("very warm, but not so fast")
        assert told.styles == ("very warm", "less fast")
        assert told.dropped == told.known == ()
        await stage.pass_time(100)
        assert valence(stage) > 0.7
        stage.session.say("hello there")
        await stage.pass_time(3000)
        assert spoken(stage, "hello there").speed < 0.95
        assert valence(stage) > 0.7  # it holds after the reply, too


@virtual_time
async def test_an_unknown_wish_is_answered_with_what_is_understood():
    async with Stage() as stage:
        told = await stage.session.direct("warm, and moonwalk across the room")
        assert told.styles == ("warm",)
        assert told.dropped == ("moonwalk across the room",)
        assert {"warm", "slow", "thoughtful"} <= set(told.known)
        assert (await stage.session.direct("please")).known  # nothing asked for: help as well


@virtual_time
async def test_directions_add_up_and_neutral_ends_them():
    async with Stage() as stage:
        for wish in ("sad", "slow"):
            await stage.session.direct(wish)
        stage.session.say("one")
        await stage.pass_time(1500)
        assert spoken(stage, "one").speed < 0.8
        await stage.session.direct("neutral")
        stage.session.say("two")
        await stage.pass_time(1500)
        assert spoken(stage, "two") == PLAIN
        assert stage.motion.felt[-1][1:] == (type(stage.motion.felt[-1][1])(), AT_EASE)


@virtual_time
async def test_a_direction_in_the_middle_of_a_reply_shows_at_once():
    async with Stage(answer=lambda text: "One two three four. " * 40) as stage:
        stage.session.ask("go")
        await stage.pass_time(1000)
        await stage.session.direct("delighted")
        await stage.pass_time(100)
        assert valence(stage) == 1.0
        assert stage.of(events.ReplyEnded) == []
        await stage.pass_time(6_000)
        # The voice follows from the words after the next three seconds on, prepared or not.
        heard = stage.timeline.heard_until(stage.clock.now(), 1).split()
        spoken_since = [d for _, d in stage.tts.prosodies if d.pitch > 0.5]
        assert len(heard) > 20
        assert len(spoken_since) >= 2
        starts = [at for name, at in stage.motion.told if name == "speak"]
        assert len(starts) < 12  # nothing is placed far ahead
        stage.session.interrupt()


@virtual_time
async def test_a_changed_voice_says_every_word_once():
    words = " ".join(f"w{n}" for n in range(60))
    async with Stage(answer=lambda text: words) as stage:
        stage.session.ask("go")
        for at, wish in ((700, "slow"), (2000, "fast"), (2100, "very loud"), (5000, "neutral")):
            await stage.pass_time(ms_until(stage, at))
            await stage.session.direct(wish)
        await stage.pass_time(15_000)
        assert stage.of(events.ReplyEnded)[0].heard == words
        assert stage.of(events.ReplyEnded)[0].reason == "done"


def ms_until(stage, milliseconds):
    return max(0.0, milliseconds - to_ms(stage.clock.now()))


@virtual_time
async def test_a_wish_in_other_words_is_read_in_a_thread_and_awaited_by_what_follows():
    stage = Stage()
    stage.services.director = Director(Likeness())
    stage.open(stage.services.engines())
    async with stage:
        for message in (
            protocol.Direct("like a fish in water"),
            protocol.SayText("hello"),
        ):
            stage.session._tasks.start(commanded(stage, message), name="command")
        await stage.pass_time(1500)
        assert stage.of(events.Directed)[0].styles == ("happy",)
        assert spoken(stage, "hello").pitch > 0.3


async def commanded(stage, message):
    if reply := await protocol.command(stage.session, message):
        stage.tell(reply)


@virtual_time
async def test_without_its_embeddings_it_still_knows_the_words():
    stage, likeness = Stage(), Likeness()
    stage.services.director = Director(likeness)
    likeness.broken = True
    stage.open(stage.services.engines())
    async with stage:
        told = await stage.session.direct("sad, and like a fish in water")
        assert told.styles == ("sad",)
        assert told.dropped == ("like a fish in water",)


@virtual_time
async def test_a_movement_is_made_at_once_and_changes_nothing():
    async with Stage() as stage:
        await stage.session.direct("warm")
        await stage.session.direct("nod")
        await stage.pass_time(100)
        assert "nod" in [name for name, _ in stage.motion.told]
        assert valence(stage) > 0.5


# --- in a text -----------------------------------------------------------------------------------


@virtual_time
async def test_brackets_direct_face_and_voice_from_their_word_on():
    async with Stage() as stage:
        stage.session.say(
            "Hello to you. [delighted] Welcome to us. [slowly, sad] Please note this."
        )
        await stage.pass_time(4000)
        assert spoken(stage, "Hello to you.") == PLAIN
        assert spoken(stage, "Welcome to us.").pitch > 0.5
        assert spoken(stage, "Please note this.").speed < 0.8
        starts = [at for name, at in stage.motion.told if name == "speak"]
        moods = {round(a.valence, 1): at for at, a, _ in stage.motion.felt}
        assert 0 <= to_ms(starts[1] - moods[1.0]) <= 160  # a little before its word
        assert 0 <= to_ms(starts[2] - moods[-0.8]) <= 160
        assert valence(stage) == 0.0  # and after the text as before


@virtual_time
async def test_brackets_are_neither_spoken_nor_shown_nor_remembered():
    async with Stage(
        answer=lambda text: "[smiles] Of course. [moonwalk] Up the stairs. [nods]"
    ) as stage:
        stage.session.ask("where?")
        await stage.pass_time(4000)
        texts = {c.text for c in stage.of(events.Caption)}
        assert texts == {"Of course.", "Up the stairs."}
        assert stage.session.history.remarks[-1].heard == "Of course. Up the stairs."
        assert stage.of(events.ReplyEnded)[0].reason == "done"
        note = stage.of(events.Directed)[0]
        assert (note.styles, note.dropped) == ((), ("moonwalk",))
        assert "smiling" in note.known
        assert "nod" in [name for name, _ in stage.motion.told]


@virtual_time
async def test_a_text_of_brackets_only_is_shown_and_ends():
    async with Stage() as stage:
        stage.session.say("[winks]")
        await stage.pass_time(2500)
        assert "wink" in [name for name, _ in stage.motion.told]
        assert stage.of(events.ReplyEnded)[0].reason == "done"


@virtual_time
async def test_a_style_may_be_a_movement_too():
    async with Stage() as stage:
        stage.session.say("Of course. Do come in.", style="nod, warm")
        await stage.pass_time(3000)
        assert [name for name, _ in stage.motion.told].count("nod") == 1


@virtual_time
async def test_what_a_cut_reply_would_have_felt_is_not_felt():
    async with Stage() as stage:
        stage.session.say("One two three four five six. [delighted] Seven eight nine.")
        await stage.pass_time(700)
        stage.session.interrupt()
        await stage.pass_time(4000)
        assert all(affect.valence == 0.0 for _, affect, _ in stage.motion.felt)


@virtual_time
async def test_a_resumed_reply_keeps_its_style_and_its_brackets():
    async with Stage(stt="") as stage:
        words = " ".join(f"w{n}" for n in range(12))
        stage.session.say(f"[delighted] {words}. [sad] {words}.", style="slow")
        await stage.pass_time(1500)
        stage.session.rest(stage.clock.now())
        await stage.pass_time(2000)
        stage.session.wake()
        await stage.pass_time(9000)
        ended = stage.of(events.ReplyEnded)
        assert [e.reason for e in ended] == ["interrupted", "done"]
        assert f"{ended[0].heard} {ended[1].heard}" == f"{words}. {words}."
        rest = stage.tts.prosodies[-2:]
        assert [d.pitch > 0 for _, d in rest] == [True, False]
        assert all(d.speed < 0.9 for _, d in rest)


# --- the visitor ---------------------------------------------------------------------------------


@virtual_time
async def test_an_angry_visitor_is_answered_with_regret_and_a_glad_one_with_joy():
    async with Stage() as stage:
        stage.session.ask("this is useless, I already told you")
        await stage.pass_time(50)
        assert valence(stage) < 0
        await stage.pass_time(4000)
        assert stage.tts.prosodies[-1][1].speed < 0.95
        assert valence(stage) == 0.0
        stage.session.ask("thank you so much")
        await stage.pass_time(4000)
        assert stage.tts.prosodies[-1][1].pitch > 0.2


@virtual_time
async def test_an_operators_words_are_not_taken_for_the_visitors():
    async with Stage() as stage:
        stage.session.say("this is useless")
        await stage.pass_time(2000)
        assert all(affect.valence == 0.0 for _, affect, _ in stage.motion.felt)


@virtual_time
async def test_an_answer_prepared_early_is_prepared_in_the_right_mood():
    async with Stage(stt="this is ridiculous!") as stage:
        await stage.speak([(VOICE, 1000), (SILENCE, 1000)])
        await stage.pass_time(2500)
        assert len(stage.dialogue.histories) == 1
        assert stage.tts.prosodies[-1][1].speed < 0.95
        silence = Endpointing().silence_for(Evidence("this is ridiculous!"))
        assert stage.of(events.Receipt)[0].first_clause == pytest.approx(silence, abs=41)


@virtual_time
async def test_a_failed_reply_is_apologised_for_with_a_sorry_face():
    async with Stage() as stage:
        stage.session.ask("fail")
        await stage.pass_time(200)
        assert valence(stage) < -0.3
        await stage.pass_time(2000)
        assert valence(stage) == 0.0


# --- listening -----------------------------------------------------------------------------------


@virtual_time
async def test_it_nods_at_a_pause_and_raises_its_brows_at_a_question():
    for text, movement in (("I would like to", "acknowledge"), ("is there a pool?", "brows")):
        async with Stage(stt=text) as stage:
            speaking = asyncio.create_task(
                stage.speak([(VOICE, 800), (SILENCE, 240), (VOICE, 600), (SILENCE, 1500)])
            )
            await stage.pass_time(1200)
            moved = [at for name, at in stage.motion.told if name == movement]
            assert len(moved) == 1
            assert to_ms(moved[0]) < 200 + 800 + 240  # while the visitor pauses
            await speaking


@virtual_time
async def test_the_first_sound_does_not_wait_for_directions():
    began = {}
    for style in ("", "very warm, but not so fast"):
        async with Stage() as stage:
            stage.session.say("hello there", style=style)
            await stage.pass_time(1000)
            began[style] = stage.of(events.Receipt)[0].first_clause
    assert began["very warm, but not so fast"] <= began[""] + 1
    assert ms(1) == 48
