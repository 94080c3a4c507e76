"""What a virtual camera needs of this machine, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from visavis.server.camera import libpulse, loopback, sound_server, virtual_microphone
from visavis.server.camera.loopback import LOAD, MODULE, OPTIONS, Node
from visavis.server.system.errors import ConfigError, DeviceError

_RTPRIO: Final = 3  # that `system.priority` takes
_LOADED_AT_START: Final = Path("etc/modules-load.d/v4l2loopback.conf")
_OPTIONS_FILE: Final = Path("etc/modprobe.d/v4l2loopback.conf")
_HEADPHONES: Final = "without it use headphones: the face would repeat what the meeting says"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. told: how it is. fix: commands, in order. needed: nothing goes without it."""

    what: str
    ok: bool
    told: str
    fix: tuple[str, ...] = ()
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Computer:
    """What is looked at. root: of its files. release: of its kernel."""

    root: Path = Path("/")
    release: str = os.uname().release

    @property
    def module_is_there(self) -> bool:
        """Whether the kernel's module is installed for the kernel that runs."""
        folder = self.root / "lib/modules" / self.release
        return any(folder.rglob(f"{MODULE}.ko*")) if folder.is_dir() else False

    @property
    def module_is_loaded(self) -> bool:
        """Whether the kernel runs it."""
        return self._module.is_dir()

    @property
    def _module(self) -> Path:
        return self.root / "sys/module" / MODULE

    @property
    def exclusive(self) -> bool:
        """Whether browsers take its first device for a camera."""
        try:
            return (self._module / "parameters/exclusive_caps").read_text().startswith("Y")
        except OSError:
            return False

    @property
    def nodes(self) -> list[Node]:
        """The devices of the module."""
        return loopback.nodes(self.root / "sys/devices/virtual/video4linux")

    @property
    def is_kept(self) -> bool:
        """Whether the module is loaded at every start."""
        return (self.root / _LOADED_AT_START).is_file()

    @property
    def is_container(self) -> bool:
        """Whether its kernel is another machine's."""
        return any((self.root / name).exists() for name in (".dockerenv", "run/.containerenv"))

    @property
    def boots_securely(self) -> bool:
        """Whether its firmware wants modules to be signed."""
        variables = (self.root / "sys/firmware/efi/efivars").glob("SecureBoot-*")
        return any(each.read_bytes()[-1:] == b"\x01" for each in variables)


def examined(computer: Computer | None = None) -> list[Finding]:
    """All of it, in the order in which it is mended. Blocks for some milliseconds."""
    computer = Computer() if computer is None else computer
    return [*_packages(), *_camera(computer), *_sound(), _priority()]


def _packages() -> Iterator[Finding]:
    for name in ("pyvirtualcam", "pulsectl"):
        there = find_spec(name) is not None
        told = "installed" if there else "not installed"
        yield Finding(f"package {name}", there, told, () if there else (sound_server.EXTRA,))
    try:
        libpulse.check()
    except DeviceError as error:
        fix = f"sudo apt install {libpulse.PACKAGE}"
        yield Finding("libpulse", False, str(error).partition(":")[0], (fix,))
    else:
        yield Finding("libpulse", True, "installed")


def _camera(computer: Computer) -> Iterator[Finding]:
    name = f"kernel module {MODULE}"
    if not computer.module_is_loaded:
        yield Finding(name, False, *_absent(computer))
        return
    yield Finding(name, True, "loaded")
    again = (f"sudo modprobe -r {MODULE}", LOAD)
    if not computer.exclusive:
        told = "exclusive_caps is not set: Chrome and what is built on it do not list the camera"
        yield Finding("its option exclusive_caps", False, told, again)
    yield _device(computer.nodes, again)
    if not computer.is_kept:
        yield Finding("at the next start", False, "the module is not loaded", _keeping(), False)


