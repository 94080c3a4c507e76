"""A client of OpenAI's Realtime and a session, in virtual time; each event is one of theirs."""

import asyncio
import base64

import numpy as np
import pytest
from support.realtime import TalkStage
from support.stage import SILENCE, VOICE
from support.virtual_time import virtual_time

from visavis.engines.base import Remark
from visavis.server.playout.messages import to_ms

LONG = " ".join(["word"] * 40)


def sound(told, rate=24_000):
    """(seconds, loudest sample) of the sound that was sent."""
    parts = [base64.b64decode(e["delta"]) for e in told.of("response.output_audio.delta")]
    pcm = np.frombuffer(b"".join(parts), "<i2")
    return len(pcm) / rate, int(np.abs(pcm).max()) if len(pcm) else 0


@virtual_time
async def test_typed_text_is_answered_as_they_expect_it():
    async with TalkStage() as stage:
        assert stage.told.kinds == ["session.created"]
        await stage.write("hello there")
        assert stage.told.kinds[1:] == ["conversation.item.added", "conversation.item.done"]
        stage.told.clear()
        await stage.send("response.create", event_id="mine")
        await stage.pass_time(4000)
        assert stage.told.kinds == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        done = stage.told.last("response.done")["response"]
        assert done["status"] == "completed"
        said = done["output"][0]["content"][0]["transcript"]
        assert said == "You said: hello there"
        deltas = stage.told.of("response.output_audio_transcript.delta")
        assert "".join(event["delta"] for event in deltas) == said
        seconds, loudest = sound(stage.told)
        assert seconds == pytest.approx(1.0, abs=0.01)  # four words
        assert 7500 < loudest < 8500


@virtual_time
async def test_sound_is_sent_faster_than_it_is_heard():
    async with TalkStage(answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(300)
        assert sound(stage.told)[0] > 2.5


@virtual_time
async def test_what_is_spoken_is_committed_transcribed_and_answered():
    async with TalkStage() as stage:
        stage.told.clear()
        await stage.speak([(SILENCE, 400), (VOICE, 1000), (SILENCE, 1000)])
        await stage.pass_time(4000)
        kinds = stage.told.kinds
        assert kinds[:10] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
            "response.output_item.added",
            "conversation.item.added",
        ]
        started = stage.told.last("input_audio_buffer.speech_started")
        stopped = stage.told.last("input_audio_buffer.speech_stopped")
        words = stage.told.last("conversation.item.input_audio_transcription.completed")
        assert words["transcript"] == "what time is breakfast?"
        assert started["item_id"] == stopped["item_id"] == words["item_id"]
        assert stage.told.last("response.done")["response"]["status"] == "completed"


