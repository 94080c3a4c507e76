"""`visavis say`: a text, or a recording, performed by an avatar into a video file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from tqdm import tqdm

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Tts
from visavis.engines.language import saying
from visavis.engines.marking.payload import SessionClass
from visavis.engines.registry import VOICE
from visavis.server.avatars import standing
from visavis.server.avatars.leave import Leave
from visavis.server.commands import films
from visavis.server.commands.chosen import check_voice
from visavis.server.commands.console import advance, say_line, user
from visavis.server.commands.rendering import LEAD_IN, render
from visavis.server.playout.messages import FRAME, Tick
from visavis.server.provenance.claims import Film
from visavis.server.recording.files import Playback, Script, read_sound
from visavis.server.recording.recorder import FINE, Recorder
from visavis.server.services.configured import avatars, finishes, stamp
from visavis.server.services.offline import offline_engines
from visavis.server.services.wordless import Mute
from visavis.server.session.doors import Inlet
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Ended
from visavis.server.voices.store import OwnVoices

T = TypeVar("T")

_FILMS: Final = {".mp4", ".m4v", ".mov", ".mkv"}  # what holds H.264 and AAC


def say(options: argparse.Namespace) -> None:
    """`say`. Raises ConfigError, EngineError, ModelError, NotFound, OSError."""
    config = settings.load({})
    if options.output.suffix.lower() not in _FILMS:
        raise ConfigError(f"{options.output}: give the film a name that ends with .mp4")
    store, name_of_avatar = avatars(config), options.avatar or config.avatar
    avatar = store.load(name_of_avatar, "videos")
    name = options.voice or config.voice or avatar.card.voice or VOICE
    own = OwnVoices(store)
    if not options.audio:
        own.check(name, "videos")
    inlet = _inlet(options, _language(name, config))
    if not options.audio:
        standing.check_language(
            _language(name, config), avatar.card.consent.languages, name_of_avatar
        )
    director = load.director(config.home_path)
    voice = Mute() if options.audio else _voice(name, config)
    lips = load.lips() if options.audio else None
    film = Film(
        avatar.name, "rendered", voice="" if options.audio else name, session="video",
        source="recording" if options.audio else "text",
        language="" if options.audio else _language(name, config),
    )  # fmt: skip
    signing = films.signing(
        config, films.carried(config, film), partial(store.path, name_of_avatar), notes=False
    )
    draw = load.drawing(avatar, options.size, options.size)
    if styles := director.understand(options.style).styles:
        say_line(f"style: {', '.join(styles)}")
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(unit=" pictures", leave=False))
        trace = stack.enter_context(options.trace.open("w")) if options.trace else None
        recorder = Recorder(options.output, FINE, trace=trace, signing=signing)
        finished = finishes(config, stamp(config, SessionClass.VIDEO))
        engines = offline_engines(draw, director, voice, lips, finishes=finished)
        permits = [store.permit(avatar.card), None if options.audio else own.permit(name)]
        leave = Leave(store, *(each for each in permits if each is not None))
        notes = _during(
            leave,
            lambda: render(engines, inlet, recorder, partial(_show, bar, leave)),
            options.output,
        )
    if dropped := notes.dropped or director.understand(options.style).dropped:
        say_line(f"note: not understood: {', '.join(dropped)}")
        say_line(f"what can be asked for: {', '.join(director.names)}")
    if notes.unsaid:
        say_line(f"note: left out, for the voice cannot say it: {' '.join(notes.unsaid)}")
    with auditing(config, "visavis say") as audit:
        seconds = round(recorder.length / PLAY_RATE, 1)
        audit.record(
            "video-made", avatar=avatar.card.name, reference=avatar.card.reference,
            seconds=seconds, who=user(),
        )  # fmt: skip
    say_line(f"made {options.output}: {recorder.length / PLAY_RATE:.1f} s")
    films.say_outcome(options.output, recorder.signed)


def _language(voice: str, config: Config) -> str:
    """Of a voice; English of one that there is not, which is told later."""
    spoken = {each.name: each.language for each in load.voices(config.home_path)}
    return spoken.get(voice, "en")


def _inlet(options: argparse.Namespace, language: str) -> Inlet:
    """language: in which a text is said. Raises ConfigError."""
    if options.audio and options.text:
        raise ConfigError("give either a text or --audio FILE")
    if options.audio:
        return Playback(read_sound(options.audio), options.style)
    text = _read_text() if options.text == "-" else options.text
    if saying.empty(text, language):
        raise ConfigError(f"{saying.NOTHING}: {saying.WHY}")
    return Script(text, options.style, LEAD_IN)


def _read_text() -> str:
    """What is piped in. Raises ConfigError."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise ConfigError("what is piped in is not UTF-8 text") from None


def _voice(name: str, config: Config) -> Tts:
    """Raises ConfigError, EngineError."""
    check_voice(name, config.home_path)
    return load.tts(name, config.home_path)


def _during(leave: Leave, work: Callable[[], T], film: Path) -> T:
    """Do it; without leave the film is removed. Raises Ended, and what the work does.

    The recorder takes what `check` raises for a fault of its own.
    """
    try:
        return work()
    except OSError as error:
        if not leave.over:
            raise
        film.unlink(missing_ok=True)
        raise Ended(leave.over, "consent-revoked") from error


def _show(bar: Any, leave: Leave, done: Tick, known: Tick) -> None:
    leave.check()
    bar.total = known // FRAME
    advance(bar, done // FRAME)
