"""What whisper wrote -> what was said: repetitions, tags of sounds, and how far it is in doubt.

Whisper writes something about any sound. What it was trained on, subtitles, comes back over noise
and music: "Thank you for watching", "[Music]", one word again and again.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_COMPRESSIBLE: Final = 2.4  # whisper's own threshold for text that repeats itself
_AGAIN: Final = 3  # words
_STUCK: Final = re.compile(r"(\D{1,6}?)\1{6,}")  # "an old-s-y-y-y-y-y-y-y-y"

# Its confidence tells words from noise only where there are enough of them: over single words the
# area under the curve is 0.76, of no_speech 0.98 (134 words that were right, 210 noises).
_ENOUGH: Final = 3
_SURE: Final = 3.0  # words are as sure as no_speech says up to a mean probability of a third
_SLOW: Final = 2.0  # s of sound a word, from where it is too little for so much
_SLOWNESS: Final = 0.1  # doubt for each second more
_BRIEF: Final = 0.45  # s: a word with the silence around it is longer; of a crowd it hears scraps
_BREVITY: Final = 2.0  # doubt for each second less
_QUICK: Final = 0.2  # s of sound a word
_QUICKNESS: Final = 3.0
# Who says "thank you" takes half a second a word, and whisper is sure of it; over the soft start
# of a piece of music it wrote the same with a no_speech of 0.2, for 2 s a word and in doubt.
_SUSPICION: Final = 0.15
_UNSURE: Final = 0.8  # of the log probability
_UNSURENESS: Final = 0.2
_LINGERING: Final = 0.9  # s of sound a word
_LINGERINGNESS: Final = 0.3

_TAG: Final = re.compile(r"\[[^\]]*\]?|\([^)]*\)?|\*[^*]*\*|<[^>]*>?|[♪♫♬#]+")
# Sounds that people make and nobody answers. "Mm-hmm" and "uh-huh" are none: they mean yes.
_SOUND: Final = re.compile(
    r"(?:m+|h+m+|h*u+h*|u+m+|a+h*|o+h?|oh+|o+w+|e+h*|sh+|ps+t|[bhmw]a+h+|h[aeo]+(?:h+[aeo]+)*h*)"
)
# What comes back of subtitles, in each language: words as `_key` makes them.
_PHANTOMS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset((
        *("you", "bye", "bye bye", "so", "the", "i'm", "i", "and", "beep", "music"),
        *("thank you", "thanks for watching", "thank you for watching", "i'm sorry"),
        *("thank you very much", "thank you so much", "we'll be right back", "see you next time"),
        *("please subscribe", "subtitles by the amara org community", "i'm so sorry"),
    )),
    "de": frozenset((
        *("und", "die", "ich", "das", "ja", "so", "danke", "vielen dank", "musik", "tschüss"),
        *("untertitelung des zdf 2020", "untertitel der amara org community"),
        *("untertitelung aufgrund der amara org community", "vielen dank für's zuschauen"),
        *("vielen dank fürs zuschauen", "untertitel im auftrag des zdf für funk 2017"),
    )),
    "es": frozenset((
        *("y", "no", "gracias", "muchas gracias", "música", "adiós", "hasta la próxima"),
        *("subtítulos realizados por la comunidad de amara org", "gracias por ver el video"),
        *("gracias por ver el vídeo", "suscríbete al canal"),
    )),
    "fr": frozenset((
        *("et", "merci", "musique", "au revoir", "oui", "non", "je"),
        *("sous titres réalisés par la communauté d'amara org", "sous titrage st' 501"),
        *("sous titrage société radio canada", "merci d'avoir regardé cette vidéo"),
    )),
    "it": frozenset((
        *("e", "grazie", "musica", "ciao", "grazie a tutti", "grazie per la visione"),
        *("sottotitoli creati dalla comunità amara org", "sottotitoli e revisione a cura di qtss"),
    )),
    "pt": frozenset((
        *("e", "o que é isso", "o que é", "obrigado", "obrigada", "música", "tchau"),
        *("legendas pela comunidade amara org", "obrigado por assistir", "inscreva se no canal"),
    )),
    "zh": frozenset((
        *("我", "鱼", "字幕", "作词作曲", "谢谢", "謝謝", "谢谢大家", "谢谢观看", "謝謝觀看"),
        *("字幕由amaraorg社区提供", "请不吝点赞订阅转发打赏支持明镜与点点栏目", "字幕志愿者李宗盛"),
    )),
    "ar": frozenset((
        *("شكرا", "شكرا لكم", "موسيقى", "اشتركوا في القناة", "ترجمة نانسي قنقر"),
        *("شكرا على المشاهدة", "شكرا للمشاهدة"),
    )),
    "ja": frozenset((
        *("ん", "ありがとうございました", "ご視聴ありがとうございました", "音楽", "おやすみなさい"),
        *("最後までご視聴いただきありがとうございます", "はい"),
    )),
}  # fmt: skip
# Scripts that put no blanks between words: each character is a unit of its own.
_CHARACTER: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_UNIT: Final = re.compile(rf"[{_CHARACTER}]|[^\s{_CHARACTER}]+")
_OF_A_WORD: Final = 0.5  # such a character, as long as it takes to say


@dataclass(frozen=True, slots=True)
class Guess:
    """What whisper wrote about `seconds` of sound.

    no_speech: the probability of its token for that, in [0, 1]. log_probability: mean over the
    tokens it wrote, at most 0. foreign: in [0, 1], that the sound was no English. language: of the
    text, for the phantoms that whisper has in it.
    """

    text: str
    seconds: float
    no_speech: float
    log_probability: float
    foreign: float = 0.0
    language: str = "en"


def doubt_of(guess: Guess, once: str) -> float:
    """In [0, 1]: how little the sound carries the words `once`, which `said_once` left of it.

    Over 0.55 are 3 of 419 clips of words and none of 180 of music, noise and babble; of 227 sounds
    of animals, doors and monsters the most are (`tests/engines/test_hallucinations.py`).
    """
    keys = _keys(once)
    probability = math.exp(guess.log_probability)
    if len(keys) >= _ENOUGH and len(keys) == len(_keys(guess.text)):
        unlikely = guess.no_speech * (1.0 - probability)
        doubt = 1.0 - (1.0 - unlikely) * min(1.0, _SURE * probability)
    else:  # what repeats itself is sure of it, too
        doubt = guess.no_speech
    pace = guess.seconds / max(_count(keys), 1)
    if _is_phantom(keys, guess.language):
        doubt += _SUSPICION
        doubt += _UNSURENESS * max(-guess.log_probability - _UNSURE, 0.0)
        doubt += _LINGERINGNESS * max(pace - _LINGERING, 0.0)
    doubt += _SLOWNESS * max(pace - _SLOW, 0.0) + _QUICKNESS * max(_QUICK - pace, 0.0)
    return min(doubt + _BREVITY * max(_BRIEF - guess.seconds, 0.0), 1.0)


def said_once(guess: Guess) -> str | None:
    """The words without tags and repetitions; None if it repeats itself so as to hide the end.

    "Hello there. Hello there. Hello" -> "Hello there."; marks, tags and sounds that are no words
    count as nothing said.
    """
    text = " ".join(_TAG.sub(" ", guess.text).split())
    units = list(_UNIT.finditer(text))
    keys = [_key(unit[0]) for unit in units]
    if not any(keys) or all(_SOUND.fullmatch(key) for key in keys if key):
        return ""
    period = _period(keys)
    if period is not None:
        return text[: units[period].start()].rstrip()
    if _STUCK.search(text):
        return None
    raw = text.encode()
    return None if len(raw) > _COMPRESSIBLE * len(zlib.compress(raw)) else text


def is_repeated(text: str) -> bool:
    """Whether a text that may go on says again what it has said; two words alone may be meant."""
    keys = _keys(" ".join(_TAG.sub(" ", text).split()))
    period = _period(keys)
    return period is not None and period <= len(keys) - _AGAIN


def _period(keys: Sequence[str]) -> int | None:
    """After how many units it begins anew and says nothing else from there on."""
    # A character that is doubled is a word: "谢谢".
    shortest = 2 if keys and re.match(f"[{_CHARACTER}]", keys[0]) else 1
    for period in range(shortest, len(keys)):
        again = len(keys) - period
        # The last word may be cut in the middle by the bound on the answer's length.
        if (
            again >= min(period, 3)
            and all(keys[at] == keys[at % period] for at in range(period, len(keys) - 1))
            and keys[(len(keys) - 1) % period].startswith(keys[-1])
        ):
            return period
    return None


def _keys(text: str) -> list[str]:
    return [_key(unit) for unit in _UNIT.findall(text)]


def _count(keys: Sequence[str]) -> float:
    """How many words these are."""
    return sum(_OF_A_WORD if re.fullmatch(f"[{_CHARACTER}]", key) else 1.0 for key in keys)


def _is_phantom(keys: Sequence[str], language: str) -> bool:
    phantoms = _PHANTOMS.get(language, frozenset())
    return " ".join(keys) in phantoms or "".join(keys) in phantoms


def _key(word: str) -> str:
    return re.sub(r"[^\w']", "", word).lower()
