"""`visavis doctor`: what is in force, and what is missing."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from visavis.engines import load
from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.knowledge_file import Knowledge
from visavis.engines.direction.director import Director
from visavis.engines.language.brackets import unmarked, wishes
from visavis.engines.language.saying import sayable
from visavis.engines.registry import as_wanted
from visavis.engines.render.choice import choose
from visavis.models import manifest
from visavis.server.commands import asking, equipment, films, privacy, serve
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.http.admission import Admission
from visavis.server.services import carrying, prepared, preparing
from visavis.server.services.configured import avatars
from visavis.server.services.tongues import unspoken
from visavis.server.studio.translation import choosing
from visavis.server.system import clock_doubt, config_secrets, home, llm, sandbox
from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import Installation
from visavis.server.system.load import Machine


def doctor(options: argparse.Namespace) -> int:
    """`doctor`; 1 where something is missing."""
    config = settings.load({})
    if options.privacy:
        return privacy.told(config, as_json=options.json)
    shown = asdict(config)
    shown |= {secret: "set" if shown[secret] else "" for secret in config_secrets.SECRETS}
    shown["ice_servers"] = " ".join(url.rpartition("@")[2] for url in config.ice)  # no account
    pulled = config.home_path / "models"
    problems = [f.error for f in manifest.load(pulled=pulled).check() if f.error]
    problems += [*_avatar_problems(config), *_voice_problems(config), *_knowledge_problems(config)]
    problems += filter(None, [unspoken(config.language, load.languages(config.home_path))])
    endpoint = asking.examine(config)
    problems += [*endpoint.problems, *equipment.problems(config)]
    choice = choose(as_wanted(config.renderer) or "auto")
    if choice.unmet:
        problems.append(f"renderer {config.renderer!r} cannot be had: {choice.why}")
    scripts, untranslated = choosing.told(config)
    problems += filter(None, [films.problem(config), untranslated])
    doubts = [*config_secrets.doubts(config), *_clock_doubts(config), *endpoint.doubts]
    doubts += films.doubts(config)
    notes = [*_home_notes(config), *_unsaid_notes(config), *equipment.notes(config)]
    notes += [*films.notes(config), *_clip_notes(config)]
    photos, room, answers = _who_reads_photos(config), _room(config), _answers(config)
    if options.json:
        told: dict[str, object] = {"settings": shown, "problems": problems}
        told |= {"doubts": doubts, "notes": notes}
        told |= {"language_model": endpoint.words, "first_token": endpoint.first_token}
        told |= {
            "callers": _who_calls(config),
            "photos": photos,
            "sessions": room,
            "renderer": choice.words,
            "answers": answers,
            "signing": films.told(config),
            "translation": scripts,
        }
        told |= {"disclosure": _disclosure(config), "mark": _mark(config)}
        say_line(json.dumps(told))
        return FAILURE if problems else 0
    width = max(map(len, shown)) + 1
    for key, value in shown.items():
        say_line(f"{key:{width}}{value if value != '' else '-'}")
    say_line(f"Sessions at a time: {room}")
    say_line(f"Scripts are translated by: {scripts}")
    say_line(f"Who may call: {_who_calls(config)}")
    say_line(f"New avatars from the page: {_who_creates(config)}")
    say_line(f"Their photos are read by: {photos}")
    say_line(f"Pictures are drawn by: {choice.words}")
    say_line(f"Answers made ahead: {answers}")
    say_line(f"Tools: {equipment.told(config)}")
    say_line(f"Films are signed by: {films.told(config)}")
    say_line(f"Disclosure: {_disclosure(config)}")
    say_line(f"Mark: {_mark(config)}")
    if endpoint.words:
        say_line(f"Language model: {endpoint.words}")
    for doubt in doubts:
        say_line(f"careful: {doubt}")
    for note in notes:
        say_line(f"note: {note}")
    for problem in problems:
        say_line(f"missing: {problem}")
    say_line("something is missing" if problems else "all is in place")
    return FAILURE if problems else 0


def _room(config: Config) -> str:
    """How many sessions a server would let in, why, and in how many processes."""
    machine = Machine()
    count = serve.workers(config, machine)
    where = "in one process" if count == 1 else f"in {count} processes"
    if config.max_sessions != "auto":
        return f"{config.max_sessions}, as max_sessions says, {where}"
    found = carrying.last(config.home_path)
    if found is None:
        first = Admission(None, machine.cores)
        return f"{first.places} until a server has measured what this machine carries, {where}"
    return (
        f"{found.sessions}, {where}: by the self-test a picture takes {found.cost * 1000:.1f} ms, "
        f"and a session that talks {found.each:.2f} of {found.cores:g} cores"
    )


def _answers(config: Config) -> str:
    """How much of what may be said is kept as sound."""
    if config.prepare_answers == "off":
        return "none (prepare_answers is off)"
    try:
        kept = preparing.Room(prepared.folder(config.home_path))
    except OSError:
        return "none yet; a server makes them while nobody speaks, `visavis warm --answers` now"
    return f"{len(kept)} lines, {kept.size / 1e6:.0f} MB of at most {preparing.ROOM / 1e6:.0f}"


def _disclosure(config: Config) -> str:
    """How visitors are told that the face is synthetic."""
    if config.disclosure == "off":
        return f"off, because: {config.disclosure_reason}"
    spoken = "the first reply" if config.disclosure_spoken == "reply" else "the page alone"
    return f"{config.disclosure_text!r} in every picture; in words by {spoken}"


def _mark(config: Config) -> str:
    """What pictures and sound say of where they came from."""
    if config.mark == "off":
        return "off: nothing in pictures and sound says where they came from"
    try:
        known = Installation.known(config.home_path)
    except ConfigError as fault:
        return f"in all pictures and sound, but it names no installation: {fault}"
    name = known.name if known else "this installation, once its key is made"
    where = "in all pictures and sound, not seen and not heard"
    return f"{where}: {name}, the day, and the kind of session"


def _avatar_problems(config: Config) -> list[str]:
    store = avatars(config)
    found = store.find()
    broken = [f"avatar {name!r} cannot be used: {why}" for name, why in found.broken.items()]
    broken += [each for each in (found.closed, store.revocations.fault) if each]
    if config.avatar in found.readable or config.avatar in found.broken:
        return broken
    return [*broken, f"avatar {config.avatar!r} does not exist: see `visavis avatar list`"]


def _voice_problems(config: Config) -> list[str]:
    known = {voice.name for voice in load.voices(config.home_path)}
    if not config.voice or config.voice in known:
        return []
    why = load.missing_voices().get(config.voice, "see `visavis voices`")
    return [f"voice {config.voice!r} does not exist: {why}"]


def _who_creates(config: Config) -> str:
    if not config.may_create:
        return "nobody (create_avatars is off)"
    return "everybody who has the token" if config.token else "everybody at this machine"


def _who_calls(config: Config) -> str:
    """By role, without a word of what they send."""
    if not config.token:
        return "this machine alone, without a token"
    tokens = {"staff_token": "staff", "metrics_token": "metrics", "token_secret": "visitors"}
    named = ["the operator", *(role for name, role in tokens.items() if getattr(config, name))]
    pages = {"*": "of any host", "none": "of this server alone"}
    where = pages.get(config.cors_origins, f"of {config.cors_origins} and of this server")
    return f"{', '.join(named)}, each with a token of its own; pages {where}"


def _clock_doubts(config: Config) -> list[str]:
    """Whether a token of the future came lately."""
    doubt = clock_doubt.last(config.home_path)
    if doubt is None:
        return []
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(doubt.at))
    return [
        f"at {when} by this machine's clock a visitor's token came from {round(doubt.ahead)} s in "
        "its future: this clock is wrong, or the web server's that signed it; compare `date -u` "
        "on both"
    ]


def _home_notes(config: Config) -> list[str]:
    """What works without being written, and what does not."""
    return [
        f"{why}: starts take longer, and no avatar or recording can be made"
        for why in home.faults(config.home_path)
    ]


def _who_reads_photos(config: Config) -> str:
    """How well the process is shut in that opens what strangers send."""
    if not config.may_create:
        return "nobody"
    missing = sandbox.examine()
    words = {sandbox.FILES: "it can read this user's files", sandbox.CALLS: "it has a network"}
    faults = [f"{words[what]} ({why})" for what, why in missing.items()]
    open_to = f", but {' and '.join(faults)}" if faults else ""
    return f"a process without network, foreign files and other programs{open_to}"


def _knowledge_problems(config: Config) -> list[str]:
    if config.dialogue not in {"knowledge", llm.NAME}:
        return []
    path = _answers_file(config)
    try:
        known = knowledge_file.load(path)
    except knowledge_file.KnowledgeError as error:
        return str(error).splitlines()
    found: dict[str, str] = {}  # where a direction stands first
    for _, line, answer in _written(known):
        for wish in wishes(answer):
            found.setdefault(wish, f"{path.name}:{line}")
    return _bracket_problems(found, config)


def _clip_notes(config: Config) -> list[str]:
    """Avatars that no GPU draws."""
    cards = avatars(config).find().cards
    names = sorted(name for name, card in cards.items() if card.clip)
    if not names:
        return []
    return [f"made of a clip, and drawn by the CPU whatever else draws: {', '.join(names)}"]


def _unsaid_notes(config: Config) -> list[str]:
    """Answers of which a part cannot be said; one without a word to say is a problem."""
    path = _answers_file(config)
    try:
        known = knowledge_file.load(path)
    except knowledge_file.KnowledgeError:
        return []
    return [
        f"{path.name}:{line}: no voice can say {' '.join(left)}"
        for language, line, answer in _written(known)
        if (left := sayable(unmarked(answer), language)[1])
    ]


def _answers_file(config: Config) -> Path:
    return Path(config.knowledge) if config.knowledge else knowledge_file.EXAMPLE


def _written(known: Knowledge) -> Iterator[tuple[str, int, str]]:
    """Language, line and text of every answer, in every language of the file."""
    for language in known.languages:
        for entry in known.in_language(language).entries:
            if not entry.borrowed:
                for line, answer in zip(entry.lines, entry.answers, strict=True):
                    yield language, line, answer


def _bracket_problems(found: Mapping[str, str], config: Config) -> list[str]:
    """found: directions, and where they stand."""
    words = Director()
    if not any(words.literal(wish).dropped for wish in found):
        return []
    director = load.director(config.home_path)
    return [
        f"{where}: a direction for [{wish}]: {', '.join(dropped)} is not understood"
        for wish, where in found.items()
        if (dropped := director.understand(wish).dropped)
    ]
