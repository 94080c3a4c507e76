"""`visavis doctor --privacy`: what is kept where and how long, what leaves, what is switched on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from visavis.models import piper_voices
from visavis.server.avatars import faces
from visavis.server.commands import keeping
from visavis.server.commands.console import say_line
from visavis.server.services import configured
from visavis.server.services.prepared import folder as prepared_folder
from visavis.server.system import llm, translators
from visavis.server.system.chain import folder_of
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.spans import Span

_OWNER: Final = "the user that the server runs as"
_VISITOR: Final = "who uses that browser"


@dataclass(frozen=True, slots=True)
class Stored:
    """One thing that is kept, or would be. now: how much there is; change: what changes that."""

    what: str
    where: str
    now: str
    who: str
    long: str
    change: str


@dataclass(frozen=True, slots=True)
class Leaves:
    """What goes to another machine. to: hosts; empty: it goes nowhere."""

    what: str
    to: str
    change: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that can be told of an installation, by its settings and what lies there."""

    stored: tuple[Stored, ...]
    browser: tuple[Stored, ...]
    leaves: tuple[Leaves, ...]
    switches: dict[str, str]
    avatars: dict[str, str]


def told(config: Config, *, as_json: bool) -> int:
    """Print it. Raises ConfigError, OSError."""
    report = examine(config)
    if as_json:
        say_line(json.dumps(asdict(report)))
        return 0
    for line in _in_words(report):
        say_line(line)
    return 0


def examine(config: Config) -> Report:
    """Raises ConfigError, OSError."""
    return Report(
        (*_of_visitors(config), *_of_the_operator(config)),
        tuple(_browser()),
        tuple(_leaving(config)),
        _switches(config),
        _avatars(config),
    )


def _in_words(report: Report) -> Iterator[str]:
    yield "Kept on this machine"
    for row in report.stored:
        yield from _row(row)
    yield "Kept by the page in a browser"
    for row in report.browser:
        yield from _row(row)
    yield "Leaves this machine"
    for going in report.leaves:
        yield f"  {going.what}"
        yield f"    to      {going.to or 'nobody'}"
        yield f"    change  {going.change}"
    yield "Switched"
    for name, state in report.switches.items():
        yield f"  {name}: {state}"
    yield "Consent of avatars"
    for name, state in report.avatars.items():
        yield f"  {name}: {state}"


def _row(row: Stored) -> Iterator[str]:
    yield f"  {row.what}"
    named = ("where", row.where), ("now", row.now), ("who", row.who), ("long", row.long)
    for name, value in (*named, ("change", row.change)):
        yield f"    {name:7} {value}"


# --- on this machine ------------------------------------------------------------------------------


def _of_visitors(config: Config) -> Iterator[Stored]:
    """What visitors say, and what there is of them."""
    yield Stored(
        "words and voices of visitors", "memory, encrypted on the way", "not counted",
        "the server, and staff who look at a session", "until the session ends, or 2 minutes "
        f"after its connection was lost; a session waits {config.resume_seconds} s for it",
        "resume_seconds; to disk goes none of it",
    )  # fmt: skip
    there = keeping.kinds(config)
    yield Stored(
        "recordings: the avatar's sound and pictures; a presenter's voice with source=microphone",
        str(there["recordings"].place), _now(config, "recordings"), _readers(config, "recordings"),
        _days(config.recordings_days), "recorded only where your program asks for it; "
        "recordings_days; visavis wipe --what recordings",
    )  # fmt: skip
    is_kept = config.keep_questions == "on"
    yield Stored(
        "questions that nobody could answer, with numbers, addresses and names blanked",
        str(there["questions"].place),
        _now(config, "questions") + ("" if is_kept else "; none is added (off)"),
        _readers(config, "questions"), _days(config.keep_questions_days),
        "keep_questions, keep_questions_days; visavis wipe --what questions",
    )  # fmt: skip
    yield Stored(
        "audit log: deeds, avatars, ids of sessions and times; no words, no addresses",
        str(folder_of(config.home_path)),
        _now(config, "audit") + ("" if config.audit == "on" else "; none is added (off)"),
        _readers(config, "audit"), _days(config.audit_days),
        "audit, audit_days; visavis wipe --what audit",
    )  # fmt: skip
    yield Stored(
        "jobs: scripts and tables that films are made of, and the films",
        str(there["jobs"].place), _size(there["jobs"].place), _readers(config, "jobs"),
        f"{_days(config.jobs_days)}, once they are over",
        "jobs_days; DELETE /v1/videos/{id}; visavis wipe --what jobs",
    )  # fmt: skip
    parts = there["studio-cache"].place
    yield Stored(
        "studio-cache: clauses and pictures that films share",
        str(parts), _size(parts), _readers(config, "studio-cache"),
        f"{_days(config.jobs_days)}, once no film has used them for so long",
        "studio_cache_mb, jobs_days; visavis wipe --what studio-cache",
    )  # fmt: skip
    yield Stored(
        "photos and videos of which avatars are made, films looked at for marks (/detect)",
        "memory, and a temporary file without a name", "not counted", _OWNER,
        "until it is done, some seconds", "create_avatars, consent_presence, detect",
    )  # fmt: skip
    yield Stored(
        "the server's log: faults, ids of sessions, times; no words and no addresses",
        "the standard error output: the journal, or what you lead it to", "not here",
        "whoever may read that", "as that is set", "log_level, and the journal's own settings",
    )  # fmt: skip


