"""What the terminal says from the command to the first visitor, however slow the machine is."""

import asyncio
import subprocess
import sys

from support.virtual_time import virtual_time

from visavis.server.commands import lifetime
from visavis.server.services import carrying

# Run in a process of its own: here most of it is imported already.
_LIGHT = """
import sys
import visavis.server.commands.serve
print([name for name in ("aiohttp", "aiortc", "av", "numba", "onnxruntime") if name in sys.modules])
"""


def test_a_server_can_speak_before_it_has_imported_what_takes_long():
    run = subprocess.run([sys.executable, "-c", _LIGHT], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@virtual_time
async def test_who_waits_for_a_first_start_is_told_that_it_goes_on_and_why(tmp_path, capsys):
    async with lifetime.telling(tmp_path):
        await asyncio.sleep(25)
    why = "the first start here also prepares what later ones find"
    assert capsys.readouterr().out.splitlines() == [
        f"visavis is still loading its models ({seconds} s; {why})" for seconds in (10, 20)
    ]
    await asyncio.sleep(60)
    assert not capsys.readouterr().out  # nobody waits any more


@virtual_time
async def test_a_quick_start_says_nothing_between_and_a_later_one_gives_no_reason(tmp_path, capsys):
    await asyncio.to_thread(carrying.keep, tmp_path, "key", carrying.Measured(0.01, 100.0, 2.0))
    async with lifetime.telling(tmp_path):
        await asyncio.sleep(9)
    assert not capsys.readouterr().out
    async with lifetime.telling(tmp_path):
        await asyncio.sleep(11)
    assert capsys.readouterr().out == "visavis is still loading its models (10 s)\n"
