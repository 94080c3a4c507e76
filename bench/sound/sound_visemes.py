"""How well sound alone moves the mouth, beside HeadAudio on the same clips, as JSON on stdout.

    python -m bench.sound.sound_visemes [--clips 16] [--cache DIR]

The reference is what the phonemes do: the viseme that sounds in the middle of every 10 ms, and the
jaw of the face that they drive. Voices and words were not heard in training unless a set's name
says so. HeadAudio is given the settings, rate and delay that suit it best on each set, and its jaw
is the best linear reading of its weights, fitted on the very clips that it is judged on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.sound import headaudio, sound_people, sound_text, sound_voices
from bench.sound.sound_corpus import ESPEAK_TEST, Integers, frames, jaw, kinds, prosody, seed
from visavis.engines.base import PLAY_RATE, EngineError, Floats, Pcm, Speech
from visavis.engines.lips.sound_speech import SoundSpeech, speech
from visavis.engines.lips.sound_visemes import KINDS, NAMES, OCULUS, Frames, SoundVisemes
from visavis.engines.motion.articulation import CHANNELS, Score
from visavis.engines.motion.enunciation import Enunciation, MouthMovement
from visavis.models import manifest

CHUNK: Final = PLAY_RATE // 25
NEAR: Final = 0.04  # s: a picture
SHUT: Final = 0.9
APART: Final = 0.15  # jawOpen of consonants and pauses is less, of open vowels 0.2 to 0.4
PEERS_TABLE: Final = "accuracy_by_headaudios_table"
_LIPS: Final = CHANNELS.index("lips")
_GROUP: Final = np.array([OCULUS.index(kind.oculus) for kind in KINDS.values()])
_SILENCE: Final = OCULUS.index("sil")


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip and what its phonemes make of it."""

    pcm: Pcm
    sounds: Sequence[MouthMovement]
    kinds: Integers  # (frames,) index into NAMES
    jaw: Floats  # (frames,)

    @property
    def visemes(self) -> Integers:
        """(frames,) index into OCULUS."""
        return np.asarray(_GROUP[self.kinds])

    @property
    def peer_visemes(self) -> Integers:
        """(frames,) index into headaudio.VISEMES as its own table has it; -1 where it has none."""
        named = [headaudio.TABLE[name] for name in NAMES]
        classes = [headaudio.VISEMES.index(name) if name else -1 for name in named]
        result = np.array(classes)[self.kinds]
        for sound in self.sounds:
            symbol = sound.symbol.strip("ˈˌː")
            if viseme := headaudio.DIPHTHONGS.get(symbol.replace("ː", "")):
                first, last = round(sound.start * 100), round(sound.end * 100)
                result[first:last] = headaudio.VISEMES.index(viseme)
        return np.asarray(result)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=16, help="for each voice")
    parser.add_argument("--cache", type=Path, default=Path("out/sound"))
    parser.add_argument("--network", type=Path, default=manifest.locate("sound-visemes"))
    options = parser.parse_args()
    json.dump(run(options), sys.stdout, indent=2)
    print()


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements."""
    network = SoundVisemes(options.network, PLAY_RATE)
    package, missing = None, ""
    try:
        package = headaudio.fetch(options.cache / "headaudio")
    except headaudio.PeerMissing as error:
        missing = str(error)
    result: dict[str, Any] = {"bytes": options.network.stat().st_size, "cost": cost(network)}
    for name, made in sets(options).items():
        try:
            clips = [clip(piece) for piece in made()]
        except (EngineError, sound_people.PeopleMissing) as error:
            result[name] = {"not_measured": str(error)}
            continue
        result[name] = {"clips": len(clips), "seconds": round(sum(map(seconds, clips)), 1)}
        result[name]["visavis"] = ours(network, clips)
        result[name]["headaudio"] = theirs(package, clips) if package else {"not_measured": missing}
        print(name, json.dumps(result[name]), file=sys.stderr, flush=True)
    return result


# --- clips ---------------------------------------------------------------------------------------


def sets(options: argparse.Namespace) -> dict[str, Callable[[], Sequence[Speech]]]:
    """What is measured, by name; each is made when it is called."""
    count, cache = options.clips, options.cache

    def spoken(name: str, speak: Callable[[], sound_voices.Speak]) -> list[Speech]:
        rng = np.random.default_rng(seed(name))
        voice = speak()
        texts = sound_text.sentences(count, seed(name), "test")
        return [voice(text, prosody(rng)) for text in texts]

    def espeak() -> list[Speech]:
        return [
            piece
            for variant in ESPEAK_TEST
            for piece in spoken(
                variant, lambda v=variant: sound_voices.espeak().voice(f"en-us+{v}")
            )[: max(count // 4, 1)]
        ]

    def recorded() -> list[Speech]:
        texts = sound_text.sentences(count, seed("slt"), "test")
        return (
            spoken("rms", lambda: sound_voices.flite("rms", 110.0))
            + spoken("slt", lambda: sound_voices.flite("slt", 170.0))
            + sound_voices.festival("cmu_us_slt_arctic_hts", texts)
        )

    def seen() -> list[Speech]:
        return [
            p for n in ("heart", "joe") for p in spoken(n, lambda n=n: sound_voices.own(n, cache))
        ]

    return {
        "held-out recorded voices": recorded,
        "held-out espeak-ng voices": espeak,
        "heart and joe, held-out text": seen,
        "held-out voices, noise 15 dB": lambda: [changed(p, noisy) for p in recorded()],
        "held-out voices, telephone": lambda: [changed(p, telephone) for p in recorded()],
        "held-out voices, room": lambda: [changed(p, room) for p in recorded()],
        "people, librivox": lambda: sound_people.librivox(cache / "people"),
        "people, prompts": lambda: sound_people.prompts(cache / "people", cache, count),
    }


def clip(piece: Speech) -> Clip:
    """With what the phonemes do."""
    sounds = Enunciation().sounds(0.0, piece)
    count = frames(piece)
    return Clip(piece.pcm, sounds, kinds(sounds, count), jaw(sounds, count))


def seconds(item: Clip) -> float:
    """Its length."""
    return len(item.pcm) / PLAY_RATE


def changed(piece: Speech, change: Callable[[Floats, np.random.Generator], Floats]) -> Speech:
    """The same speech heard otherwise."""
    rng = np.random.default_rng(len(piece.pcm))
    audio = change(piece.pcm.astype(np.float32) / 32_768, rng)
    return replace(piece, pcm=np.rint(np.clip(audio, -1, 1) * 32_767).astype(np.int16))


def noisy(audio: Floats, rng: np.random.Generator) -> Floats:
    """Pink noise 15 dB under the speech."""
    spectrum = np.fft.rfft(rng.standard_normal(len(audio)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, len(audio))
    noise *= np.sqrt(np.mean(audio**2) / np.mean(noise**2)) * 10 ** (-15 / 20)
    return np.asarray(audio + noise, np.float32)


def telephone(audio: Floats, _rng: np.random.Generator) -> Floats:
    """300 to 3400 Hz."""
    spectrum = np.fft.rfft(audio)
    hertz = np.fft.rfftfreq(len(audio), 1 / PLAY_RATE)
    spectrum *= 1 / (1 + (300 / np.maximum(hertz, 1.0)) ** 8) / (1 + (hertz / 3400) ** 16)
    return np.asarray(np.fft.irfft(spectrum, len(audio)), np.float32)


def room(audio: Floats, rng: np.random.Generator) -> Floats:
    """A tail that falls by 60 dB in 0.4 s, 6 dB under the direct sound."""
    time_ = np.arange(round(0.5 * PLAY_RATE)) / PLAY_RATE
    tail = rng.standard_normal(len(time_)) * 10 ** (-3 * time_ / 0.4)
    tail *= np.sqrt(10 ** (-6 / 10) / np.sum(tail**2))
    tail[0] += 1.0
    size = len(audio) + len(tail)
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(tail, size), size)
    return np.asarray(wet[: len(audio)], np.float32)


# --- the network ---------------------------------------------------------------------------------


def ours(network: SoundVisemes, clips: Sequence[Clip]) -> dict[str, float]:
    """Frames as the network tells them, and the face that they drive."""
    heard = [_heard(network, item.pcm) for item in clips]
    told = [row.visemes.argmax(1) for row in heard]
    by_peer = [(row.kinds @ headaudio.MATRIX).argmax(1) for row in heard]
    spoken = [list(_spoken(network, item.pcm)) for item in clips]
    driven = [jaw(sounds, len(item.jaw)) for sounds, item in zip(spoken, clips, strict=True)]
    jaws = {
        "jaw": _correlation([row.jaw for row in heard], clips),
        "jaw_of_face": _correlation(driven, clips),
    }
    return _accuracies(told, by_peer, clips) | jaws | closures(spoken, clips)


def _accuracies(
    told: Sequence[Integers], by_peer: Sequence[Integers], clips: Sequence[Clip]
) -> dict[str, float]:
    """By the usual 15 visemes, with and without silence; and by HeadAudio's own 15."""
    pairs = list(zip(told, (item.visemes for item in clips), strict=True))
    peers = zip(by_peer, (item.peer_visemes for item in clips), strict=True)
    return {
        "accuracy": _share([t == v for t, v in pairs]),
        "accuracy_in_speech": _share([(t == v)[v != _SILENCE] for t, v in pairs]),
        PEERS_TABLE: _share([(t == v)[v >= 0] for t, v in peers]),
    }


