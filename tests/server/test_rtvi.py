"""What Pipecat's clients are told of a session, and what they say to it."""

import json

import pytest

from visavis.server import protocol
from visavis.server.protocol import ProtocolError
from visavis.server.session import events
from visavis.server.wires.rtvi import Rtvi


def told(rtvi, *messages):
    return [json.loads(text) for message in messages for text in rtvi.write(message)]


def kinds(rtvi, *messages):
    return [each["type"] for each in told(rtvi, *messages)]


def said(kind, data=None, tag="a1"):
    return json.dumps({"id": tag, "label": "rtvi-ai", "type": kind, "data": data or {}})


def test_a_client_is_ready_once_its_word_was_answered():
    rtvi = Rtvi()
    assert rtvi.greet(protocol.Ready(1, "s", "mira", "joe")) == ()
    (answer,) = rtvi.read(said("client-ready", {"version": "2.1.0", "about": {}})).answers
    assert json.loads(answer) == {
        "label": "rtvi-ai",
        "type": "bot-ready",
        "id": "a1",
        "data": {"version": "2.1.0", "about": {"library": "visavis"}},
    }


def test_a_turn_in_their_words():
    rtvi = Rtvi()
    assert kinds(
        rtvi,
        events.Listening(active=True),
        events.Listening(active=False),
        events.Transcribed(1, "Breakfast?", final=True),
        events.Thinking(1),
        events.ReplyStarted(1, at=960),
        events.ReplyEnded(1, "finished", "From seven."),
    ) == [
        "user-started-speaking",
        "user-stopped-speaking",
        "user-transcription",
        "bot-llm-started",
        "bot-llm-stopped",
        "bot-tts-started",
        "bot-started-speaking",
        "bot-stopped-speaking",
        "bot-tts-stopped",
    ]


def test_a_transcript_has_all_that_their_type_wants():
    (message,) = told(Rtvi(), events.Transcribed(1, "Break", final=False))
    assert message["data"].keys() == {"text", "final", "timestamp", "user_id"}
    assert (message["data"]["text"], message["data"]["final"]) == ("Break", False)


def test_a_clause_is_a_segment_that_is_new_then_in_progress_then_completed():
    rtvi = Rtvi()
    messages = told(
        rtvi,
        events.Caption(1, "From seven.", 0),
        events.Caption(1, "From seven.", 4),
        events.Caption(1, "From seven.", 11),
        events.Caption(1, "Until ten.", 0),
    )
    output = [each["data"] for each in messages if each["type"] == "bot-output"]
    assert [each["spoken_status"] for each in output] == ["new", "in-progress", "completed", "new"]
    assert [each["segment_id"] for each in output] == [1, 1, 1, 2]
    assert output[1]["spoken_progress"] == {
        "accumulated_text": "From",
        "remaining_text": " seven.",
    }
    spoken = [each["data"]["text"] for each in messages if each["type"] == "bot-tts-text"]
    assert spoken == ["From", "seven."]


def test_an_older_client_is_told_in_its_own_version():
    rtvi = Rtvi()
    (ready,) = rtvi.read(said("client-ready", {"version": "1.4.0"})).answers
    assert json.loads(ready)["data"]["version"] == "1.4.0"
    output = told(rtvi, events.Caption(1, "Hello.", 0))[1]["data"]
    assert output["spoken"] is True
    assert "spoken_status" not in output


def test_a_reply_that_is_held_is_silent_until_it_goes_on():
    rtvi = Rtvi()
    assert kinds(
        rtvi,
        events.ReplyStarted(1, at=0),
        events.ReplyHeld(1),
        events.ReplyResumed(1, at=9),
        events.ReplyEnded(1, "interrupted", "From"),
    )[2:] == [
        "bot-started-speaking",
        "bot-stopped-speaking",
        "bot-started-speaking",
        "bot-interrupted",
        "bot-stopped-speaking",
        "bot-tts-stopped",
    ]


