"""Services lend to sessions whatever engines are named in `engines.load`."""

import asyncio
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from support.questions import Asking, words
from support.virtual_time import virtual_time

from visavis.engines import fake, load
from visavis.engines.base import EngineAway, Fragment, Puppet
from visavis.engines.direction.director import Director
from visavis.engines.settings import ChatSettings
from visavis.server.avatars.store import AvatarStore
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME
from visavis.server.services.defaults import Defaults
from visavis.server.services.engines import Services
from visavis.server.session.session import Session
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
        "generator": lambda width, height, *_: Flat(width, height),
        "stt": lambda *_, **__: fake.FakeStt(),
        "dialogue": lambda name, settings: fake.FakeDialogue(),
        "director": lambda home: Director(),
        "tts": lambda name, home: fake.FakeTts(),
        "voices": lambda *_: (fake.FakeTts.voice,),
    }
    for name, make in named.items():
        monkeypatch.setattr(load, name, make)


def made(home, size=(512, 512), **more):
    defaults = Defaults("mira", "fake", "echo", None, size, **more)
    return Services(home, defaults, AvatarStore(home), Metrics())


class Away:
    """A language model that cannot be had."""

    def __init__(self):
        self.probed = 0

    async def answer(self, question):
        raise EngineAway("away")
        yield

    async def probe(self):
        self.probed += 1
        raise EngineAway("away")

    async def close(self):
        pass


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_a_language_model_has_the_file_of_answers_beside_it(monkeypatch, tmp_path):
    given, away = [], Away()

    def dialogue(name, settings):
        given.append((name, settings))
        return away if settings.chat is not None else fake.FakeDialogue()

    monkeypatch.setattr(load, "dialogue", dialogue)
    chat = ChatSettings("http://127.0.0.1:1/v1", "m")
    services = made(tmp_path, (96, 64), chat=chat)  # which of them is for `load.dialogue`
    await services.open()
    lent = await services.lend("mira", "fake", "dialogue")
    thoughts = [thought async for thought in lent.speakers.mind.answer(Asking("hello"))]
    assert words(thoughts) == "You said: hello"
    assert {t.by for t in thoughts if isinstance(t, Fragment)} == {"knowledge"}
    assert [name for name, _ in given] == ["knowledge", "echo"]
    asked = given[1][1]
    assert "friendly" in asked.brackets
    assert asked.consult is not None
    await asyncio.sleep(5)
    assert away.probed > 1  # in the background
    lent.give_back()
    services.close()
    probed = away.probed
    await asyncio.sleep(60)
    assert away.probed == probed


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_another_generator_is_one_class_and_one_line(tmp_path):
    services = made(tmp_path, (96, 64))
    await services.open()
    lent = [await services.lend(name, "fake", "dialogue") for name in ("mira", "tomas")]
    sessions = [Session("s", engines, Metrics(), Clock()) for engines in lent]
    readers = [session.timeline.reader() for session in sessions]
    running = [asyncio.create_task(session.run()) for session in sessions]
    await asyncio.sleep(0.2)
    sessions[0].say("ah ah ah ah")
    await asyncio.sleep(0.5)
    shades = []
    for session, reader in zip(sessions, readers, strict=True):
        shown = reader.picture(session.clock.now() // FRAME * FRAME)
        assert shown.image.shape == (96, 96)
        shades.append(int(shown.image[0, 0]))
    assert [int(engines.still[0, 0]) for engines in lent] == [44, 45]
    assert shades[0] > 50  # it speaks
    assert shades[1] >= 45
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    services.close()


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_the_path_of_imports_is_settled_before_anything_is_loaded(tmp_path, monkeypatch):
    """A voice's process that is started while OpenCV is imported finds a wrong `typing`."""
    called = []
    for name in ("settle", "generator", "stt", "dialogue", "director", "tts"):
        make = getattr(load, name)
        noted = partial(
            lambda name, make, *given, **named: called.append(name) or make(*given, **named),
            name,
            make,
        )
        monkeypatch.setattr(load, name, noted)
    services = made(tmp_path)
    await services.open()
    assert called[0] == "settle"
    assert len(called) == 6
    services.close()


def test_settling_leaves_nothing_that_would_bend_the_path():
    program = """
import sys
from visavis.engines import load
load.settle()
before = list(sys.path)
import visavis.engines.render.warp, visavis.server.services.engines
assert sys.path == before, sys.path
print("settled")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "settled\n"


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_closing_closes_the_generator(tmp_path):
    services = made(tmp_path)
    await services.open()
    with pytest.raises(NotFound):
        await services.lend("nobody", "fake", "dialogue")
    generator = services._drawing._generator
    services.close()
    assert not generator.open


def test_closing_one_that_never_opened_is_no_error(tmp_path):
    made(tmp_path).close()


@pytest.mark.usefixtures("engines")
@virtual_time
async def test_sessions_that_begin_together_move_differently(tmp_path, monkeypatch):
    services, seeds = made(tmp_path), []
    await services.open()
    monkeypatch.setattr(load, "motion", lambda seed: seeds.append(seed) or fake.FakeMotion())
    lending = (services.lend("mira", "fake", "dialogue") for _ in range(3))
    for engines in await asyncio.gather(*lending):
        engines.give_back()
    assert len(set(seeds)) == 3
    services.close()
