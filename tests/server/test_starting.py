"""What the terminal says from the command to the first visitor, however slow the machine is."""

import asyncio
import subprocess
import sys

from support.virtual_time import virtual_time

from visavis.engines import load
from visavis.server.commands import lifetime

# Run in a process of its own: here most of it is imported already.
_LIGHT = """
import sys
import visavis.server.commands.serve
print([name for name in ("aiohttp", "aiortc", "av", "numba", "onnxruntime") if name in sys.modules])
"""

# A child that hangs after the end has begun: once while models loaded, once later.
_HANGS = """
import os, sys, time
from visavis.server.commands import lifetime
lifetime.END_WITHIN = 0.1
for loaded in (False, True):
    if not (child := os.fork()):
        lifetime.end_soon(loaded=loaded)
        time.sleep(9)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    print("then", file=sys.stderr, flush=True)
"""


def test_a_start_that_is_given_up_ends_without_a_word_of_threads_that_still_load():
    """On a slow machine they do so for longer; what hangs later is shown by its place."""
    run = subprocess.run([sys.executable, "-c", _HANGS], capture_output=True, text=True, check=True)
    while_loading, later = run.stderr.split("then\n")[:2]
    assert run.stdout.split() == ["1", "1"]
    assert not while_loading
    assert later.startswith("Timeout")


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


def test_what_a_start_prepares_is_found_where_it_is_looked_for(warm_home):
    load.director(warm_home)
    assert lifetime._is_prepared(warm_home)


def _warm(home):
    (home / "cache").mkdir()
    (home / "cache" / "questions-0.npz").touch()


@virtual_time
async def test_a_quick_start_says_nothing_between_and_a_later_one_gives_no_reason(tmp_path, capsys):
    await asyncio.to_thread(_warm, tmp_path)
    async with lifetime.telling(tmp_path):
        await asyncio.sleep(9)
    assert not capsys.readouterr().out
    async with lifetime.telling(tmp_path):
        await asyncio.sleep(11)
    assert capsys.readouterr().out == "visavis is still loading its models (10 s)\n"
