"""Recognition in other languages than English, and how surely the language is found, as JSON.

    python -m bench.hearing.languages [--clips 24] [--language de --language zh]

- **people**: Debian's asterisk prompts (one speaker, one language each) and tuxpaint's descriptions
  of pictures, by the texts that come with them. What was recorded does not always follow the text.
- **espeak-ng**: bench/hearing/language_questions.toml, in the voices that the product has. A robot:
  the recogniser was not trained on it, and does worse than on people.
- **error**: words, or characters in Mandarin and Japanese, that were changed, left out or added, in
  percent of those said. Numbers are left out of the prompts: they may be written in figures.
- **found**: the language by `EitherStt`'s rules, beginning in English: right, wrong, or not found.
- **latency**: of one call, on as many cores as are free.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import sys
import time
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr

from bench.hearing.packages import PackageMissing, unpacked
from bench.hearing.words import align
from bench.sound.sound_people import _read as read
from visavis.engines import load
from visavis.engines.base import HEAR_RATE, PLAY_RATE, Pcm, Stt
from visavis.engines.language.languages import LANGUAGES
from visavis.engines.language.phrases import closed

HOME: Final = Path("out/bench/home")
QUESTIONS: Final = Path(__file__).with_name("language_questions.toml")
_PROMPTS: Final = {
    "en": "en_US_f_Allison", "es": "es_MX_f_Allison", "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
}  # fmt: skip
_PAINTED: Final = ("es", "fr")
_SHORTEST, _LONGEST = 1.5, 8.0  # s of a clip of people


@dataclass(frozen=True, slots=True)
class Clip:
    """What was said, by whom, and its sound at HEAR_RATE."""

    language: str
    speaker: str
    text: str
    pcm: Pcm


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=24, help="of each speaker")
    parser.add_argument("--language", action="append", choices=list(LANGUAGES))
    options = parser.parse_args()
    chosen = options.language or ["en", "es", "fr", "de", "it", "pt", "zh", "ar", "ja"]
    json.dump(run(chosen, options.clips), sys.stdout, indent=2, ensure_ascii=False)
    print()


def run(languages: list[str], count: int) -> dict[str, Any]:
    """All figures."""
    HOME.mkdir(parents=True, exist_ok=True)
    before = _megabytes()
    english = load.stt(HOME)
    told = {"tiny.en_MB": _megabytes() - before}
    before = _megabytes()
    either = load.stt(HOME, "en", detect=True)
    told["base_MB_at_most"] = _megabytes() - before
    result: dict[str, Any] = {"memory": told}
    for language in languages:
        stt = english if language == "en" else load.stt(HOME, language)
        clips: dict[str, list[Clip]] = {}
        for clip in (*people(language, count), *robots(language, count)):
            clips.setdefault(clip.speaker, []).append(clip)
        result[language] = {
            speaker: figures(language, stt, either, spoken) for speaker, spoken in clips.items()
        }
    return result


def _megabytes() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1)


def figures(language: str, stt: Stt, either: Stt, clips: list[Clip]) -> dict[str, Any]:
    """Of one speaker."""
    said = lost = 0
    took, found, ended = [], [], []
    for clip in clips:
        began = time.perf_counter()
        heard = stt.transcribe(clip.pcm)
        took.append((time.perf_counter() - began) * 1e3)
        alignment = align(units(clip.text, language), units(heard.text, language))
        said += alignment.said
        lost += alignment.substituted + alignment.deleted + alignment.inserted
        ended.append(closed(heard.text))
        guess = either.transcribe(clip.pcm)
        found.append(guess.language if guess.foreign < 0.5 else "")
    return {
        "clips": len(clips),
        "seconds": round(sum(len(clip.pcm) for clip in clips) / HEAR_RATE, 1),
        "error_percent": round(100 * lost / max(said, 1), 1),
        "units": "words" if LANGUAGES[language].blanks else "characters",
        "latency_ms_p50": round(float(np.median(took))),
        "latency_ms_p90": round(float(np.percentile(took, 90))),
        "found_right": round(found.count(language) / len(found), 2),
        "found_wrong": round(sum(f not in ("", language) for f in found) / len(found), 2),
        "closed_by_a_mark": round(float(np.mean(ended)), 2),
    }


def units(text: str, language: str) -> list[str]:
    """Words without marks, or characters."""
    text = unicodedata.normalize("NFKC", text.lower())
    if language == "ar":  # vowel signs are seldom written, and letters that sound alike are mixed
        text = re.sub("[\u064b-\u0652]", "", text).translate(str.maketrans("أإآىة", "اااي" + "ه"))
    if language == "zh":
        text = _simplified(text)
    words = re.findall(r"[^\W_]+", text)
    return words if LANGUAGES[language].blanks else list("".join(words))


def _simplified(text: str) -> str:
    """Whisper mixes both ways of writing; what these questions have of them."""
    pairs = (
        "點点開开遊游裡里車车費费錢钱間间無无線线網网絡络碼码機机場场麼么嗎吗請请給给條条"
        "關关門门們们飯饭鑰钥帶带來来廳厅檯台臺台裏里號号"
    )
    return text.translate({ord(a): b for a, b in zip(pairs[::2], pairs[1::2], strict=True)})


# --- what is said ---------------------------------------------------------------------------------


def people(language: str, count: int) -> Iterator[Clip]:
    """Recordings; none of a language of which no package has any."""
    try:
        if language in _PROMPTS:
            yield from _picked(_prompts(language), count)
        if language in _PAINTED:
            yield from _picked(_painted(language), count)
    except PackageMissing as error:
        print(error, file=sys.stderr)


def _picked(found: list[tuple[str, str, Path]], count: int) -> Iterator[Clip]:
    random.Random(1).shuffle(found)
    for speaker, text, path in found:
        if count <= 0:
            return
        pcm = (read(path) * 32_767).astype(np.int16)
        if _SHORTEST <= len(pcm) / HEAR_RATE <= _LONGEST:
            yield Clip(speaker.split(" ")[0], speaker, text, pcm)
            count -= 1


def _prompts(language: str) -> list[tuple[str, str, Path]]:
    name = f"asterisk-core-sounds-{language}"
    listed = next(unpacked(name).rglob(f"core-sounds-{language}.txt.gz"))
    with gzip.open(listed, "rt", encoding="utf-8", errors="replace") as file:
        texts = dict(re.findall(r"^([\w/.-]+): *(.+)$", file.read(), re.MULTILINE))
    root = next(unpacked(f"{name}-g722").rglob(_PROMPTS[language]))
    return [
        (f"{language} asterisk", text, root / f"{key}.g722")
        for key, text in texts.items()
        if (root / f"{key}.g722").exists() and not re.search(r"[\[\]()<>\d]", text)
    ]


def _painted(language: str) -> list[tuple[str, str, Path]]:
    root = unpacked("tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps"
    line = re.compile(rf"^{language}\.utf8=(.+)$", re.MULTILINE)
    found = []
    for path in sorted(root.rglob(f"*_desc_{language}.ogg")):
        written = path.with_name(path.name.replace(f"_desc_{language}.ogg", ".txt"))
        text = line.search(written.read_text("utf-8", "replace")) if written.exists() else None
        if text and not re.search(r"\d", text[1]):
            found.append((f"{language} tuxpaint", text[1], path))
    return found


def robots(language: str, count: int) -> Iterator[Clip]:
    """The questions in the product's own voices of that language."""
    asked = tomllib.loads(QUESTIONS.read_text(encoding="utf-8")).get(language)
    if asked is None:
        return
    names = [v.name for v in load.voices(HOME) if v.language.split("-")[0] == language]
    for name in names:
        tts = load.tts(name, HOME)
        read_aloud = (
            asked["ask"] if not name.startswith("espeak") else asked.get("read", asked["ask"])
        )
        for text, aloud in list(zip(asked["ask"], read_aloud, strict=True))[:count]:
            pcm = np.concatenate([piece.pcm for piece in tts.synthesize(aloud)])
            heard = soxr.resample(pcm.astype(np.float32), PLAY_RATE, HEAR_RATE)
            yield Clip(language, name, text, heard.astype(np.int16))


if __name__ == "__main__":
    main()
