"""Calls of OpenAI's Realtime over WebRTC: events on their channel, sound by tracks, and a face."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
from openai import AsyncOpenAI
from support.realtime_client import KEY, Caller
from support.services import FakeServices
from support.serving import SDP, problem, serving

from visavis.server.rtc import connection as rtc
from visavis.server.rtc.peer import microphone

AUTH = {"Authorization": f"Bearer {KEY}"}


@asynccontextmanager
async def calling(*, video=True, session=None, **settings):
    async with serving(FakeServices(stt="hello?"), realtime_key=KEY, **settings) as server:
        address = str(server.make_url("/v1"))
        caller = Caller(video=video)
        async with AsyncOpenAI(api_key=KEY, base_url=address, max_retries=0) as client:
            wanted = {"type": "realtime", "model": "gpt-realtime", **(session or {})}
            offer = await caller.offer()
            answer = await client.realtime.calls.create(sdp=offer, session=wanted)
            assert answer.response.status_code == 201
            await caller.answered(answer.text)
            caller.location = answer.response.headers["Location"]
            try:
                await caller.until("session.created")
                yield server, client, caller
            finally:
                await rtc.close(caller.pc)


async def loud(caller):
    sound = microphone(caller.tracks["audio"])
    async with asyncio.timeout(10):
        while np.abs((await anext(sound)).astype(int)).max() < 5000:
            pass


@pytest.mark.asyncio
async def test_a_call_has_a_face_and_a_voice_and_hears():
    async with calling() as (_, client, caller):
        picture = await asyncio.wait_for(caller.tracks["video"].recv(), 5)
        assert (picture.width, picture.height) == (128, 128)
        caller.voice.loud = True
        await caller.until("input_audio_buffer.speech_started")
        await asyncio.sleep(0.6)
        caller.voice.loud = False
        await caller.until("output_audio_buffer.started")
        await loud(caller)
        done = (await caller.until("response.done"))["response"]
        assert done["output"][0]["content"][0]["transcript"] == "You said: hello?"
        assert "output_audio_buffer.stopped" in caller.told.kinds
        assert not caller.told.of("response.output_audio.delta")
        assert caller.location.startswith("/v1/realtime/calls/rtc_")
        await client.realtime.calls.hangup(caller.location.rsplit("/", 1)[1])
        async with asyncio.timeout(5):
            while caller.pc.connectionState == "connected":
                await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_a_call_without_a_picture_has_a_voice_and_typed_words():
    async with calling(video=False) as (_, _, caller):
        item = {"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "hello"}]}  # fmt: skip
        caller.send("conversation.item.create", item=item)
        caller.send("response.create")
        await loud(caller)
        await caller.until("response.done")
        assert "video" not in caller.tracks
        caller.channel.send(b"\x00")
        caller.send("x" * 100_000)
        await caller.until("error", 2)


@pytest.mark.asyncio
async def test_a_page_calls_with_an_ephemeral_key_and_the_offer_alone():
    async with serving(realtime_key=KEY) as server:
        made = await server.post("/v1/realtime/client_secrets", headers=AUTH, json={})
        key = {"Authorization": f"Bearer {(await made.json())['value']}"}
        page = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
        asked = await server.options("/v1/realtime/calls", headers=page)
        assert asked.headers["Access-Control-Allow-Origin"] == "*"
        for address in ("/v1/realtime/calls", "/v1/realtime?model=gpt-realtime"):
            caller = Caller(video=True)
            try:
                headers = {**SDP, **key, "Origin": page["Origin"]}
                answer = await server.post(address, data=await caller.offer(), headers=headers)
                assert answer.status == 201
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                await caller.answered(await answer.text())
                await caller.until("session.created")
            finally:
                await rtc.close(caller.pc)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"v=0", "application/sdp", 422),
        (b"hello", "application/sdp", 400),
        (b"v=0", "text/plain", 415),
        (b"--x\r\nno form", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\n'
         b'--x\r\nContent-Disposition: form-data; name="session"\r\n\r\n[]\r\n--x--\r\n',
         "multipart/form-data; boundary=x", 400),
        (b"v=0" + b"a" * 70_000, "application/sdp", 413),
    ],
    ids=["short", "no-sdp", "type", "no-form", "session", "long"],
)  # fmt: skip
async def test_what_is_no_offer_is_refused(body, kind, status):
    async with serving(realtime_key=KEY) as server:
        headers = {**AUTH, "Content-Type": kind}
        answer = await server.post("/v1/realtime/calls", data=body, headers=headers)
        assert (await problem(answer))[0] == status
        assert (await (await server.get("/readyz")).json())["taken"] == 0
        gone = await server.delete("/v1/realtime/calls/rtc_none", headers=AUTH)
        assert gone.status == 404