def _heard(network: SoundVisemes, pcm: Pcm) -> Frames:
    first, last = network.feed(pcm), network.flush()
    return Frames(np.concatenate([first.kinds, last.kinds]), np.concatenate([first.jaw, last.jaw]))


def _spoken(network: SoundVisemes, pcm: Pcm) -> Iterator[MouthMovement]:
    """The sounds that the face makes of a clip."""
    enunciation, at = Enunciation(), 0
    for piece in speech(pcm, network):
        yield from enunciation.sounds(at / PLAY_RATE, piece)
        at += len(piece.pcm)


def closures(spoken: Sequence[Sequence[MouthMovement]], clips: Sequence[Clip]) -> dict[str, float]:
    """Share of p, b and m at which the lips meet within a picture, and how often they err.

    closed_in_vain: of all closures made; closed_while_open: those of them at which the phonemes
    open the jaw, so that it shows: most others are in pauses and between teeth.
    """
    met: list[bool] = []
    false = total = shown = 0
    for sounds, item in zip(spoken, clips, strict=True):
        wanted, made = _seals(item.sounds), _seals(sounds)
        score = Score(sounds)
        for start, end in wanted:
            times = np.arange(start - NEAR, end + NEAR, 0.01)
            met.append(max(score.channels(float(t))[_LIPS] for t in times) > SHUT)
        total += len(made)
        vain = [m for m in made if all(m[1] < s - NEAR or m[0] > t + NEAR for s, t in wanted)]
        false += len(vain)
        shown += sum(_jaw_at(item, (b + e) / 2) > APART for b, e in vain)
    return {
        "closures": len(met),
        "closed": round(float(np.mean(met)), 3) if met else 0.0,
        "closed_in_vain": round(false / max(total, 1), 3),
        "closed_while_open": round(shown / max(total, 1), 3),
    }


