"""`visavis warm`: what a first start would wait for is compiled, cut and embedded now."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from visavis.engines import load
from visavis.engines.base import Foreknowing, Voice
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.registry import VOICE, VOICES
from visavis.engines.settings import DialogueSettings
from visavis.models.avatar.backdrop import NOTHING, ORIGINAL
from visavis.models.avatar.file import Avatar, load_avatar
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.chatting import BESIDE
from visavis.server.services.fillers import Prepared
from visavis.server.services.prepared import Repertoire, edition, folder, lines
from visavis.server.services.preparing import prepare_now
from visavis.server.services.tongues import voice_of
from visavis.server.services.voices import apology
from visavis.server.system import config_reading as settings
from visavis.server.system import llm
from visavis.server.system.config import Config
from visavis.server.system.config_faults import AUTO
from visavis.server.system.errors import ConfigError
from visavis.server.system.home import faults as unwritable


def warm(options: argparse.Namespace) -> None:
    """Numba compiles the kernel, piper's network is cut, the knowledge is embedded: once.

    Raises ConfigError, EngineError.
    """
    config = settings.load({})
    home = config.home_path
    avatars = AvatarStore(home).find().readable
    steps: list[tuple[str, Callable[[], object]]] = [
        ("the dialogue", lambda: load.dialogue("knowledge", DialogueSettings(home))),
        ("the styles", lambda: load.director(home)),
        *((f"the voice {v.name}", lambda v=v: load.tts(v.name, home)) for v in _cut()),
        ("the face", lambda: _draw_once(load_avatar(next(iter(avatars.values()))))),
    ]
    with tqdm(steps, desc="preparing", leave=False) as bar:
        for what, step in bar:
            bar.set_description(f"preparing {what}")
            step()
    if options.answers:
        _prepare_answers(config)
    for why in unwritable(home):
        sys.stderr.write(f"note: {why}: nothing of it is kept\n")


def _cut() -> Iterator[Voice]:
    """The voices for which there is something to do: those of families are ready at once."""
    return (voice for voice in load.voices() if voice.name in VOICES)


def _prepare_answers(config: Config) -> None:
    home = config.home_path
    knowledge = Path(config.knowledge) if config.knowledge else None
    asks = config.dialogue == llm.NAME  # what it says cannot be known, but who stands in can
    name = BESIDE if asks else config.dialogue
    language = ENGLISH if config.language == AUTO else config.language
    dialogue = load.dialogue(name, DialogueSettings(home, knowledge, language=language))
    if not isinstance(dialogue, Foreknowing):
        raise ConfigError(
            f"dialogue is {config.dialogue!r}: what it says is not known beforehand; leave out "
            "--answers"
        )
    known = Repertoire(language)
    known.learn(lines(Prepared(language, dialogue) if asks else dialogue, load.director(home)))
    wanted = config.voice, AvatarStore(home).voice(config.avatar), VOICE
    voice = voice_of(language, wanted, home)
    tts = load.tts(voice, home)
    by, place = edition(voice, [clause.speech for clause in apology(tts)]), folder(home)
    try:
        steps = prepare_now(tts, by, known.plan, place)
        with tqdm(steps, "synthesizing answers", len(known.plan), leave=False) as bar:
            made = sum(bar)
    except OSError as error:
        raise ConfigError(f"{place} cannot be written to: {error.strerror}") from error
    sys.stderr.write(f"{made} of {len(known.plan)} lines of answers were synthesized now\n")


def _draw_once(avatar: Avatar) -> None:
    """Before its own background, and before none: what draws those is compiled by itself."""
    for backdrop in (ORIGINAL, NOTHING):
        load.warm(load.drawing(replace(avatar, backdrop=backdrop)))
