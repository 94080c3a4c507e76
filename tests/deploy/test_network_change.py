"""A viewer whose network changes, between two machines: see support/networks.py."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support import networks
from support.networks import SERVER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif((why := networks.missing()) is not None, reason=str(why)),
]
HERE = Path(__file__).parents[1]


@asynccontextmanager
async def program(machines, namespace, role):
    """Its lines, as they come."""
    process = await asyncio.create_subprocess_exec(
        *machines.inside(namespace, sys.executable, "-m", "support.far", role, SERVER),
        stdout=asyncio.subprocess.PIPE, cwd=HERE, env=os.environ | {"PYTHONPATH": str(HERE)},
    )  # fmt: skip

    async def line(what):
        async with asyncio.timeout(30):
            found = json.loads(await process.stdout.readline())
        assert found["what"] == what
        return found

    try:
        yield line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_viewer_goes_over_to_another_network():
    with networks.machines() as machines:
        machines.use("wifi")
        async with program(machines, machines.there, "server") as server:
            await server("ready")
            async with program(machines, machines.here, "viewer") as viewer:
                session = (await viewer("connected"))["session"]
                await viewer("speaking")
                machines.use("mobile")
                ready = await viewer("ready")
                assert (ready["session"], ready["resumed"]) == (session, True)
                ended = await viewer("ended")
                assert ended["gap"] < 6
                assert ended["heard"].endswith("goes on all the same.")
