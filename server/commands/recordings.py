"""`visavis say --audio`: a recording of anybody, spoken by an avatar. Opens no socket."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.engines.direction.styles import Direction, Stance
from visavis.engines.lips import sound_speech
from visavis.engines.lips.sound_visemes import SoundVisemes
from visavis.server.commands.offline import LEAD_IN, TAIL, Script
from visavis.server.system.errors import ConfigError

LONGEST: Final = 600  # s


def read(path: Path) -> Pcm:
    """The first sound track of a file as mono at PLAY_RATE. Raises ConfigError."""
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                msg = f"{path} has no sound"
                raise ConfigError(msg)
            parts = _decoded(file)
    except (OSError, av.FFmpegError) as error:
        msg = f"{path} cannot be read as sound: {type(error).__name__}"
        raise ConfigError(msg) from error
    pcm = np.concatenate([np.zeros(0, np.int16), *parts])
    if not pcm.size:
        msg = f"{path} has no sound"
        raise ConfigError(msg)
    return pcm


def _decoded(file: av.container.InputContainer) -> list[Pcm]:
    resampler = av.AudioResampler("s16", "mono", PLAY_RATE)
    parts: list[Pcm] = []
    samples = 0
    for frame in file.decode(audio=0):
        for out in resampler.resample(frame):
            parts.append(out.to_ndarray()[0].astype(np.int16))
            samples += parts[-1].size
        if samples > LONGEST * PLAY_RATE:
            msg = f"the recording is longer than {LONGEST // 60} minutes"
            raise ConfigError(msg)
    parts += [out.to_ndarray()[0].astype(np.int16) for out in resampler.resample(None)]
    return parts


def script(pcm: Pcm, network: SoundVisemes, style: Direction | None = None) -> Script:
    """What the face does while it plays, with a silence before and after. Raises EngineError."""
    pieces, at = [], LEAD_IN
    for piece in sound_speech.speech(pcm, network):
        pieces.append((at, piece))
        at += len(piece.pcm)
    whole = np.concatenate([np.zeros(LEAD_IN, np.int16), pcm, np.zeros(TAIL, np.int16)])
    style = style or Direction()
    return Script(
        whole, tuple(pieces), ((0, Stance().directed(style).demeanour),),
        tuple((0, movement) for movement in style.movements), style.dropped,
    )  # fmt: skip
