"""`visavis publish`: a session sent to a WHIP server, as RTMP or SRT, or into a file, live."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import uvloop

from visavis.engines.base import Pcm
from visavis.engines.language import saying
from visavis.models.avatar.consent import Use
from visavis.server.commands import films, lifetime
from visavis.server.commands.console import FAILURE, say_line, user
from visavis.server.embedded.house import House
from visavis.server.playout.messages import Tick, ms
from visavis.server.provenance.binding import beside
from visavis.server.provenance.claims import Film
from visavis.server.provenance.films import FilmSigning
from visavis.server.publishing.again import Refused
from visavis.server.publishing.elsewhere import Elsewhere
from visavis.server.publishing.stream import StreamPublisher, Target, check
from visavis.server.publishing.whip import WhipPublisher
from visavis.server.recording.files import read_sound
from visavis.server.recording.recorder import LIVE, WEBM, Recorder
from visavis.server.rtc import hooks
from visavis.server.services.configured import avatars
from visavis.server.session.doors import Outlet
from visavis.server.session.session import Session
from visavis.server.system import config_reading as settings
from visavis.server.system import memory, priority, secret_files
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config, Source
from visavis.server.system.errors import ConfigError
from visavis.server.system.flow import file_threads

_LEAD_IN: Final[Tick] = ms(800)  # a face that is there before it speaks
_TAIL: Final[Tick] = ms(1200)
_END: Final = 5.0  # s in which servers are told
_CLOSE: Final = 65.0  # s in which files are closed and signed
_FILMS: Final = {".mp4", ".m4v", ".mov", ".mkv", WEBM}
_LINES: Final = 100  # that wait to be said


class Publisher(Outlet, Protocol):
    """fault: why it ended by itself; empty: it did not."""

    fault: str


@dataclass(frozen=True, slots=True)
class Script:
    """What is said: a text; lines that come; a recording; or nothing. stays: also after its end."""

    text: str
    sound: Pcm | None
    stays: bool

    @property
    def is_wordless(self) -> bool:
        """Whether no words are spoken, so no voice is loaded."""
        return not self.text

    @property
    def ends(self) -> str:
        """What the operator ends it with; empty: it ends by itself."""
        if self.stays:
            return "Ctrl+C"
        return "the input ends or Ctrl+C" if self.text == "-" else ""


def publish(options: argparse.Namespace) -> int:
    """`publish`. Raises ConfigError, EngineError, ModelError, NotFound, OSError."""
    # One session: its voice's thread is not noticed, and nothing is worth being made ahead.
    alone = {"max_sessions": 1, "prepare_answers": "off"}
    config = settings.load({**alone, "avatar": options.avatar, "voice": options.voice})
    lifetime.log_to_stderr("warning")
    script, publishers = _script(options), _publishers(options, config)
    elsewhere = _elsewhere(options, config)
    hooks.install()
    memory.give_back_large_blocks()
    sys.setswitchinterval(lifetime.SWITCH)
    with _noted(config, options):
        if elsewhere is not None:
            return uvloop.run(_sent_on(elsewhere, publishers))
        return uvloop.run(_published(config, script, publishers))


@contextmanager
def _noted(config: Config, options: argparse.Namespace) -> Iterator[None]:
    """In the audit log: by which ways a face goes out, never to where; addresses may hold keys."""
    ways = ("whip", "rtmp", "srt", "record")
    kind, begun = " ".join(way for way in ways if getattr(options, way)), time.monotonic()
    with auditing(config, "visavis publish") as audit:
        audit.record("publishing-begun", avatar=config.avatar, kind=kind, who=user())
        try:
            yield
        finally:
            seconds = round(time.monotonic() - begun, 1)
            audit.record("publishing-ended", avatar=config.avatar, seconds=seconds)


def _script(options: argparse.Namespace) -> Script:
    """Raises ConfigError."""
    if options.audio and options.text:
        raise ConfigError("give either a text or --audio FILE")
    text = options.text or ""
    if text not in {"", "-"} and saying.empty(text, "en"):
        raise ConfigError(f"{saying.NOTHING}: {saying.WHY}")
    sound = read_sound(options.audio) if options.audio else None
    says = bool(text) or sound is not None
    return Script(text, sound, stays=options.stay or not says)


def _elsewhere(options: argparse.Namespace, config: Config) -> Elsewhere | None:
    """The face of a running server, if that is to be sent. Raises ConfigError."""
    if not options.url:
        if options.url_token_file:
            raise ConfigError("--url-token-file is for --url: give the server's address, too")
        return None
    if options.text or options.audio:
        raise ConfigError("with --url the server says what is said: have it speak there")
    file = options.url_token_file
    token = secret_files.read(file.expanduser(), "--url-token-file") if file else ""
    where = f"{_web(options.url, '--url').rstrip('/')}/whep/{options.avatar or config.avatar}"
    return Elsewhere(where, token, say_line)


def _publishers(options: argparse.Namespace, config: Config) -> list[Publisher]:
    """Raises ConfigError."""
    found: list[Publisher] = []
    if options.whip:
        found.append(WhipPublisher(_web(_address(options.whip)), _token(options), say_line))
    elif options.token or options.token_file:
        raise ConfigError("a token is for --whip: give its address, too")
    for given in (options.rtmp, options.srt):
        if given:
            target = Target(_address(given), 1000 * options.bitrate)
            check(target)
            found.append(StreamPublisher(target, say_line))
    if options.record:
        signing = _signing(options, config)
        found.append(Recorder(_film(options.record), LIVE, signing=signing))
    if not found:
        raise ConfigError("say where to: --whip URL, --rtmp URL, --srt URL or --record FILE")
    return found


def _signing(options: argparse.Namespace, config: Config) -> FilmSigning:
    """Of a recording. Of a face elsewhere no more is known than its name. Raises ConfigError."""
    store, name = avatars(config), config.avatar
    source = "recording" if options.audio else "text" if options.text else "voice"
    film = Film(
        name, "recorded", session="published", source="" if options.url else source,
        voice=config.voice if options.text else "",
    )  # fmt: skip
    if options.url:  # what its pictures carry is the other server's to say
        return films.signing(config, film)
    return films.signing(config, films.carried(config, film), partial(store.path, name))


def _address(given: str) -> str:
    """An address, or what is in the file behind an @: many hold a key. Raises ConfigError."""
    if given.startswith("@"):
        return secret_files.read(Path(given[1:]).expanduser(), "the address in")
    return given


def _web(url: str, option: str = "--whip") -> str:
    """Raises ConfigError."""
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{option} {url}: write an address with http:// or https://")
    return url


def _token(options: argparse.Namespace) -> str:
    """Raises ConfigError."""
    if options.token and options.token_file:
        raise ConfigError("--token and --token-file are both given: keep one of them")
    if options.token_file:
        return secret_files.read(options.token_file.expanduser(), "--token-file")
    if options.token:
        say_line("note: a token on the command line can be read by every user of this machine")
    return str(options.token or "")


def _film(path: Path) -> Path:
    """Raises ConfigError."""
    if path.suffix.lower() not in _FILMS:
        raise ConfigError(f"{path}: give the film a name that ends with .mp4 or .webm")
    for each in filter(None, (path, beside(path))):
        if each.exists():
            raise ConfigError(f"{each} exists already: remove it first, or name another file")
    return path


async def _published(config: Config, script: Script, publishers: list[Publisher]) -> int:
    """A session in this process."""
    stopped = _listen_for_the_end()
    say_line("visavis is loading")
    opening = House.open(config, wordless=script.is_wordless, door="publish")
    source: Source = "voice" if script.is_wordless else "dialogue"
    uses = _uses(publishers)
    async with opening as house, house.session(source=source, uses=uses) as session:
        priority.go_first()
        async with _outlets(session.add_outlet, publishers) as ends:
            if end := script.ends:
                say_line(f"the face is there, until {end}")
            work = asyncio.create_task(_speak(session, script), name="speak")
            await _until(stopped, None if script.stays else work, ends)
        over = session.forbidden
    if over:
        say_line(f"failed: {over}")
        return FAILURE
    return _told(publishers)


def _uses(publishers: list[Publisher]) -> tuple[Use, ...]:
    """What the consent to the face must be for."""
    films = [isinstance(each, Recorder) for each in publishers]
    wanted: dict[Use, bool] = {"live": not all(films), "videos": any(films)}
    return tuple(use for use, wants in wanted.items() if wants)


async def _sent_on(elsewhere: Elsewhere, publishers: list[Publisher]) -> int:
    """The face of another server."""
    stopped = _listen_for_the_end()
    watching = asyncio.create_task(elsewhere.run(), name="watch")
    shows = asyncio.create_task(elsewhere.shows.wait(), name="first picture")
    stop = asyncio.create_task(_wait(stopped))
    await asyncio.wait({watching, shows, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    shows.cancel()
    try:
        if elsewhere.shows.is_set():
            priority.go_first()
            async with _outlets(elsewhere.add_outlet, publishers) as ends:
                await _until(stopped, watching, ends)
        if watching.done() and not watching.cancelled():
            watching.result()
    except Refused as error:
        say_line(f"failed: {error}")
        return FAILURE
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return _told(publishers)


def _listen_for_the_end() -> asyncio.Event:
    """Set when the operator ends it."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(file_threads())
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _told(publishers: list[Publisher]) -> int:
    """Say what became of each: the exit status."""
    for each in publishers:
        if each.fault:
            say_line(f"failed: {each.fault}")
        elif isinstance(each, Recorder):
            say_line(f"made {each.path}")
            films.say_outcome(each.path, each.signed)
    return FAILURE if any(each.fault for each in publishers) else 0


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _until(
    stopped: asyncio.Event, work: asyncio.Task[None] | None, ends: set[asyncio.Task[None]]
) -> None:
    """Until the operator ends it, the work is done, or nobody publishes any more.

    Raises what the work raised.
    """
    waiting = asyncio.create_task(_wait(stopped), name="until it is ended")
    over = {waiting} if work is None else {waiting, work}
    while ends and not any(each.done() for each in over):
        done, _ = await asyncio.wait({*over, *ends}, return_when=asyncio.FIRST_COMPLETED)
        ends -= done
    for each in over:
        each.cancel()
    await asyncio.wait(over)
    if work is not None and not work.cancelled():
        work.result()


