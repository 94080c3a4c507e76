"""What of the settings does not fit: each fault in words that name the fix."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.engines.registry import DIALOGUES, WANTED, as_wanted
from visavis.engines.settings import CORNERS, LETTERS, SIZES
from visavis.server.system import jws, llm, translators

if TYPE_CHECKING:
    from visavis.server.system.config import Config

AUTO: Final = "auto"  # of `language`: whichever the visitor speaks
SOURCES: Final = ("dialogue", "microphone")
_SWITCHES: Final = (
    "consent_likeness", "create_avatars", "keep_questions", "prepare_answers", "voice_mood",
    "refine", "whep", "whip", "audit", "mark", "detect",
)  # fmt: skip
# What CSP takes as the source of a frame, and nothing that could end its directive.
_ANCESTOR: Final = re.compile(
    r"none|self|file:|(https?://)?[A-Za-z0-9*.-]+(:(\d{1,5}|\*))?", re.ASCII
)
_WORKERS: Final = 64
_SIGN: Final = ("auto", "on", "off")
_DAYS: Final = 36_500
_ORIGIN: Final = re.compile(
    r"https?://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:\d{1,5})?", re.ASCII
)
_LASTS: Final = 60, 604_800  # s of a relay's account: a minute to a week


def faults(config: Config) -> Iterator[str]:
    """All of them. Raises ConfigError for an address that is none."""
    for found in (
        _access_faults, _choice_faults, _disclosure_faults, _place_faults, _number_faults,
        _media_faults, _relay_faults, _signing_faults, _job_faults, llm.faults, translators.faults,
    ):  # fmt: skip
        yield from found(config)


def _access_faults(config: Config) -> Iterator[str]:
    """Who may call, and how."""
    if not config.is_local and not config.token:
        yield (
            f"host {config.host} can be reached from other machines: set a token "
            "(make one with `visavis token --file PATH`), or listen on 127.0.0.1"
        )
    if config.staff_token and config.staff_token == config.token:
        yield "staff_token is the token that visitors have: make another one for the staff"
    yield from _token_faults(config)
    yield from _wire_faults(config)
    ancestors = config.frame_ancestors.split()
    named = all(_ANCESTOR.fullmatch(each) for each in ancestors)
    if not ancestors or not named or ("none" in ancestors and len(ancestors) > 1):
        yield f"frame_ancestors is {config.frame_ancestors!r}: write none, self, file:, or origins"
    _pairs = config.faces, config.liveavatars  # they raise by themselves
    if bool(config.tls_cert) != bool(config.tls_key):
        yield "tls_cert and tls_key go together: set both or neither"


def _token_faults(config: Config) -> Iterator[str]:
    """Tokens of roles, and what visitors' are signed with."""
    others = {"metrics_token", "token_secret", "token_secret_old"}
    if not config.token and (given := [name for name in sorted(others) if getattr(config, name)]):
        yield (
            f"{given[0]} is set and token is not: without a token only this machine can call, and "
            "may do everything; set a token"
        )
    if config.token_secret_old and not config.token_secret:
        yield "token_secret_old is set and token_secret is not: set the new secret"
    for name in ("token_secret", "token_secret_old"):
        if 0 < len(getattr(config, name).encode()) < jws.SHORTEST:
            yield (
                f"{name} has fewer than {jws.SHORTEST} characters, so it can be guessed from a "
                "token that it signed: `visavis token --file PATH` makes a longer one"
            )
    held = [getattr(config, name) for name in ("token", "staff_token", *sorted(others))]
    if len(set(filter(None, held))) < len([each for each in held if each]):
        yield "two of token, staff_token, metrics_token, token_secret are the same: make others"
    for name in ("sessions", "sessions_hour", "minutes_day", "uploads_hour"):
        if getattr(config, f"token_{name}") < 0:
            yield f"token_{name} must be 0 or more"
    if wrong := cors_fault(config.cors_origins):
        yield wrong


