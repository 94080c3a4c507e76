"""The client knows every message that the server has, field by field."""

import dataclasses
import json
import re
from typing import get_args

import pytest

from visavis.engines.base import Card
from visavis.remote import messages
from visavis.server import protocol
from visavis.server.playout.messages import ms
from visavis.server.session import events

FROM_SERVER = {name: kind for kind, name in protocol._NAMES.items()}


def fields(kind):
    """Names of fields with whether they may be left out, as they are on the wire."""
    return {
        re.sub(r"^at$", "at_ms", each.name): each.default is not dataclasses.MISSING
        for each in dataclasses.fields(kind)
    }


def test_every_message_to_the_server_is_there():
    ours = {kind.type: kind for kind in get_args(messages.ToServer)}
    assert set(ours) == set(protocol._CLIENT_TYPES)
    for name, kind in protocol._CLIENT_TYPES.items():
        assert fields(ours[name]) == fields(kind), name


def test_every_message_from_the_server_is_there():
    assert set(messages.TYPES) == set(FROM_SERVER)
    assert set(messages.TYPES.values()) == set(get_args(messages.FromServer))
    for name, kind in FROM_SERVER.items():
        assert set(fields(messages.TYPES[name])) == set(fields(kind)), name
    for ours, kind in ((messages.Line, events.Line), (messages.Card, Card)):
        assert fields(ours) == fields(kind)


@pytest.mark.parametrize(
    "message",
    [
        messages.Text("hi"), messages.SayText("hi", "warm"), messages.Interrupt(),
        messages.Direct("calm"), messages.Mic(True), messages.Watch(False),
        messages.Language("de"), messages.Ping(1.5),
    ],
)  # fmt: skip
def test_the_server_reads_what_is_written(message):
    read = protocol.decode(messages.encode(message))
    assert dataclasses.asdict(read) == dataclasses.asdict(message)


def test_what_the_server_writes_is_read():
    ready = protocol.Ready(
        1, "s", "mira", "heart", history=(events.Line(1, "avatar", "Hello."),),
        captions=(events.Caption(2, "And so", 3),), epoch=12.5,
    )  # fmt: skip
    read = messages.decode(protocol.encode(ready))
    assert read == messages.Ready(
        1, "s", "mira", "heart", history=(messages.Line(1, "avatar", "Hello."),),
        captions=(messages.Caption(2, "And so", 3),), takes=protocol.TAKES, epoch=12.5,
    )  # fmt: skip
    started = messages.decode(protocol.encode(events.ReplyStarted(3, ms(40))))
    assert started == messages.ReplyStarted(3, 40.0)
    shown = messages.decode(protocol.encode(events.CardShown(3, Card("link", "A", "https://a"))))
    assert shown == messages.CardShown(3, messages.Card("link", "A", "https://a"))


@pytest.mark.parametrize(
    "data", ["", "[]", "{}", '{"type": 3}', '{"type": "thinking"}', '{"type": "of next year"}']
)
def test_what_is_not_known_is_left_out(data):
    assert messages.decode(data) is None


def test_a_field_of_a_newer_server_is_left_out():
    read = messages.decode(json.dumps({"type": "thinking", "turn": 2, "new": 1}))
    assert read == messages.Thinking(2)


def test_the_token_of_a_session_is_not_shown():
    assert "secret" not in repr(messages.Ready(1, "s", "a", "v", resume="secret"))
