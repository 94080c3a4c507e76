"""How alike a tuned voice is to its person, how well it is understood, what it costs: JSON.

`python -m bench own_voices`. People are out of Debian's packages (`bench.hearing.packages`): 40 s
of each to tune by, 40 s of the rest to judge by. The judge is the embedding that also chooses, so
what it says of the chosen voice is no neutral word; it hears other recordings, other sentences.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from bench.hearing import people
from bench.hearing.packages import unpacked
from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, EngineError, Floats, Pcm, Sample, Tts, Voice
from visavis.engines.registry import VOICES
from visavis.engines.voices import speaker, tuned
from visavis.engines.voices.tuned import TunedCloner
from visavis.models.avatar.consent import Consent
from visavis.models.voice_file import OwnVoice, VoiceCard

SECONDS: Final = 40.0
SHORTEST: Final = 1.3  # s of a clip
SAID: Final = (
    "Please leave your keys at the front desk before you go.",
    "She asked us to wait until the doctor had seen the other patients.",
    "The museum opens at ten, and children pay nothing on Sundays.",
    "You can change your order at any time before it is sent.",
    "Thank you for calling, one of us will be with you in a moment.",
)
_PROMPTS: Final = {"en": "Allison", "es": "Allison", "fr": "June", "it": "Carlo"}
_READERS: Final = ("be", "bg", "ca", "da", "el", "es", "fr", "ro", "ru")


def main() -> None:
    """Print a JSON object: the people, the voices as they are, and each tuned voice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", help="names with commas (default: all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = dict(_people())
        halves = {who: _halves(clips) for who, clips in found.items()}
        chosen = options.people.split(",") if options.people else list(halves)
        sys.stderr.write(f"{len(halves)} people\n")
        base = cache(partial(load.tts, home=Path(home)))
        stt = load.stt(Path(home), "en")
        judged = {who: _embedded(other) for who, (_, other) in halves.items()}
        plain = {name: _spoken(base(name), stt) for name in VOICES}
        rows = [_row(who, halves[who][0], judged, plain, base, stt, Path(home)) for who in chosen]
        own = {who: _alike(_embedded(one), judged[who]) for who, (one, _) in halves.items()}
        shown = {name: {"errors": e, "of_real_time": r} for name, (_, e, r) in plain.items()}
        print(json.dumps({"plain": shown, "own": own, "tuned": rows}, indent=1))


def _row(
    who: str, sample: Pcm, judged: dict[str, Floats], plain: dict[str, Any], base: Any, stt: Any,
    home: Path,
) -> dict[str, Any]:  # fmt: skip
    began = time.perf_counter()
    cloner = TunedCloner(base, tuple(VOICES), home)
    try:
        made = cloner.clone(Sample(sample, "en"), lambda _share: None)
    except EngineError as error:
        return {"who": who, "refused": str(error)}
    seconds = time.perf_counter() - began
    record = Consent(who, "of a package", who, "2026-01-01")
    card = VoiceCard("tuned", "tuned", "en", record, "0" * 64, made.given, made.alike)
    tts = tuned.speak(OwnVoice(card, made.numbers), Voice("tuned", "en", "", ""), base, home)
    said, errors, cost = _spoken(tts, stt)
    others = sorted((_alike(said, each) for name, each in judged.items() if name != who))
    sys.stderr.write(f"{who}: {_alike(said, judged[who]):.2f}\n")
    return {
        "who": who, "given": dict(made.given), "by_the_sample": made.alike,
        "to_the_person": _alike(said, judged[who]),
        "plain": max(_alike(each, judged[who]) for each, _, _ in plain.values()),
        "to_others": float(np.mean(others)), "to_the_nearest_other": others[-1],
        "errors": errors, "of_real_time": cost, "made_in_s": seconds,
    }  # fmt: skip


def _spoken(tts: Tts, stt: Any) -> tuple[Floats, float, float]:
    """Its embedding, the share of wrong words, processor time of a second of speech."""
    began = time.process_time()
    said = [np.concatenate([p.pcm for p in tts.synthesize(text)]) for text in SAID]
    cost = (time.process_time() - began) / (sum(map(len, said)) / PLAY_RATE)
    wrong = [
        _wrong(stt.transcribe(_low(pcm)).text, text) for pcm, text in zip(said, SAID, strict=True)
    ]
    words = sum(len(_words(text)) for text in SAID)
    return _embedded(np.concatenate(said)), sum(wrong) / words, cost


def _wrong(heard: str, said: str) -> int:
    """Words put in, left out or changed."""
    row = list(range(len(_words(heard)) + 1))
    for at, word in enumerate(_words(said), 1):
        last, row[0] = row[:], at
        for i, other in enumerate(_words(heard), 1):
            row[i] = min(last[i] + 1, row[i - 1] + 1, last[i - 1] + (word != other))
    return row[-1]


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split()


def _embedded(pcm: Pcm) -> Floats:
    return speaker.encoder().embedding(pcm.astype(np.float32) / np.float32(32_768), PLAY_RATE)


def _alike(one: Floats, other: Floats) -> float:
    return round(speaker.likeness(one, other), 3)


def _low(pcm: Pcm) -> Pcm:
    return np.asarray(soxr.resample(pcm, PLAY_RATE, HEAR_RATE), np.int16)


def _people() -> Iterator[tuple[str, list[Floats]]]:
    rng = np.random.default_rng(0)
    for code, name in _PROMPTS.items():
        root = unpacked(f"asterisk-core-sounds-{code}-g722")
        yield (
            f"{name} ({code})",
            _clips(rng, [p for p in root.rglob("*.g722") if p.parent.name[:2] == code]),
        )
    root = unpacked("pocketsphinx-testdata")
    yield "LibriVox", [people.read(path) for path in sorted(root.rglob("librivox/*.wav"))]
    pictures = unpacked("tuxpaint-stamps-default")
    for code in _READERS:
        yield f"reader ({code})", _clips(rng, list(pictures.rglob(f"*_desc_{code}.ogg")))


def _clips(rng: np.random.Generator, paths: list[Path]) -> list[Floats]:
    found: list[Floats] = []
    seconds = 0.0
    for at in rng.permutation(len(paths)):
        clip = people.read(sorted(paths)[at])
        if len(clip) < SHORTEST * PLAY_RATE:
            continue
        found.append(clip)
        seconds += len(clip) / PLAY_RATE
        if seconds > 3 * SECONDS:
            break
    return found


def _halves(clips: list[Floats]) -> tuple[Pcm, Pcm]:
    """Every second clip, and the others: 40 s of each at most."""
    most = round(SECONDS * PLAY_RATE)
    one, other = (np.concatenate(clips[start::2])[:most] for start in (0, 1))
    return np.rint(one * 32_767).astype(np.int16), np.rint(other * 32_767).astype(np.int16)


if __name__ == "__main__":
    main()
