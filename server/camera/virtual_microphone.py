"""A microphone that other programs can choose, and that says what is played into its sink.

A null sink and a source remapped from its monitor: video-call programs hide monitors, so the
monitor alone would not be offered. Both are modules of the sound server, and are unloaded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from visavis.server.camera.sound_server import Sound
from visavis.server.system.errors import ConfigError

SINK: Final = "visavis_voice"
SOURCE: Final = "visavis_microphone"
TITLE: Final = "visavis microphone"
_SINK_TITLE: Final = "visavis (its own voice, not for you)"


@dataclass(frozen=True, slots=True)
class VirtualMicrophone:
    """sink: where to play. source: what other programs record. modules: ours, to be unloaded."""

    sink: str
    source: str
    modules: tuple[int, ...] = ()


def opened(sound: Sound, wanted: str = "") -> VirtualMicrophone:
    """Over a sink of the user's own, or one that is made. Raises ConfigError, DeviceError.

    What an earlier run that was killed has left behind is taken away first.
    """
    if wanted:
        return _existing(sound, wanted)
    remove_left_over(sound)
    before, made = sound.server(), list[int]()
    try:
        made.append(sound.load("module-null-sink", {
            "sink_name": SINK, "rate": "48000", "channels": "1", "channel_map": "mono",
            "norewinds": "1",  # else PulseAudio lets it sleep for 2 s
            "sink_properties": f"device.description='{_SINK_TITLE}'",
        }))  # fmt: skip
        made.append(sound.load("module-remap-source", {
            "master": f"{SINK}.monitor", "source_name": SOURCE,
            "source_properties": f"device.description='{TITLE}'",
        }))  # fmt: skip
        sound.keep(before)
    except BaseException:
        _unload(sound, made)
        raise
    return VirtualMicrophone(SINK, SOURCE, tuple(made))


def close(sound: Sound, microphone: VirtualMicrophone) -> None:
    """Take away what was made, the source first. Raises DeviceError."""
    _unload(sound, list(microphone.modules))


def is_whole(sound: Sound, microphone: VirtualMicrophone) -> bool:
    """Whether sink and source are there: a sound server that was restarted has lost both."""
    return microphone.sink in {each.name for each in sound.sinks()} and (
        not microphone.modules or microphone.source in {each.name for each in sound.sources()}
    )


def remove_left_over(sound: Sound) -> int:
    """Unload what earlier runs have left; how many modules."""
    ours = [
        index
        for index, _, arguments in sound.modules()
        if f"sink_name={SINK}" in arguments.split() or f"source_name={SOURCE}" in arguments.split()
    ]
    _unload(sound, ours)
    return len(ours)


def _existing(sound: Sound, wanted: str) -> VirtualMicrophone:
    names = [each.name for each in sound.sinks()]
    if wanted not in names:
        known = f"choose with --sink {', '.join(names)}" if names else "leave out --sink"
        raise ConfigError(f"there is no sink {wanted!r}: {known}")
    return VirtualMicrophone(wanted, f"{wanted}.monitor")


def _unload(sound: Sound, modules: list[int]) -> None:
    for module in reversed(modules):
        sound.unload(module)
