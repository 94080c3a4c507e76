"""What the synthetic voices say: sentences from a small grammar, and rows of rare words.

Half of the words are kept for tests, so that no text of a test was heard in training.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import hibari  # type: ignore[import-untyped]
import numpy as np

Part = Literal["train", "test"]

_LEXICON: Final = Path(hibari.__file__).parent / "assets" / "lexicon_us_gold.json.gz"

_WHO: Final = """the porter|my brother|our guest|a young doctor|the old farmer|your teacher
the pilot|her cousin|the woman upstairs|his father|a judge|the boys|two nurses|everybody
the bishop|a clever fox|the team|my neighbour|Paul|Vera|Mister Brown|Missus Young|nobody
the children|a beggar|the mayor|their chef|a tall policeman|that thief|the choir"""
_DOES: Final = """opened|bought|found|lost|painted|would rather have|never liked|pushed|measured
carried|always wanted|moved|forgot|washed|broke|showed us|asked for|dreamed of|should watch
paid for|believed in|talked about|gave away|chose|threw out|might enjoy|envied|joined
keeps|has fixed|shared|will visit|jumped over|served|pointed at|hid behind|fed"""
_HOW: Final = """big|blue|very old|small|beautiful|yellow|broken|empty|warm|smooth|famous|heavy
cheap|wooden|purple|quiet|strange|thick|huge|muddy|fresh|narrow|royal|foggy|bright|rough
lovely|pale|usual|thin|golden|joyful|vague|brown|shallow|enormous|good|white|silver"""
_WHAT: Final = """boat|bathroom|map|umbrella|fish|cheese|watch|shoe|voice|van|leather jacket|oven
breakfast|garage|picture|wolf|moon|garden|elevator|museum|bridge|cup of tea|apple pie|toy
window|thumb|bush|measure|river|pepper|movie|farm|book|pub|camera|feather|cloud|rug|bowl
yacht|onion|chapel|vegetable|giraffe|violin|wheel|palm tree|newspaper|knife|cushion|orange"""
_WHERE: Final = """in the morning|on the second floor|behind the church|after lunch|by the sea
at half past five|near the south gate|without a word|in February|for thirty euros|with both hands
under the roof|before the show|from the airport|in a very small village|over the mountain
as far as I know|because of the weather|through the tunnel|with my mother|all year round
between us|on the way home|in the fifth row|on Thursday|at the bottom of the pool"""
_FRAMES: Final = (
    "{who} {does} the {how} {what} {where}.",
    "{who} {does} a {what}, and {who2} {does2} the {how} one.",
    "Did you know that {who} {does} the {what} {where}?",
    "Well, {where}, {who} {does} {how} {what}s and {what2}s.",
    "Please put the {how} {what} beside the {what2}, {where}.",
    "I think {who} {does} it, but {who2} {does2} my {how2} {what}!",
    "Where is the {how} {what} that {who} {does}?",
    "If {who} {does} one more {what}, we will leave {where}.",
    "Oh, what a {how}, {how2} {what}!",
    "{who} said: you may bring the {what}, the {what2} or some {how} thing.",
)
_LINKS: Final = ("and", "of", "the", "to", "with a", "or", "for my", "but", "into", "from", ",", "")

# The table of phonemes serves other languages too: a little of each, spoken by espeak-ng.
FOREIGN: Final = {
    "es": (
        "Buenos días, ¿en qué puedo ayudarle?", "El pueblo viejo está muy lejos del puerto.",
        "Mi hermano bebe agua fría porque hace calor.", "La jirafa come hojas verdes por la tarde.",
        "¿Dónde puedo comprar un billete para mañana?", "Fue una buena película, pero muy larga.",
    ),
    "fr": (
        "Bonjour, je peux vous aider à trouver votre chambre.", "Le petit bateau bleu part à midi.",
        "Une lune jaune brille au-dessus de la rue.", "Nous avons vu un peu de pluie ce matin.",
        "Où se trouve le musée, s'il vous plaît ?", "Ma femme voudrait deux œufs et du beurre.",
    ),
    "de": (
        "Guten Morgen, was kann ich für Sie tun?", "Die schöne Müllerin übt fünf Stücke am Flügel.",
        "Wo bekomme ich bitte eine Fahrkarte nach München?", "Der Bäcker backt braunes Brot.",
        "Wir möchten heute Abend gern früher essen.", "Ich wohne im obersten Stockwerk.",
    ),
    "it": (
        "Buongiorno, come posso aiutarla?", "La famiglia beve un buon vino bianco a pranzo.",
        "Gli amici vogliono vedere il vecchio ponte.", "Quanto costa una camera per due persone?",
    ),
    "cmn": (
        "你好,我可以帮你什么忙?", "明天早上八点我们去博物馆。", "这本书比那本书有意思。",
        "请问火车站在哪里?",
    ),
    "ar": ("صباح الخير كيف يمكنني مساعدتك", "أين المتحف من فضلك", "البيت الكبير قريب من البحر"),
    "ru": ("Доброе утро, чем я могу вам помочь?", "Моя бабушка живёт в большом белом доме у реки."),
    "pl": ("Dzień dobry, w czym mogę pomóc?", "Moja babcia mieszka w dużym białym domu."),
}  # fmt: skip


def sentences(count: int, seed: int, part: Part) -> list[str]:
    """English texts of 1 to 5 s: two thirds sentences, one third rows of rare words."""
    rng = np.random.default_rng(seed)
    words = [word for word in _words() if _part(word) == part]
    made = _grammatical(rng, part)
    return [_row(rng, words) if index % 3 == 2 else next(made) for index in range(count)]


def _part(word: str) -> Part:
    return "test" if zlib.crc32(word.encode()) % 5 == 0 else "train"


def _words() -> list[str]:
    with gzip.open(_LEXICON, "rt", encoding="utf-8") as file:
        return [w for w in json.load(file) if w.isalpha() and w.islower() and 3 < len(w) < 12]


def _row(rng: np.random.Generator, words: Sequence[str]) -> str:
    """Rare words with little ones between them: every sound beside every other."""
    parts: list[str] = []
    for _ in range(rng.integers(3, 7)):
        parts += [words[rng.integers(len(words))], _LINKS[rng.integers(len(_LINKS))]]
    text = " ".join(part for part in parts[:-1] if part).replace(" ,", ",")
    return text.capitalize() + ".?!"[rng.choice(3, p=[0.8, 0.15, 0.05])]


def _grammatical(rng: np.random.Generator, part: Part) -> Iterator[str]:
    """Frames filled with words of that part."""
    slots = {
        "who": _WHO,
        "does": _DOES,
        "how": _HOW,
        "what": _WHAT,
        "where": _WHERE,
    }
    kept = {
        name: [word for word in re.split(r"[|\n]", words) if _part(word) == part]
        for name, words in slots.items()
    }
    while True:
        chosen = {name: rng.permutation(words)[:2].tolist() for name, words in kept.items()}
        filled = {name: words[0] for name, words in chosen.items()}
        filled |= {f"{name}2": words[-1] for name, words in chosen.items()}
        text = _FRAMES[rng.integers(len(_FRAMES))].format(**filled)
        yield text[0].upper() + text[1:]
