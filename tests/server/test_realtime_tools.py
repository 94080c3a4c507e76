"""A client's instructions and tools: what the mind is told, and how a call goes to and fro."""

import json

from support.realtime import TalkStage, settled
from support.virtual_time import virtual_time

from visavis.engines.base import Call, Fragment, Instructed

TOOL = {
    "type": "function",
    "name": "weather",
    "description": "How the weather is.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
SESSION = {"instructions": "You are a parrot.", "tools": [TOOL]}


class Model:
    """A mind that uses the client's tools as a language model would. before: its first words."""

    def __init__(self, before=""):
        self.asked, self.before = [], before

    async def answer(self, question):
        assert isinstance(question, Instructed)
        self.asked.append(question)
        if self.before:
            yield Fragment(self.before)
        if "weather" not in question.text:
            yield Fragment("Polly wants a cracker.")
            return
        call = Call("call_1", "weather", {"city": "Bern"})
        yield call
        used = await question.toolbox.use(call, question)
        yield used.result
        yield Fragment(f"It is {used.result.content}.")


async def gives(stage, output, call="call_1"):
    item = {"type": "function_call_output", "call_id": call, "output": output}
    await stage.send("conversation.item.create", item=item)


@virtual_time
async def test_instructions_and_tools_reach_the_mind():
    model = Model()
    async with TalkStage(guided=True, session=SESSION, mind=lambda mind: model) as stage:
        shown = stage.told.last("session.created")["session"]
        assert shown["instructions"] == "You are a parrot."
        assert [tool["name"] for tool in shown["tools"]] == ["weather"]
        assert shown["visavis"]["ignored"] == []
        await stage.write("hello")
        await stage.send("response.create", response={"instructions": "Be a crow."})
        await stage.pass_time(4000)
        await stage.write("hello again")
        await stage.send("response.create")
        await stage.pass_time(4000)
        assert [q.instructions for q in model.asked] == ["Be a crow.", "You are a parrot."]
        assert [tool.name for tool in model.asked[0].toolbox.tools()] == ["weather"]


@virtual_time
async def test_a_call_ends_a_response_and_its_output_goes_on_in_another():
    async with TalkStage(guided=True, session=SESSION, mind=lambda mind: Model()) as stage:
        await stage.write("how is the weather")
        stage.told.clear()
        await stage.send("response.create")
        await stage.pass_time(500)
        assert stage.told.kinds == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        called = stage.told.last("response.done")["response"]["output"][0]
        assert (called["name"], called["call_id"]) == ("weather", "call_1")
        assert json.loads(called["arguments"]) == {"city": "Bern"}
        await gives(stage, "sunny")
        await stage.send("response.create")
        await stage.pass_time(4000)
        first, second = (e["response"] for e in stage.told.of("response.done"))
        assert first["status"] == second["status"] == "completed"
        assert second["output"][0]["content"][0]["transcript"] == "It is sunny."
        assert [r.role for r in stage.session.history.remarks] == ["visitor", "tool", "avatar"]


@virtual_time
async def test_words_before_a_call_belong_to_the_response_with_the_call():
    model = Model(before="Let me look at that for you. ")
    async with TalkStage(guided=True, session=SESSION, mind=lambda mind: model) as stage:
        await stage.write("how is the weather")
        await stage.send("response.create")
        await stage.pass_time(3000)
        first = stage.told.of("response.done")[0]["response"]
        kinds = [item["type"] for item in first["output"]]
        assert sorted(kinds) == ["function_call", "message"]
        await gives(stage, "rainy")
        await stage.send("response.create")
        await stage.pass_time(4000)
        second = stage.told.of("response.done")[1]["response"]
        assert second["output"][0]["content"][0]["transcript"] == "It is rainy."


@virtual_time
async def test_an_output_that_nobody_waits_for_is_refused():
    async with TalkStage(guided=True, session=SESSION, mind=lambda mind: Model()) as stage:
        await gives(stage, "sunny")
        assert stage.told.last("error")["error"]["code"] == "invalid_tool_call_id"
        await stage.write("how is the weather")
        await stage.send("response.create")
        await stage.pass_time(500)
        await stage.send("response.cancel")
        await settled()
        await gives(stage, "too late")
        assert stage.told.last("error")["error"]["code"] == "invalid_tool_call_id"


@virtual_time
async def test_a_mind_that_reads_nothing_says_so():
    async with TalkStage(session=SESSION) as stage:
        shown = stage.told.last("session.created")["session"]
        assert shown["instructions"] == ""
        assert shown["tools"] == []
        assert shown["visavis"]["ignored"] == ["instructions", "tools"]