def _of_the_operator(config: Config) -> Iterator[Stored]:
    """What lies there besides, and is not of visitors."""
    home = config.home_path
    for what, path, change in (
        ("avatars: likenesses, and the record of each consent", home / "avatars",
         "visavis avatar, or the page (create_avatars)"),
        ("faces: numbers by which a person in an avatar is known again (biometric data; never of "
         "a visitor); they go with the avatar", home / faces.FOLDER, "consent_likeness"),
        ("voices of one's own: numbers by which a person's voice is tuned to or, for a speech "
         "server, up to 30 s of their recording; the record of each consent", home / "voices",
         "visavis voice"),
        ("consent: which consents were taken back", home / "consent", "visavis consent"),
        ("projects of the studio: scripts, and the files put to them", home / "projects",
         "DELETE /v1/projects/{name}, or the studio's page"),
        ("keys: this installation signs with them", home / "keys", "delete nothing here"),
        ("your answers as speech, made ahead", prepared_folder(home), "prepare_answers"),
    ):  # fmt: skip
        yield Stored(what, str(path), _size(path), _mode(path), "until you remove it", change)


def _now(config: Config, kind: str) -> str:
    found = keeping.kinds(config)[kind]
    until = Span(until=datetime.now(UTC) + timedelta(days=1))
    try:
        amount = found.count(until)
    except OSError as error:
        return f"cannot be read: {error.strerror or 'unknown reason'}"
    if kind == "audit":  # of which the last day always stays
        return _size(found.place)
    return f"{amount.count + amount.left} {found.of}"


def _days(days: int) -> str:
    return f"{days} days, then the running server deletes it" if days else "without end (0 days)"


def _readers(config: Config, kind: str) -> str:
    return _mode(keeping.kinds(config)[kind].place)


