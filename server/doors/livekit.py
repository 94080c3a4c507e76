"""LiveKit: the avatar of an agent of livekit-agents, in the agent's room.

    avatar = AvatarSession(avatar="mira")
    await avatar.start(session, ctx.room)
    await session.start(agent=..., room=ctx.room)

`python -m visavis.doors.livekit` is the worker that this starts: it joins the room that LIVEKIT_URL
and LIVEKIT_TOKEN name, as anybody may start it who made a token for an avatar.
Written after livekit-agents 1.8.9.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, NoReturn

import aiohttp

try:
    from livekit import api, rtc
    from livekit.agents import AgentSession, get_job_context
    from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
    from livekit.agents.voice.avatar import AvatarSession as AnyAvatarSession
    from livekit.agents.voice.avatar import DataStreamAudioOutput
except ModuleNotFoundError as error:
    raise ImportError(
        'visavis.doors.livekit needs livekit-agents: pip install "visavis[livekit]"'
    ) from error

from visavis.engines.base import EngineError
from visavis.models.errors import ModelError
from visavis.server.commands.console import say_line
from visavis.server.commands.lifetime import SWITCH, log_to_stderr
from visavis.server.embedded.house import House
from visavis.server.livekit.joining import AWAY, NoRoom, Performance, joined, perform
from visavis.server.livekit.queued import Queued
from visavis.server.system import config_reading as settings
from visavis.server.system.errors import ConfigError, NotFound
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

IDENTITY: Final = "visavis-avatar"
_RATE: Final = 24_000  # of the sound that the agent sends: what most voices make
_PATIENCE: Final = 5.0  # s for a worker that is told to end


class AvatarSession(AnyAvatarSession[NoReturn]):
    """One avatar of one agent.

    house: draw it in this process, and let the agent itself show it. server: have a visavis server
    send it, whose setting livekit_key is `key`. Neither: a worker of its own on this machine.
    """

    def __init__(
        self,
        *,
        avatar: str = "",
        house: House | None = None,
        server: str = "",
        key: str = "",
        identity: str = IDENTITY,
    ) -> None:
        """avatar: by name; "": the one of the settings."""
        super().__init__()
        self._avatar, self._house = avatar, house
        self._server, self._key = server, key
        self._identity = identity
        self._ends = AsyncExitStack()

    @property
    def avatar_identity(self) -> str:
        """Of the participant that shows the avatar."""
        if self._house is not None and self._room is not None:
            return self._room.local_participant.identity
        return self._identity

    @property
    def provider(self) -> str:
        """As metrics name it."""
        return "visavis"

    async def start(
        self,
        agent_session: AgentSession[Any],
        room: rtc.Room,
        *,
        livekit_url: str = "",
        livekit_api_key: str = "",
        livekit_api_secret: str = "",
    ) -> None:
        """Take the agent's voice; empty: as LIVEKIT_URL, _API_KEY and _API_SECRET say.

        Raises ConfigError, and of a house what its `session` raises.
        """
        await super().start(agent_session, room)
        if self._house is not None:
            output = Queued()
            session = await self._ends.enter_async_context(self._house.session(avatar=self._avatar))
            performance = Performance(session, room, output, self._house.size)
            await self._ends.enter_async_context(performance)
            agent_session.output.replace_audio_tail(output)
            return
        url = livekit_url or os.environ.get("LIVEKIT_URL", "")
        token = self._token(room, livekit_api_key, livekit_api_secret)
        # Before the avatar is there: what is said meanwhile waits for its picture.
        agent_session.output.replace_audio_tail(
            DataStreamAudioOutput(
                room,
                destination_identity=self._identity,
                sample_rate=_RATE,
                wait_remote_track=rtc.TrackKind.KIND_VIDEO,
                wait_playback_start=True,
            )
        )
        if self._server:
            await self._ask(url, token, room.name)
        else:
            await self._begin(url, token)

    def _token(self, room: rtc.Room, key: str, secret: str) -> str:
        """With which the avatar joins in the agent's name."""
        key = key or os.environ.get("LIVEKIT_API_KEY", "")
        secret = secret or os.environ.get("LIVEKIT_API_SECRET", "")
        if not (key and secret):
            raise ConfigError("the avatar needs a token: set LIVEKIT_API_KEY and _API_SECRET")
        job = get_job_context(required=False)
        agent = room.local_participant.identity if job is None else job.local_participant_identity
        return (
            api.AccessToken(key, secret)
            .with_kind("agent")
            .with_identity(self._identity)
            .with_name("visavis")
            .with_grants(api.VideoGrants(room_join=True, room=room.name))
            .with_attributes({ATTRIBUTE_PUBLISH_ON_BEHALF: agent})
            .to_jwt()
        )

    async def _ask(self, url: str, token: str, room: str) -> None:
        """Raises ConfigError when the server will not."""
        form = {"livekit_url": url, "livekit_token": token, "room_name": room}
        if self._avatar:
            form["avatar_id"] = self._avatar
        headers = {"Authorization": f"Bearer {self._key}"}
        address = f"{self._server.rstrip('/')}/livekit/launch"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as client,
            client.post(address, data=form, headers=headers) as answer,
        ):
            if answer.status >= 400:
                raise ConfigError(f"{self._server} sends no avatar: {await answer.text()}")

    async def _begin(self, url: str, token: str) -> None:
        """The token goes by the environment: every user of a machine sees command lines."""
        if not url:
            raise ConfigError("the avatar needs the address of LiveKit: set LIVEKIT_URL")
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, *(["--avatar", self._avatar] if self._avatar else []),
            env={**os.environ, "LIVEKIT_URL": url, "LIVEKIT_TOKEN": token},
        )  # fmt: skip
        watching = asyncio.create_task(_watched(worker), name="worker of an avatar")
        self._ends.push_async_callback(_ended, worker, watching)

    async def aclose(self) -> None:
        """The avatar leaves."""
        try:
            await super().aclose()
        finally:
            await self._ends.aclose()


