"""The tone of a visitor's voice: only where the operator wants it, and then it is told."""

from dataclasses import replace

import numpy as np
import pytest
from support.services import FakeServices
from support.serving import serving, watching
from support.stage import SILENCE, Stage
from support.virtual_time import virtual_time

from visavis.engines.direction.styles import NOTHING
from visavis.engines.ears.tone import Tone
from visavis.server.playout.messages import PACKET
from visavis.server.session import events

VOICE = np.full(PACKET, 8000, np.int16)


class Raised(Stage):
    """A visitor whose voice is raised, whatever they say."""

    def __init__(self, *, mood: bool) -> None:
        super().__init__()
        engines = self.services.engines()
        self.open(replace(engines, ear=replace(engines.ear, mood=mood)))


@virtual_time
@pytest.mark.parametrize("mood", [False, True])
async def test_a_raised_voice_changes_the_answer_only_where_it_may(mood, monkeypatch):
    monkeypatch.setattr(Tone, "arousal", lambda self: 0.9)
    async with Raised(mood=mood) as stage:
        seen = []
        prepare = stage.session._replies.prepare

        def noting(request):
            seen.append((request.arousal, (reply := prepare(request)).request.mood))
            return reply

        stage.session._taking._floor = replace(stage.session._taking._floor, prepare=noting)
        await stage.speak([(VOICE, 1000), (SILENCE, 1500)])
        assert stage.of(events.ReplyStarted)
        assert seen
        for arousal, direction in seen:
            assert (arousal > 0) == mood
            assert (direction != NOTHING) == mood


@pytest.mark.parametrize("mood", [False, True])
async def test_the_page_is_told_whether_the_voice_is_read(mood):
    services = FakeServices()
    made = services.engines
    services.engines = lambda lips=None: replace(
        engines := made(lips), ear=replace(engines.ear, mood=mood)
    )
    async with serving(services) as client, watching(client) as viewer:
        assert (await viewer.wait_for("ready"))["voice_mood"] == mood
