"""Mouth shapes from sound alone: a small causal network from log-mel to speech sounds and jaw.

Works on any voice and in pieces of any size. What becomes of its frames is decided in
`sound_speech`. The network is trained by `models/tools/sound/train.py` on what
`bench/sound/sound_corpus.py` makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE, PLAY_RATE, EngineError, Floats, Pcm

MEL_FRAME: Final = HEAR_RATE // 100  # samples of one frame: 10 ms
BANDS: Final = 40
STEP: Final = 2  # frames that the network takes at once
DELAY: Final = 5  # frames between what it hears last at the start of a step and what it tells

# Frame k is what happens in [10 k, 10 k + 10) ms. Its step hears up to frame k + 6, whose window
# ends 17.5 ms after its start, and the resampler half a millisecond more: 78 ms after frame k
# begins, all that it will ever be told from has been heard.
LOOK_AHEAD: Final = 0.078  # s

_WINDOW: Final = 400  # samples: 25 ms
_BEFORE: Final = (_WINDOW - MEL_FRAME) // 2  # samples of its window before a frame starts
_FFT: Final = 512
_EDGES: Final = (60.0, 7_600.0)  # Hz
# -90 dBFS, over the steps of 16 bits: digital silence and the silence of a recording look alike.
FLOOR: Final = 1e-9
CENTRE, SCALE = 11.0, 4.0  # ln of the power of speech lies in about -20 .. -3
_LONG_SILENCE: Final = 200  # steps
_TAPS: Final = 61  # of the low-pass before every third sample is kept


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of speech sounds that the network tells apart.

    oculus: the viseme of the common set of 15 that it belongs to. symbol: an IPA letter that
    stands for it in `Speech`; `visemes.visemes` gives the mouth's shape for it.
    """

    oculus: str
    symbol: str


OCULUS: Final = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou",
)  # fmt: skip