async def _watched(worker: asyncio.subprocess.Process) -> None:
    status = await worker.wait()
    if status not in {0, -signal.SIGTERM}:
        log.warning("the worker of an avatar has ended", extra={"status": status})


async def _ended(worker: asyncio.subprocess.Process, watching: asyncio.Task[None]) -> None:
    if worker.returncode is None:
        worker.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await watching
    except TimeoutError:
        worker.kill()
        await worker.wait()


# --- the worker ----------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Join a room and be the avatar of its agent until that has left; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m visavis.doors.livekit",
        description="The avatar of an agent in a room of LiveKit, until the agent has left.",
        epilog="The token comes from LIVEKIT_TOKEN or a file: others see a command line.",
    )
    parser.add_argument("--url", default=os.environ.get("LIVEKIT_URL", ""), metavar="WSS://...")
    parser.add_argument("--token-file", type=Path)
    parser.add_argument("--avatar", help="its name; default: the setting's")
    parser.add_argument("--away", type=float, default=AWAY, help="s that the agent may be away")
    options = parser.parse_args(arguments)
    log_to_stderr("info")
    try:
        asyncio.run(_worker(options))
    except (ConfigError, EngineError, ModelError, NoRoom, NotFound, OSError) as error:
        say_line(f"visavis: {error}")
        return 2 if isinstance(error, ConfigError) else 1
    return 0


async def _worker(options: argparse.Namespace) -> None:
    token = os.environ.pop("LIVEKIT_TOKEN", "")
    if options.token_file is not None:
        token = options.token_file.read_text("utf-8").strip()
    if not (options.url and token):
        raise ConfigError("set LIVEKIT_URL or --url, and LIVEKIT_TOKEN or --token-file")
    sys.setswitchinterval(SWITCH)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        async with House.open(settings.load({"avatar": options.avatar})) as house:
            room = await joined(options.url, token)
            try:
                async with house.session() as session:
                    await perform(session, room, house.size, options.away)
            finally:
                await room.disconnect()
    except asyncio.CancelledError:
        log.info("told to end")
    except Exception as error:
        log.warning("the avatar leaves its room", extra={"fault": fault(error)})
        raise


if __name__ == "__main__":
    sys.exit(main())
