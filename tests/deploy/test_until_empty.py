"""What a pod runs before it ends: it waits for visitors, for the time it is given."""

import asyncio
import sys
import time

from support.deployed import DEPLOY
from support.serving import serving, watching

SCRIPT = DEPLOY / "kubernetes" / "base" / "until_empty.py"
TOKEN = "of-this-test-and-no-other"


async def waiting(port, folder, seconds):
    """The script, begun."""
    (folder / "token").write_text(f"{TOKEN}\n")
    code = f"""if True:
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("until_empty", {str(SCRIPT)!r})
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        script.SOON, script.PACE = 0.2, 0.1
        script.main(*sys.argv[1:])
    """
    address = f"http://127.0.0.1:{port}"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, address, str(folder / "token"), str(seconds),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_waits_for_who_is_there(tmp_path):
    async with serving(token=TOKEN) as client:
        client.session.headers["Authorization"] = f"Bearer {TOKEN}"
        async with watching(client) as viewer:
            script = await waiting(client.port, tmp_path, 30)
            await asyncio.sleep(1.5)
            assert script.returncode is None
            await client.delete(viewer.location)
            await asyncio.wait_for(script.communicate(), 5)
            assert script.returncode == 0


async def test_it_waits_no_longer_than_it_may(tmp_path):
    async with serving(token=TOKEN) as client:
        client.session.headers["Authorization"] = f"Bearer {TOKEN}"
        async with watching(client):
            began = time.monotonic()
            script = await waiting(client.port, tmp_path, 0.5)
            await asyncio.wait_for(script.communicate(), 5)
            assert script.returncode == 0
            assert time.monotonic() - began > 0.5


async def test_a_server_that_is_gone_holds_nothing_up(tmp_path):
    async with serving(token=TOKEN) as client:
        port = client.port
    script = await waiting(port, tmp_path, 30)
    _, said = await asyncio.wait_for(script.communicate(), 5)
    assert script.returncode == 0, said
    assert b"does not answer" in said
