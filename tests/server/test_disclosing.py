"""The first reply of a session says that a computer speaks: once, and in front of no emergency."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Fragment, Gesture, HandOver
from visavis.engines.dialogue import danger, smalltalk
from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import lines_of
from visavis.engines.language.phrasebook import LANGUAGES, phrase, phrases
from visavis.server.services.dangers import DangerMind, OwnAnswers
from visavis.server.services.prepared import Disclosed
from visavis.server.session import events, keepsake
from visavis.server.session.disclosing import KEY, Opening, without

SENTENCE = phrase(KEY, "en")
ANSWER = "[friendly] Yes, the pool is open. It closes at nine in the evening, as every day."
HEARD = "Yes, the pool is open. It closes at nine in the evening, as every day."
FIRST = f"{SENTENCE} {HEARD}"


class Pool:
    """A mind that knows one thing, and may be slow to say the second half of it."""

    def __init__(self):
        self.asked = 0
        self.wait = 0.0

    async def answer(self, question):
        self.asked += 1
        yield Gesture("nod")
        yield Fragment(ANSWER[:40], 0.9)
        if self.wait:
            await asyncio.sleep(self.wait)
        yield Fragment(ANSWER[40:])


class Desk(Stage):
    def __init__(self, mind=None, **options):
        super().__init__()
        self.mind = mind or Pool()
        engines = self.services.engines()
        speakers = replace(engines.speakers, mind=self.mind)
        self.open(replace(engines, **{"speakers": speakers, "discloses": True} | options))

    async def asked(self, text="Is the pool open?"):
        self.session.ask(text)
        return await self.heard()

    async def said(self, text):
        self.session.say(text)
        return await self.heard()

    async def heard(self):
        await self.pass_time(14_000)
        return self.of(events.ReplyEnded)[-1].heard


@virtual_time
async def test_the_first_reply_says_it_and_no_other():
    async with Desk() as desk:
        assert await desk.asked() == FIRST
        assert await desk.asked() == HEARD


@virtual_time
async def test_captions_show_it_and_the_history_has_it():
    async with Desk() as desk:
        await desk.asked()
        assert desk.of(events.Caption)[0].text == SENTENCE
        assert desk.session.history.remarks[-1].heard == FIRST
        assert desk.session.history.lines()[-1].text == FIRST


@virtual_time
@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_in_the_session_s_language(language):
    async with Desk(language=language) as desk:
        heard = await desk.asked()
        assert heard.replace(" ", "").startswith(phrase(KEY, language).replace(" ", ""))
        desk.session.language = "de"
        assert phrase(KEY, "de") not in await desk.asked()


@virtual_time
async def test_a_language_without_words_of_its_own_has_it_in_english():
    async with Desk(language="it") as desk:
        assert (await desk.asked()).startswith(SENTENCE)


@virtual_time
async def test_nothing_is_said_where_the_page_does():
    async with Desk(discloses=False) as desk:
        assert await desk.asked() == HEARD


@virtual_time
async def test_what_a_program_has_said_is_said_as_it_is():
    async with Desk() as desk:
        assert await desk.said("Good morning.") == "Good morning."
        assert await desk.asked() == FIRST


@virtual_time
async def test_a_greeting_that_says_it_counts():
    async with Desk() as desk:
        await desk.said(f"Hello! {SENTENCE} What may I do for you?")
        assert await desk.asked() == HEARD


@virtual_time
@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_answer_that_says_it_is_enough(language):
    small, _beyond = smalltalk.entries(language)
    said = next(entry.answers[0] for entry in small if entry.id == "are-you-a-robot")
    assert phrase("disclosure.answered", language) in said
    async with Desk(language=language) as desk:
        desk.session.reply(said)
        assert phrase(KEY, language) not in await desk.heard()
        assert phrase(KEY, language) not in await desk.asked()


@virtual_time
async def test_a_few_words_of_its_own_are_a_first_reply_too():
    async with Desk() as desk:
        desk.session.reply("Of course.")
        assert await desk.heard() == f"{SENTENCE} Of course."
        assert await desk.asked() == HEARD


@virtual_time
async def test_a_person_who_has_taken_over_is_no_computer():
    async with Desk() as desk:
        desk.session.attendance.hold()
        assert await desk.said("This is Anna from the desk.") == "This is Anna from the desk."
        desk.session.attendance.release()
        assert await desk.asked() == FIRST


@virtual_time
async def test_a_danger_is_answered_first_and_what_follows_it_too():
    danger.warm()
    mind = DangerMind(Pool(), danger.Rescue(), OwnAnswers(None))
    async with Desk(mind) as desk:
        assert SENTENCE not in await desk.asked("Help, there is a fire in my room!")
        assert [e.reason for e in desk.of(events.StaffWanted)] == ["danger: fire"]
        assert SENTENCE not in await desk.asked("Where is the door?")
        for _ in range(3):
            last = await desk.asked()
        told = [e.heard for e in desk.of(events.ReplyEnded) if SENTENCE in e.heard]
        assert len(told) == 1
        assert SENTENCE not in last


@virtual_time
async def test_broken_off_before_it_was_heard_it_is_said_by_the_next_reply():
    async with Desk() as desk:
        desk.session.ask("Is the pool open?")
        await desk.pass_time(350)
        desk.session.interrupt()
        assert len(desk.of(events.ReplyEnded)[-1].heard.split()) < 3
        assert await desk.asked() == FIRST


@virtual_time
async def test_broken_off_in_the_middle_of_it_is_enough():
    async with Desk() as desk:
        desk.session.ask("Is the pool open?")
        while not (shown := desk.of(events.Caption)) or shown[-1].heard < len("This is a comp"):
            await desk.pass_time(40)
        desk.session.interrupt()
        assert await desk.asked() == HEARD


@virtual_time
@pytest.mark.parametrize("wait", [0.0, 20.0])
async def test_gone_on_with_it_says_no_word_twice_and_leaves_none_out(wait):
    async with Desk() as desk:
        desk.mind.wait = wait
        desk.session.ask("Is the pool open?")
        while "pool" not in "".join(e.text[: e.heard] for e in desk.of(events.Caption)[-1:]):
            await desk.pass_time(40)
        desk.session.halt()
        before = desk.of(events.ReplyEnded)[-1].heard
        desk.mind.wait = 0.0
        assert desk.session.go_on()
        assert f"{before} {await desk.heard()}" == FIRST


@virtual_time
async def test_halted_within_the_sentence_the_answer_is_whole():
    async with Desk() as desk:
        desk.session.ask("Is the pool open?")
        while not (shown := desk.of(events.Caption)) or shown[-1].heard < len("This is a comp"):
            await desk.pass_time(40)
        desk.session.halt()
        assert desk.session.go_on()
        assert await desk.heard() == HEARD


@virtual_time
async def test_repeated_is_the_answer_alone():
    async with Desk() as desk:
        await desk.asked()
        desk.session.repeat()
        assert await desk.heard() == HEARD


@virtual_time
async def test_who_comes_back_is_not_told_again():
    async with Desk() as desk:
        await desk.asked()
        desk.session.rest(desk.clock.now())
        desk.session.wake()
        assert await desk.asked() == HEARD
        desk.session.rest(desk.clock.now())
        left = desk.session.left()
    async with Desk() as another:
        another.session.restore(left, 0)
        another.session.wake()
        assert await another.asked() == HEARD


@virtual_time
async def test_what_has_no_sentence_before_it_is_not_taken_for_it_in_another_session():
    danger.warm()
    mind = DangerMind(Pool(), danger.Rescue(), OwnAnswers(None))
    async with Desk(mind) as desk:
        assert SENTENCE not in await desk.asked("Help, there is a fire in my room!")
        await desk.said("Good morning.")
        desk.session.rest(desk.clock.now())
        left = desk.session.left()
    async with Desk() as another:
        another.session.restore(keepsake.read(keepsake.written(left)), 0)
        another.session.wake()
        assert await another.asked() == FIRST


@virtual_time
async def test_who_was_gone_before_it_was_heard_is_told():
    async with Desk() as desk:
        began = desk.clock.now()
        await desk.asked()
        desk.session.rest(began)
        desk.session.wake()
        assert await desk.heard() == FIRST
        assert await desk.asked() == HEARD


@virtual_time
async def test_halted_at_its_first_word_it_is_said_once_more():
    async with Desk() as desk:
        desk.session.ask("Is the pool open?")
        while not (shown := desk.of(events.Caption)) or shown[-1].heard < len("This"):
            await desk.pass_time(20)
        desk.session.halt()
        assert desk.session.go_on()
        assert await desk.heard() == FIRST
        assert await desk.asked() == HEARD


def test_the_lines_of_the_answer_stay_those_that_were_made_ahead():
    understand = Director().understand
    for language in LANGUAGES:
        made = Opening(phrase(KEY, language), language).lines(Fragment("x"), ())
        assert len(made) == 1, language
        assert made[0].text.replace(" ", "") == phrase(KEY, language).replace(" ", "")
    (ahead,) = [line.text for line in lines_of([SENTENCE], understand)]
    assert Opening(SENTENCE, "en").lines(Fragment(ANSWER), ())[0].text == ahead


def test_the_sentence_is_made_ahead_with_the_answers():
    class Knows:
        def foreknown(self):
            yield ("Hello.",)

    assert list(Disclosed("en", Knows()).foreknown()) == [(SENTENCE,), ("Hello.",)]
    assert list(Disclosed("it", Knows()).foreknown()) == [("Hello.",)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_short_and_can_be_taken_off_an_answer(language):
    (sentence,) = phrases(KEY, language)
    assert len(sentence) < 40
    assert without(f"{sentence} {ANSWER}") == ANSWER


def test_an_urgent_answer_has_nothing_before_it():
    opening = Opening(SENTENCE, "en")
    assert opening.lines(HandOver("x"), ()) == []
    assert opening.lines(Fragment("Leave at once.", urgent=True), ()) == []
    assert opening.lines(Fragment("Then wait."), ()) == []
