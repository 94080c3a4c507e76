"""Where sentences end in other languages than English, in spite of abbreviations and ordinals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from visavis.engines.language.languages import code_of
from visavis.engines.language.wording import words

# Marks that end a sentence, and marks at which one may pause, in all scripts.
ENDS: Final = ".!?…。！？｡؟۔।"
PAUSES: Final = ",;:–—，、；：،؛"
CLOSERS: Final = "\"')]}»”’*_」』）】》"
_OPENERS: Final = "\"'([{«“‘*_¿¡„「『（"
# Full stops that belong to a word, lower case; those of single letters ("z. B.") need no entry.
_ABBREVIATIONS: Final[Mapping[str, frozenset[str]]] = {
    "de": words("""dr prof hr fr nr st str ca bzw usw inkl exkl tel evtl ggf max min mio mrd
        jan feb mär apr jun jul aug sept okt nov dez mo di mi do sa so abs abt geb zzgl"""),
    "es": words("""sr sra srta dr dra d dña ud uds núm tel av avda pág aprox máx mín etc ej
        ene feb mar abr jun jul ago sept oct nov dic lun mié jue vie sáb dom"""),
    "fr": words("""m mm mme mlle dr pr st ste av bd tél env max min etc ex p janv févr avr juil
        sept oct nov déc lun mer jeu ven sam dim"""),
    "it": words("""sig sigg dott dr prof arch ing avv tel pag nr max min ecc es ca gen feb mar
        apr giu lug ago sett ott nov dic"""),
    "pt": words("""sr sra srs dr dra prof av tel núm pág máx mín etc ex aprox jan fev mar abr
        jun jul ago set out nov dez"""),
    "nl": words("dhr mevr dr prof nr str ca bijv enz incl excl tel max min"),
}  # fmt: skip
# "3. Mai": a number with a full stop is the third.
_ORDINALS: Final = frozenset({"de", "da", "no", "fi", "cs", "hu", "pl", "tr"})
_DOTTED: Final = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")  # "p.ej", "z.B"


def ends_sentence(word: str, following: str | None, language: str) -> bool:
    """Whether the mark at the end of `word` ends a sentence; `following` None is not known yet."""
    bare = word.rstrip(CLOSERS)
    if bare[-1:] != "." or bare.endswith(".."):
        return True
    code = code_of(language)
    name = bare.rstrip(ENDS).lstrip(_OPENERS).lower()
    if name in _ABBREVIATIONS.get(code, frozenset()) or _DOTTED.fullmatch(name):
        return False
    if len(name) == 1 and name.isalpha():
        return False
    if name.isdecimal() and len(name) <= 2 and code in _ORDINALS:
        return False
    # No sentence of a script with capitals begins with a small letter.
    return following is None or not following.lstrip(_OPENERS)[:1].islower()
