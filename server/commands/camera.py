"""`visavis camera`: virtual camera and microphone, until the presenter switches them off."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

import uvloop

from visavis.server.camera import keys, loopback, sound_server
from visavis.server.camera.away import WORDS
from visavis.server.camera.examining import examined, missing
from visavis.server.camera.presenting import Stage, Wishes, presented
from visavis.server.commands import lifetime
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.system import config_reading as settings
from visavis.server.system import priority
from visavis.server.system.config import Config
from visavis.server.system.flow import file_threads

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def camera(options: argparse.Namespace) -> int:
    """`camera`. Raises ConfigError, DeviceError, EngineError, ModelError, NotFound, OSError."""
    if options.doctor:
        return _doctor(as_json=options.json)
    if options.list:
        _list(as_json=options.json)
        return 0
    config = settings.load({"avatar": options.avatar, "voice": options.voice})
    lifetime.log_to_stderr("warning")
    wishes = Wishes(
        options.url, options.device, options.mic, options.sink,
        typed=options.text, echo=not options.no_echo, square=options.square,
        away=options.away or WORDS,
    )  # fmt: skip
    sys.setswitchinterval(lifetime.SWITCH)
    uvloop.run(_present(config, wishes))
    return 0


async def _present(config: Config, wishes: Wishes) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(file_threads())
    say_line("visavis is opening the camera")
    async with presented(config, wishes, say_line, _go_first) as stage:
        with _ended_by(stage.controls.end), _keyboard(wishes.typed):
            reading = asyncio.create_task(_read(stage), name="keys")
            telling = asyncio.create_task(_tell(stage, wishes.typed), name="what there is")
            await stage.controls.ended.wait()
            for task in (reading, telling):
                task.cancel()
    say_line("the camera is off")


def _go_first() -> None:
    """Threads that begin from now on inherit it."""
    priority.go_first()


async def _tell(stage: Stage, typed: bool) -> None:
    for line in await stage.told():
        say_line(line)
    if sys.stdin.isatty():
        say_line(keys.LINES if typed else keys.HELP)


async def _read(stage: Stage) -> None:
    """Keys, or lines, until the input ends: what was typed is still said then."""
    pieces = keys.typed(sys.stdin.fileno())
    if stage.typed is None and sys.stdin.isatty():
        pressed = keys.Keys(stage.controls, _echo)
        async for piece in pieces:
            for key in piece:
                await pressed.press(key)
        return
    async for line in keys.lines(pieces):
        await keys.read_line(stage.controls, line)
    if stage.typed is not None:
        await stage.typed.said()
        stage.controls.end()


@contextmanager
def _ended_by(end: Callable[[], None]) -> Iterator[None]:
    """Signals, that of a terminal which is closed too, end the camera in peace."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in _SIGNALS:  # the loop would keep all of it alive
            loop.remove_signal_handler(number)


@contextmanager
def _keyboard(typed: bool) -> Iterator[None]:
    if typed or not sys.stdin.isatty():
        yield
        return
    with keys.unbuffered(sys.stdin.fileno()):
        yield


def _echo(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _doctor(*, as_json: bool) -> int:
    """What is missing; the exit status says whether anything is that is needed."""
    findings = examined()
    status = FAILURE if missing(findings) else 0
    if as_json:
        say_line(json.dumps({"ready": not status, "findings": [asdict(each) for each in findings]}))
        return status
    for each in findings:
        mark = "ok" if each.ok else "missing" if each.needed else "careful"
        say_line(f"{mark:8} {each.what}: {each.told}")
        for command in each.fix:
            say_line(f"         $ {command}")
    say_line("something is missing" if status else "the camera can be switched on")
    return status


def _list(*, as_json: bool) -> None:
    """Raises ConfigError, DeviceError."""
    with sound_server.connected() as sound:
        server, sources, sinks = sound.server(), sound.sources(), sound.sinks()
    microphones = [each for each in sources if not each.monitor]
    cameras = loopback.nodes()
    if as_json:
        told = {
            "microphones": [_row(each, server.source) for each in microphones],
            "sinks": [_row(each, server.sink) for each in sinks],
            "cameras": [
                {"device": each.path, "label": each.label, "busy": each.busy} for each in cameras
            ],
        }
        say_line(json.dumps(told))
        return
    for title, devices, default in (
        ("microphones (--mic)", microphones, server.source),
        ("sinks (--sink)", sinks, server.sink),
    ):
        say_line(f"{title}:{'' if devices else ' none'}")
        for each in devices:
            mark = "  (default)" if each.name == default else ""
            say_line(f"  {each.name}  {each.title}{mark}")
    say_line(f"cameras (--device):{'' if cameras else ' none'}")
    for node in cameras:
        say_line(f"  {node.path}  {node.label}{'  (in use)' if node.busy else ''}")


def _row(device: sound_server.Device, default: str) -> dict[str, object]:
    return {"name": device.name, "title": device.title, "default": device.name == default}
