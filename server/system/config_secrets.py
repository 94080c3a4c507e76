"""Settings that nobody is shown: which they are, where they must not stand, what is unwise."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from visavis.server.system import secret_files
from visavis.server.system.config import FILE, Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.setting import PREFIX, path

# What each is. A file may hold it that NAME_file names.
_SECRET: Final = {
    "token": "the token",
    "staff_token": "the staff's token",
    "metrics_token": "the token of metrics",
    "token_secret": "the secret of visitors' tokens",
    "token_secret_old": "the old secret of visitors' tokens",
    "llm_key": "the model's key",
    "whep_token": "the players' token",
    "whip_token": "the speakers' token",
    "simli_key": "the key of Simli's clients",
    "liveavatar_key": "the key of LiveAvatar's clients",
    "livekit_key": "the key of LiveKit's agents",
    "turn_secret": "the relays' secret",
    "pipecat_key": "the key of Pipecat's clients",
    "realtime_key": "the key of OpenAI Realtime's clients",
    "webhook_secret": "the secret of webhooks",
}
SECRETS: Final = tuple(_SECRET)
READ_LATER: Final = "llm_key"  # when the model is asked
_ACCOUNT: Final = re.compile(r"turns?:[^@\s]*@", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"rediss?://[^@\s]*@", re.IGNORECASE)
_SHORT: Final = 16  # characters of a token that may be guessed


def refuse(given: Mapping[str, Any]) -> None:
    """Every user of a machine sees the command lines of all programs: raises ConfigError."""
    for one in (name for name in SECRETS if name.endswith("token")):
        if given.get(one):
            msg = (
                "a token on the command line can be read by every user of this machine: make a "
                f"file with `visavis token --file PATH` and set {one}_file, or set "
                f"{PREFIX}{one.upper()}"
            )
            raise ConfigError(msg)
    for one in (name for name in SECRETS if not name.endswith("token")):
        if given.get(one):
            msg = (
                "a key on the command line can be read by every user of this machine: put it into "
                f"a file that {one}_file names, or set {PREFIX}{one.upper()}"
            )
            raise ConfigError(msg)
    if _ACCOUNT.search(str(given.get("ice_servers", ""))):
        msg = (
            "a relay's account on the command line can be read by every user of this machine: "
            f"set ice_servers in {FILE}, or VISAVIS_ICE_SERVERS"
        )
        raise ConfigError(msg)
    if _PASSWORD.search(str(given.get("jobs", ""))):
        msg = (
            "the password of Redis on the command line can be read by every user of this machine: "
            f"set jobs in {FILE}, or VISAVIS_JOBS"
        )
        raise ConfigError(msg)


def from_file(config: Config, name: str) -> str | None:
    """What the secret's file holds; None: no file is named. Raises ConfigError."""
    setting = f"{name}_file"
    file = getattr(config, setting)
    if not file:
        return None
    if getattr(config, name):
        msg = f"{name} and {setting} are both set: keep one of them"
        raise ConfigError(msg)
    return secret_files.read(path(file, setting), setting)


def doubts(
    config: Config, env: Mapping[str, str] = os.environ, file: Path | None = None
) -> list[str]:
    """What is not wrong, but not wise either: each with its fix."""
    settings_file = file or Path(env.get(f"{PREFIX}CONFIG", FILE))
    found = []
    for name, what in _SECRET.items():
        if own := getattr(config, f"{name}_file"):
            found.append(secret_files.doubt(Path(own).expanduser(), what))
        elif getattr(config, name) and f"{PREFIX}{name.upper()}" not in env:
            found.append(secret_files.doubt(settings_file, what))
    if _ACCOUNT.search(config.ice_servers) and f"{PREFIX}ICE_SERVERS" not in env:
        found.append(secret_files.doubt(settings_file, "the account of a relay"))
    if _PASSWORD.search(config.jobs) and f"{PREFIX}JOBS" not in env:
        found.append(secret_files.doubt(settings_file, "the password of Redis"))
    for name, what in _SECRET.items():
        if (own := getattr(config, name)) and len(own) < _SHORT and name != READ_LATER:
            found.append(f"{what} has {len(own)} characters: `visavis token` makes a long one")
    return [each for each in found if each]
