"""The composition root: which values of the settings each part of a server is made with."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from visavis.engines import load
from visavis.engines.dialogue.knowledge_file import EXAMPLE
from visavis.engines.registry import VOICE
from visavis.server.avatars import sentences
from visavis.server.avatars.challenges import Challenges
from visavis.server.avatars.comparing import Comparing
from visavis.server.avatars.faces import Faces
from visavis.server.avatars.identity import ASKED, Identity
from visavis.server.avatars.previews import Previews
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands import films, studio
from visavis.server.http.admission import Admission
from visavis.server.http.app import Basics, Part, Room, VoiceRoutes
from visavis.server.http.app import application as assembled
from visavis.server.http.avatars import AvatarRoutes
from visavis.server.http.cards import CardRoutes
from visavis.server.http.cors import Origins
from visavis.server.http.detecting import DetectRoutes
from visavis.server.http.entrances import Entrance
from visavis.server.http.guard import Guard
from visavis.server.http.headers import Headers
from visavis.server.http.keepsakes import Memory
from visavis.server.http.keys import Keys
from visavis.server.http.opening import Sessions
from visavis.server.http.places import Keeper, OwnPlaces, Places
from visavis.server.http.refusals import Refusals
from visavis.server.http.relays import RelayRoutes
from visavis.server.http.sessions import SessionRoutes
from visavis.server.http.topics import TopicRoutes
from visavis.server.http.visiting import Visiting
from visavis.server.http.visits import Quotas, Visits
from visavis.server.http.wishes import Lender, Offered
from visavis.server.provenance.claims import Film
from visavis.server.provenance.films import FilmSigning
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.held import Held
from visavis.server.rtc.reach import Reach
from visavis.server.rtc.relays import Relays
from visavis.server.services.configured import avatars, lettered, tools
from visavis.server.session.attendance import Presence
from visavis.server.session.session import Session
from visavis.server.staff.desk import Desk, DeskRoutes
from visavis.server.staff.roster import Roster
from visavis.server.staff.routes import StaffRoutes
from visavis.server.system import clock_doubt, llm
from visavis.server.system.audit import Audit, Unaudited
from visavis.server.system.config import Config, as_source
from visavis.server.system.metrics import Metrics
from visavis.server.tools.gallery import Gallery
from visavis.server.voices.store import OwnVoices
from visavis.server.wires import (
    liveavatar,
    livekit_launch,
    sent_voice,
    simli,
    smallwebrtc,
    whep,
    whip,
)
from visavis.server.wires.realtime import door as realtime_door
from visavis.server.wires.realtime import entry as realtime_entry
from visavis.server.wires.realtime.beginnings import Beginnings
from visavis.server.wires.realtime.names import HomeNames
from visavis.server.wires.stage import Stages
from visavis.server.wires.ways import Way
from visavis.server.wires.whep import Whep
from visavis.server.wires.whip import Whip

SESSIONS: Final = web.AppKey("sessions", Sessions)
ADMISSION: Final = web.AppKey("admission", Admission)
PLACES: Final = web.AppKey("places", Places)


def comparing(config: Config, store: AvatarStore) -> Comparing | None:
    """New faces with those of the avatars there are; None: nobody compares."""
    if config.consent_likeness == "off":
        return None
    return Comparing(store, Faces(config.home_path))


def identity(config: Config, store: AvatarStore) -> Identity:
    """How it is made sure whose face a new avatar has."""

    def spoken() -> list[str]:
        heard = load.heard(config.home_path)
        return [code for code in sentences.LANGUAGES if code in heard]

    asked = next(each for each in ASKED if each == config.consent_presence)
    return Identity(config.home_path, comparing(config, store), asked, Challenges(spoken))


def gallery(config: Config) -> Gallery:
    """The pictures that visitors may be shown. Raises ConfigError."""
    shown = tools(config).shown
    return Gallery(shown.pictures, shown.picture_hosts)


def reach(config: Config) -> Reach:
    """Where media is received, and whom it may contact."""
    return Reach(config.hosts, config.announced, config.port_range, config.never)


def relays(config: Config) -> Relays:
    """What viewers are given, to be reached through."""
    return Relays(config.relays, config.turn_secret, config.turn_seconds)


def admission(config: Config) -> Admission:
    """How many sessions are let in."""
    fixed = None if config.max_sessions == "auto" else config.max_sessions
    return Admission(fixed, float(os.cpu_count() or 1))


def sessions(
    config: Config,
    lender: Lender,
    places: Keeper,
    metrics: Metrics,
    memory: Memory | None = None,
    audit: Audit | None = None,
) -> Sessions:
    """The sessions of one process. memory: who keeps what is left of them; None: the process."""
    offered = Offered(
        config.avatar,
        config.voice,
        as_source(config.source) or "dialogue",
        config.language,
        config.ice,
        reach(config),
        Limits(config.resume_seconds, config.idle_seconds, config.session_seconds),
    )
    return Sessions(offered, lender, places, metrics, memory, audit)


def session_routes(
    config: Config, live: Sessions, metrics: Metrics, audit: Audit | None = None
) -> SessionRoutes:
    """The addresses of those."""
    recordings = config.home_path / "recordings"
    return SessionRoutes(
        live, recordings, metrics,
        may_name=config.may_name, audit=audit, signing=recorded(config),
    )  # fmt: skip


def recorded(config: Config) -> Callable[[Held], FilmSigning]:
    """What signs the recording of a session. Raises ConfigError where none could be signed."""
    signatory, store = films.signatory(config), avatars(config)

    def of(held: Held) -> FilmSigning:
        terms, session = held.terms, held.session
        film = Film(
            terms.avatar, "recorded", voice=terms.voice, language=session.language,
            source=session.source, session="live",
        )  # fmt: skip
        carried = films.carried(config, film)
        return FilmSigning(signatory, carried, partial(store.path, terms.avatar), card=session.card)

    return of


def avatar_routes(config: Config, store: AvatarStore, audit: Audit | None) -> AvatarRoutes:
    """The addresses of avatars."""
    return AvatarRoutes(
        store,
        config.avatar,
        may_create=config.may_create,
        audit=audit,
        identity=identity(config, store),
        previews=Previews(lettered(config)),
    )


def entrances(config: Config) -> tuple[Entrance, ...]:
    """Addresses of wires that are on, and who may come in there; of the process with the guard."""
    found = []
    if config.whep == "on":
        found.append(whep.entrance(config.whep_token))
    if config.whip == "on":
        found.append(whip.entrance(config.whip_token))
    if config.simli_key:
        found.append(simli.entrance(config.simli_key))
    if config.livekit_key:
        found.append(livekit_launch.entrance(config.livekit_key))
    if config.liveavatar_key:
        found.append(liveavatar.entrance(config.liveavatar_key))
    if config.pipecat_key:
        found.append(smallwebrtc.entrance(config.pipecat_key))
    if config.realtime_key:
        found.append(realtime_entry.entrance(config.realtime_key))
    return tuple(found)


def guard(
    config: Config, metrics: Metrics, places: Places, evict: Callable[[str], None],
    audit: Audit | None = None,
) -> Guard:  # fmt: skip
    """Who may call, of the process that takes callers in. evict: see `Visits`."""
    secrets = (config.token_secret, config.token_secret_old)
    keys = Keys(
        config.token, staff=config.staff_token, metrics=config.metrics_token, secrets=secrets
    )
    quotas = Quotas(
        config.token_sessions, config.token_sessions_hour, config.token_minutes_day,
        config.token_uploads_hour,
    )  # fmt: skip
    visits = Visits(places, quotas, config.session_seconds, evict)
    return Guard(
        keys, metrics, entrances=entrances(config), visiting=Visiting(visits),
        origins=Origins(config.cors_origins), early=clock_doubt.Doubts(config.home_path).put,
        refused=Refusals(audit or Unaudited()).put,
    )  # fmt: skip


def ways(config: Config) -> tuple[Way, ...]:
    """Addresses of wires that are on, for a parent of workers."""
    found: list[Way] = [*sent_voice.WAYS]
    if config.whep == "on":
        found += whep.WAYS
    if config.whip == "on":
        found += whip.WAYS
    if config.simli_key:
        found += simli.WAYS
    if config.livekit_key:
        found += livekit_launch.WAYS
    if config.liveavatar_key:
        found += liveavatar.WAYS
    if config.pipecat_key:
        found += smallwebrtc.WAYS
    if config.realtime_key:
        found += realtime_door.WAYS
    return tuple(found)


def wires(config: Config, live: Sessions, metrics: Metrics) -> list[Part]:
    """Wires that are on, of a process with sessions."""
    found: list[Part] = [sent_voice.SentVoice(live)]
    stages = Stages(live)
    if config.whep == "on":
        found.append(Whep(stages, live, relays(config), config.whep_viewers, metrics))
    if config.whip == "on":
        found.append(Whip(stages, live, relays(config)))
    limits = Limits(0.0, config.idle_seconds, config.session_seconds)
    urls = tuple(each.rstrip("/") for each in config.livekit_urls.split())
    has = avatars(config).has
    if config.simli_key:
        settings = simli.Settings(
            config.simli_key, config.faces, relays(config), limits, performs(config), urls
        )
        found.append(simli.Simli(settings, live, has))
    if config.livekit_key:
        wished = livekit_launch.Settings(urls, (config.width, config.height))
        found.append(livekit_launch.Launches(wished, live))
    if config.liveavatar_key:
        chosen = liveavatar.Settings(
            config.liveavatar_key, config.liveavatars, relays(config), limits, rooms(config), urls
        )
        found.append(liveavatar.LiveAvatar(chosen, live, has))
    if config.pipecat_key:
        found.append(smallwebrtc.SmallWebRtcRoutes(live, metrics))
    if config.realtime_key:
        guided, names = llm.chat(config) is not None, HomeNames(config.home_path)
        beginnings = Beginnings(live, names, guided=guided)
        found.append(realtime_door.Realtime(live, beginnings, config.realtime_key, guided=guided))
    return found


def rooms(config: Config) -> liveavatar.Rooms | None:
    """How a session is shown in a room of LiveKit; None: livekit-agents is not installed."""
    if importlib.util.find_spec("livekit") is None:
        return None

    def show(session: Session, url: str, token: str) -> AbstractAsyncContextManager[asyncio.Event]:
        from visavis.server.livekit.guest import shown  # 40 MB that nobody else needs

        return shown(session, url, token, (config.width, config.height))

    return show


def performs(config: Config) -> simli.Performs | None:
    """How a session becomes an agent's avatar in LiveKit; None: livekit-agents is not installed."""
    if importlib.util.find_spec("livekit") is None:
        return None

    async def perform(session: Session, url: str, token: str) -> Coroutine[Any, Any, None]:
        from visavis.server.livekit.guest import performing

        return await performing(session, url, token, (config.width, config.height))

    return perform


