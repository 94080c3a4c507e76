"""visavis.remote against a server on fake engines, in one process with it."""

import asyncio
import dataclasses
import socket
from contextlib import asynccontextmanager

import numpy as np
import pytest
import pytest_asyncio
from support.serving import serving

from visavis import remote
from visavis.remote import messages
from visavis.server.commands.composition import SESSIONS
from visavis.server.rtc.reach import Reach, using

pytestmark = pytest.mark.asyncio(loop_scope="module")
HERE = Reach(("127.0.0.1",))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    async with serving(max_sessions=3) as client:
        yield client


def address(client):
    return str(client.make_url("/"))


@asynccontextmanager
async def face_of(client, **options):
    with using(HERE):
        async with remote.connect(address(client), **options) as face:
            yield face


async def test_a_text_is_answered(server):
    async with face_of(server) as face:
        assert (face.ready.avatar, face.ready.resumed) == ("mira", False)
        reply = await face.ask("good morning")
        assert (await reply.started()).turn == reply.turn == 1
        ended = await reply.ended()
        assert (ended.reason, ended.heard) == ("done", "You said: good morning")


async def test_replies_belong_to_their_texts(server):
    async with face_of(server) as face:
        first = await face.say("This is told first, and takes a while, and longer still.")
        await first.started()
        second = await face.say("This instead.", "warm")
        assert (await first.ended()).reason == "interrupted"
        assert (await second.ended()).heard == "This instead."
        assert first.turn == 1 < second.turn
        refused = await face.say("  ")
        with pytest.raises(remote.NoReply) as caught:
            await refused.ended()
        assert caught.value.code == "empty-text"


async def test_pictures_and_sound_have_the_sessions_times(server):
    async with face_of(server) as face:
        pictures, flat, sounds = face.pictures(), face.pictures("i420"), face.sound()
        reply = await face.say("Now the mouth moves and sound is heard.")
        started = await reply.started()
        one, other = await anext(pictures), await anext(flat)
        assert (one.image.shape, one.image.dtype) == ((128, 128, 3), np.uint8)
        assert other.image.shape == (192, 128)
        assert one.at_ms == other.at_ms
        assert one.at_ms % 40 == pytest.approx(0, abs=0.1)
        loud = None
        while loud is None:
            heard = await asyncio.wait_for(anext(sounds), 5)
            assert (heard.pcm.shape, heard.pcm.dtype) == ((960,), np.int16)
            loud = heard.at_ms if np.abs(heard.pcm).max() > 1000 else None
        assert loud == pytest.approx(started.at_ms, abs=45)  # Opus looks 6 ms ahead
        newest = await anext(face.pictures())
        assert 0 < (await face.ping()).at_ms - newest.at_ms < 1000


async def test_a_direction_an_interruption_and_events(server):
    async with face_of(server) as face:
        events = face.events()
        assert (await face.direct("appear very warm")).styles == ("very warm",)
        reply = await face.say("Something rather long that is going to be broken off, soon.")
        await reply.started()
        await face.interrupt()
        assert (await reply.ended()).reason == "interrupted"
        kinds = []
        while messages.Receipt not in kinds:
            kinds.append(type(await asyncio.wait_for(anext(events), 5)))
        assert {messages.Directed, messages.Thinking, messages.ReplyStarted} < set(kinds)


async def test_sound_is_listened_to(server):
    async with face_of(server) as face:
        events = face.events()
        rng = np.random.default_rng(0)
        voice = np.concatenate([rng.normal(0, 0.2, 88_200), np.zeros(88_200)])
        speaking = asyncio.create_task(face.speak_sound(voice.astype(np.float32), 44_100))
        heard = await _wait(events, messages.Transcribed, final=True)
        assert heard.text == "what time is breakfast?"
        speaking.cancel()


async def _wait(events, kind, **fields):
    async with asyncio.timeout(15):
        while True:
            event = await anext(events)
            if isinstance(event, kind) and fields.items() <= dataclasses.asdict(event).items():
                return event


async def test_a_lost_link_is_gone_on_with(server):
    async with face_of(server) as face:
        name, events = face.ready.session, face.events()
        await (await face.say("Hello.")).ended()
        reply = await face.say("A rather long sentence during which the link is cut in two.")
        await reply.started()
        await face._link._pc.close()
        later = await face.say("This is said later.")
        ready = await _wait(events, messages.Ready)
        assert (ready.session, ready.resumed) == (name, True)
        assert [line.text for line in ready.history][:1] == ["Hello."]
        assert (await later.ended()).heard == "This is said later."
        assert (await reply.ended()).reason == "interrupted"  # by what is said later
        assert (await anext(face.pictures())).image.any()


async def test_a_session_that_is_over_cannot_be_gone_on_with(server):
    async with face_of(server, patience=5) as face:
        pictures = face.pictures()
        await server.delete(face.url.removeprefix(address(server).rstrip("/")))
        await face._link._pc.close()
        with pytest.raises(remote.Lost):
            async for _ in pictures:
                pass
        with pytest.raises(remote.Lost):
            await face.say("Anybody?")


async def test_a_full_house_says_when_to_come_back(server):
    with using(HERE):
        async with (
            remote.connect(address(server)), remote.connect(address(server)),
            remote.connect(address(server)),
        ):  # fmt: skip
            with pytest.raises(remote.Full) as caught:
                async with remote.connect(address(server)):
                    pass
    assert caught.value.retry_after > 0


async def test_no_server_and_no_such_avatar(server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(remote.Unreachable, match="no visavis server"):
            async with remote.connect(nowhere):
                pass
    with pytest.raises(remote.Refused) as caught:
        async with face_of(server, avatar="nobody"):
            pass
    assert (caught.value.status, caught.value.code) == (404, "notfound")


async def test_the_token_is_wanted():
    async with serving(token="right-one-of-this-test") as client:
        for token in ("", "wrong"):
            with pytest.raises(remote.Unauthorised):
                async with face_of(client, token=token):
                    pass
        async with face_of(client, token="right-one-of-this-test") as face:
            assert face.ready.avatar == "mira"


async def test_what_the_server_ends_ends_the_iterators():
    async with serving() as client, face_of(client) as face:
        pictures, events = face.pictures(), face.events()
        await client.app[SESSIONS].drain(0.1)
        assert (await _wait(events, messages.Goodbye)).reason == "shutdown"
        async for _ in pictures:
            pass
        with pytest.raises(remote.Ended) as caught:
            await face.say("Anybody?")
        assert caught.value.reason == "shutdown"
