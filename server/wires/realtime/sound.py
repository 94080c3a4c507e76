"""Sound as a client writes it: base64 of PCM at 24 kHz, or of G.711; and ours, at 48 kHz."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.session.resampling import Resampled
from visavis.server.wires.realtime.refusals import Refused

Law = Literal["mu", "a"]


@dataclass(frozen=True, slots=True)
class Format:
    """kind: as the client names it. law: of G.711, None: 16 bits a sample, little-endian."""

    kind: str
    rate: int
    law: Law | None = None

    def shown(self) -> dict[str, Any]:
        """As the client reads it."""
        return {"type": self.kind, "rate": self.rate} if self.law is None else {"type": self.kind}

    @property
    def bytes_a_second(self) -> int:
        """Before base64."""
        return self.rate * (2 if self.law is None else 1)


PCM: Final = Format("audio/pcm", 24_000)
FORMATS: Final = {
    "audio/pcm": PCM,
    "audio/pcmu": Format("audio/pcmu", 8_000, "mu"),
    "audio/pcma": Format("audio/pcma", 8_000, "a"),
}


class Inflow:
    """A client's sound, piece by piece, as 48 kHz mono. An odd byte waits for its other half."""

    def __init__(self, format: Format) -> None:
        self.format, self._rate = format, Resampled(format.rate)

    def take(self, data: bytes) -> Pcm:
        """(samples,) int16, but for 1 to 3 ms that come with the next piece."""
        if self.format.law is None:
            return self._rate.feed(data)
        return self._rate.feed(_decoded(self.format.law)[np.frombuffer(data, np.uint8)])

    def rest(self) -> Pcm:
        """What is left when the flow is over; another one begins."""
        return self._rate.flush()


class Outflow:
    """Our sound, piece by piece, as a client reads it."""

    def __init__(self, format: Format) -> None:
        self.format = format
        self._rate = soxr.ResampleStream(PLAY_RATE, format.rate, 1, dtype="int16", quality="MQ")

    def give(self, pcm: Pcm, *, last: bool = False) -> bytes:
        """(samples,) int16 at 48 kHz -> bytes, less what the resampler holds until the last."""
        samples: Pcm = self._rate.resample_chunk(pcm, last=last)
        if self.format.law is None:
            return samples.astype("<i2").tobytes()
        return _encoded(self.format.law)[samples.view(np.uint16)].tobytes()


def unwritten(text: str, param: str = "audio") -> bytes:
    """base64 -> bytes. Raises Refused."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("invalid_value", f"{param} is no base64.", param) from None


def written(data: bytes) -> str:
    """Bytes -> base64."""
    return base64.b64encode(data).decode()


@cache
def _decoded(law: Law) -> Pcm:
    """(256,) int16: what each byte of G.711 stands for."""
    code = np.arange(256, dtype=np.int32)
    return _mu_law(code) if law == "mu" else _a_law(code)


def _mu_law(code: npt.NDArray[np.int32]) -> Pcm:
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _a_law(code: npt.NDArray[np.int32]) -> Pcm:
    code = code ^ 0x55
    segment, step = code >> 4 & 7, (code & 0x0F) << 4
    size = np.where(segment == 0, step + 8, step + 264 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


@cache
def _encoded(law: Law) -> npt.NDArray[np.uint8]:
    """(65536,) uint8: the byte that is nearest to each sample, by the sample's 16 bits."""
    values = _decoded(law).astype(np.int32)
    order = np.argsort(values, kind="stable")
    between = (values[order][1:] + values[order][:-1] + 1) // 2
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16)
    return order[np.searchsorted(between, samples, side="right")].astype(np.uint8)
