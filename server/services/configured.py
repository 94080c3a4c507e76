"""The engines of a process as its settings have them, not yet loaded."""

from __future__ import annotations

from pathlib import Path

from visavis.engines.dialogue.danger import Rescue
from visavis.engines.marking.embedding import Mark
from visavis.engines.marking.payload import SessionClass
from visavis.engines.marking.sound import SoundMark
from visavis.engines.registry import as_wanted
from visavis.engines.settings import CORNERS, Lettered
from visavis.server.avatars.backgrounds import Backgrounds
from visavis.server.avatars.signatures import check_key
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.defaults import Defaults
from visavis.server.services.engines import Services
from visavis.server.services.finishes import Finishes, Maker
from visavis.server.services.stamp import Stamp
from visavis.server.system import llm
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Malformed
from visavis.server.system.metrics import Metrics
from visavis.server.tools import file as tools_file
from visavis.server.tools.specs import Shown, ToolsFile
from visavis.server.tools.toolbox import check_installed


def tools(config: Config) -> ToolsFile:
    """What the tools file gives; without one the pictures beside the file of answers.

    Raises ConfigError.
    """
    if config.tools:
        file = tools_file.load(Path(config.tools).expanduser())
        check_installed(file)
        return file
    beside = Path(config.knowledge).parent / "pictures" if config.knowledge else None
    return ToolsFile(shown=Shown(beside if beside is not None and beside.is_dir() else None))


def avatars(config: Config) -> AvatarStore:
    """Where they lie, and which of them may be used. Raises ConfigError."""
    keys = tuple(config.consent_keys.split())
    for key in keys:
        check_key(key)
    return AvatarStore(config.home_path, config.consent_path, keys=keys)


def services(
    config: Config,
    store: AvatarStore,
    metrics: Metrics,
    *,
    wordless: bool = False,
    session: SessionClass = SessionClass.LIVE,
) -> Services:
    """wordless: every session speaks what a program pushes. session: what marks call its sessions.

    Raises ConfigError.
    """
    knowledge = Path(config.knowledge) if config.knowledge else None
    size = config.width, config.height
    renderer = as_wanted(config.renderer) or "auto"
    defaults = Defaults(
        config.avatar, config.voice, config.dialogue, knowledge, size, renderer,
        voices_apart=config.are_voices_apart,
        refine=config.refine == "on",
        prepare=config.prepare_answers == "on",
        keep_questions=config.keep_questions == "on",
        keep_questions_days=config.keep_questions_days,
        language=config.language,
        voice_mood=config.voice_mood == "on",
        rescue=Rescue(config.emergency_number, config.crisis_number, config.emergency_contact),
        chat=llm.chat(config),
        tools=tools(config),
        zone=config.time_zone,
        wordless=wordless,
        backgrounds=_backgrounds(config),
        finishes=finishes(config, stamp(config, session)),
        discloses=config.disclosure == "on" and config.disclosure_spoken == "reply",
    )  # fmt: skip
    return Services(config.home_path, defaults, store, metrics)


def stamp(config: Config, session: SessionClass) -> Stamp | None:
    """What this process's marks say; None: there are none."""
    return Stamp.of(config.home_path, session) if config.mark == "on" else None


def finishes(config: Config, stamp: Stamp | None) -> Finishes:
    """What is put into all pictures and all sound: what is seen first, then what is hidden."""
    makers: list[Maker] = []
    if stamp is not None:
        makers.append(lambda canvas: Mark(stamp.payload(), canvas))
    sound = None if stamp is None else lambda: SoundMark(stamp.payload())
    return Finishes(tuple(makers), sound, lettered(config))


def lettered(config: Config) -> Lettered | None:
    """The label of its pictures; None where the operator has them without."""
    if config.disclosure == "off":
        return None
    corner = next(each for each in CORNERS if each == config.disclosure_corner)
    return Lettered(config.disclosure_text.strip(), corner, config.disclosure_size)


def _backgrounds(config: Config) -> Backgrounds:
    """What faces may stand before. Raises ConfigError for a default that there is not."""
    if config.background == "transparent":
        raise ConfigError(
            "background is 'transparent': pages ask for that themselves (docs/embedding.md), for "
            "others would see the matte; choose another one"
        )
    found = Backgrounds(config.backgrounds, config.background)
    try:
        found.find("")
    except Malformed as error:
        raise ConfigError(f"{error.detail} Its folder is {config.backgrounds}.") from error
    return found
