"""A viewer whose pictures come from the graph, and then, when that fails, from the CPU."""

import asyncio
import logging
import os
import re
import signal
import sys
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from support.pace import soon
from support.services import FakeServices
from support.serving import Viewer, serving, watching

from visavis.engines import load
from visavis.engines.render.on_torch import TorchRuntime
from visavis.engines.render.torch_device import failing
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.renderer import RendererNews
from visavis.server.system.served import Health

SIDE = 128


class Faulty:
    """Stands in for TorchRuntime.run: the same, until it is told to fail."""

    def __init__(self, monkeypatch):
        self.fault, self.drawn = None, 0
        plain = TorchRuntime.run

        def run(runtime, bank, state):
            self.drawn += 1
            with failing("torch"):
                if self.fault:
                    raise self.fault
            return plain(runtime, bank, state)

        monkeypatch.setattr(TorchRuntime, "run", run)


@pytest.fixture
def services(tmp_path):
    """Fakes, but for the face: an avatar, drawn by PyTorch on the CPU."""
    made = FakeServices()
    made.drawing.close()
    generator = load.generator(SIDE, SIDE, "torch", tmp_path, RendererNews(made.metrics).tell)
    made.puppet = generator.prepare(load_avatar(SHIPPED / "mira.avatar"))
    made.drawing = DrawingPool(generator, Health("render", "Drawing", made.metrics), threads=2)
    yield made
    generator.close()


def value(services, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", services.metrics.text().decode(), re.M)
    return float(found[1])


async def until(true, within=20.0):
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_renderer_that_fails_in_the_middle_costs_no_session(services, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    faulty = Faulty(monkeypatch)
    async with serving(services, width=SIDE, height=SIDE) as client, watching(client) as viewer:
        track = viewer.tracks["video"]
        assert (await track.recv()).width == SIDE
        await until(lambda: value(services, 'visavis_renderer{name="torch"}') == 1)
        before = faulty.drawn
        await until(lambda: faulty.drawn > before + 5)
        faulty.fault = RuntimeError("CUDA error: an illegal memory access\nand private words")
        await until(lambda: value(services, 'visavis_renderer{name="warp"}') == 1)
        seen = time.monotonic()
        pictures = [await asyncio.wait_for(track.recv(), 1) for _ in range(25)]
        assert soon(time.monotonic() - seen, 3)
        assert len({picture.pts for picture in pictures}) == 25
        assert value(services, "visavis_sessions") == 1
    fallen = [each for each in caplog.records if each.message == "drawing"]
    assert [each.renderer for each in fallen] == ["torch", "warp"]
    assert fallen[1].levelname == "WARNING"
    assert "torch: RuntimeError: CUDA error: an illegal memory access; tried" in fallen[1].why
    assert value(services, "visavis_renderer_fallbacks_total") == 1


PROGRAM = """
import sys
from visavis.engines.render.on_torch import TorchRuntime
from visavis.server import cli
drawn, plain = [0], TorchRuntime.run
def run(runtime, bank, state):
    drawn[0] += 1
    if 20 <= drawn[0] < 30:
        raise RuntimeError("device lost")
    return plain(runtime, bank, state)
TorchRuntime.run = run
sys.exit(cli.main(["serve", "--port", "0", "--renderer", "torch", "--width", "128",
                   "--height", "128"]))
"""


@asynccontextmanager
async def server(home):
    """`visavis serve` on real engines, whose renderer fails after 20 calls; (address, log)."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=os.environ | {"VISAVIS_HOME": str(home)},
    )  # fmt: skip
    lines = []

    async def read():
        async for line in child.stderr:
            lines.append(line.decode())

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(90):
            while b"is ready" not in (line := await child.stdout.readline()):
                assert line, lines
        yield re.search(r"http\S+", line.decode())[0].rstrip("/"), lines
    finally:
        child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.wait(), 20)
        await reading


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_real_server_on_pytorch_streams_through_a_lost_device(warm_home):
    async with server(warm_home) as (address, lines), ClientSession(address) as client:
        viewer = Viewer()
        await viewer.connect(client)
        await viewer.wait_for("ready")
        track = viewer.tracks["video"]

        def drawing():
            return [each for each in lines if "renderer: drawing" in each]

        async with asyncio.timeout(60):
            while len(drawing()) < 3:
                assert (await asyncio.wait_for(track.recv(), 5)).width == 128
        stamps = [(await asyncio.wait_for(track.recv(), 2)).pts for _ in range(50)]
        assert stamps == sorted(set(stamps))
        async with client.get("/metrics") as response:
            assert "visavis_sessions 1.0" in await response.text()
        await viewer.close()
    assert ['"renderer": "torch"' in each for each in drawing()[:3]] == [False, True, False]
    assert "WARNING" in drawing()[2]
    assert "RuntimeError; tried again in 10 s" in drawing()[2]
