import json

import pytest

from visavis.server import protocol
from visavis.server.session import events


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"type": "text", "text": "hi"}', protocol.Text("hi")),
        ('{"type": "say", "text": "hi"}', protocol.SayText("hi")),
        ('{"type": "say", "text": "hi", "style": "warm"}', protocol.SayText("hi", "warm")),
        ('{"type": "interrupt"}', protocol.Interrupt()),
        ('{"type": "direct", "prompt": "calm"}', protocol.Direct("calm")),
        ('{"type": "mic", "on": false}', protocol.Mic(on=False)),
        ('{"type": "ping", "t": 3}', protocol.Ping(3.0)),
        ('{"type": "interrupt", "from the future": 1}', protocol.Interrupt()),
    ],
)
def test_each_message_is_understood(data, message):
    assert protocol.decode(data) == message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "not JSON"),
        ("[" * 5000, "not JSON"),
        ("[]", "must be one of"),
        ('{"type": []}', "must be one of"),
        ('{"type": "shout"}', "must be one of"),
        ('{"type": "text"}', "needs text"),
        ('{"type": "text", "text": 5}', "type str"),
        ('{"type": "mic", "on": 1}', "type bool"),
        ('{"type": "ping", "t": true}', "type float"),
        (json.dumps({"type": "text", "text": "x" * 2001}), "over 2000"),
        (json.dumps({"type": "text", "text": "x" * 20_000}), "over 16384 bytes"),
        ('{"type": "text", "text": "\\ud83d"}', "half a character"),
        ('{"type": "text", "text": "a\\u0000b"}', "NUL"),
        ('{"type": "ping", "t": %s}' % ("9" * 400), "too large a number"),
        ('{"type": "ping", "t": %s}' % ("9" * 5000), "not JSON"),
        ('{"type": "ping", "t": NaN}', "not JSON"),
        ('{"type": "ping", "t": 1e999}', "not JSON"),
        ('{"type": "ping", "type": "interrupt"}', "not JSON"),
        ('{"type": ["interrupt"]}', "must be one of"),
        (b'{"type": "interrupt"}', "binary"),
    ],
)
def test_a_bad_message_gets_words_for_the_peer(data, words):
    with pytest.raises(protocol.ProtocolError, match=words):
        protocol.decode(data)


def test_what_the_server_sends_is_json_with_its_type():
    assert json.loads(protocol.encode(events.Caption(3, "Hé", 1))) == {
        "type": "caption",
        "turn": 3,
        "text": "Hé",
        "heard": 1,
    }
