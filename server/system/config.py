"""The operator's settings: visavis.toml, then VISAVIS_* variables, then the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal, get_args

from visavis.engines.registry import DIALOGUES
from visavis.server.system.addresses import Address, Network, addresses, networks, ports
from visavis.server.system.errors import ConfigError

_PREFIX: Final = "VISAVIS_"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_EVERY: Final = frozenset({"0.0.0.0", "::"})
FILE: Final = "visavis.toml"
Source = Literal["dialogue", "microphone"]  # where the words come from
SOURCES: Final[tuple[Source, ...]] = get_args(Source)


def as_source(text: str) -> Source | None:
    """A source by its name; None: there is none of that name."""
    return next((source for source in SOURCES if source == text), None)


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set, with its default. Checked by `check`."""

    host: str = _setting("127.0.0.1", "address to listen on; any other than loopback needs a token")
    port: int = _setting(8765, "TCP port of the page and the API")
    token: str = _setting("", "secret that callers must send as a Bearer token")
    max_sessions: int = _setting(2, "live sessions at a time; more are told to come back")
    avatar: str = _setting("mira", "avatar of a session that names none")
    voice: str = _setting("heart", "voice of a session that names none")
    dialogue: str = _setting("knowledge", "who answers: knowledge or echo")
    source: str = _setting(
        "dialogue",
        "what the avatar of a session that names none says: dialogue (its own answers) or "
        "microphone (the caller's live voice, with lips that follow its sound)",
    )
    knowledge: str = _setting("", "Markdown file of answers; empty: the hotel example")
    width: int = _setting(512, "pixels of the picture, even")
    height: int = _setting(512, "pixels of the picture, even")
    ice_servers: str = _setting("", "STUN or TURN addresses, separated by spaces; none by default")
    media_addresses: str = _setting(
        "",
        "this machine's addresses at which sound and pictures are received, separated by spaces; "
        "0.0.0.0: all but loopback; empty: as host",
    )
    media_announce: str = _setting(
        "", "address told to viewers in place of those, before a 1:1 NAT; empty: themselves"
    )
    media_ports: str = _setting(
        "", "UDP ports of sound and pictures, such as 40000-40100, one a session; empty: any"
    )
    never_contact: str = _setting(
        "169.254.0.0/16 fe80::/10",
        "address ranges, separated by spaces, that no viewer can make the server send to",
    )
    tls_cert: str = _setting("", "PEM certificate: browsers give a microphone only to https")
    tls_key: str = _setting("", "PEM key of the certificate")
    create_avatars: str = _setting("on", "on or off: whether the page may make avatars of photos")
    home: str = _setting("", "where avatars and caches live; empty: ~/.local/share/visavis")
    log_level: str = _setting("info", "debug, info, warning or error")

    @property
    def home_path(self) -> Path:
        """The directory for state."""
        return Path(self.home).expanduser() if self.home else Path.home() / ".local/share/visavis"

    @property
    def ice(self) -> tuple[str, ...]:
        """STUN and TURN addresses."""
        return tuple(self.ice_servers.split())

    @property
    def hosts(self) -> tuple[str, ...]:
        """Addresses at which media is received; empty: every one but loopback."""
        given = tuple(str(a) for a in addresses("media_addresses", self.media_addresses))
        default = "127.0.0.1" if self.is_local else self.host
        hosts = given or (default,)
        return () if _EVERY & set(hosts) else hosts

    @property
    def announced(self) -> tuple[Address, ...]:
        """Told to viewers in place of local addresses of the same IP version."""
        return addresses("media_announce", self.media_announce)

    @property
    def port_range(self) -> range | None:
        """UDP ports for media; None: any."""
        return ports("media_ports", self.media_ports)

    @property
    def never(self) -> tuple[Network, ...]:
        """Ranges that are never contacted."""
        return networks("never_contact", self.never_contact)

    @property
    def may_create(self) -> bool:
        """Whether callers may make avatars: never where anybody can call."""
        return self.create_avatars == "on" and (self.is_local or bool(self.token))

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in LOOPBACK


