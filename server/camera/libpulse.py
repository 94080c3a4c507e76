"""Sound in and out of PulseAudio or PipeWire: a binding of libpulse's simple interface.

Chosen by measurement, from a write to the same sample in a recorder behind a null sink: this and
`soundcard` take 20 ms with a buffer of 20, the processes pacat and parec 148 ms. `soundcard` ends
the whole program (an assertion in native code) once the sound server was restarted; here a call
fails, and another stream is opened. What `latency` tells is what was measured, to 0.3 ms.

https://www.freedesktop.org/software/pulseaudio/doxygen/simple.html
"""

from __future__ import annotations

import ctypes as c
import functools
from typing import Any, Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.playout.messages import Tick, ms
from visavis.server.system.errors import DeviceError

LIBRARY: Final = "libpulse-simple.so.0"
PACKAGE: Final = "libpulse0"

_PLAYBACK, _RECORD = 1, 2  # pa_stream_direction_t
_S16LE: Final = 3  # pa_sample_format_t
_ANY: Final = 0xFFFFFFFF  # of pa_buffer_attr: as the server likes
_SAMPLE: Final = 2  # bytes
_KEPT: Final[Tick] = ms(200)  # of sound that nobody fetches; what is older is of no use


class _Spec(c.Structure):
    """pa_sample_spec."""

    _fields_ = (("format", c.c_int), ("rate", c.c_uint32), ("channels", c.c_uint8))


class _Buffer(c.Structure):
    """pa_buffer_attr, all in bytes."""

    _fields_ = (
        ("maxlength", c.c_uint32),
        ("tlength", c.c_uint32),
        ("prebuf", c.c_uint32),
        ("minreq", c.c_uint32),
        ("fragsize", c.c_uint32),
    )


@functools.cache
def _library() -> Any:
    """Raises DeviceError."""
    try:
        lib = c.CDLL(LIBRARY)
    except OSError:
        msg = f"{LIBRARY} is missing: install it with: sudo apt install {PACKAGE}"
        raise DeviceError(msg) from None
    lib.pa_simple_new.restype = c.c_void_p
    lib.pa_simple_new.argtypes = (
        *(c.c_char_p, c.c_char_p, c.c_int, c.c_char_p, c.c_char_p),
        *(c.POINTER(_Spec), c.c_void_p, c.POINTER(_Buffer), c.POINTER(c.c_int)),
    )
    for call in (lib.pa_simple_read, lib.pa_simple_write):
        call.argtypes = (c.c_void_p, c.c_void_p, c.c_size_t, c.POINTER(c.c_int))
    lib.pa_simple_get_latency.restype = c.c_uint64
    lib.pa_simple_get_latency.argtypes = (c.c_void_p, c.POINTER(c.c_int))
    lib.pa_simple_flush.argtypes = (c.c_void_p, c.POINTER(c.c_int))
    lib.pa_simple_free.restype = None
    lib.pa_simple_free.argtypes = (c.c_void_p,)
    lib.pa_strerror.restype = c.c_char_p
    lib.pa_strerror.argtypes = (c.c_int,)
    return lib


def check() -> None:
    """Whether the library is there. Raises DeviceError."""
    _library()


class _Stream:
    """One stream of 48 kHz mono, used by one thread; `close` it there. Calls block."""

    def __init__(self, direction: int, device: str, name: str, buffer: _Buffer) -> None:
        """Raises DeviceError."""
        self._lib, self._error = _library(), c.c_int()
        self._stream = self._lib.pa_simple_new(
            None, b"visavis", direction, device.encode() or None, name.encode(),
            c.byref(_Spec(_S16LE, PLAY_RATE, 1)), None, c.byref(buffer), c.byref(self._error),
        )  # fmt: skip
        if not self._stream:
            raise DeviceError(f"{device or 'the default device'}: {self._why()}")

    def _why(self) -> str:
        text: bytes = self._lib.pa_strerror(self._error.value)
        return text.decode(errors="replace")

    def _check(self, status: int) -> None:
        if status < 0:
            raise DeviceError(f"the sound server: {self._why()}")

    def latency(self) -> Tick:
        """How old the next sample to be read is, or in what time the next one written sounds.

        Raises DeviceError.
        """
        self._error.value = 0
        microseconds: int = self._lib.pa_simple_get_latency(self._stream, c.byref(self._error))
        if self._error.value:
            raise DeviceError(f"the sound server: {self._why()}")
        return ms(microseconds / 1000)

    def close(self) -> None:
        """Safe to call twice."""
        if self._stream:
            self._lib.pa_simple_free(self._stream)
            self._stream = None


class Recording(_Stream):
    """What a source hears. device: its name; "": the default one. fragment: samples at once."""

    def __init__(self, device: str, fragment: Tick, name: str = "microphone") -> None:
        """Raises DeviceError: there is no such source, or no sound server."""
        buffer = _Buffer(_KEPT * _SAMPLE, _ANY, _ANY, _ANY, fragment * _SAMPLE)
        super().__init__(_RECORD, device, name, buffer)

    def read(self, count: Tick) -> Pcm:
        """(count,) samples, waited for. Raises DeviceError."""
        pcm = np.empty(count, np.int16)
        read = self._lib.pa_simple_read
        self._check(read(self._stream, pcm.ctypes.data, pcm.nbytes, c.byref(self._error)))
        return pcm


class Playing(_Stream):
    """What a sink plays. buffer: how much sound it holds at most before it plays.

    It plays from the first sample on, and silence whenever it has none.
    """

    def __init__(self, device: str, buffer: Tick, name: str = "voice") -> None:
        """Raises DeviceError: there is no such sink, or no sound server."""
        most = _Buffer(_ANY, buffer * _SAMPLE, 0, _ANY, _ANY)
        super().__init__(_PLAYBACK, device, name, most)

    def write(self, pcm: Pcm) -> None:
        """Any number of samples; waits while the buffer is full. Raises DeviceError."""
        if not len(pcm):
            return  # which is refused as an invalid argument
        whole = np.ascontiguousarray(pcm, np.int16)
        write = self._lib.pa_simple_write
        self._check(write(self._stream, whole.ctypes.data, whole.nbytes, c.byref(self._error)))

    def flush(self) -> None:
        """What does not sound yet is forgotten. Raises DeviceError."""
        self._check(self._lib.pa_simple_flush(self._stream, c.byref(self._error)))
