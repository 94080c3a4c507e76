"""Back-channels: what a listener says to show that they follow, and not to have the turn.

As whisper writes it; of other languages than English only what is listed. Duncan (1974) and Ward &
Tsukahara (2000) name the kinds: hums, words of agreement, brief praise. Noises that whisper puts
into brackets are none of the words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from visavis.engines.language.languages import LANGUAGES, code_of, is_english

_MOST: Final = 4  # words: "okay, great, thank you"; more is a sentence
_NOISE: Final = re.compile(r"\[[^\]]*\]?|\([^)]*\)?|\*[^*]*\*?|[♪♫]+")  # "(coughs)", "[LAUGHTER]"
_HUM: Final = re.compile(
    r"[mhn]+|m+[aeu]*h*m+[aeu]*h*|a?hem+|u*m+h+u*m+|u+h*m*|u+h+u+h+|u+h+u+m+|ah+|a+ha+|o+h+|ooh*|eh+|er+m*|"
    r"huh+|hu+m+|ha+h*|heh+|a?h?(?:ha|he|ho|ah|eh){2,}h?|pff+|phew|wow+"
)
_WORDS: Final = frozenset(
    (
        *("yes", "yeah", "yep", "yup", "ya", "yah", "okay", "ok", "kay", "right", "alright"),
        *("sure", "great", "good", "nice", "fine", "cool", "perfect", "lovely", "wonderful"),
        *("excellent", "brilliant", "awesome", "amazing", "interesting", "exactly", "indeed"),
        *("true", "really", "thanks", "understood", "absolutely", "definitely", "aye"),
    )
)
_PHRASES: Final = re.compile(
    r"\b(?:i see|got it|gotcha|of course|all right|thank you|thats right|thats great|thats good|"
    r"thats nice|sounds good|very good|very nice|makes sense|fair enough|oh no)\b"
)


# The same of other languages: whole texts, in pieces of these. What asks for something is left out.
_OTHERS: Final[Mapping[str, str]] = {
    "es": "sí|ya|vale|claro|bien|bueno|muy|perfecto|exacto|de acuerdo|entiendo|ajá|genial|gracias",
    "fr": "oui|ouais|d'accord|bien|très|sûr|exactement|parfait|super|je vois|ah bon|voilà|merci",
    "de": "ja|genau|gut|sehr|okay|klar|stimmt|verstehe|ach so|aha|alles|prima|richtig|danke|schön",
    "it": "sì|certo|bene|va|molto|esatto|perfetto|capisco|ho capito|d'accordo|ecco|grazie",
    "pt": "sim|claro|certo|bem|muito|exato|perfeito|entendi|entendo|tá|está|bom|obrigado|obrigada",
    "zh": "嗯|好|好的|是|是的|对|对的|明白|明白了|知道了|行|可以|啊|哦|谢谢|對|對的|謝謝",
    "ar": "نعم|أجل|حسنا|طيب|تمام|جيد|فهمت|صحيح|آه|شكرا",
    "ja": "はい|ええ|うん|そう|そうですか|そうですね|なるほど|わかりました|分かりました|へえ|ああ",
}


def only_follows(text: str, language: str = "en") -> bool:
    """Whether these words, said while somebody else speaks, leave the turn to them.

    True as well where there are no words. In a language that is not listed only hums do.
    """
    if not is_english(language):
        return _only_follows_in(text, code_of(language))
    plain = _NOISE.sub(" ", text.lower()).replace("'", "").replace("’", "")
    plain = re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=\w)-(?=\w)", "", plain))
    if not plain.strip():
        return not re.search(r"\w", _NOISE.sub(" ", text))  # another script's letters are words
    words = plain.split()
    if len(words) > _MOST:  # somebody laughs, or whisper made of a cough what it makes of coughs
        return _rambles(words) or all(_HUM.fullmatch(word) for word in words)
    left = _PHRASES.sub(" ", plain)
    return all(word in _WORDS or _HUM.fullmatch(word) for word in left.split())


def _only_follows_in(text: str, language: str) -> bool:
    text = re.sub("[\u064b-\u0652]", "", text)  # vowel signs of Arabic, which stand between letters
    words = re.findall(r"[\w']+", _NOISE.sub(" ", text.lower()).replace("’", "'"))
    if len(words) > _MOST:
        return False
    blank = "(?: |$)" if language not in LANGUAGES or LANGUAGES[language].blanks else " ?"
    known = sorted(_OTHERS.get(language, "okay").split("|"), key=len, reverse=True)
    piece = rf"(?:{'|'.join(known)}|okay|ok|{_HUM.pattern}){blank}"
    # Possessive: without blanks between words there are too many ways to cut a long hum.
    return re.fullmatch(f"(?:{piece})*+", " ".join(words)) is not None


def _rambles(words: list[str]) -> bool:
    """Whether the same few words come again and again: "and then, and, and, and, and, and"."""
    return len(words) >= 2 * _MOST and len(set(words)) <= len(words) // _MOST
