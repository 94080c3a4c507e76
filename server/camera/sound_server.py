"""The sound server of this desktop, PulseAudio or PipeWire: its devices and its modules.

All calls block, for a few milliseconds; `pulsectl` speaks the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from visavis.server.camera.libpulse import PACKAGE
from visavis.server.system.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

EXTRA: Final = "pip install 'visavis[camera]'"
START: Final = (
    "sudo apt install pipewire-pulse wireplumber pulseaudio-utils",
    "systemctl --user --now enable wireplumber pipewire-pulse",
)
_AWAY: Final = "no sound server answers (`visavis camera --doctor` says how to get one)"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Device:
    """A source or a sink. title: as settings show it. monitor: of a sink, what it plays."""

    name: str
    title: str
    monitor: bool = False
    module: int = -1  # that made it


@dataclass(frozen=True, slots=True)
class Server:
    """What it is, and what is used by whoever names nothing."""

    name: str
    version: str
    sink: str
    source: str


class Sound:
    """One connection; made by `connected`."""

    def __init__(self, pulse: Any) -> None:
        self._pulse = pulse

    def server(self) -> Server:
        """Raises DeviceError."""
        found = self._ask(lambda: self._pulse.server_info())
        return Server(
            str(found.server_name), str(found.server_version),
            str(found.default_sink_name or ""), str(found.default_source_name or ""),
        )  # fmt: skip

    def sources(self) -> list[Device]:
        """Microphones, and monitors of sinks. Raises DeviceError."""
        return [
            Device(each.name, each.description, bool(each.monitor_of_sink_name), _module(each))
            for each in self._ask(lambda: self._pulse.source_list())
        ]

    def sinks(self) -> list[Device]:
        """Raises DeviceError."""
        found = self._ask(lambda: self._pulse.sink_list())
        return [Device(each.name, each.description, module=_module(each)) for each in found]

    def keep(self, before: Server) -> None:
        """Have the same devices for the default as before. Raises DeviceError.

        Programs that chose none follow a new one: a meeting would be played into its own ear.
        """
        now = self.server()
        if now.sink != before.sink and before.sink:
            self._ask(lambda: self._pulse.sink_default_set(before.sink))
        if now.source != before.source and before.source:
            self._ask(lambda: self._pulse.source_default_set(before.source))

    def load(self, module: str, arguments: Mapping[str, str]) -> int:
        """Its index, for `unload`. Raises DeviceError."""
        text = " ".join(f"{key}={_quoted(value)}" for key, value in arguments.items())
        return int(self._ask(lambda: self._pulse.module_load(module, text), module))

    def unload(self, module: int) -> None:
        """Nothing where it is gone already. Raises DeviceError where the server is."""
        if module in {each.index for each in self._ask(lambda: self._pulse.module_list())}:
            self._ask(lambda: self._pulse.module_unload(module))

    def modules(self) -> list[tuple[int, str, str]]:
        """Index, name and arguments of each. Raises DeviceError."""
        found = self._ask(lambda: self._pulse.module_list())
        return [(each.index, str(each.name), str(each.argument or "")) for each in found]

    @staticmethod
    def _ask(call: Callable[[], Any], what: str = "it") -> Any:
        from pulsectl import PulseError  # type: ignore[import-untyped]

        try:
            return call()
        except PulseError:
            msg = f"the sound server went away, or refused {what}; `pactl info` says how it is"
            raise DeviceError(msg) from None


@contextmanager
def connected() -> Iterator[Sound]:
    """A connection to the sound server. Raises ConfigError, DeviceError."""
    try:
        import pulsectl
    except ImportError:
        raise ConfigError(f"the package pulsectl is missing: {EXTRA}") from None
    except OSError:
        raise DeviceError(f"libpulse is missing: sudo apt install {PACKAGE}") from None
    pulse = pulsectl.Pulse("visavis", connect=False)
    try:
        try:
            # No `timeout`: pulsectl would always wait for the whole of it. libpulse has its own.
            pulse.connect(autospawn=False)
        except pulsectl.PulseError:
            raise DeviceError(_AWAY) from None
        yield Sound(pulse)
    finally:
        pulse.close()


def microphone(sound: Sound, wanted: str, but: str = "") -> Device:
    """The source of that name, or with that in name or title; "": the default. Raises ConfigError.

    but: the source that is never meant, for it is our own. A monitor is taken only by its name.
    """
    sources = [each for each in sound.sources() if each.name != but]
    name = wanted or sound.server().source
    found = [each for each in sources if each.name == name and (wanted or not each.monitor)]
    if not found and wanted:
        alike = [each for each in sources if _mentions(each, wanted)]
        found = [each for each in alike if not each.monitor] or alike
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in found or sources if not each.monitor)
    if found:
        raise ConfigError(f"{wanted!r} may be any of {names}: give more of the name")
    what = f"there is no microphone {wanted!r}" if wanted else "the default microphone is none"
    raise ConfigError(f"{what}: choose with --mic {names or '(none is there: connect one)'}")


def _mentions(device: Device, text: str) -> bool:
    return text.casefold() in f"{device.name} {device.title}".casefold()


def _module(device: Any) -> int:
    index = device.owner_module
    return int(index) if index is not None and int(index) < 0xFFFFFFFF else -1


def _quoted(value: str) -> str:
    """As an argument of a module: one word, or in quotes."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + value.replace('"', "") + '"'