@virtual_time
async def test_speech_over_a_response_cancels_it_and_its_words_begin_another():
    async with TalkStage(answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(1500)
        stage.told.clear()
        await stage.speak([(VOICE, 700), (SILENCE, 1000)])
        await stage.pass_time(200)
        kinds = stage.told.kinds
        assert kinds[0] == "input_audio_buffer.speech_started"
        done = stage.told.of("response.done")[0]["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"]["reason"] == "turn_detected"
        assert done["output"][0]["status"] == "incomplete"
        assert kinds.index("response.done") < kinds.index("response.created")
        assert stage.hurried


@virtual_time
async def test_a_cough_over_a_response_is_cleared_and_the_rest_is_another_response():
    async with TalkStage(answer=lambda text: LONG, stt="") as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(1500)
        stage.told.clear()
        await stage.speak([(VOICE, 200), (SILENCE, 800)])
        await stage.pass_time(12_000)
        kinds = stage.told.kinds
        assert "input_audio_buffer.cleared" in kinds
        assert "input_audio_buffer.committed" not in kinds
        first, second = (e["response"] for e in stage.told.of("response.done"))
        assert (first["status"], second["status"]) == ("cancelled", "completed")
        assert stage.session.history.remarks[-1].heard == LONG


@virtual_time
async def test_cancel_is_told_at_once_and_nothing_comes_after():
    async with TalkStage(answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(1500)
        await stage.send("response.cancel")
        done = stage.told.last("response.done")["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        count = len(stage.told.of("response.output_audio.delta"))
        await stage.pass_time(5000)
        assert len(stage.told.of("response.output_audio.delta")) == count
        await stage.send("response.cancel", event_id="e1")
        assert stage.told.last("error")["error"]["code"] == "response_cancel_not_active"
        assert stage.told.last("error")["error"]["event_id"] == "e1"


@virtual_time
async def test_truncate_keeps_what_was_heard_and_the_mind_knows():
    async with TalkStage(answer=lambda text: "one two three four five six seven eight") as stage:
        await stage.write("count")
        await stage.send("response.create")
        await stage.pass_time(1900)
        item = stage.told.last("response.output_item.added")["item"]["id"]
        await stage.send(
            "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=700
        )
        assert stage.told.last("conversation.item.truncated")["audio_end_ms"] == 700
        assert stage.told.last("response.done")["response"]["status"] == "cancelled"
        assert stage.session.history.remarks[-1].heard == "one two three"
        await stage.send("conversation.item.retrieve", item_id=item)
        shown = stage.told.last("conversation.item.retrieved")["item"]
        assert shown["content"][0]["transcript"] == "one two three"


@virtual_time
async def test_truncate_while_speech_is_heard_waits_for_the_end_of_the_reply():
    async with TalkStage(answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(1500)
        item = stage.told.last("response.output_item.added")["item"]["id"]
        task = asyncio.create_task(stage.speak([(VOICE, 700), (SILENCE, 1000)]))
        await stage.pass_time(300)
        assert stage.told.last("response.done")["response"]["status"] == "cancelled"
        await stage.send(
            "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=400
        )
        await task
        await stage.pass_time(500)
        answer = next(r for r in stage.session.history.remarks if r.role == "avatar")
        assert answer.heard == "word word"


@virtual_time
async def test_without_turn_detection_a_client_commits_and_asks():
    session = {"audio": {"input": {"turn_detection": None}}}
    async with TalkStage(session=session) as stage:
        pcm = base64.b64encode(np.full(24_000, 9000, "<i2").tobytes()).decode()
        await stage.send("input_audio_buffer.append", audio=pcm)
        await stage.send("input_audio_buffer.commit")
        await stage.send("response.create")
        await stage.pass_time(5000)
        words = stage.told.last("conversation.item.input_audio_transcription.completed")
        assert words["transcript"] == "what time is breakfast?"
        assert words["usage"]["seconds"] == pytest.approx(1.0, abs=0.01)
        done = stage.told.last("response.done")["response"]
        assert done["output"][0]["content"][0]["transcript"] == "You said: what time is breakfast?"
        await stage.send("input_audio_buffer.commit")
        assert stage.told.last("error")["error"]["code"] == "input_audio_buffer_commit_empty"


@virtual_time
async def test_what_was_heard_waits_until_the_client_asks_for_the_answer():
    session = {"audio": {"input": {"turn_detection": {
        "type": "server_vad", "create_response": False}}}}  # fmt: skip
    async with TalkStage(session=session) as stage:
        await stage.speak([(VOICE, 1000), (SILENCE, 1000)])
        await stage.pass_time(3000)
        assert not stage.told.of("response.created")
        words = stage.told.last("conversation.item.input_audio_transcription.completed")
        assert words["transcript"] == "what time is breakfast?"
        await stage.send("response.create")
        await stage.pass_time(3000)
        done = stage.told.last("response.done")["response"]
        assert done["status"] == "completed"
        assert done["output"][0]["content"][0]["transcript"] == "You said: what time is breakfast?"


@virtual_time
async def test_items_of_earlier_talk_are_known_to_the_mind():
    async with TalkStage() as stage:
        await stage.write("I am Ann.", id="first")
        answer = {"type": "message", "role": "assistant",
                  "content": [{"type": "output_text", "text": "Hello Ann."}]}  # fmt: skip
        await stage.send("conversation.item.create", item=answer)
        await stage.write("who am I?")
        await stage.send("response.create")
        await stage.pass_time(3000)
        told = stage.dialogue.histories[-1]
        assert [(each.visitor, each.heard) for each in told] == [("I am Ann.", "Hello Ann.")]
        await stage.send("conversation.item.delete", item_id="first")
        assert stage.told.last("conversation.item.deleted")["item_id"] == "first"
        assert Remark(-999_999, "visitor", "I am Ann.") not in stage.session.history.remarks


@virtual_time
async def test_a_response_to_nothing_is_the_greeting_that_nobody_asked_for():
    async with TalkStage() as stage:
        await stage.send("response.create")
        await stage.pass_time(3000)
        assert stage.told.last("response.done")["response"]["status"] == "completed"
        assert [r.role for r in stage.session.history.remarks] == ["avatar"]
        await stage.send("response.create")
        await stage.pass_time(100)
        assert stage.told.last("error")["error"]["code"] == "nothing_to_answer"


@virtual_time
async def test_one_response_at_a_time():
    async with TalkStage(answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(500)
        await stage.write("again")
        await stage.send("response.create", event_id="second")
        error = stage.told.last("error")["error"]
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"


@virtual_time
async def test_an_answer_that_fails_is_told():
    async with TalkStage() as stage:
        await stage.write("fail")
        await stage.send("response.create")
        await stage.pass_time(3000)
        done = stage.told.last("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "reply_failed"


@virtual_time
async def test_over_webrtc_the_server_plays_and_says_when():
    async with TalkStage(plays=True, answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(1500)
        kinds = stage.told.kinds
        assert "output_audio_buffer.started" in kinds
        assert "response.output_audio.delta" not in kinds
        await stage.send("output_audio_buffer.clear")
        assert "output_audio_buffer.cleared" in stage.told.kinds
        quiet = stage.timeline.audio(stage.clock.now() + 5 * 960, 48_000)
        assert not quiet.any()
        await stage.send("input_audio_buffer.append", audio="AAAA")
        assert stage.told.last("error")["error"]["code"] == "unsupported"


@virtual_time
async def test_text_alone_has_no_sound():
    async with TalkStage(session={"output_modalities": ["text"]}) as stage:
        await stage.write("hello")
        await stage.send("response.create")
        await stage.pass_time(3000)
        kinds = stage.told.kinds
        assert "response.output_text.delta" in kinds
        assert "response.output_audio.delta" not in kinds
        part = stage.told.last("response.done")["response"]["output"][0]["content"][0]
        assert part == {"type": "output_text", "text": "You said: hello"}


@virtual_time
async def test_a_command_of_the_visitor_is_a_response_without_output():
    async with TalkStage() as stage:
        await stage.write("hello")
        await stage.send("response.create")
        await stage.pass_time(4000)
        stage.told.clear()
        await stage.write("please speak more slowly")
        await stage.send("response.create")
        await stage.pass_time(4000)
        assert stage.told.of("response.done")
        assert to_ms(stage.clock.now()) > 0


@virtual_time
async def test_speech_does_not_interrupt_where_the_client_says_so():
    session = {"audio": {"input": {"turn_detection": {
        "type": "server_vad", "interrupt_response": False}}}}  # fmt: skip
    async with TalkStage(session=session, answer=lambda text: LONG) as stage:
        await stage.write("go")
        await stage.send("response.create")
        await stage.pass_time(1000)
        await stage.speak([(VOICE, 700), (SILENCE, 500)])
        await stage.pass_time(10_000)
        assert stage.told.last("response.done")["response"]["status"] == "completed"
        await stage.speak([(VOICE, 700), (SILENCE, 1000)])  # and it hears again
        await stage.pass_time(500)
        assert stage.told.of("input_audio_buffer.speech_started")