def _absent(computer: Computer) -> tuple[str, tuple[str, ...]]:
    """How it is, and the fix."""
    if computer.is_container:
        return (
            "not loaded, and a container cannot: load it on its host, and hand the device in",
            (LOAD, f"docker run --device /dev/video{loopback.NUMBER} ..."),
        )
    if computer.module_is_there:
        return "installed, but not loaded", (LOAD, *_keeping())
    get = f"sudo apt install {loopback.PACKAGE} linux-headers-{computer.release}"
    signed: tuple[str, ...] = ()
    told = f"not installed for the kernel {computer.release}"
    if computer.boots_securely:
        told += "; Secure Boot wants it signed: choose a password, and give it at the restart"
        signed = ("sudo mokutil --import /var/lib/dkms/mok.pub", "sudo reboot")
    return told, (get, *signed, LOAD, *_keeping())


def _keeping() -> tuple[str, ...]:
    return (
        f"echo {MODULE} | sudo tee /{_LOADED_AT_START}",
        f"echo 'options {MODULE} {OPTIONS}' | sudo tee /{_OPTIONS_FILE}",
    )


def _device(nodes: list[Node], again: tuple[str, ...]) -> Finding:
    if not nodes:
        return Finding("camera device", False, "the module has none", again)
    free = [node for node in nodes if node.writable and not node.busy]
    if free:
        return Finding("camera device", True, f"{free[0].path} ({free[0].label}) is free")
    shut = [node.path for node in nodes if not node.writable]
    if shut:
        told = f"{shut[0]} may not be written by you; log in anew after this"
        return Finding("camera device", False, told, ("sudo usermod -aG video $USER",))
    told = f"{nodes[0].path} is in use by another program; this says by which"
    return Finding("camera device", False, told, (f"fuser -v {nodes[0].path}",))


def _sound() -> Iterator[Finding]:
    try:
        with sound_server.connected() as sound:
            server = sound.server()
            yield Finding("sound server", True, f"{server.name} {server.version}")
            yield _virtual(sound)
            yield _microphone(sound)
            heard = bool(server.sink) and server.sink != virtual_microphone.SINK
            told = f"echo of {server.sink} is taken out" if heard else f"none; {_HEADPHONES}"
            yield Finding("loudspeaker", heard, told, needed=False)
    except (DeviceError, ConfigError) as error:
        told, _, fix = str(error).partition(" (")[0].partition(":")  # it is this that says how
        yield Finding("sound server", False, told, (fix.strip(),) if fix else sound_server.START)


def _virtual(sound: sound_server.Sound) -> Finding:
    """By making one: nothing else tells whether it can be made."""
    name = "virtual microphone"
    if virtual_microphone.SOURCE in {each.name for each in sound.sources()}:
        return Finding(name, True, f"{virtual_microphone.SOURCE} is there: a camera runs, or did")
    try:
        virtual_microphone.close(sound, virtual_microphone.opened(sound))
    except DeviceError as error:
        fix = "sudo apt install pulseaudio-utils && pactl load-module module-null-sink"
        return Finding(name, False, str(error), (fix,))
    return Finding(name, True, "can be made")


def _microphone(sound: sound_server.Sound) -> Finding:
    try:
        found = sound_server.microphone(sound, "", virtual_microphone.SOURCE)
    except ConfigError as error:
        return Finding("microphone", False, str(error), ("visavis camera --list",), needed=False)
    return Finding("microphone", True, found.title)


def _priority() -> Finding:
    name, allowed = "real-time priority", resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    if os.geteuid() == 0 or allowed >= _RTPRIO or allowed == resource.RLIM_INFINITY:
        return Finding(name, True, "granted")
    told = "not granted: beside a busy program sound is held back 60 ms longer, or breaks"
    fix = f'echo "$USER - rtprio {_RTPRIO}" | sudo tee /etc/security/limits.d/visavis.conf'
    return Finding(name, False, told, (fix,), needed=False)


def missing(findings: list[Finding]) -> bool:
    """Whether something is missing without which there is no camera."""
    return any(not each.ok and each.needed for each in findings)
