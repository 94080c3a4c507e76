"""A language model's tools through a whole session: asked for, used, shown, said, recorded."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web
from support import chat_double as double
from support.asking import opened
from support.chat_double import ChatDouble, calls, says
from support.stage import Stage

from visavis.engines.base import Card, Notes, Tool
from visavis.engines.dialogue.chat import mind as chat
from visavis.engines.settings import ChatSettings, DialogueSettings
from visavis.server.services.minds import WatchedMind
from visavis.server.session import events
from visavis.server.system.served import Health
from visavis.server.tools.specs import HttpTool, Limits, Shown, ToolsFile

PARAMETERS = {"type": "object", "properties": {"night": {"type": "string"}}}


class House:
    """A service that a tool asks; "never" never answers."""

    def __init__(self):
        self.asked, self.gone = [], asyncio.Event()

    async def answer(self, request):
        night = request.query.get("night", "")
        self.asked.append(night)
        try:
            if night == "never":
                await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.gone.set()
            raise
        return web.json_response({"rooms": ["Lark", "Finch"]})


@pytest.fixture
async def house():
    made = House()
    app = web.Application()
    app.router.add_get("/", made.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


async def noted(_question):
    return Notes("the inn")


class Talk:
    """A session whose mind is a model that says this, with the tools of a file."""

    def __init__(self, house, *script, seconds=0.3):
        about = Tool("free_rooms", "Which rooms are free.", PARAMETERS)
        limits = Limits(seconds=seconds)
        look = HttpTool(about, "GET", house.url, {"night": "{night}"}, limits=limits)
        builtins = frozenset({"show_map", "hand_over", "end_conversation"})
        self.file = ToolsFile(builtins, Shown(), (look,))
        self.endpoint = ChatDouble(*script)

    async def __aenter__(self):
        await self.endpoint.__aenter__()
        self.opened = opened(self.file)
        self.tools = await self.opened.__aenter__()
        settings = ChatSettings(self.endpoint.url, double.MODEL)
        toolbox = self.tools.box
        self.mind = chat.load(DialogueSettings(None, chat=settings, consult=noted, toolbox=toolbox))
        self.stage = Stage()
        engines = self.stage.services.engines()
        health = Health("dialogue", "The dialogue", self.stage.services.metrics)
        speakers = replace(
            engines.speakers,
            mind=WatchedMind(self.mind, health),
            admit=toolbox.gallery.admitted,
        )
        self.stage.open(replace(engines, speakers=speakers))
        await self.stage.__aenter__()
        return self

    async def __aexit__(self, *exc):
        await self.stage.__aexit__(*exc)
        await self.mind.close()
        await self.opened.__aexit__(*exc)
        await self.endpoint.__aexit__(*exc)

    async def until(self, kind):
        async with asyncio.timeout(10):
            while not self.stage.of(kind):
                await asyncio.sleep(0.02)
        return self.stage.of(kind)[-1]


async def test_what_a_model_looks_up_and_shows(house):
    both = (
        ("c1", "free_rooms", '{"night": "Monday"}'),
        ("c2", "show_map", '{"title": "The inn", "place": "Harbour Street 5"}'),
    )
    async with Talk(house, calls(*both), says("Lark is.")) as talk:
        talk.stage.session.ask("which rooms are free, and where are you?")
        assert (await talk.until(events.ReplyEnded)).heard == "Lark is."
        (shown,) = talk.stage.of(events.CardShown)
        assert shown.card == Card("map", "The inn", "", "Harbour Street 5")
        assert house.asked == ["Monday"]
        receipt = await talk.until(events.Receipt)
        assert len(receipt.tools) == 2
        remarks = talk.stage.session.history.remarks
        assert next((r.name, r.text) for r in remarks if r.role == "tool") == (
            "free_rooms",
            '{"rooms": ["Lark", "Finch"]}',
        )
        # what the model was offered, and what it was told
        offered = [each["function"]["name"] for each in talk.endpoint.asked[0].body["tools"]]
        assert offered == ["show_map", "hand_over", "end_conversation", "free_rooms"]
        told = [m for m in talk.endpoint.asked[1].body["messages"] if m["role"] == "tool"]
        assert "Lark" in told[0]["content"]


async def test_a_tool_that_hangs_is_told_and_the_conversation_goes_on(house):
    hanging = calls(("c1", "free_rooms", '{"night": "never"}'))
    async with Talk(house, hanging, says("Not now.")) as talk:
        talk.stage.session.ask("which rooms are free?")
        assert (await talk.until(events.ReplyEnded)).heard == "Not now."
        told = talk.endpoint.asked[1].body["messages"][-1]["content"]
        assert told.startswith("There was no answer within 0.3 s.")
        assert "plain words" in told
        assert talk.tools.counted("free_rooms", "timeout") == 1


async def test_an_interruption_ends_the_call(house):
    hanging = calls(("c1", "free_rooms", '{"night": "never"}'))
    async with Talk(house, hanging, says("Late."), seconds=10.0) as talk:
        talk.stage.session.ask("which rooms are free?")
        async with asyncio.timeout(5):
            while not house.asked:
                await asyncio.sleep(0.01)
            talk.stage.session.interrupt()
            await house.gone.wait()


async def test_staff_and_the_end(house):
    calling = calls(("c1", "hand_over", '{"reason": "a refund"}'))
    ending = calls(("c2", "end_conversation", "{}"))
    script = (calling, says("Yes."), ending, says("Bye."))
    async with Talk(house, *script) as talk:
        talk.stage.session.ask("I want my money back")
        assert (await talk.until(events.ReplyEnded)).heard == "Yes."
        assert talk.stage.of(events.StaffWanted) == [events.StaffWanted(1, "a refund")]
        assert talk.stage.of(events.Farewell) == []
        talk.stage.session.ask("thank you, bye")
        assert (await talk.until(events.Farewell)).turn == 2
        assert talk.stage.of(events.ReplyEnded)[-1].heard == "Bye."