def _wire_faults(config: Config) -> Iterator[str]:
    """Who may call at the addresses for clients of other systems."""
    for name, what in (("whep_token", "players"), ("whip_token", "speakers")):
        if getattr(config, name) and getattr(config, name) == config.token:
            yield f"{name} is the token itself: make another one for {what}, or leave it empty"
    if config.whip == "on" and config.whep == "off":
        yield "whip is on and whep is off: the voice would speak where nobody sees it; set both"
    if config.whep_viewers < 1:
        yield f"whep_viewers is {config.whep_viewers}: choose at least 1"


def cors_fault(allowed: str) -> str:
    """What is wrong with `cors_origins`; empty: nothing."""
    words = allowed.split()
    if allowed in {"*", "none"} or (words and all(_ORIGIN.fullmatch(each) for each in words)):
        return ""
    return (
        f"cors_origins is {allowed!r}: write *, none, or origins with spaces, such as "
        "https://www.example.org, in lower case and without a path"
    )


def _either(words: Collection[str]) -> str:
    """a, b, c -> "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}"


def _signing_faults(config: Config) -> Iterator[str]:
    """How films are signed."""
    if config.sign not in _SIGN:
        yield f"sign is {config.sign!r}: choose {_either(_SIGN)}"
    stamps = config.sign_timestamp_url
    if stamps and not stamps.startswith(("http://", "https://")):
        yield f"sign_timestamp_url is {stamps!r}: write an address with http:// or https://"


def _choice_faults(config: Config) -> Iterator[str]:
    """Settings that are one of a few words."""
    if config.dialogue not in DIALOGUES:
        yield f"dialogue is {config.dialogue!r}: choose {_either(DIALOGUES)}"
    if config.source not in SOURCES:
        yield f"source is {config.source!r}: choose {_either(SOURCES)}"
    if as_wanted(config.renderer) is None:
        yield f"renderer is {config.renderer!r}: choose {_either(WANTED)}"
    if config.voice_process not in {"on", "off", "auto"}:
        yield f"voice_process is {config.voice_process!r}: choose on, off or auto"
    if config.scene_names not in {"on", "off", "auto"}:
        yield f"scene_names is {config.scene_names!r}: choose on, off or auto"
    if config.consent_presence not in {"off", "optional", "required"}:
        yield f"consent_presence is {config.consent_presence!r}: choose off, optional or required"
    for name in _SWITCHES:
        if getattr(config, name) not in {"on", "off"}:
            yield f"{name} is {getattr(config, name)!r}: choose on or off"


def _disclosure_faults(config: Config) -> Iterator[str]:
    """What says that a face is synthetic."""
    if config.disclosure not in {"on", "off"}:
        yield f"disclosure is {config.disclosure!r}: choose on or off"
    if config.disclosure == "off" and not config.disclosure_reason.strip():
        yield (
            "disclosure is off and disclosure_reason is empty: write there why nobody need be told "
            "that the face is synthetic, or leave disclosure on"
        )
    if config.disclosure_corner not in CORNERS:
        yield f"disclosure_corner is {config.disclosure_corner!r}: choose {_either(CORNERS)}"
    if config.disclosure_spoken not in {"reply", "page"}:
        yield f"disclosure_spoken is {config.disclosure_spoken!r}: choose reply or page"
    if not SIZES[0] <= config.disclosure_size <= SIZES[1]:
        yield f"disclosure_size is {config.disclosure_size}: choose {SIZES[0]} to {SIZES[1]}"
    yield from _label_faults(config.disclosure_text)


def _label_faults(text: str) -> Iterator[str]:
    if not text.strip() or len(text) > LETTERS:
        yield f"disclosure_text is {text!r}: write 1 to {LETTERS} characters, such as AI"
    elif not (text.isascii() and text.isprintable()):
        from visavis.models.pictures.lettering import unwritable  # fonts are slow to load

        if wrong := unwritable(text):
            yield f"disclosure_text is {text!r}: no font here has {wrong!r}; choose other words"


def _place_faults(config: Config) -> Iterator[str]:
    """Where the visitors are, and where voices come from."""
    if config.language != AUTO and code_of(config.language) not in LANGUAGES:
        yield f"language is {config.language!r}: choose {AUTO}, {_either(LANGUAGES)}"
    if config.time_zone and config.time_zone not in available_timezones():
        yield f"time_zone is {config.time_zone!r}: write it like Europe/Madrid, or leave it empty"
    if not config.voice_mirror.startswith(("http://", "https://")):
        yield f"voice_mirror is {config.voice_mirror!r}: write an address with http:// or https://"


def _number_faults(config: Config) -> Iterator[str]:
    """Sizes, counts and times."""
    sides = (config.width, config.height)
    if any(side % 2 or not 128 <= side <= 1920 for side in sides):
        yield f"picture {config.width}x{config.height}: both must be even, from 128 to 1920"
    if not 0 <= config.port <= 65535:
        yield f"port is {config.port}: choose a number from 0 to 65535"
    if config.most_sessions < 1:
        yield f"max_sessions is {config.max_sessions}: choose auto, or at least 1"
    if config.workers != "auto" and not 1 <= config.workers <= _WORKERS:
        yield f"workers is {config.workers}: choose auto, or a number from 1 to {_WORKERS}"
    if min(config.sessions_per_address, config.resume_seconds, config.drain_seconds) < 0:
        yield "sessions_per_address, resume_seconds and drain_seconds must each be 0 or more"
    for name in ("audit_days", "keep_questions_days", "recordings_days"):
        if not 0 <= getattr(config, name) <= _DAYS:
            yield f"{name} is {getattr(config, name)}: choose 0 (never), or 1 to {_DAYS} days"
    if min(config.idle_minutes, config.session_minutes) < -1:
        yield "idle_minutes and session_minutes must be -1, 0 or more"


def _relay_faults(config: Config) -> Iterator[str]:
    """Relays and what their accounts are made of."""
    has_relay = any(address.startswith("turn") for address in config.relays)
    if has_relay and not config.turn_secret:
        yield (
            "turn_servers names a relay and turn_secret is empty: set the relay's secret "
            "(coturn's static-auth-secret), of which viewers' accounts are made"
        )
    if config.turn_secret and not has_relay:
        yield "turn_secret is set and turn_servers names no relay: name it, or leave both empty"
    if not _LASTS[0] <= config.turn_seconds <= _LASTS[1]:
        yield f"turn_seconds is {config.turn_seconds}: choose {_LASTS[0]} to {_LASTS[1]}"


def _media_faults(config: Config) -> Iterator[str]:
    """Ports and addresses of media; those that are none raise by themselves when they are read."""
    hosts, _ = config.hosts, config.never
    span, announced = config.port_range, config.announced
    if span is not None and len(span) < config.most_sessions:
        yield (
            f"media_ports has {len(span)} ports, max_sessions is {config.max_sessions}: each "
            "session takes one, so widen the range or lower max_sessions"
        )
    if len({address.version for address in announced}) < len(announced):
        yield "media_announce: name one IPv4 and one IPv6 address at most"
    if announced and hosts and all(ip_address(host).is_loopback for host in hosts):
        yield (
            "media_announce: media is received at this machine alone, where no NAT leads to: set "
            "media_addresses to the address behind the NAT, or to 0.0.0.0"
        )


def _job_faults(config: Config) -> Iterator[str]:
    """Where films are made, and who is told."""
    if config.jobs and not config.jobs.startswith(("redis://", "rediss://")):
        yield "jobs must begin with redis:// or rediss://, or be empty: made on this machine"
    if config.jobs_results and not config.jobs:
        yield "jobs_results is set and jobs is not: films of this machine lie in home"
    if config.jobs_processes != AUTO and not 1 <= config.jobs_processes <= _WORKERS:
        yield f"jobs_processes is {config.jobs_processes}: write auto, or 1 to {_WORKERS}"
    if config.jobs_beside < 0:
        yield f"jobs_beside is {config.jobs_beside}: write 0 or more"
    if not 0 <= config.jobs_days <= _DAYS:
        yield f"jobs_days is {config.jobs_days}: write days, 0 for never"
    if config.studio_cache_mb < 0:
        yield f"studio_cache_mb is {config.studio_cache_mb}: write MB, 0 for none"
    _ranges = config.webhook_ranges  # raises by itself
