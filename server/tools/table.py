"""A table of the tools file, read strictly: what is wrong is told with its file and its key."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from visavis.server.system.errors import ConfigError

T = TypeVar("T")

_SECRET: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)


class Table:
    """Keys are taken one by one; `done` refuses those that nobody took.

    where: the file and the key that leads here, for people. env: where secrets come from.
    """

    def __init__(
        self, values: Mapping[str, Any], where: str, env: Mapping[str, str] = os.environ
    ) -> None:
        self.where, self._env = where, env
        self._values = values
        self._known: list[str] = []

    def fault(self, key: str, why: str) -> ConfigError:
        """To be raised: what is wrong with a key."""
        return ConfigError(f"{self.where}: {key} {why}")

    def has(self, key: str) -> bool:
        """Whether a key is given."""
        return key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; one without a default must be there. Raises ConfigError."""
        value: str = self._take(key, str, "a text", default)
        if not value.strip() and default is None:
            raise self.fault(key, "must not be empty")
        return value

    def flag(self, key: str) -> bool:
        """true or false, by default false. Raises ConfigError."""
        value: bool = self._take(key, bool, "true or false", False)
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """A number in [least, most]. Raises ConfigError."""
        value = self._take(key, (int, float), "a number", default)
        if isinstance(value, bool) or not least <= value <= most:
            raise self.fault(key, f"must be a number from {least:g} to {most:g}")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, by default none. Raises ConfigError."""
        values = self._take(key, list, "a list of texts", [])
        if not all(isinstance(value, str) and value for value in values):
            raise self.fault(key, "must be a list of texts")
        return tuple(values)

    def pairs(self, key: str) -> dict[str, str]:
        """A table of texts, by default empty. Raises ConfigError."""
        values = self._take(key, dict, "a table of texts", {})
        if not all(isinstance(value, str) for value in values.values()):
            raise self.fault(key, "must be a table of texts")
        return dict(values)

    def raw(self, key: str) -> Any:
        """Whatever is there; None: nothing."""
        self._known.append(key)
        return self._values.get(key)

    def table(self, key: str) -> Table:
        """A table in this one, by default empty. Raises ConfigError."""
        values = self._take(key, dict, "a table", {})
        return Table(values, f"{self.where}: {key}", self._env)

    def tables(self, key: str) -> list[Table]:
        """A list of tables, `[[key]]`, each with its name in front. Raises ConfigError."""
        values = self._take(key, list, f"a list of tables, [[{key}]]", [])
        if not all(isinstance(value, dict) for value in values):
            raise self.fault(key, f"must be a list of tables, [[{key}]]")
        return [
            Table(value, f"{self.where}: {key} {value.get('name') or number}", self._env)
            for number, value in enumerate(values, 1)
        ]

    def secrets(
        self, key: str, text: str, written: Callable[[str], str] = lambda value: value
    ) -> str:
        """A text with its `${NAME}` taken from the environment. Raises ConfigError."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if not self._env.get(name):
                raise self.fault(key, f"wants the environment variable {name}: set it")
            return written(self._env[name])

        return _SECRET.sub(value, text)

    def checked(self, key: str, check: Callable[[], T]) -> T:
        """What `check` gives; a ValueError of it is told with the key. Raises ConfigError."""
        try:
            return check()
        except ValueError as error:
            raise self.fault(key, f"cannot be used: {error}") from None

    def path(self, key: str, base: Path) -> Path | None:
        """A path, relative to `base`; None: it is not given. Raises ConfigError."""
        text = self.text(key, "")
        return base / Path(text).expanduser() if text else None

    def done(self) -> None:
        """Refuse every key that was not asked for. Raises ConfigError."""
        unknown = sorted(set(self._values) - set(self._known))
        if unknown:
            known = ", ".join(dict.fromkeys(self._known))
            raise self.fault(", ".join(unknown), f"is not known here; known: {known}")

    def _take(self, key: str, kind: Any, what: str, default: Any) -> Any:
        self._known.append(key)
        value = self._values.get(key, default)
        if value is None:
            raise self.fault(key, "is missing")
        if not isinstance(value, kind):
            raise self.fault(key, f"must be {what}")
        return value
