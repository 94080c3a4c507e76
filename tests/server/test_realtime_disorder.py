"""Events of a client of OpenAI's Realtime in any order, with speech between them: nothing breaks.

Whatever was asked, each event is one of theirs, a response that began ends, exactly once and before
the next begins, and what belongs to it comes in between.
"""

import asyncio
import base64
import random

import numpy as np
import pytest
from support.realtime import TalkStage
from support.stage import SILENCE, VOICE
from support.virtual_time import virtual_time

from visavis.engines.base import Call, Fragment

LONG = " ".join(["word"] * 16)
PCM = base64.b64encode(np.full(4_800, 9000, "<i2").tobytes()).decode()


class Moody:
    """A mind that answers at length, uses a tool, or fails, by what it is asked."""

    async def answer(self, question):
        if "tool" in question.text:
            call = Call(f"call_{len(question.history)}", "weather", {})
            yield call
            yield (await question.toolbox.use(call, question)).result
        yield Fragment("Well. " if "fail" not in question.text else "")
        yield Fragment(LONG if "long" in question.text else "Yes.")


def event(dice, stage):
    """Any event, about something that there is or was."""
    items = [e["item"]["id"] for e in stage.told.of("conversation.item.added")] or ["none"]
    calls = [i["call_id"] for e in stage.told.of("conversation.item.added")
             if (i := e["item"])["type"] == "function_call"] or ["none"]  # fmt: skip
    item, role = dice.choice(items), dice.choice(["user", "assistant", "system"])
    text = dice.choice(["hello", "a long one", "use the tool", "fail", "stop", "", "go on"])
    detection = dice.choice([
        None, {"type": "server_vad"}, {"type": "semantic_vad", "create_response": False},
        {"type": "server_vad", "interrupt_response": False},
    ])  # fmt: skip
    message = {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}
    output = {"type": "function_call_output", "call_id": dice.choice(calls), "output": "sunny"}
    modality = dice.choice([["audio"], ["text"]])
    session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    return dice.choice([
        ("response.create", {}),
        ("response.create", {"response": {"output_modalities": modality}}),
        ("response.cancel", {}),
        ("conversation.item.create", {"item": message}),
        ("conversation.item.create", {"item": output}),
        ("conversation.item.delete", {"item_id": item}),
        ("conversation.item.retrieve", {"item_id": item}),
        ("conversation.item.truncate",
         {"item_id": item, "content_index": 0, "audio_end_ms": dice.randrange(3000)}),
        ("input_audio_buffer.append", {"audio": PCM}),
        ("input_audio_buffer.commit", {}),
        ("input_audio_buffer.clear", {}),
        ("output_audio_buffer.clear", {}),
        ("session.update", {"session": session}),
    ])  # fmt: skip


def in_order(events):
    """Responses begin and end in turns; what is of one lies within it."""
    current, done = None, set()
    for each in events:
        kind = each["type"]
        if kind == "response.created":
            assert current is None
            current = each["response"]["id"]
        elif kind == "response.done":
            assert each["response"]["id"] == current
            done.add(current)
            current = None
        elif kind.startswith("response."):
            assert each["response_id"] == current
    assert current is None
    return len(done)


@pytest.mark.parametrize("plays", [False, True], ids=["socket", "call"])
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 9))]
)
@virtual_time
async def test_any_order_of_events_is_survived(seed, plays):
    dice = random.Random(seed)
    tool = {"type": "function", "name": "weather"}
    stage = TalkStage(guided=True, plays=plays, session={"tools": [tool]},
                      mind=lambda mind: Moody())  # fmt: skip
    async with stage:
        for _ in range(60):
            kind, fields = event(dice, stage)
            await stage.send(kind, **fields)
            if dice.random() < 0.25:
                over = dice.choice([200, 700])
                await stage.speak([(VOICE, over), (SILENCE, dice.choice([100, 1000]))])
            await stage.pass_time(dice.choice([0, 20, 400, 2500]))
        await stage.send("session.update", session={"audio": {"input": {"turn_detection": None}}})
        await stage.pass_time(15_000)
        await stage.send("response.cancel")
        await asyncio.sleep(0)
        assert in_order(stage.told.events)
        failures = [e for e in stage.told.of("error") if e["error"]["type"] == "server_error"]
        assert {e["error"]["code"] for e in failures} <= {"reply-failed", "nothing-to-say"}
        # And it still answers.
        stage.told.clear()
        await stage.write("hello")
        await stage.send("response.create")
        await stage.pass_time(6000)
        assert stage.told.last("response.done")["response"]["status"] == "completed"
