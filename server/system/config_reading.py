"""The operator's settings read: visavis.toml, then VISAVIS_* variables, then the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from visavis.server.system import config_secrets
from visavis.server.system.config import FILE, Config
from visavis.server.system.config_faults import faults
from visavis.server.system.errors import ConfigError
from visavis.server.system.setting import PREFIX

_COUNTS: Final = frozenset(f.name for f in fields(Config) if f.metadata.get("count"))


def load(
    overrides: Mapping[str, Any], env: Mapping[str, str] = os.environ, file: Path | None = None
) -> Config:
    """Read file, environment and overrides (None: not given), check, or raise ConfigError."""
    config = Config()
    path = file or Path(env.get(f"{PREFIX}CONFIG", FILE))
    if file is not None or path.is_file():
        config = _merge(config, _read(path), str(path))
    named = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in env.items()
        if key.startswith(PREFIX) and key != f"{PREFIX}CONFIG"
    }
    config = _merge(config, named, "the environment")
    given = {key: value for key, value in overrides.items() if value is not None}
    config_secrets.refuse(given)
    config = _merge(config, given, "the command line")
    for one in config_secrets.SECRETS:
        if one != config_secrets.READ_LATER:
            config = _with_secret(config, one)
    check(config)
    return config


def _with_secret(config: Config, name: str) -> Config:
    """With what its file holds, if there is one. Raises ConfigError."""
    held = config_secrets.from_file(config, name)
    return config if held is None else _merge(config, {name: held}, f"{name}_file")


def check(config: Config) -> None:
    """Raise ConfigError when settings do not fit together."""
    for fault in faults(config):
        raise ConfigError(fault)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: there is no such file"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: it is not text in UTF-8"
        raise ConfigError(msg) from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error


def _merge(config: Config, values: Mapping[str, Any], source: str) -> Config:
    kinds = {f.name: int if f.name in _COUNTS else type(f.default) for f in fields(Config)}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        msg = f"{source}: unknown setting {', '.join(unknown)}: {_meant(unknown[0], kinds)}"
        raise ConfigError(msg)
    return replace(config, **{k: _cast(k, v, kinds[k], source) for k, v in values.items()})


def _meant(unknown: str, known: Collection[str]) -> str:
    """The names that are like a mistyped one, or where all of them stand."""
    near = get_close_matches(unknown, known, cutoff=0.75)
    return f"is it {' or '.join(near)}?" if near else "`visavis doctor` names all there are"


def _cast(key: str, value: Any, kind: type, source: str) -> Any:
    if key in _COUNTS and value == "auto":
        return value
    try:
        kinds = (str, int, float) if kind is float else (str, kind)
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        if fits and "\0" not in str(value):  # no path, no address has one
            return kind(value)
    except ValueError:
        pass
    wanted = {int: "a whole number", float: "a number"}.get(kind, "a text, without NUL")
    msg = f"{source}: {key} must be {wanted}{' or auto' if key in _COUNTS else ''}"
    raise ConfigError(msg)
