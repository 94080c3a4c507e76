"""Pieces of speech as a file: lossless sound (FLAC), words and phonemes, and a checksum."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any, Final

import av
import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm, Phoneme, Speech, Word

_MAGIC: Final = b"visavis speech 1\n"  # another number: older files are made anew
_DIGEST: Final = 32  # bytes
_LEAST: Final = 4096  # samples: FLAC wants some


class DamagedError(Exception):
    """A file that is not what was written."""


def encoded(pieces: Sequence[Speech]) -> bytes:
    """The content of a file; `decoded` gives the same pieces back, to the bit."""
    sounds = [_sound(piece.pcm) for piece in pieces]
    told = [
        {
            "phonemes": [astuple(phoneme) for phoneme in piece.phonemes],
            "words": [astuple(word) for word in piece.words],
            "alphabet": piece.alphabet,
            "samples": len(piece.pcm),
            "bytes": len(sound),
        }
        for piece, sound in zip(pieces, sounds, strict=True)
    ]
    content = b"\n".join([json.dumps(told).encode(), b"".join(sounds)])
    return _MAGIC + hashlib.sha256(content).digest() + content


def decoded(content: bytes) -> tuple[Speech, ...]:
    """About 1 ms for a second of speech. Raises DamagedError."""
    start = len(_MAGIC) + _DIGEST
    digest, whole = content[len(_MAGIC) : start], content[start:]
    if not content.startswith(_MAGIC) or hashlib.sha256(whole).digest() != digest:
        raise DamagedError("its checksum is wrong")
    told, _, sounds = whole.partition(b"\n")
    pieces, at = [], 0
    for each in json.loads(told):
        pieces.append(_piece(each, sounds[at : at + each["bytes"]]))
        at += each["bytes"]
    return tuple(pieces)


def _piece(told: dict[str, Any], sound: bytes) -> Speech:
    pcm = _pcm(sound, told["samples"])
    pcm.flags.writeable = False  # every session that says it plays this one
    return Speech(
        pcm,
        tuple(Phoneme(*phoneme) for phoneme in told["phonemes"]),
        tuple(Word(*word) for word in told["words"]),
        told["alphabet"],
    )


def _sound(pcm: Pcm) -> bytes:
    if len(pcm) < _LEAST:
        return pcm.tobytes()
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=PLAY_RATE)
        stream.format, stream.layout = "s16", "mono"
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = PLAY_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def _pcm(sound: bytes, samples: int) -> Pcm:
    """Raises DamagedError: a codec of another build may not give back what went in."""
    if samples < _LEAST:
        return np.frombuffer(sound, np.int16).copy()
    try:
        with av.open(io.BytesIO(sound), "r") as container:
            frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    except av.FFmpegError as error:
        raise DamagedError("its sound cannot be decoded") from error
    pcm: Pcm = np.concatenate(frames)
    if pcm.dtype != np.int16 or len(pcm) != samples:
        raise DamagedError("its sound has another length")
    return pcm
