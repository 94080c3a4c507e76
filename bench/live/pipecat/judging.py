"""What a viewer saw and heard, held against what was given and what left the face."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.live.pipecat.thumbs import found
from bench.live.signals import summary
from visavis.engines.base import Pcm
from visavis.server.session.resampling import Resampled

PLAY: Final = 48_000
_WINDOW: Final = PLAY // 4  # samples in which a stretch of sound is looked for
_SURE: Final = 1.3  # how much nearer the picture must be than the next one


@dataclass(frozen=True, slots=True)
class Given:
    """One segment: its sound, and when each chunk of it was given."""

    pcm: Pcm
    rate: int
    at: Any
    chunk: int

    @property
    def at_once(self) -> bool:
        """Whether it was given much faster than it is spoken."""
        return bool(self.at[-1] - self.at[0] < len(self.pcm) / self.rate / 3)

    def when(self, seconds: float) -> float:
        """When what is heard so long after its beginning was given."""
        return float(self.at[min(int(seconds * self.rate) // self.chunk, len(self.at) - 1)])


@dataclass
class Left:
    """pictures, sound: (ns of the session, when it left, thumb or samples)."""

    pictures: list[tuple[int, float, Any]] = field(default_factory=list)
    sound: list[tuple[int, float, Pcm]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stream:
    """Sound in one piece. at: when each sample was, in any seconds."""

    samples: Any
    at: Any

    def find(self, piece: Pcm, after: float, before: float) -> float | None:
        """When a piece begins in it; None: it is not there."""
        inside = np.flatnonzero((self.at >= after) & (self.at <= before))
        if len(inside) < 2 * len(piece):
            return None
        part = self.samples[inside].astype(np.float64)
        size = 1 << (len(part) + len(piece)).bit_length()
        spectrum = np.fft.rfft(part, size) * np.conj(np.fft.rfft(piece.astype(np.float64), size))
        likeness = np.fft.irfft(spectrum, size)[: len(part) - len(piece)]
        best = int(likeness.argmax())
        here = part[best : best + len(piece)]
        norm = np.linalg.norm(here) * np.linalg.norm(piece.astype(np.float64)) + 1e-9
        return float(self.at[inside[best]]) if likeness[best] / norm > 0.7 else None


def stream(samples: list[Pcm], begins: list[float]) -> Stream:
    """Pieces with the time of their first sample."""
    at = [
        begin + np.arange(len(piece)) / PLAY for piece, begin in zip(samples, begins, strict=True)
    ]
    return Stream(np.concatenate(samples), np.concatenate(at))


def judged(given: list[Given], left: Left, file: Path) -> dict[str, Any]:
    """Over all segments; places: where in a segment sound is looked for, s."""
    seen = np.load(file)
    session = stream([s for _, _, s in left.sound], [ns / 1e9 for ns, _, _ in left.sound])
    leaving = stream([s for _, _, s in left.sound], [now for _, now, _ in left.sound])
    heard = stream(list(seen["sound"]), list(seen["sound_at"]))
    ticks = np.array([ns / 1e9 for ns, _, _ in left.pictures])
    left_at = np.array([now for _, now, _ in left.pictures])
    drawn = np.array([picture for _, _, picture in left.pictures])
    figures: dict[str, list[float | None]] = {
        "to_sound_leaving_ms": [], "to_picture_leaving_ms": [], "to_sound_at_viewer_ms": [],
        "to_picture_at_viewer_ms": [], "first_to_picture_leaving_ms": [],
        "first_to_picture_at_viewer_ms": [],
    }  # fmt: skip
    skews: list[float] = []
    for each in given:
        sound = Resampled(each.rate).feed(each.pcm)
        first = float(np.flatnonzero(np.abs(sound) > 500)[0]) / PLAY
        for number, place in enumerate(np.arange(first, len(sound) / PLAY - 0.3, 0.4)):
            piece = sound[int(place * PLAY) : int(place * PLAY) + _WINDOW]
            when = each.when(place)
            if each.at_once:
                if number:
                    break  # what comes later has waited for what is before it
                when += place  # nor can the first sound be heard before the silence before it
            left_sound = leaving.find(piece, when - 0.1, when + 2)
            heard_at = heard.find(piece, when - 0.1, when + 2)
            if left_sound is None or heard_at is None:
                figures["to_sound_at_viewer_ms"].append(None)
                continue
            tick = session.at[np.searchsorted(leaving.at, left_sound)]
            picture = int(np.searchsorted(ticks, tick))
            if picture >= len(ticks):
                continue
            at_viewer = _shown(seen, drawn, ticks, picture, left_at[picture])
            lag = (ticks[picture] - tick) * 1000
            figures["to_sound_leaving_ms"].append(1000 * (left_sound - when))
            figures["to_picture_leaving_ms"].append(1000 * (left_at[picture] - when) - lag)
            figures["to_sound_at_viewer_ms"].append(1000 * (heard_at - when))
            if at_viewer is not None:
                to_viewer = 1000 * (at_viewer - when) - lag
                figures["to_picture_at_viewer_ms"].append(to_viewer)
                skews.append(to_viewer - 1000 * (heard_at - when))
                if number == 0:
                    figures["first_to_picture_at_viewer_ms"].append(to_viewer)
            if number == 0:
                figures["first_to_picture_leaving_ms"].append(
                    1000 * (left_at[picture] - when) - lag
                )
    within = [abs(skew) <= 40 for skew in skews]
    return {
        **{name: summary(values) for name, values in figures.items()},
        "lips_behind_sound_at_viewer_ms": summary(skews),
        "within_40_ms_percent": round(100 * sum(within) / max(1, len(within)), 1),
    }


def _shown(seen: Any, drawn: Any, ticks: Any, wanted: int, left: float) -> float | None:
    """When the viewer first had this picture or a later one, among those that came soon after."""
    at = seen["picture_at"]
    candidates = np.flatnonzero((at > left - 0.02) & (at < left + 0.6))
    if not len(candidates):
        return None
    near = slice(max(0, wanted - 12), wanted + 25)
    for index, (which, sure) in zip(
        candidates, found(seen["pictures"][candidates], drawn[near]), strict=True
    ):
        if near.start + which >= wanted and sure > _SURE:
            return float(at[index])
    return None
