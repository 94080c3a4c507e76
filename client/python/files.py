"""The sound of a file, read by FFmpeg in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from visavis.remote.errors import RemoteError


async def packets(path: Path) -> AsyncIterator[tuple[NDArray[np.int16], int]]:
    """(pcm, rate) of a file's first track of sound, mono. Raises RemoteError."""
    found = _decoded(path)
    while (piece := await asyncio.to_thread(_next, found, path)) is not None:
        yield piece


def _next(
    found: Iterator[tuple[NDArray[np.int16], int]], path: Path
) -> tuple[NDArray[np.int16], int] | None:
    try:
        return next(found, None)
    except (OSError, av.FFmpegError) as error:
        msg = f"{path} cannot be read as sound: {error}"
        raise RemoteError(msg) from error


def _decoded(path: Path) -> Iterator[tuple[NDArray[np.int16], int]]:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            msg = f"{path} has no sound in it"
            raise RemoteError(msg)
        mixing = av.AudioResampler("s16", "mono")
        frames: Any = container.decode(container.streams.audio[0])
        for frame in frames:
            for mixed in mixing.resample(frame):
                yield np.asarray(mixed.to_ndarray().reshape(-1), np.int16), mixed.sample_rate