def test_what_has_no_word_there_goes_in_ours():
    spoken = events.LanguageSpoken("de")
    (message,) = told(Rtvi(), spoken)
    assert message["type"] == "server-message"
    assert message["data"]["type"] == "language"
    assert kinds(Rtvi(), events.Receipt(1, "text", *[None] * 7)) == []


def test_the_end_is_a_fatal_error_and_a_peer_that_left():
    error, left = told(Rtvi(), protocol.Goodbye("idle", "Nobody spoke."))
    assert error["data"] == {"error": "Nobody spoke.", "message": "Nobody spoke.", "fatal": True}
    assert left == {"type": "signalling", "message": {"type": "peerLeft"}}


def test_what_a_client_asks_for():
    rtvi = Rtvi()
    assert rtvi.read("ping: 1700000000").asks is None
    assert rtvi.read(said("send-text", {"content": "Hi", "options": {}})).asks == protocol.Text(
        "Hi"
    )
    assert rtvi.read(said("disconnect-bot")).leaves
    status = {"type": "trackStatus", "receiver_index": 0, "enabled": False}
    heard = rtvi.read(json.dumps({"type": "signalling", "message": status}))
    assert heard.asks == protocol.Mic(on=False)
    status["receiver_index"] = 1  # the camera
    assert rtvi.read(json.dumps({"type": "signalling", "message": status})).asks is None


def test_a_request_of_ours_is_answered_under_its_id():
    rtvi = Rtvi()
    read = rtvi.read(said("client-message", {"t": "direct", "d": {"prompt": "warm"}}))
    assert (read.asks, read.tag) == (protocol.Direct("warm"), "a1")
    (answer,) = rtvi.answer(events.Directed(("warm",)), read.tag)
    assert json.loads(answer)["type"] == "server-response"
    assert json.loads(answer)["id"] == "a1"
    assert json.loads(answer)["data"]["d"]["styles"] == ["warm"]
    (refused,) = rtvi.answer(events.Failure("failed", "No."), "a1")
    assert json.loads(refused)["data"] == {"error": "No."}
    (done,) = rtvi.answer(None, "a1")
    assert json.loads(done)["data"]["t"] == "done"
    (unknown,) = rtvi.read(said("client-message", {"t": "fly"})).answers
    assert json.loads(unknown)["type"] == "error-response"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "not JSON"),
        ("[]", "no JSON object"),
        ("{}", "label"),
        (b"\x00", "binary"),
        ('{"label": "rtvi-ai", "type": "send-text"}', "id"),
        ('{"label": "rtvi-ai", "type": "send-text", "id": 5}', "id"),
        (json.dumps({"label": "rtvi-ai", "id": "x" * 65}), "id"),
        (said("send-text"), "text"),
        (said("send-text", {"content": "x" * 2001}), "over 2000"),
        (said("send-text", {"content": "x" * 20_000}), "over 16384"),
    ],
)
def test_a_bad_message_gets_words_for_the_client(data, words):
    with pytest.raises(ProtocolError, match=words):
        Rtvi().read(data)


@pytest.mark.parametrize(
    "data",
    [
        '{"type": "signalling"}',
        '{"type": "signalling", "message": []}',
        '{"type": "signalling", "message": {"type": "trackStatus", "receiver_index": true}}',
        said("client-ready", {"version": ["9" * 99]}),
        said("ui-snapshot", {"tree": {}}),
    ],
)
def test_odd_messages_ask_for_nothing(data):
    assert Rtvi().read(data).asks is None


def test_half_a_character_that_goes_back_can_be_sent():
    (answer,) = Rtvi().read(r'{"label": "rtvi-ai", "id": "\ud800", "type": "x"}').answers
    assert json.loads(answer.encode())["id"] == "\ud800"


def test_a_message_that_is_unknown_is_refused_by_its_id():
    (answer,) = Rtvi().read(said("send-file", {"content": "x"}, "f7")).answers
    assert json.loads(answer)["type"] == "error-response"
    assert json.loads(answer)["id"] == "f7"