# The classes of the viseme table, with the velar nasal and the affricates apart, so that they
# can be summed to any usual set of visemes.
KINDS: Final[Mapping[str, Kind]] = {
    "sil": Kind("sil", ""),
    "aa": Kind("aa", "ɑ"), "ae": Kind("aa", "æ"), "ah": Kind("aa", "ʌ"), "ax": Kind("E", "ə"),
    "eh": Kind("E", "ɛ"), "ee": Kind("E", "e"), "ih": Kind("ih", "ɪ"), "iy": Kind("ih", "i"),
    "ao": Kind("oh", "ɔ"), "oh": Kind("oh", "o"), "uh": Kind("ou", "ʊ"), "uw": Kind("ou", "u"),
    "yy": Kind("ou", "y"), "oe": Kind("oh", "ø"), "er": Kind("RR", "ɜ"), "uu": Kind("ih", "ɯ"),
    "pp": Kind("PP", "p"), "mm": Kind("PP", "m"), "ff": Kind("FF", "f"), "th": Kind("TH", "θ"),
    "dd": Kind("DD", "t"), "nn": Kind("nn", "n"), "ng": Kind("nn", "ŋ"), "ll": Kind("nn", "l"),
    "ss": Kind("SS", "s"), "sh": Kind("CH", "ʃ"), "ch": Kind("CH", "tʃ"), "kk": Kind("kk", "k"),
    "xx": Kind("kk", "x"), "rr": Kind("RR", "ɹ"), "ww": Kind("ou", "w"), "wy": Kind("ou", "ɥ"),
    "jj": Kind("ih", "j"), "hh": Kind("kk", "h"),
}  # fmt: skip
NAMES: Final = tuple(KINDS)
_TO_OCULUS: Final = np.array(
    [[kind.oculus == name for name in OCULUS] for kind in KINDS.values()], np.float32
)


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of 10 ms that follow those told before.

    kinds: (n, len(NAMES)) float32, the probability of each class of sounds.
    jaw: (n,) float32, how open the jaw is, as ARKit's jawOpen.
    """

    kinds: Floats
    jaw: Floats

    @property
    def visemes(self) -> Floats:
        """(n, 15) float32: the weight of each viseme of OCULUS; they sum to 1."""
        return self.kinds @ _TO_OCULUS


class SoundVisemes:
    """The network over one stream of sound: 0.4 ms of a busy core for 40 ms of sound.

    path: the ONNX file. rate: HEAR_RATE or PLAY_RATE. Raises EngineError.
    """

    def __init__(self, path: Path, rate: int = HEAR_RATE) -> None:
        if rate not in {HEAR_RATE, PLAY_RATE}:
            msg = f"sound visemes: no way to hear {rate} Hz"
            raise EngineError(msg)
        try:
            self._session = _session(path)
            names = self._session.get_modelmeta().custom_metadata_map["kinds"].split()
        except Exception as error:
            msg = f"sound visemes: cannot load {path.name}"
            raise EngineError(msg) from error
        if tuple(names) != NAMES:
            msg = f"sound visemes: {path.name} knows other classes of sounds"
            raise EngineError(msg)
        self._quiet = self._after_silence()
        self._thirds = rate == PLAY_RATE
        self.reset()

    def _after_silence(self) -> Floats:
        """The state of a network that has heard nothing for longer than it remembers."""
        state = next(i for i in self._session.get_inputs() if i.name == "state")
        frames = scaled(np.zeros((_LONG_SILENCE, STEP * BANDS), np.float32))
        inputs = {"mel": frames, "state": np.zeros(state.shape, np.float32)}
        return np.asarray(self._session.run(["next"], inputs)[0])

    def reset(self) -> None:
        """Forget what was heard: another stream begins."""
        self._decimator = Decimator() if self._thirds else None
        self._mel = LogMel()
        self._waiting = np.zeros((0, BANDS), np.float32)
        self._last = scaled(np.zeros((1, BANDS), np.float32))  # the newest frame of sound
        self._state = self._quiet
        self._early = DELAY  # frames before the first
        self._samples = 0  # at HEAR_RATE
        self._told = 0  # frames

    def feed(self, pcm: Pcm) -> Frames:
        """The next samples -> the frames that can be told now: those LOOK_AHEAD old."""
        audio = pcm.astype(np.float32) / np.float32(32_768)
        return self._advance(audio if self._decimator is None else self._decimator.feed(audio))

    def flush(self) -> Frames:
        """The frames that are left when no sound will follow; begins anew after that."""
        rest = np.zeros(0, np.float32) if self._decimator is None else self._decimator.flush()
        first = self._advance(rest)
        missing = -(-self._samples // MEL_FRAME) - self._told
        if missing > 0:
            last = self._advance(np.zeros((DELAY + STEP + 3) * MEL_FRAME, np.float32))
            first = Frames(
                np.concatenate([first.kinds, last.kinds[:missing]]),
                np.concatenate([first.jaw, last.jaw[:missing]]),
            )
        self.reset()
        return first

    def guess(self) -> Frames:
        """The frames that are left if the sound goes on as it is now; the stream does go on."""
        other = copy(self)  # all that it keeps is replaced, never written into
        missing = -(-self._samples // MEL_FRAME) - self._told
        told = other._step(np.repeat(self._last, DELAY + STEP + 3, 0))
        return Frames(told.kinds[:missing], told.jaw[:missing])

    def _advance(self, audio: Floats) -> Frames:
        self._samples += len(audio)
        return self._step(self._mel.feed(audio))

    def _step(self, mel: Floats) -> Frames:
        frames = np.concatenate([self._waiting, mel])
        self._last = np.concatenate([self._last, mel])[-1:]
        whole = len(frames) // STEP * STEP
        self._waiting = frames[whole:]
        if not whole:
            return Frames(np.zeros((0, len(NAMES)), np.float32), np.zeros(0, np.float32))
        inputs = {"mel": frames[:whole].reshape(-1, STEP * BANDS), "state": self._state}
        try:
            kinds, jaw, self._state = self._session.run(None, inputs)
        except Exception as error:
            msg = "sound visemes: the network failed"
            raise EngineError(msg) from error
        skipped = min(self._early, whole)
        self._early -= skipped
        self._told += whole - skipped
        return Frames(kinds[skipped:], jaw[skipped:])


def _session(path: Path) -> Any:  # onnxruntime has no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


# --- sound to frames -----------------------------------------------------------------------------


class LogMel:
    """Log-mel power of every 10 ms of sound at HEAR_RATE, scaled to about [-2, 2]."""

    def __init__(self) -> None:
        self._rest = np.zeros(_BEFORE, np.float32)

    def feed(self, audio: Floats) -> Floats:
        """(samples,) in [-1, 1] -> (frames, BANDS): those whose window is complete."""
        audio = np.concatenate([self._rest, audio])
        count = max((len(audio) - _WINDOW) // MEL_FRAME + 1, 0)
        self._rest = audio[count * MEL_FRAME :].copy()
        if not count:
            return np.zeros((0, BANDS), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(audio, _WINDOW)[::MEL_FRAME][:count]
        spectrum = np.fft.rfft(windows * _HANN, _FFT)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ _FILTERS
        return scaled(power)


def scaled(power: Floats) -> Floats:
    """Power of each band, white noise of variance v having v in each, to what the network takes."""
    return np.asarray((np.log(power + np.float32(FLOOR)) + np.float32(CENTRE)) / np.float32(SCALE))


def band_centres() -> Floats:
    """(BANDS,) Hz."""
    return _mel_points()[1:-1].astype(np.float32)


def _mel_points() -> Floats:
    low, high = 2595.0 * np.log10(1.0 + np.array(_EDGES) / 700.0)
    mels = np.linspace(low, high, BANDS + 2)
    return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0), np.float32)


def _filters() -> Floats:
    """(bins, BANDS): triangles on the mel scale, each of sum 1."""
    points = _mel_points()
    bins = np.fft.rfftfreq(_FFT, 1.0 / HEAR_RATE)[:, None]
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    triangles = np.maximum(np.minimum(rising, falling), 0.0)
    return np.asarray(triangles / triangles.sum(0), np.float32)


_HANN: Final = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
_FILTERS: Final = _filters() / np.float32((_HANN**2).sum())


class Decimator:
    """PLAY_RATE to HEAR_RATE in pieces, without delay: sample k is what sample 3 k was."""

    def __init__(self) -> None:
        self._rest = np.zeros(_TAPS // 2, np.float32)

    def feed(self, audio: Floats) -> Floats:
        """(samples,) -> a third as many, those 0.6 ms before the end later."""
        audio = np.concatenate([self._rest, audio])
        count = max((len(audio) - _TAPS) // 3 + 1, 0)
        self._rest = audio[3 * count :].copy()
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(audio, _TAPS)[::3][:count]
        return np.asarray(windows @ _LOW_PASS)

    def flush(self) -> Floats:
        """What is left, as if silence followed."""
        return self.feed(np.zeros(_TAPS // 2, np.float32))


def _low_pass() -> Floats:
    """Windowed sinc: -6 dB at 7.4 kHz, less than -50 dB from 8.6 kHz on."""
    at = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(2 * 7_400 / PLAY_RATE * at) * np.blackman(_TAPS + 2)[1:-1]
    return np.asarray(taps / taps.sum(), np.float32)


_LOW_PASS: Final = _low_pass()
