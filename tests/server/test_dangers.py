"""Words of danger: met before the mind, with a serious face, and somebody is called."""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from support.stage import SILENCE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import EngineError, Fragment, Transcript
from visavis.engines.dialogue.danger import Rescue, warm
from visavis.engines.dialogue.knowledge_file import EXAMPLE
from visavis.server.playout.messages import PACKET
from visavis.server.services.dangers import DangerMind, OwnAnswers
from visavis.server.session import events

WORDS = {8000: "Help, there is a fire in my room!", 12000: "It is spreading to the roof."}
FIRE, MORE = (np.full(PACKET, level, np.int16) for level in WORDS)

warm()


class Asked:
    """A mind that answers at length, or does not know; and writes down what it was asked."""

    def __init__(self, sure=1.0):
        self.asked, self.sure = [], sure

    async def answer(self, question):
        self.asked.append(question.text)
        yield Fragment("[delighted] one two three four five six seven eight nine ten.", self.sure)


@dataclass
class Question:
    text: str
    history: tuple = ()
    language: str = "en"


class Heard:
    """Writes down the words that a clip holds."""

    def transcribe(self, pcm, before=""):
        said = [t for level, t in WORDS.items() if (np.abs(pcm.astype(int) - level) < 300).any()]
        return Transcript(" ".join(said), 0.0 if said else 1.0)


class House(Stage):
    def __init__(self, mind=None, file=None, rescue=Rescue("911"), meaning=None):  # noqa: B008 (frozen)
        super().__init__()
        self.services.stt = self.stt = Heard()
        self.mind = mind or Asked()
        met = DangerMind(self.mind, rescue, OwnAnswers(file), meaning)
        engines = self.services.engines()
        self.open(replace(engines, speakers=replace(engines.speakers, mind=met)))

    async def asked(self, text, milliseconds=20_000):
        self.session.ask(text)
        await self.pass_time(milliseconds)
        return self.of(events.ReplyEnded)[-1].heard


@virtual_time
async def test_danger_is_answered_before_the_mind_and_somebody_is_called():
    async with House() as house:
        heard = await house.asked("Fire! The curtains are burning.")
        assert heard.startswith("Leave at once by the stairs")
        assert "9 1 1" in heard
        assert house.mind.asked == []
        (wanted,) = house.of(events.StaffWanted)
        assert (wanted.turn, wanted.reason) == (1, "danger: fire")


@virtual_time
async def test_the_operators_entry_is_said_and_a_changed_file_is_read_anew(tmp_path):
    file = tmp_path / "inn.md"
    file.write_text("# Inn\n## help\n### fire\n- There is a fire.\n\nRing the bell.\n")
    async with House(file=file) as house:
        assert await house.asked("My bed is on fire") == "Ring the bell."
        assert (await house.asked("I want to die")).startswith("I am very glad that you told me")
        file.write_text("# Inn\n## help\n### fire\n- There is a fire.\n\nRun to the gate.\n")
        os.utime(file, ns=(1, 1))
        assert await house.asked("My bed is on fire") == "Run to the gate."
        file.write_text("no title")
        assert await house.asked("My bed is on fire") == "Run to the gate."
        file.unlink()
        assert await house.asked("My bed is on fire") == "Run to the gate."


@virtual_time
async def test_a_cheerful_face_turns_serious():
    async with House() as house:
        await house.session.direct("very cheerful")
        house.session.ask("I want to kill myself")
        await house.pass_time(3000)
        turn = house.session._current
        held = house.session._active.directed(*turn.directions).held
        assert {style.name for style, _ in held} == {"serious", "slow"}


@virtual_time
async def test_it_is_heard_over_a_long_reply():
    async with House() as house:
        house.session.ask("tell me something")
        await house.pass_time(1500)
        await house.speak([(FIRE, 1200), (SILENCE, 1500)])
        await house.pass_time(20_000)
        assert [e.reason for e in house.of(events.ReplyEnded)] == ["interrupted", "done"]
        assert house.of(events.ReplyEnded)[-1].heard.startswith("Leave at once")


@virtual_time
async def test_what_follows_takes_the_answer_back_but_not_the_danger():
    async with House() as house:
        await house.speak([(FIRE, 1000), (SILENCE, 320), (MORE, 800), (SILENCE, 1500)])
        await house.pass_time(20_000)
        assert house.of(events.ReplyEnded)[-1].heard.startswith("Leave at once")
        assert house.of(events.StaffWanted)
        assert house.mind.asked == []


