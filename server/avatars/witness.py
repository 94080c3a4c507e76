"""What is to be seen and heard in a video of somebody who reads a sentence: measures, no verdict.

Runs in a process of its own behind the one that decodes (`footage`): networks and a recogniser of
speech for 10 s, and 300 MB that are given back.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import EngineError
from visavis.engines.lips.sound_visemes import SoundVisemes
from visavis.models import manifest, recognition
from visavis.models.bake import landmarks as lm
from visavis.server.avatars import footage
from visavis.server.avatars.footage import Footage, Rgb, Unusable
from visavis.server.system import confined, sandbox

Floats = npt.NDArray[np.float32]

SECONDS: Final = 180  # of processor time
LOOKS: Final = 24  # pictures in which the face is recognised
_STEP: Final = 0.02  # s between the moments at which mouth and sound are compared
_FRAME: Final = 0.01  # s of what the lips' network tells at once
_SMOOTH: Final = 0.08  # s over which jitter is taken out of both
_SLOW: Final = 1.2  # s over which both are levelled
_LAG: Final = 0.2  # s by which recorders shift sound against pictures, either way
_FEWEST: Final = 100  # moments of which a correlation says something
_LOUD: Final = 0.04  # s
_QUIET: Final = 25.0  # dB below the loudest: nothing is said
_SILENCE: Final = 30.0  # dB over one step of 16 bits: nothing is said either
_SURE: Final = 0.7  # score of a second face that counts
_TURNED: Final = 33, 263  # the eyes' outer corners


@dataclass(frozen=True, slots=True)
class Measures:
    """What a video shows.

    seconds: how long; rate: pictures a second, of those that are looked at; face: median cosine to
    the photo; seen, crowded: shares of the pictures with a face, with several; opening: how far the
    mouth moves, in distances of the eyes; together: correlation of mouth and sound; apart: the
    highest one with the sound moved away, which chance can reach; heard: the words; spoken: s
    between the first and the last of them.
    """

    seconds: float
    rate: float
    face: float
    seen: float
    crowded: float
    opening: float
    together: float
    apart: float
    heard: str
    spoken: float


def measured(film: Footage, network: Path) -> Measures:
    """All but the words. Raises Unusable where the photo shows nobody."""
    own = recognition.of_picture(film.photo, network)
    if own is None:
        raise Unusable("no-face", "No face can be made out in the photo.")
    tracks = _tracked(film)
    seen = [at for at, points in enumerate(tracks.points) if points is not None]
    looks = seen[:: max(1, len(seen) // LOOKS)]
    cosines = [
        float(own @ recognition.template(film.pictures[at], points, network))
        for at in looks
        if (points := tracks.points[at]) is not None
    ]
    openings = np.array(
        [np.nan if points is None else _opening(points) for points in tracks.points], np.float32
    )
    moved, together, apart = _compared(openings, film)
    seconds = float(film.times[-1] - film.times[0])
    return Measures(
        seconds=round(seconds, 2),
        rate=round((len(film.times) - 1) / max(seconds, 1e-3), 1),
        face=round(float(np.median(cosines)), 3) if cosines else 0.0,
        seen=round(len(seen) / len(film.times), 3),
        crowded=round(tracks.crowded / len(film.times), 3),
        opening=round(moved, 4),
        together=round(together, 3),
        apart=round(apart, 3),
        heard="",
        spoken=round(_spoken(film), 2),
    )


@dataclass(frozen=True, slots=True)
class _Tracks:
    """Landmarks (468, 3) of the surest face in each picture; in how many there were several."""

    points: list[Floats | None]
    crowded: int


def _tracked(film: Footage) -> _Tracks:
    points: list[Floats | None] = []
    crowded = 0
    for picture in film.pictures:
        faces = lm.detect(picture)
        crowded += sum(face.score >= _SURE for face in faces) > 1
        points.append(_points(picture, faces, points[-1] if points else None))
    return _Tracks(points, crowded)


def _points(picture: Rgb, faces: list[lm.Detection], before: Floats | None) -> Floats | None:
    """Followed where it was, or found anew where the detector sees it."""
    if before is not None:
        followed, presence = lm.tracked(picture, before)
        if presence >= lm.MIN_PRESENCE and (not faces or _inside(faces[0], followed)):
            return followed
    if not faces:
        return None
    found = lm.find_landmarks(picture, faces[0], passes=2)
    return found.points if found.presence >= lm.MIN_PRESENCE else None


def _inside(face: lm.Detection, points: Floats) -> bool:
    return bool(np.all(np.abs(points[:, :2].mean(0) - face.centre) < face.size))


def _opening(points: Floats) -> float:
    """Between the lips' inner edges, in distances between the eyes' outer corners."""
    lips = [np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in lm.LIP_PAIRS]
    right, left = _TURNED
    return float(np.mean(lips) / max(float(np.linalg.norm(points[right] - points[left])), 1e-3))


# --- mouth and sound ------------------------------------------------------------------------------


def _compared(openings: Floats, film: Footage) -> tuple[float, float, float]:
    """How much the mouth moves; its correlation with the sound, and that of chance.

    With the sound's loudness it would be 0.3 to 0.7 (Chandrasekaran et al. 2009, The natural
    statistics of audiovisual speech), and another sentence reaches 0.4. With what the network of
    our own lips makes of the sound, which knows an open mouth from a loud one, it is more.
    """
    known = np.isfinite(openings)
    at = np.arange(film.times[0], film.times[-1], _STEP)
    if known.sum() < 8 or not len(film.sound) or len(at) < _FEWEST:
        return 0.0, 0.0, 0.0
    mouth = _levelled(np.interp(at, film.times[known], openings[known]))
    jaw = _jaw(film)
    told = _levelled(np.interp(at, (np.arange(len(jaw)) + 0.5) * _FRAME, jaw))
    scores = _correlations(mouth, told)
    near = round(_LAG / _STEP)
    together = max(scores[: near + 1].max(), scores[-near:].max())
    return float(mouth.std()), float(together), float(scores[3 * near : -3 * near].max())


def _jaw(film: Footage) -> Floats:
    """How open the jaw is by the sound, every 10 ms."""
    network = SoundVisemes(manifest.locate("sound-visemes"))
    pieces = [network.feed(film.sound), network.flush()]
    return np.concatenate([piece.jaw for piece in pieces])


def _levelled(signal: npt.NDArray[np.floating]) -> Floats:
    """Without jitter, and without what changes slower than speech: posture, a smile."""
    calm = _smoothed(signal, _SMOOTH)
    return calm - _smoothed(calm, _SLOW)


def _smoothed(signal: npt.NDArray[np.floating], over: float) -> Floats:
    window = np.hanning(round(over / _STEP) + 2)[1:-1]
    before = len(window) // 2
    padded = np.pad(signal, (before, len(window) - 1 - before), mode="edge")
    return np.convolve(padded, window / window.sum(), "valid").astype(np.float32)


def _correlations(a: Floats, b: Floats) -> Floats:
    """Of `a` with `b` moved round by 0, 1, ... steps, each in [-1, 1]."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    if norm < 1e-6:
        return np.zeros(len(a), np.float32)
    product = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)), len(a))
    return (product / norm).astype(np.float32)


