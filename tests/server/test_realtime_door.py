"""The official client of OpenAI's Realtime against a server on loopback, on fake engines."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager, suppress

import aiohttp
import numpy as np
import pytest
from openai import AsyncOpenAI, BadRequestError
from support.pace import soon
from support.realtime_client import KEY, until
from support.serving import serving
from websockets.exceptions import ConnectionClosed, InvalidStatus

from visavis.server.commands.composition import SESSIONS
from visavis.server.wires.realtime.sockets import Outbox


def speech(seconds, level=9000):
    pcm = np.full(int(24_000 * seconds), level, "<i2")
    return base64.b64encode(pcm.tobytes()).decode()


@asynccontextmanager
async def house(**settings):
    """A server, and the official client of it."""
    async with serving(**{"realtime_key": KEY, **settings}) as server:
        address = str(server.make_url("/v1"))
        async with AsyncOpenAI(api_key=KEY, base_url=address, max_retries=0) as client:
            yield server, client


@pytest.mark.asyncio
async def test_the_official_client_talks_and_is_answered():
    async with house() as (_, client), client.realtime.connect(model="gpt-realtime") as socket:
        created = (await until(socket, "session.created"))[-1].session
        assert created.model == "gpt-realtime"
        assert created.audio.output.voice == "heart"
        await socket.session.update(session={
            "type": "realtime", "output_modalities": ["audio"],
            "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}},
        })  # fmt: skip
        updated = (await until(socket, "session.updated"))[-1].session
        assert updated.audio.input.turn_detection.type == "semantic_vad"
        await socket.conversation.item.create(item={
            "type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "hello"}],
        })  # fmt: skip
        await socket.response.create()
        events = await until(socket, "response.done")
        deltas = [e for e in events if e.type == "response.output_audio.delta"]
        pcm = np.frombuffer(b"".join(base64.b64decode(e.delta) for e in deltas), "<i2")
        assert len(pcm) / 24_000 == pytest.approx(0.75, abs=0.01)
        done = events[-1].response
        assert done.status == "completed"
        assert done.output[0].content[0].transcript == "You said: hello"


@pytest.mark.asyncio
async def test_sound_is_heard_and_speech_interrupts():
    async with house() as (_, client), client.realtime.connect(model="x") as socket:
        await socket.input_audio_buffer.append(audio=speech(0.8))
        await socket.input_audio_buffer.append(audio=speech(1.5, 0))
        events = await until(socket, "response.done")
        kinds = [event.type for event in events]
        assert kinds.index("input_audio_buffer.speech_started") < kinds.index("response.created")
        words = [e for e in events if e.type.endswith("transcription.completed")]
        assert words[0].transcript == "what time is breakfast?"


@pytest.mark.asyncio
async def test_the_second_connection_is_as_the_first_and_places_are_given_back():
    async with house() as (server, client):
        for _ in range(2):
            async with client.realtime.connect(model="x") as socket:
                await until(socket, "session.created")
                await socket.response.create()
                assert (await until(socket, "response.done"))[-1].response.status == "completed"
        async with asyncio.timeout(5):
            while (await (await server.get("/readyz")).json())["taken"]:
                await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_who_has_no_key_or_a_wrong_one_is_refused():
    async with house() as (server, client):
        stranger = client.with_options(api_key="wrong")
        with pytest.raises(InvalidStatus) as refused:
            async with stranger.realtime.connect(model="x"):
                pass
        assert refused.value.response.status_code == 401
        response = await server.post("/v1/realtime/calls", data="v=0")
        assert response.status == 401
        async with serving() as off:  # no key: there is no such address
            assert (await off.get("/v1/realtime")).status == 404


@pytest.mark.asyncio
async def test_a_page_comes_in_with_an_ephemeral_key():
    async with house() as (server, client):
        made = await client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 60},
            session={"type": "realtime", "output_modalities": ["text"]},
        )
        assert made.value.startswith("ek_")
        names = ["realtime", f"openai-insecure-api-key.{made.value}"]
        async with server.ws_connect("/v1/realtime?model=x", protocols=names) as socket:
            assert socket.protocol == "realtime"
            created = await socket.receive_json()
            assert created["session"]["output_modalities"] == ["text"]
        page = client.with_options(api_key=made.value)
        async with page.realtime.connect(model="x") as socket:
            await until(socket, "session.created")
        for bad in (made.value[:-1] + ("A" if made.value[-1] != "A" else "B"), "ek_x.y.z"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await server.ws_connect("/v1/realtime", headers={"Authorization": f"Bearer {bad}"})
            assert refused.value.status == 401
        with pytest.raises(Exception, match="401"):
            await page.realtime.client_secrets.create()
        with pytest.raises(BadRequestError):
            await client.realtime.client_secrets.create(expires_after={"seconds": 10**9})


@pytest.mark.asyncio
async def test_hostile_events_are_told_and_the_conversation_goes_on():
    async with house() as (_, client), client.realtime.connect(model="x") as socket:
        await until(socket, "session.created")
        for text in ("{", "[]", "null", '{"type":"no.such"}', '{"type":[]}', "\x00", "[" * 100_000):
            await socket.send_raw(text)
            assert (await until(socket, "error"))[-1].error.type == "invalid_request_error"
        await socket.send_raw(b"\x00\x01")
        await until(socket, "error")
        await socket.input_audio_buffer.append(audio="not base64")
        await until(socket, "error")
        await socket.input_audio_buffer.append(audio=speech(0.7)[:-4] + "AA==")  # odd bytes
        for _ in range(8):
            await socket.input_audio_buffer.append(audio=speech(20, 0))
        events = await until(socket, "error")
        assert events[-1].error.code in ("input_audio_buffer_full", "rate_limit_exceeded")
        await socket.response.create(event_id="alive")
        while (await until(socket, "response.done"))[-1].response.status != "completed":
            pass


@pytest.mark.asyncio
async def test_a_message_of_15_mb_ends_its_own_connection_alone():
    async with house() as (_, client), client.realtime.connect(model="x") as witness:
        await until(witness, "session.created")
        async with client.realtime.connect(model="x") as socket:
            with suppress(ConnectionClosed):  # it is refused before it is read
                await socket.input_audio_buffer.append(audio="A" * (15 << 20))
                async for _ in socket:
                    pass
            assert socket._connection.close_code == 1009
        await witness.response.create()
        assert (await until(witness, "response.done"))[-1].response.status == "completed"


@pytest.mark.asyncio
async def test_a_flood_of_events_slows_down_its_sender_alone():
    async with (
        house() as (_, client),
        client.realtime.connect(model="x") as flooding,
        client.realtime.connect(model="x") as witness,
    ):
        await until(witness, "session.created")

        async def flood():
            for _ in range(700):
                await flooding.send_raw('{"type":"conversation.item.retrieve","item_id":"a"}')

        task = asyncio.create_task(flood())
        await witness.response.create()
        started = asyncio.get_running_loop().time()
        assert (await until(witness, "response.done"))[-1].response.status == "completed"
        assert soon(asyncio.get_running_loop().time() - started, 3.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        flooding._connection.transport.abort()  # it would read hundreds of errors first


@pytest.mark.asyncio
async def test_a_client_that_vanishes_gives_its_place_back():
    async with house() as (server, client):
        socket = await client.realtime.connect(model="x").enter()
        await until(socket, "session.created")
        socket._connection.transport.abort()
        async with asyncio.timeout(5):
            while (await (await server.get("/readyz")).json())["taken"]:
                await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_a_model_that_is_an_avatar_is_shown():
    async with house() as (_, client):
        async with client.realtime.connect(model="mira") as socket:
            created = (await until(socket, "session.created"))[-1].session
            assert created.model_extra["visavis"]["avatar"] == "mira"
        query = {"avatar": "nobody"}
        with pytest.raises(InvalidStatus) as refused:
            async with client.realtime.connect(model="x", extra_query=query):
                pass
        assert refused.value.response.status_code == 404
        assert json.loads(refused.value.response.body)["status"] == 404


@pytest.mark.asyncio
async def test_a_session_that_is_ended_says_so():
    async with house() as (server, client), client.realtime.connect(model="x") as socket:
        await until(socket, "session.created")
        (held,) = server.app[SESSIONS].all
        await held.dismiss("Our colleague is with you in a moment.")
        events = [event async for event in socket]
        assert events[-1].error.code == "session_expired"
        assert events[-1].error.message == "Our colleague is with you in a moment."
        assert socket._connection.close_code == 1001


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_let_go_and_sound_that_is_not_wanted_is_not_sent():
    class Stuck:
        def __init__(self):
            self.sent, self.free = [], asyncio.Event()

        async def send_str(self, text):
            await self.free.wait()
            self.sent.append(json.loads(text)["type"])

    socket = Stuck()
    outbox = Outbox(socket)
    sending = asyncio.create_task(outbox.run())
    outbox.put({"type": "response.created"})
    await asyncio.sleep(0)
    for _ in range(3):
        outbox.put({"type": "response.output_audio.delta", "delta": "A" * 100})
    outbox.put({"type": "response.done"})
    outbox.hurry()
    socket.free.set()
    await asyncio.sleep(0.01)
    assert socket.sent == ["response.created", "response.done"]
    socket.free.clear()
    for _ in range(100):
        outbox.put({"type": "response.output_audio.delta", "delta": "A" * 100_000})
    assert outbox.over
    socket.free.set()
    await asyncio.wait_for(sending, 1)