def load(
    overrides: Mapping[str, Any], env: Mapping[str, str] = os.environ, file: Path | None = None
) -> Config:
    """Read file, environment and overrides (None: not given), check, or raise ConfigError."""
    config = Config()
    path = file or Path(env.get(f"{_PREFIX}CONFIG", FILE))
    if file is not None or path.is_file():
        config = _merge(config, _read(path), str(path))
    named = {
        key.removeprefix(_PREFIX).lower(): value
        for key, value in env.items()
        if key.startswith(_PREFIX) and key != f"{_PREFIX}CONFIG"
    }
    config = _merge(config, named, "the environment")
    given = {key: value for key, value in overrides.items() if value is not None}
    config = _merge(config, given, "the command line")
    check(config)
    return config


def check(config: Config) -> None:
    """Raise ConfigError when settings do not fit together."""
    if not config.is_local and not config.token:
        msg = (
            f"host {config.host} can be reached from other machines: set a token "
            "(make one with `visavis token`), or listen on 127.0.0.1"
        )
        raise ConfigError(msg)
    if config.dialogue not in DIALOGUES:
        msg = f"dialogue is {config.dialogue!r}: choose {' or '.join(DIALOGUES)}"
        raise ConfigError(msg)
    if as_source(config.source) is None:
        msg = f"source is {config.source!r}: choose {' or '.join(SOURCES)}"
        raise ConfigError(msg)
    if config.create_avatars not in {"on", "off"}:
        msg = f"create_avatars is {config.create_avatars!r}: choose on or off"
        raise ConfigError(msg)
    sides = (config.width, config.height)
    if any(side % 2 or not 128 <= side <= 1920 for side in sides):
        msg = f"picture {config.width}x{config.height}: both must be even, from 128 to 1920"
        raise ConfigError(msg)
    if bool(config.tls_cert) != bool(config.tls_key):
        msg = "tls_cert and tls_key go together: set both or neither"
        raise ConfigError(msg)
    if not 0 <= config.port <= 65535 or config.max_sessions < 1:
        msg = "port must be from 0 to 65535, and max_sessions at least 1"
        raise ConfigError(msg)
    _check_media(config)


def _check_media(config: Config) -> None:
    _ = config.hosts, config.never  # read: they raise by themselves
    span, announced = config.port_range, config.announced
    if span is not None and len(span) < config.max_sessions:
        msg = (
            f"media_ports has {len(span)} ports, max_sessions is {config.max_sessions}: each "
            "session takes one, so widen the range or lower max_sessions"
        )
        raise ConfigError(msg)
    if len({address.version for address in announced}) < len(announced):
        msg = "media_announce: name one IPv4 and one IPv6 address at most"
        raise ConfigError(msg)
    if announced and config.hosts and all(ip_address(h).is_loopback for h in config.hosts):
        msg = (
            "media_announce: media is received at this machine alone, where no NAT leads to: set "
            "media_addresses to the address behind the NAT, or to 0.0.0.0"
        )
        raise ConfigError(msg)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: there is no such file"
        raise ConfigError(msg) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error


def _merge(config: Config, values: Mapping[str, Any], source: str) -> Config:
    kinds = {f.name: type(f.default) for f in fields(Config)}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        msg = f"{source}: unknown setting {', '.join(unknown)}; known: {', '.join(kinds)}"
        raise ConfigError(msg)
    return replace(config, **{k: _cast(k, v, kinds[k], source) for k, v in values.items()})


def _cast(key: str, value: Any, kind: type, source: str) -> Any:
    try:
        if isinstance(value, (str, kind)) and not isinstance(value, bool):
            return kind(value)
    except ValueError:
        pass
    msg = f"{source}: {key} must be {'a whole number' if kind is int else 'a text'}"
    raise ConfigError(msg)
