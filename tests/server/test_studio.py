"""A studio furnishes sessions with whatever engines are named in `engines.load`."""

import asyncio

import numpy as np
import pytest
from support.virtual_time import virtual_time

from visavis.engines import fake, load
from visavis.engines.base import Puppet
from visavis.engines.direction.director import Director
from visavis.server.playout.messages import FRAME
from visavis.server.services.studio import Studio
from visavis.server.session.session import Session
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound
from visavis.server.system.metrics import Metrics


class Flat:
    """A whole generator: each avatar has a shade of its own, an open mouth is brighter."""

    batch = 8

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.open = True

    def prepare(self, avatar):
        return Puppet(40 + len(avatar.name))

    def release(self, puppet):
        pass

    def draw(self, portrayals, deadline):
        shape = self.height * 3 // 2, self.width
        shades = [one.puppet + 100 * one.state.coefficients.max() for one in portrayals]
        return [np.full(shape, shade, np.uint8) for shade in shades]

    def close(self):
        self.open = False


@pytest.fixture
def engines(monkeypatch):
    """Everything that takes long to load is fake; the line that names a generator names Flat."""
    named = {
        "generator": Flat,
        "stt": lambda home: fake.FakeStt(),
        "dialogue": lambda name, knowledge, home: fake.FakeDialogue(),
        "director": lambda home: Director(),
        "tts": lambda name, home: fake.FakeTts(),
        "voices": lambda: (fake.FakeTts.voice,),
    }
    for name, make in named.items():
        monkeypatch.setattr(load, name, make)


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_another_generator_is_one_class_and_one_line(tmp_path):
    studio = Studio(Config(home=str(tmp_path), voice="fake", width=96, height=64))
    await studio.open()
    furnished = [await studio.furnish(name, "fake", "dialogue") for name in ("mira", "tomas")]
    sessions = [Session(e.voice.tts.voice.name, e, lambda m: None, Metrics()) for e in furnished]
    running = [asyncio.create_task(session.run()) for session in sessions]
    await asyncio.sleep(0.2)
    sessions[0].say("ah ah ah ah")
    await asyncio.sleep(0.5)
    shades = []
    for session in sessions:
        shown = session.timeline.picture(session.clock.now() // FRAME * FRAME)
        assert shown.image.shape == (96, 96)
        shades.append(int(shown.image[0, 0]))
    assert [int(session.still[0, 0]) for session in sessions] == [44, 45]
    assert shades[0] > 50  # it speaks
    assert shades[1] >= 45
    for task, engine in zip(running, furnished, strict=True):
        task.cancel()
        engine.give_back()
    await asyncio.gather(*running, return_exceptions=True)
    studio.close()


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_closing_closes_the_generator(tmp_path):
    studio = Studio(Config(home=str(tmp_path), voice="fake"))
    await studio.open()
    with pytest.raises(NotFound):
        await studio.furnish("nobody", "fake", "dialogue")
    generator = studio._drawing._generator
    studio.close()
    assert not generator.open


def test_closing_one_that_never_opened_is_no_error():
    Studio(Config()).close()
