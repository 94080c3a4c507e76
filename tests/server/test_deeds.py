"""What is done beside the words: cards, staff called, a goodbye; and only once confirmed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import Call, Card, Farewell, Fragment, HandOver, Result, Show
from visavis.server import protocol
from visavis.server.playout.messages import ms
from visavis.server.services.minds import WatchedMind
from visavis.server.session import events
from visavis.server.system.served import Health

POOL = Card("picture", "The pool", "/v1/cards/pool.jpg", "The pool on the roof")
MENU = Card("link", "The menu", "https://hotel.example/menu")


class Scripted:
    """A mind that yields always the same thoughts."""

    def __init__(self, *thoughts):
        self.thoughts = thoughts
        self.asked = []

    async def answer(self, question):
        self.asked.append(question.text)
        for thought in self.thoughts:
            yield thought


def with_mind(stage, mind):
    stage.mind, engines = mind, stage.services.engines()
    watched = WatchedMind(mind, Health("dialogue", "The dialogue", stage.services.metrics))
    stage.open(replace(engines, speakers=replace(engines.speakers, mind=watched)))
    return stage


def done(stage):
    """(what, when) of all that was done, in order."""
    kinds = (events.CardShown, events.StaffWanted, events.Farewell)
    return [(event, at) for at, event in stage.sent if isinstance(event, kinds)]


@virtual_time
async def test_a_card_shows_with_the_first_word_after_it():
    thoughts = (Fragment("It is on the roof. "), Show(POOL), Fragment("Here it is."))
    async with with_mind(Stage(), Scripted(*thoughts)) as stage:
        stage.session.ask("where is the pool?")
        await stage.pass_time(4000)
        ((shown, at),) = done(stage)
        assert shown == stage.session.card_shown == events.CardShown(1, POOL)
        second = next(at for at, event in stage.sent if _is_caption(event, "Here it is."))
        assert abs(at - second) < ms(200)


@virtual_time
async def test_a_card_is_there_for_who_joins_until_the_next_reply_but_one():
    async with with_mind(Stage(), Scripted(Show(POOL), Fragment("Here."))) as stage:
        assert stage.session.card_shown is None
        stage.session.ask("where is the pool?")
        await stage.pass_time(2000)
        stage.mind.thoughts = (Fragment("Until nine."),)
        stage.session.ask("how long?")
        await stage.pass_time(2000)
        assert stage.session.card_shown == events.CardShown(1, POOL)
        stage.session.ask("and on Sundays?")
        await stage.pass_time(2000)
        assert stage.session.card_shown is None


def _is_caption(event, text):
    return isinstance(event, events.Caption) and event.text == text


@virtual_time
async def test_cards_alone_are_an_answer_and_come_in_order():
    async with with_mind(Stage(), Scripted(Show(POOL), Show(MENU))) as stage:
        stage.session.ask("show me")
        await stage.pass_time(3000)
        assert [event.card for event, _ in done(stage)] == [POOL, MENU]
        assert [e.reason for e in stage.of(events.ReplyEnded)] == ["done"]


@virtual_time
async def test_a_plain_dialogue_shows_cards_too():
    async with Stage() as stage:
        stage.dialogue.reply = lambda text, history: iter([Show(POOL), "On the ", "roof."])
        stage.session.ask("where is the pool?")
        await stage.pass_time(3000)
        assert [event.card for event, _ in done(stage)] == [POOL]
        assert [e.heard for e in stage.of(events.ReplyEnded)] == ["On the roof."]


@virtual_time
async def test_staff_is_called_before_the_words_about_it_are_over():
    thoughts = (HandOver("wants a refund"), Fragment("One moment please, somebody comes."))
    async with with_mind(Stage(), Scripted(*thoughts)) as stage:
        assert stage.session.staff_wanted is None
        stage.session.ask("I want to speak to a human")
        await stage.pass_time(400)
        assert [event for event, _ in done(stage)] == [events.StaffWanted(1, "wants a refund")]
        assert stage.session.staff_wanted == "wants a refund"


@virtual_time
async def test_a_goodbye_is_told_when_its_last_word_was_said():
    async with with_mind(Stage(), Scripted(Farewell(), Fragment("Goodbye, then."))) as stage:
        stage.session.ask("bye")
        await stage.pass_time(3000)
        ((told, at),) = done(stage)
        assert told == events.Farewell(1)
        assert at >= stage.of(events.ReplyStarted)[0].at + 2 * fake.WORD


@virtual_time
async def test_who_speaks_into_a_goodbye_stays():
    words = "Goodbye then and have a very nice and quiet evening."
    async with with_mind(Stage(), Scripted(Farewell(), Fragment(words))) as stage:
        stage.session.ask("bye")
        await stage.pass_time(700)
        stage.session.interrupt()
        await stage.pass_time(3000)
        assert done(stage) == []


@virtual_time
async def test_nothing_is_done_for_a_question_that_was_not_finished():
    deeds = (Show(POOL), HandOver("lost"), Fragment("I see."))
    async with with_mind(Stage(), Scripted(*deeds)) as stage:
        words = iter(["call", "call a taxi for my mother"])
        stage.stt.transcribe = lambda pcm, before="": fake.Transcript(next(words), 0.0)
        await stage.speak([(VOICE, 600), (SILENCE, 260), (VOICE, 600), (SILENCE, 1500)])
        assert len(stage.mind.asked) > 1  # the first time too early
        assert {type(event) for event, _ in done(stage)} == {
            events.CardShown,
            events.StaffWanted,
        }
        assert len(done(stage)) == 2
        assert all(at > ms(200 + 600 + 260 + 600) for _, at in done(stage))


@virtual_time
async def test_nothing_is_done_before_the_visitor_is_known_to_have_finished():
    async with with_mind(Stage(), Scripted(HandOver("lost"), Fragment("I see."))) as stage:
        speaking = asyncio.create_task(stage.speak([(VOICE, 1000), (SILENCE, 1500)]))
        await speaking
        ((_, at),) = done(stage)
        assert at >= ms(200 + 1000 + 400)


@virtual_time
async def test_what_a_tool_has_done_is_not_done_again_when_the_answer_goes_on():
    class Booking(Scripted):
        async def answer(self, question):
            self.asked.append(question.text)
            yield Call("1", "book", {})
            yield Result("1", "booked")
            yield Fragment("Your room is booked, and a very quiet one it is. ")
            await asyncio.sleep(60)  # more is to come
            yield Fragment("Anything else?")

    async with with_mind(Stage(), Booking()) as stage:
        stage.session.ask("book a room")
        await stage.pass_time(1000)
        stage.session.halt()
        assert stage.session.go_on()
        await stage.pass_time(4000)
        assert stage.mind.asked == ["book a room"]
        said = " ".join(e.heard for e in stage.of(events.ReplyEnded))
        assert said == "Your room is booked, and a very quiet one it is."


@virtual_time
async def test_anybody_may_call_staff():
    async with Stage() as stage:
        stage.session.call_staff("frustrated")
        assert [event for event, _ in done(stage)] == [events.StaffWanted(0, "frustrated")]


def test_on_the_wire():
    told = [events.CardShown(1, POOL), events.StaffWanted(2, "lost"), events.Farewell(3)]
    assert [json.loads(protocol.encode(each)) for each in told] == [
        {
            "type": "card",
            "turn": 1,
            "card": {
                "kind": "picture",
                "title": "The pool",
                "address": "/v1/cards/pool.jpg",
                "text": "The pool on the roof",
                "image": "",
            },
        },
        {"type": "staff", "turn": 2, "reason": "lost"},
        {"type": "farewell", "turn": 3},
    ]
