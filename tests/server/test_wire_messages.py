"""What the clients of Simli and LiveAvatar say and hear, against what their own code reads."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from simli import CameraSetting, SimliConfig
from simli.events import SimliEvent
from simli.simli import cameraMessage
from simli.transports.base_transport import SERVER_NOTICE

from visavis.server.system.errors import Malformed
from visavis.server.wires import liveavatar_messages as live
from visavis.server.wires import simli_messages as simli

# --- Simli ----------------------------------------------------------------------------------------


def test_what_the_python_client_asks_for_is_understood() -> None:
    config = SimliConfig("mira/92f24a0c", maxSessionLength=60, maxIdleTime=7)
    assert simli.wanted(config.toRequest()) == simli.Wanted("mira", 60, 7)


def test_what_has_no_effect_here_is_said() -> None:
    config = SimliConfig("mira", handleSilence=False, camera=CameraSetting(zoom=2.0))
    told = " ".join(simli.wanted(config.toRequest()).warnings)
    assert "camera" in told
    assert "handleSilence" in told


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"faceId": 7},
        {"faceId": "mira", "maxSessionLength": 0},
        {"faceId": "mira", "maxIdleTime": True},
        {"faceId": "mira", "maxIdleTime": "30"},
        {"faceId": "mira", "maxIdleTime": 1e9},
        {"faceId": "mira", "audioInputFormat": "mulaw"},
    ],
)
def test_a_session_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        simli.wanted(wrong)


def test_words_and_sound_are_told_apart() -> None:
    assert simli.read("SKIP") == simli.Skip()
    assert simli.read(b"DONE") == simli.Done()  # as simli-ai ends
    assert simli.read("DONE") == simli.Done()  # as simli-client does
    assert simli.read(b"\1\2\3") == simli.Sound(b"\1\2\3")
    assert simli.read(b"PLAY_IMMEDIATE\1\2") == simli.Sound(b"\1\2", now=True)
    assert simli.read("ping 17.5") == simli.Ping(" 17.5")


def test_sound_that_begins_like_a_camera_message_is_sound() -> None:
    assert simli.read(b"CAM_" + bytes(600)) == simli.Sound(b"CAM_" + bytes(600))


@pytest.mark.parametrize(
    "message",
    [
        cameraMessage(CameraSetting(zoom=2)),
        cameraMessage(None, 1.5),
        "BG_00000000-0000-0000-0000-000000000000",
        "FG_00000000-0000-0000-0000-000000000000",
        "something new",
    ],
)
def test_what_is_not_done_here_is_a_notice_that_the_client_logs(message: str | bytes) -> None:
    told = simli.read(message)
    assert isinstance(told, simli.Unknown)
    assert SERVER_NOTICE.match(told.notice)
    assert SimliEvent(told.notice) is SimliEvent.UNKNOWN  # neither stop nor error


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (simli.START, SimliEvent.START),
        (simli.SPEAK, SimliEvent.SPEAK),
        (simli.SILENT, SimliEvent.SILENT),
        (simli.stop("IDLE"), SimliEvent.STOP),
        (simli.error("the face failed"), SimliEvent.ERROR),
        (simli.answer("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"), SimliEvent.CONNECTION_INFO),
    ],
)
def test_the_client_takes_each_message_for_what_it_is(message: str, event: SimliEvent) -> None:
    assert SimliEvent(message) is event


def test_the_browser_client_finds_the_answer_by_its_first_word() -> None:
    message = simli.answer("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n")
    assert "SDP" in message.upper().split(" ")[0]
    assert set(json.loads(message)) == {"sdp", "type"}  # simli-ai takes no others


@pytest.mark.parametrize(
    "text",
    ["", "START", "[]", '{"type":"answer","sdp":"v=0"}', '{"type":"offer","sdp":7}', "{" * 5000],
)
def test_what_is_no_offer_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        simli.offer(text)


def test_an_offer_is_read() -> None:
    assert simli.offer('{"sdp": "v=0\\r\\n", "type": "offer"}') == "v=0\r\n"


# --- LiveAvatar -----------------------------------------------------------------------------------


def _said(**fields: object) -> live.Command:
    return live.read(json.dumps(fields))


def test_commands_are_understood() -> None:
    pcm = struct.pack("<3h", 1, -2, 3)
    audio = base64.b64encode(pcm).decode()
    assert _said(type="agent.speak", event_id="a", audio=audio) == live.Speak("a", pcm)
    assert _said(type="agent.speak_end", event_id="a") == live.SpeakEnd("a")
    assert _said(type="agent.interrupt") == live.Interrupt("")
    assert _said(type="agent.start_listening", event_id="b") == live.Listen("b", on=True)
    assert _said(type="agent.stop_listening", event_id="b") == live.Listen("b", on=False)
    assert _said(type="session.keep_alive", event_id="c") == live.KeepAlive("c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "{}",
        '{"type": 3}',
        '{"type": "agent.speak"}',
        '{"type": "agent.speak", "audio": "not base64!"}',
        '{"type": "agent.speak", "audio": "\\u00e4bc="}',
        '{"type": "avatar.speak_text", "text": "hello"}',
    ],
)
def test_a_command_that_cannot_be_done_is_refused(text: str) -> None:
    with pytest.raises(live.BadCommand):
        live.read(text)


def test_a_bad_command_is_answered_with_its_id() -> None:
    with pytest.raises(live.BadCommand) as caught:
        live.read('{"type": "agent.speak", "event_id": "x7", "audio": 3}')
    told = json.loads(live.error("bad_message", caught.value.detail, caught.value.event))
    assert told["type"] == "error"
    assert told["error"]["event_id"] == told["source_event_id"] == "x7"


def test_a_session_with_a_room_of_its_own_is_understood() -> None:
    config = {"livekit_url": "wss://x", "livekit_client_token": "t", "livekit_room": "r"}
    fields = {"mode": "LITE", "avatar_id": "mira", "is_sandbox": False, "livekit_config": config}
    assert live.wanted(fields) == live.Wanted("mira", live.Room("wss://x", "t", "r"))
    assert live.wanted({"avatar_id": "mira"}) == live.Wanted("mira", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"avatar_id": "mira", "mode": "FULL"},
        {"avatar_id": "mira", "livekit_config": "wss://x"},
        {"avatar_id": "mira", "livekit_config": {"livekit_url": "wss://x"}},
        {"avatar_id": "mira", "livekit_config": {"livekit_url": "w" * 9000,
                                                 "livekit_client_token": "t"}},
    ],
)  # fmt: skip
def test_a_session_of_another_kind_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        live.wanted(wrong)
