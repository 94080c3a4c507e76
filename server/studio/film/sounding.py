"""A film's sound on its way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from visavis.engines.base import Pcm, SoundFinish

_BLOCK: Final = 4 * 48_000  # samples at once


def marked(sound: Pcm, finish: SoundFinish | None) -> Iterator[Pcm]:
    """Block by block, with what is in all sound. Raises EngineError."""
    for at in range(0, len(sound), _BLOCK):
        block = np.asarray(sound[at : at + _BLOCK])
        if finish is None:
            yield block
            continue
        before = np.zeros(finish.reach, np.int16)
        known = np.asarray(sound[max(at - finish.reach, 0) : at])
        before[len(before) - len(known) :] = known
        yield finish.finish(np.concatenate([before, block]), at)
