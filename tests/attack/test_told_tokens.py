"""A server says its token to nobody who does not look."""

import asyncio
import os
import sys

import aiohttp
from support.standing import TESTS, child, ends


async def test_a_token_never_goes_to_a_file(tmp_path):
    token = "a-secret-of-its-own-kind"
    env = {"VISAVIS_TOKEN": token}
    async with child(tmp_path, "nothing", "--host", "0.0.0.0", env=env) as it:
        await ends(it)
        assert token not in "".join(it.lines) + it.said + it.complained
        assert "the setting token has it" in it.said


async def test_a_token_in_a_file_is_used_and_named(tmp_path):
    file = tmp_path / "token"
    file.write_text("a-secret-of-its-own-kind\n")
    file.chmod(0o644)
    options = ("--host", "0.0.0.0", "--token-file", str(file))
    async with child(tmp_path, "nothing", *options) as it:
        address = f"http://127.0.0.1:{it.port}/v1/voices"
        async with aiohttp.ClientSession() as client:
            assert (await client.get(address)).status == 401
            sent = {"Authorization": "bearer a-secret-of-its-own-kind"}
            assert (await client.get(address, headers=sent)).status == 200
        await ends(it)
        assert f"chmod 600 {file}" in it.complained  # others may read it
        assert f"the file {file} has it" in it.said
        assert "a-secret" not in "".join(it.lines) + it.said + it.complained


async def test_a_terminal_is_shown_the_token_once(tmp_path):
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.child", "nothing", "--home", str(tmp_path), "--host",
        "0.0.0.0", cwd=TESTS, stdout=theirs, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "VISAVIS_TOKEN": "a-secret-of-its-own-kind"},
    )  # fmt: skip
    os.close(theirs)
    try:
        said = b""
        async with asyncio.timeout(40):
            while b"is ready" not in said or not said.endswith(b"\n"):
                said += await asyncio.to_thread(os.read, ours, 4096)
        assert said.count(b"#token=a-secret-of-its-own-kind") == 1
    finally:
        process.terminate()
        await process.wait()
        os.close(ours)