def _spoken(film: Footage) -> float:
    """s from the first loud moment to the last."""
    step = round(_LOUD * footage.RATE)
    whole = film.sound[: len(film.sound) // step * step].astype(np.float32).reshape(-1, step)
    if not len(whole):
        return 0.0
    level = 10 * np.log10((whole**2).mean(1) + 1.0)
    loud = np.flatnonzero(level > max(level.max() - _QUIET, _SILENCE))
    return float((loud[-1] - loud[0] + 1) * _LOUD) if len(loud) else 0.0


# --- the process ----------------------------------------------------------------------------------


def main() -> None:
    """Owner, home, language in the arguments, footage on standard input; one line of JSON out."""
    confined.begin()
    sandbox.limit(6 * 1024**3, SECONDS)
    home, language = Path(sys.argv[2]), sys.argv[3]
    try:
        film = footage.receive(sys.stdin.buffer)
        if not len(film.sound):
            message = "The video has no sound: the sentence has to be heard."
            raise Unusable("presence-no-sound", message)  # noqa: TRY301 one way out
        found = measured(film, recognition.locate(home / "models"))
        said = asdict(found) | {"heard": _heard(film, home, language)}
    except Unusable as error:
        said = {"code": error.code, "message": error.message}
    sys.stdout.write(json.dumps(said) + "\n")


def _heard(film: Footage, home: Path, language: str) -> str:
    """Raises Unusable."""
    from visavis.engines import load

    try:
        return load.stt(home, language).transcribe(film.sound).text
    except EngineError as error:
        raise Unusable("presence-failed", "The words could not be recognised.") from error


if __name__ == "__main__":
    main()