def _jaw_at(item: Clip, time_: float) -> float:
    return float(item.jaw[min(max(round(time_ * 100), 0), len(item.jaw) - 1)])


def _seals(sounds: Sequence[MouthMovement]) -> list[tuple[float, float]]:
    return [s.seal for s in sounds if s.seal and s.viseme.seal == "lips"]


def cost(network: SoundVisemes) -> dict[str, float]:
    """Processor time for every 40 ms of sound, to frames and to speech."""
    rng = np.random.default_rng(0)
    pcm = (rng.standard_normal(20 * PLAY_RATE) * 2000).astype(np.int16)
    chunks = [pcm[at : at + CHUNK] for at in range(0, len(pcm), CHUNK)]
    stream = SoundSpeech(network)
    network.reset()
    frames_ms = [_milliseconds(lambda c=c: network.feed(c)) for c in chunks]
    stream.reset()
    speech_ms = [_milliseconds(lambda c=c: list(stream.feed(c))) for c in chunks]
    network.reset()
    return {
        "frames_p50_ms": round(float(np.median(frames_ms)), 3),
        "frames_p95_ms": round(float(np.percentile(frames_ms, 95)), 3),
        "speech_p50_ms": round(float(np.median(speech_ms)), 3),
        "speech_p95_ms": round(float(np.percentile(speech_ms, 95)), 3),
    }


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3