def topics(config: Config) -> TopicRoutes:
    """What may be asked; nothing where the knowledge does not answer."""
    if config.dialogue == "echo":
        return TopicRoutes(None)
    return TopicRoutes(Path(config.knowledge) if config.knowledge else EXAMPLE)


def application(
    config: Config,
    lender: Lender,
    store: AvatarStore,
    metrics: Metrics,
    audit: Audit | None = None,
) -> web.Application:
    """The addresses of a server that is one process, with these engines."""
    admitting, pictures = admission(config), gallery(config)
    places = Places(lambda: admitting.places, config.sessions_per_address)
    live = sessions(config, lender, OwnPlaces(places), metrics, audit=audit)
    metrics.places.set_function(lambda: admitting.places)
    metrics.workers.set(1)

    async def scrape() -> bytes:
        return metrics.text()

    desk = Desk(Presence(offered=bool(config.staff_token)), metrics)
    roster = Roster(live, lender, desk.presence, metrics, audit)
    roster.publish = partial(desk.put, 0)
    filming = studio.of(config, lambda: places.taken > 0, metrics, audit)
    parts: tuple[Part, ...] = (
        StaffRoutes(roster),
        DeskRoutes(desk),
        session_routes(config, live, metrics, audit),
        avatar_routes(config, store, audit),
        VoiceRoutes(config.voice or VOICE, config.language, OwnVoices(store)),
        CardRoutes(pictures),
        DetectRoutes(config.home_path, on=config.detect == "on"),
        topics(config),
        RelayRoutes(relays(config)),
        *filming.parts,
        *wires(config, live, metrics),
        Basics(
            lambda: live.missing,
            lambda: Room(admitting.places, places.taken, admitting.why),
            scrape,
        ),
    )

    def evict(name: str) -> None:
        places.free(name)
        live.give_away(name)

    door = guard(config, metrics, places, evict, audit)
    app = assembled(
        door, Headers(config.frame_ancestors, pictures.hosts, camera=config.sees_people), parts
    )
    filming.keep(app)
    app[SESSIONS], app[ADMISSION], app[PLACES] = live, admitting, places
    return app