def _mode(path: Path) -> str:
    """Who may read a folder, by its own permissions."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return _OWNER
    others = [who for bits, who in ((0o050, "its group"), (0o005, "everybody")) if mode & bits]
    return " and ".join([_OWNER, *others])


def _size(path: Path) -> str:
    try:
        found = [each.stat().st_size for each in path.rglob("*") if each.is_file()]
    except OSError:
        return "cannot be read"
    if not found:
        return "nothing"
    return f"{len(found)} files, {sum(found) / 1e6:.1f} MB"


# --- in a browser, and elsewhere -----------------------------------------------------------------


def _browser() -> Iterator[Stored]:
    """What client/ keeps; tests/server/test_privacy.py holds it to that."""
    stays = "until the browser's data is deleted"
    tab = "until the tab is closed"
    yield Stored(
        "visavis.choice: avatar, voice, language, source, captions, how to talk", "local storage",
        "by browser", _VISITOR, stays, "not in a kiosk",
    )  # fmt: skip
    yield Stored(
        "visavis.session: the token by which a reload finds the conversation", "session storage",
        "by tab", _VISITOR, tab, "not in a kiosk; resume_seconds = 0",
    )  # fmt: skip
    yield Stored(
        "visavis.reloaded: when a kiosk loaded itself anew", "session storage", "by tab",
        _VISITOR, tab, "-",
    )  # fmt: skip
    yield Stored(
        "visavis-staff: the staff's token and name", "session storage", "by tab", "that member",
        f"{tab}, or until they sign out", "the staff's page alone",
    )  # fmt: skip
    yield Stored(
        "visavis-studio: the operator's token", "session storage", "by tab",
        "whoever makes films", tab, "the studio alone",
    )  # fmt: skip
    yield Stored(
        "visavis-staff-name, visavis-staff-bell: a name, and whether it rings", "local storage",
        "by browser", "that member", stays, "the staff's page alone",
    )  # fmt: skip


def _leaving(config: Config) -> Iterator[Leaves]:
    """What is sent to others than the visitor's browser, by the settings."""
    asks = config.dialogue == llm.NAME
    yield Leaves(
        "questions, and what was said before, to a language model",
        _host(config.llm_base_url) if asks else "", "dialogue, llm_base_url",
    )  # fmt: skip
    yield Leaves(
        "scripts that are translated, to a language model",
        _host(config.llm_base_url) if translators.asks(config) else "",
        "studio_translator, llm_base_url",
    )
    for what, hosts in _of_tools(config):
        yield Leaves(what, hosts, "the file that `tools` names")
    relays = " ".join(_relay(each) for each in (*config.relays, *config.ice))
    yield Leaves(
        "sound and pictures, encrypted, through relays; addresses to STUN servers", relays,
        "turn_servers, ice_servers",
    )  # fmt: skip
    yield Leaves(
        "a face and its voice, when you run `visavis publish` or a camera with --url", "",
        "to where that command says",
    )  # fmt: skip
    yield Leaves(
        "scripts and films, to the Redis server and the store of `visavis worker`",
        " ".join(filter(None, (_host(config.jobs), _store(config)))),
        "jobs, jobs_results",
    )
    yield Leaves(
        "that a job is over, and how it is called, to addresses that whoever asked for it names",
        "those" if config.webhook_secret else "",
        "webhook_networks",
    )
    rooms = " ".join(_host(url) for url in config.livekit_urls.split())
    yield Leaves("sound and pictures to rooms of LiveKit", rooms, "livekit_urls")
    yield Leaves(
        "the hash of a film, for a time stamp (RFC 3161)",
        _host(config.sign_timestamp_url) if config.sign != "off" else "",
        "sign, sign_timestamp_url",
    )
    mirror = _host(config.voice_mirror)
    where = mirror if config.voice_mirror == piper_voices.MIRROR else f"{mirror} (your mirror)"
    yield Leaves(
        "a voice's name, when you run `visavis models pull`; never by itself", where, "voice_mirror"
    )
    yield Leaves("telemetry, updates, statistics", "", "there are none")


def _of_tools(config: Config) -> Iterator[tuple[str, str]]:
    try:
        file = configured.tools(config)
    except ConfigError:
        yield "the file of tools cannot be read: `visavis doctor` says why", "?"
        return
    http = {_host(each.url) for each in file.http} | {h for each in file.http for h in each.hosts}
    yield "what a model gives to tools over HTTP", " ".join(sorted(filter(None, http)))
    mcp = [_host(s.url) if s.url else f"{s.name} (a program here)" for s in file.mcp]
    yield "what a model gives to servers of tools", " ".join(sorted(mcp))
    hosts = {*file.shown.picture_hosts, _host(file.shown.map_page)}
    yield "a visitor's address to hosts of pictures", " ".join(sorted(filter(None, hosts)))


def _host(url: str) -> str:
    """Without an account, a path or a key."""
    return urlsplit(url).hostname or ""


def _store(config: Config) -> str:
    """Where films go that others fetch; a folder is of this machine, or shared by it."""
    return config.jobs_results if "://" in config.jobs_results else ""


def _relay(url: str) -> str:
    """Its host, without an account: turn:name@host:port?transport=udp."""
    place = url.rpartition("@")[2].partition("?")[0]
    return urlsplit(f"//{re.sub('^(turn|stun)s?:', '', place)}").hostname or url


# --- what is on ----------------------------------------------------------------------------------


def _switches(config: Config) -> dict[str, str]:
    mood = "on: emotion recognition in the words of the European AI Act; the page says so"
    return {
        "voice_mood": mood if config.voice_mood == "on" else "off: moods are told by words alone",
        "keep_questions": config.keep_questions,
        "audit": config.audit,
        "create_avatars": "on" if config.may_create else "off",
        "consent_presence": f"{config.consent_presence}: a video for it is looked at, and not kept",
        "staff": "on: they read along, and the visitor is told" if config.staff_token else "off",
    }


def _avatars(config: Config) -> dict[str, str]:
    """How it stands with the consent to each."""
    found = configured.avatars(config).find()
    states = {}
    for name, card in found.cards.items():
        given = card.consent
        until = f", until {given.until}" if given.until else ", without an end"
        uses = ", ".join(given.uses)
        whose = f"{given.subject}: {uses}{until}" if given.of_a_person else "nobody's likeness"
        states[name] = f"not in force: {found.broken[name]}" if name in found.broken else whose
    rest = {name: why for name, why in found.broken.items() if name not in states}
    return dict(
        sorted((states | {name: f"cannot be read: {why}" for name, why in rest.items()}).items())
    )