@asynccontextmanager
async def _outlets(
    add: Callable[[Outlet], asyncio.Task[None]], publishers: list[Publisher]
) -> AsyncIterator[set[asyncio.Task[None]]]:
    """They play, each in its task, until the block is left."""
    playing = {add(each): each for each in publishers}
    try:
        yield set(playing)
    finally:
        for task, each in playing.items():
            each.stop() if isinstance(each, Recorder) else task.cancel()
        files = {task for task, each in playing.items() if isinstance(each, Recorder)}
        for tasks, patience in ((playing.keys() - files, _END), (files, _CLOSE)):
            if tasks:
                await asyncio.wait(tasks, timeout=patience)


async def _speak(session: Session, script: Script) -> None:
    """Say all of it, and return when it was heard."""
    await session.clock.sleep_until(session.clock.now() + _LEAD_IN)
    if script.sound is not None:
        await session.voice.push(script.sound)
        session.voice.end()
        await session.voice.silence()
    elif script.text == "-":
        async for line in _lines():
            session.say(line)
            await session.silence()
    elif script.text:
        session.say(script.text)
        await session.silence()
    await session.clock.sleep_until(session.clock.now() + _TAIL)


async def _lines() -> AsyncIterator[str]:
    """Lines of the standard input, as they come; what cannot be said is left out."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue(_LINES)

    def read() -> None:  # a file, a pipe or a terminal: a thread reads all of them
        for line in sys.stdin.buffer:
            put(line.decode("utf-8", "replace").strip())
        put(None)

    def put(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()

    threading.Thread(target=read, name="lines", daemon=True).start()
    while (line := await queue.get()) is not None:
        if line and not saying.empty(line, "en"):
            yield line