@virtual_time
async def test_who_was_told_only_half_of_what_to_do_is_told_again_once():
    async with House() as house:
        for text in ("Fire! Fire!", "Where is the pool?"):
            house.session.ask(text)
            await house.pass_time(1500)
        assert house.mind.asked == []
        await house.asked("I said, where is the pool?")
        assert house.mind.asked == ["I said, where is the pool?"]


@virtual_time
async def test_nothing_is_unknown_right_after_it():
    async with House(Asked(sure=0.0)) as house:
        await house.asked("My husband is not breathing")
        assert (await house.asked("Is it far?")).startswith("Please call 9 1 1 now")
        assert house.mind.asked == ["Is it far?"]
        await house.asked("Anything else?")
        assert (await house.asked("And breakfast?")).startswith("one two three")  # it is over


@virtual_time
async def test_a_question_after_it_is_answered_without_cheer():
    async with House() as house:
        await house.asked("There is smoke in the corridor, and flames")
        house.session.ask("Where are the stairs?")
        await house.pass_time(100)
        assert house.session._current.reply.written.startswith("[serious, slightly slow] one two")


@virtual_time
async def test_it_is_met_even_if_it_was_taken_for_another_language():
    async with House() as house:
        foreign = Transcript(WORDS[8000], 0.1, foreign=0.97, speech=0.9)
        house.stt.transcribe = lambda _pcm, _before="": foreign
        voice = np.rint(8000 * np.sign(np.sin(np.arange(960) * np.pi / 120))).astype(np.int16)
        await house.speak([(voice, 1500), (SILENCE, 1500)])
        await house.pass_time(15_000)
        assert house.of(events.NotUnderstood) == []
        assert house.of(events.ReplyEnded)[-1].heard.startswith("Leave at once")


@virtual_time
async def test_a_draft_calls_nobody():
    async with House() as house:
        speaking = asyncio.create_task(house.speak([(FIRE, 1000), (SILENCE, 200)]))
        await house.pass_time(1150)
        assert house.of(events.StaffWanted) == []
        await speaking


async def test_what_is_said_is_known_beforehand():
    class Other:
        def foreknown(self):
            yield ("Breakfast is at seven.",)

    mind = DangerMind(Asked(), Rescue("911"), OwnAnswers(None))
    for other in (None, Other()):
        known = ["".join(each) for each in (await mind.foreknown(other)).foreknown()]
        said = [t.text async for t in mind.answer(Question("Fire! Fire!")) if hasattr(t, "text")]
        assert said[0] in known
        assert (known[-1] == "Breakfast is at seven.") == (other is not None)


@pytest.mark.parametrize("path", [None, EXAMPLE, Path("/nowhere.md")])
async def test_own_answers_never_fail(path):
    own = OwnAnswers(path)
    assert ("medical" in await own.get("en-GB")) == (path is EXAMPLE)
    assert await own.get("xx") == {}


@virtual_time
async def test_what_nobody_has_an_answer_to_is_looked_at_once_more():
    told = {"He's got a gun!": "emergency", "I hate my life": "suicide"}
    async with House(Asked(sure=0.0), meaning=told.get) as house:
        assert (await house.asked("He's got a gun!")).startswith("If anybody is in danger, call")
        assert [e.reason for e in house.of(events.StaffWanted)] == ["danger: emergency"]
        assert (await house.asked("I hate my life")).startswith("I am very glad")
        assert house.mind.asked == list(told)
    async with House(Asked(sure=0.9), meaning=told.get) as house:
        assert (await house.asked("He's got a gun!")).startswith("one two three")


@virtual_time
async def test_a_second_look_that_fails_costs_nothing():
    def failing(text):
        raise EngineError("told to fail")

    async with House(Asked(sure=0.0), meaning=failing) as house:
        assert (await house.asked("Do you rent bikes?")).startswith("one two three")


async def test_where_our_words_are_english_an_english_voice_says_them():
    mind = DangerMind(Asked(), Rescue(), OwnAnswers(None))
    for language, voice in (("de-AT", "de-AT"), ("it", "en")):
        said = [
            t async for t in mind.answer(Question("My husband is not breathing", language=language))
        ]
        assert said[0].language == voice
