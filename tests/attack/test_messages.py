"""Messages on the data channel that cannot be taken: each is an `error`, nothing ends."""

import asyncio
import json

import pytest
from aiortc.rtcsctptransport import WEBRTC_BINARY, WEBRTC_DCEP, WEBRTC_STRING
from support.serving import serving, watching

from visavis.server import protocol
from visavis.server.rtc import channels

BAD = {
    "400 digits": '{"type": "ping", "t": %s}' % ("9" * 400),
    "5000 digits": '{"type": "ping", "t": %s}' % ("9" * 5000),
    "5000 digits elsewhere": '{"type": "interrupt", "x": -%s}' % ("9" * 5000),
    "exponent": '{"type": "ping", "t": 1e999}',
    "not a number": '{"type": "ping", "t": NaN}',
    "infinity": '{"type": "ping", "t": -Infinity}',
    "brackets": "[" * 16_000,
    "nested": '{"type": %s}' % ("[" * 7000 + "]" * 7000),
    "objects": '{"a":' * 3000 + "1" + "}" * 3000,
    "one name twice": '{"type": "interrupt", "type": "ping", "t": 1}',
    "type is a number": '{"type": 1}',
    "type is an object": '{"type": {"text": "text"}}',
    "type is null": '{"type": null}',
    "half a character": '{"type": "text", "text": "\\udc00"}',
    "half a type": '{"type": "\\udc00"}',
    "nul": '{"type": "say", "text": "a\\u0000b"}',
    "nul in a direction": '{"type": "direct", "prompt": "\\u0000"}',
    "control character": '{"type": "text", "text": "a\nb"}',
    "binary": b'{"type": "interrupt"}',
    "empty": "",
    "empty binary": b"",
    "byte order mark": '\ufeff{"type": "interrupt"}',
}


async def alive(viewer, number):
    viewer.channel.send(json.dumps({"type": "ping", "t": number}))
    await viewer.wait_for("pong", t=number)


async def errors(viewer, count, within=5.0):
    async with asyncio.timeout(within):
        while len([each for each in viewer.messages if each["type"] == "error"]) < count:
            await asyncio.sleep(0.01)


async def test_what_cannot_be_taken_is_an_error_and_the_session_goes_on():
    async with serving() as client, watching(client) as viewer:
        for number, bad in enumerate(BAD.values(), 1):
            viewer.channel.send(bad)
            await errors(viewer, number)
            await alive(viewer, number)
        told = [each["code"] for each in viewer.messages if each["type"] == "error"]
        assert set(told) == {"bad-message"}
        assert (await client.get(viewer.location)).status == 200


async def test_a_text_that_is_no_utf_8_is_an_error():
    async with serving() as client, watching(client) as viewer:
        await alive(viewer, 1)
        sctp = viewer.pc.sctp
        await sctp._send(viewer.channel.id, WEBRTC_STRING, b'{"type": "\xff\xfe"}')
        await errors(viewer, 1)
        await alive(viewer, 2)


@pytest.mark.parametrize(
    "message",
    [
        b"\x02",
        b"\x03" + bytes(11),
        b"\x03" + bytes(7) + b"\xff\xff\xff\xff\xfe",
        b"\xff",
        b"\x03\x00",
    ],
    ids=str.split("ack open label unknown short"),
)  # fmt: skip
async def test_a_channel_opened_in_a_wrong_way_ends_nothing(message):
    async with serving() as client, watching(client) as viewer:
        await alive(viewer, 1)
        for stream in (viewer.channel.id, 7, 65_534):
            await viewer.pc.sctp._send(stream, WEBRTC_DCEP, message)
            await viewer.pc.sctp._send(stream, WEBRTC_BINARY, b"x")
        await alive(viewer, 2)


async def test_a_peer_has_so_many_channels_and_no_more():
    async with serving() as client, watching(client) as viewer:
        for number in range(channels.MOST + 20):
            viewer.pc.createDataChannel(f"more {number}")
        await alive(viewer, 1)
        await asyncio.sleep(0.2)
        await alive(viewer, 2)


async def test_a_fault_of_ours_is_an_error_and_quotes_nobody(monkeypatch, caplog):
    async def command(session, message):
        raise RuntimeError(f"they said {message.text}")

    async with serving() as client, watching(client) as viewer:
        monkeypatch.setattr(protocol, "command", command)
        viewer.channel.send('{"type": "text", "text": "my secret"}')
        assert (await viewer.wait_for("error"))["code"] == "failed"
        monkeypatch.setattr(protocol, "decode", lambda _data: 1 / 0)
        viewer.channel.send("{}")
        await errors(viewer, 2)
        monkeypatch.undo()
        await alive(viewer, 1)
        refused = await client.post(f"{viewer.location}/interrupt", data="[" * 60_000)
        assert refused.status == 400
    assert "RuntimeError at" in str([vars(record) for record in caplog.records])
    assert "my secret" not in caplog.text + str([vars(record) for record in caplog.records])


async def test_too_many_messages_at_a_time_are_refused(monkeypatch):
    async def command(session, message):
        await asyncio.sleep(30)

    async with serving() as client, watching(client) as viewer:
        monkeypatch.setattr(protocol, "command", command)
        for _ in range(70):
            viewer.channel.send('{"type": "interrupt"}')
        assert (await viewer.wait_for("error"))["code"] == "too-many-messages"
