"""The client for programs without an event loop."""

import asyncio

import pytest
from support.serving import serving

from visavis import remote
from visavis.remote import blocking, messages
from visavis.server.rtc.reach import Reach, using


def talk(url):
    with using(Reach(("127.0.0.1",))), blocking.connect(url) as face:
        pictures, sounds, events = face.pictures(), face.sound(), face.events()
        reply = face.ask("good morning")
        assert reply.started().at_ms > 0
        assert reply.ended().heard == "You said: good morning"
        assert next(pictures).image.shape == (128, 128, 3)
        assert next(sounds).pcm.shape == (960,)
        assert isinstance(next(events), messages.Thinking)
        assert face.direct("warm").styles == ("warm",)
        return face


async def test_a_program_without_an_event_loop_talks():
    async with serving() as client:
        face = await asyncio.to_thread(talk, str(client.make_url("/")))
    assert face.ready.avatar == "mira"
    with pytest.raises(remote.Unreachable):
        await asyncio.to_thread(talk, "http://127.0.0.1:9")
