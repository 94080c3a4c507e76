"""A language model as sessions ask it: over a socket, beside the file of answers."""

import asyncio
import time
from dataclasses import replace

import pytest
from support.chat_double import MODEL, ChatDouble, cuts, fails, says, stalls
from support.pace import soon
from support.questions import Asking, answered, words
from support.stage import Stage

from visavis.engines.base import EngineError, Exchange, Notes, Passage, Remark
from visavis.engines.settings import ChatSettings, DialogueSettings
from visavis.server.services import chatting, standin
from visavis.server.services.minds import DialogueMind
from visavis.server.session import events
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served


class FromAFile:
    """A dialogue that knows one thing."""

    def __init__(self):
        self.asked = []

    def reply(self, text, history):
        yield "From the file."

    def notes(self, text, history):
        self.asked.append((text, tuple(history)))
        return Notes("the inn", passages=(Passage("pool", "On the roof.", 1.0),))


class Opened:
    """A mind over an endpoint that behaves like this, and a file of answers."""

    def __init__(self, *script, **settings):
        self.endpoint, self.metrics, self.file = ChatDouble(*script), Metrics(), FromAFile()
        self.settings = settings

    async def __aenter__(self):
        await self.endpoint.__aenter__()
        health = Health("dialogue", "The dialogue", self.metrics)
        self.worker = Worker("dialogue", deadline=5)
        self.local = DialogueMind(Served(InThread(self.file, self.worker), health))
        quick = {"connect": 0.3, "first_token": 0.6, "between": 0.3, "total": 3.0}
        chat = ChatSettings(self.endpoint.url, MODEL, **{**quick, **self.settings})
        settings = DialogueSettings(None, chat=chat)
        self.opened = await chatting.opened("openai", settings, self.local, self.metrics)
        self.mind = self.opened.mind
        await asyncio.sleep(0.1)  # whether it is there was found out
        return self

    async def __aexit__(self, *_):
        await self.opened.close()
        self.worker.close()
        await self.endpoint.__aexit__()

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


async def test_the_model_is_told_what_the_file_says_and_what_was_heard():
    history = [Remark(1, "visitor", "hi"), Remark(1, "avatar", "Hello there.", heard="Hello")]
    async with Opened(says("Yes."), says("On the roof.")) as inn:
        assert words(await answered(inn.mind, Asking("Where is the pool?", history))) == (
            "On the roof."
        )
        assert inn.file.asked == [("Where is the pool?", (Exchange("hi", "Hello"),))]
        probe, asked = inn.endpoint.asked
        assert probe.body["max_tokens"] == 1
        system, *_, user = asked.body["messages"]
        assert "pool: On the roof." in user["content"]
        assert "the inn" in system["content"]
        assert "friendly" in system["content"]  # what may stand in brackets


async def test_one_that_is_down_from_the_start_keeps_nobody_waiting():
    async with Opened(fails(503)) as inn:
        began = time.monotonic()
        assert words(await answered(inn.mind)) == "From the file."
        assert soon(time.monotonic() - began, 0.2)
        assert inn.count("visavis_llm_away") == 1


@pytest.mark.parametrize("fault", [stalls, cuts, fails(500), fails(400), says("Well", then=cuts)])
async def test_one_that_fails_is_stood_in_for(fault):
    async with Opened(says("Yes."), fault) as inn:
        assert words(await answered(inn.mind)).endswith("From the file.")
        assert inn.count("visavis_llm_answers_total", by="stand-in") == 1


async def test_one_that_comes_back_is_asked_again(monkeypatch):
    monkeypatch.setattr(standin, "SOONEST", 0.1)
    async with Opened(says("Yes."), fails(401), says("Back.")) as inn:
        assert words(await answered(inn.mind)) == "From the file."
        await asyncio.sleep(0.4)
        assert words(await answered(inn.mind)) == "Back."
        assert inn.count("visavis_llm_away") == 0


async def test_a_dialogue_that_asks_no_model_is_refused():
    metrics = Metrics()
    with pytest.raises(EngineError, match="asks no language model"):
        await chatting.opened("echo", DialogueSettings(None), _nobody(metrics), metrics)


def _nobody(metrics):
    return DialogueMind(Served(InThread(FromAFile(), Worker("none")), Health("d", "D", metrics)))


# --- a whole conversation, in real time -----------------------------------------------------------


class Talk(Stage):
    """A conversation with this mind."""

    def __init__(self, mind):
        super().__init__()
        engines = self.services.engines()
        self.open(replace(engines, speakers=replace(engines.speakers, mind=mind)))


async def test_an_interruption_closes_the_request_and_keeps_what_was_heard():
    slow = {"between": 5.0, "total": 9.0}
    script = says("Yes.", finish="stop"), says("It is on the roof. ", then=stalls), says("Well.")
    async with Opened(*script, **slow) as inn, Talk(inn.mind) as stage:
        stage.session.ask("Where is the pool?")
        await stage.pass_time(700)
        at = time.monotonic()
        stage.session.interrupt()
        asked = inn.endpoint.asked[1]
        await asyncio.wait_for(asked.ended.wait(), 5)
        assert soon(asked.gone - at, 0.1)
        stage.session.ask("Sorry, where?")
        await stage.pass_time(400)
        (heard,) = (e.heard for e in stage.of(events.ReplyEnded) if e.reason == "interrupted")
        assert heard
        *_, before, _ = inn.endpoint.asked[2].body["messages"]
        assert before["role"] == "assistant"
        assert before["content"].removesuffix(" —") == heard
