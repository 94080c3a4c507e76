"""The operator's settings: a file, and the environment."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from visavis.server.system import config_reading as config
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

MOST: Final = 2_000
TOKENS: Final = (*(f"{name} = " for name in Config.__slots__), '"', "=", "[", "]", "\n")

_HOME = Path(tempfile.mkdtemp(prefix="fuzz-config-"))


def check(data: bytes) -> None:
    """Settings are taken, or refused in words; those that are taken can be used."""
    file = _HOME / "visavis.toml"
    file.write_bytes(data)
    text = data.decode("utf-8", "replace")
    name, _, value = text.partition("=")
    environment = {f"VISAVIS_{name.strip().upper()}": value, "PATH": "/bin"}
    for env, path in (({}, file), (environment, None)):
        try:
            settings = config.load({}, env, path)
        except ConfigError as error:
            assert str(error)
            continue
        assert settings.home_path is not None
        assert isinstance(settings.may_create, bool)