# --- the peer ------------------------------------------------------------------------------------


def theirs(package: Path, clips: Sequence[Clip]) -> dict[str, Any]:
    """HeadAudio with whatever settings, rate and delay make it best."""
    best, found = -1.0, {}
    for rate in headaudio.RATES:
        for settings in headaudio.SETTINGS:
            told = headaudio.run(package, [item.pcm for item in clips], rate, settings)
            for lag in range(-4, 13, 2):
                shifted = [_earlier(row.visemes, lag) for row in told]
                right = _accuracies([_TO_OCULUS[row] for row in shifted], shifted, clips)
                if right[PEERS_TABLE] > best:
                    best = right[PEERS_TABLE]
                    how = {"rate": rate, "settings": settings, "lag_ms": lag * 10}
                    found = right | how | {"told": told}
    told = found.pop("told")
    return found | _moved(told, clips, found["lag_ms"] // 10)


def _moved(told: Sequence[headaudio.Told], clips: Sequence[Clip], lag: int) -> dict[str, float]:
    """The jaw and the closures that its weights come to."""
    weights = [_earlier(row.weights(), lag) for row in told]
    closed = [
        bool(np.any(row[max(round((s - NEAR) * 100), 0) : round((e + NEAR) * 100)] > _SHOWN))
        for row, item in zip((w[:, _PP] for w in weights), clips, strict=True)
        for s, e in _seals(item.sounds)
    ]
    return {
        "jaw": _correlation(_fitted(weights, clips), clips),
        "closed": round(float(np.mean(closed)), 3) if closed else 0.0,
    }


_SHOWN: Final = 0.375  # half of its highest weight of "PP"
_TO_OCULUS: Final = np.array(
    [OCULUS.index(headaudio.TO_OCULUS.get(v, v)) for v in headaudio.VISEMES]
)
_PP: Final = headaudio.VISEMES.index("PP")


def _earlier(rows: npt.NDArray[Any], lag: int) -> npt.NDArray[Any]:
    """What is told `lag` frames later, so that a delay does not count."""
    at = np.clip(np.arange(len(rows)) + lag, 0, len(rows) - 1)
    return rows[at]


def _fitted(weights: Sequence[Floats], clips: Sequence[Clip]) -> list[Floats]:
    """The best linear reading of the jaw from the weights."""
    rows = np.concatenate(weights)
    inputs = np.hstack([rows, np.ones((len(rows), 1), np.float32)])
    factors, *_ = np.linalg.lstsq(inputs, np.concatenate([c.jaw for c in clips]), rcond=None)
    return [w @ factors[:-1] + factors[-1] for w in weights]


def _share(hits: Sequence[npt.NDArray[Any]]) -> float:
    return round(float(np.concatenate(hits).mean()), 4)


def _correlation(rows: Sequence[Floats], clips: Sequence[Clip]) -> float:
    """Mean over the clips."""
    return round(
        float(np.mean([np.corrcoef(r, c.jaw)[0, 1] for r, c in zip(rows, clips, strict=True)])), 4
    )


if __name__ == "__main__":
    main()
