"""Programs of `support.networks`: `python -m support.far server ADDRESS`, and `viewer ADDRESS`.

The viewer writes what happens to it as lines of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

PORT = 8765
TOKEN = "of-a-test-on-two-machines"
WORDS = "A rather long sentence during which the network changes, and which goes on all the same."


async def server(address: str) -> None:
    """On fake engines, until it is ended."""
    from aiohttp import web
    from support.services import FakeServices

    from visavis.server.avatars.store import AvatarStore
    from visavis.server.commands.composition import application
    from visavis.server.rtc import hooks
    from visavis.server.system.config import Config

    hooks.install()
    fakes = FakeServices()
    config = Config(host=address, port=PORT, token=TOKEN, home="/nonexistent")
    app = application(config, fakes, AvatarStore(config.home_path), fakes.metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, address, PORT).start()
    say("ready")
    await asyncio.Event().wait()


async def viewer(address: str) -> None:
    """Connects, hears a sentence, and tells how long there was no sound."""
    from visavis.remote import connect, messages

    async with connect(f"http://{address}:{PORT}", token=TOKEN) as face:
        events, sounds = face.events(), face.sound()
        say("connected", session=face.ready.session)
        reply = await face.say(WORDS)
        await reply.started()
        longest = asyncio.create_task(_gap(sounds))
        say("speaking")
        while not isinstance(event := await anext(events), messages.Ready):
            pass
        say("ready", session=event.session, resumed=event.resumed)
        ended = await reply.ended()
        longest.cancel()
        say("ended", heard=ended.heard, gap=round(await longest, 2))


async def _gap(sounds: Any) -> float:
    longest, before = 0.0, time.monotonic()
    try:
        async for _ in sounds:
            now = time.monotonic()
            longest, before = max(longest, now - before), now
    except asyncio.CancelledError:
        pass
    return longest


def say(what: str, **fields: object) -> None:
    """One line."""
    sys.stdout.write(json.dumps({"what": what, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run({"server": server, "viewer": viewer}[sys.argv[1]](sys.argv[2]))
