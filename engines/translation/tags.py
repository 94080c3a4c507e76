"""How families of translation models name languages in their vocabularies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from visavis.engines.language.languages import code_of

# ISO 639-3 with the script, as FLORES-200 and so NLLB have it.
_FLORES: Final[Mapping[str, str]] = {
    "en": "eng_Latn", "es": "spa_Latn", "fr": "fra_Latn", "de": "deu_Latn", "it": "ita_Latn",
    "pt": "por_Latn", "zh": "zho_Hans", "ar": "arb_Arab", "ja": "jpn_Jpan", "nl": "nld_Latn",
    "pl": "pol_Latn", "ru": "rus_Cyrl", "uk": "ukr_Cyrl", "tr": "tur_Latn", "sv": "swe_Latn",
    "da": "dan_Latn", "no": "nob_Latn", "fi": "fin_Latn", "cs": "ces_Latn", "el": "ell_Grek",
    "hu": "hun_Latn", "ro": "ron_Latn", "ca": "cat_Latn", "ko": "kor_Hang", "hi": "hin_Deva",
    "vi": "vie_Latn", "id": "ind_Latn", "he": "heb_Hebr", "fa": "pes_Arab", "ur": "urd_Arab",
    "bg": "bul_Cyrl", "sr": "srp_Cyrl", "hr": "hrv_Latn", "sk": "slk_Latn", "sl": "slv_Latn",
    "lt": "lit_Latn", "lv": "lvs_Latn", "et": "est_Latn", "th": "tha_Thai", "gl": "glg_Latn",
}  # fmt: skip
_TRADITIONAL: Final = frozenset({"tw", "hk", "hant"})


@dataclass(frozen=True, slots=True)
class Tags:
    """before: tokens in front of the source. first: those with which the target begins."""

    before: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


def found(vocabulary: Collection[str], source: str, target: str) -> Tags | None:
    """How a model with this vocabulary is told both languages; None: it has no names for them."""
    for flores in (_flores(source), _flores(target)):
        if flores not in vocabulary:
            break
    else:
        return Tags((_flores(source),), (_flores(target),))
    own, other = code_of(source), code_of(target)
    if {f"__{own}__", f"__{other}__"} <= set(vocabulary):  # M2M-100
        return Tags((f"__{own}__",), (f"__{other}__",))
    if f"<2{other}>" in vocabulary:  # MADLAD-400
        return Tags((f"<2{other}>",))
    ours, theirs = _mbart(vocabulary, own), _mbart(vocabulary, other)
    if ours and theirs:
        return Tags((ours,), (theirs,))
    return _opus(vocabulary, target)


def _flores(tag: str) -> str:
    parts = {part.lower() for part in tag.replace("_", "-").split("-")[1:]}
    if code_of(tag) == "zh" and parts & _TRADITIONAL:
        return "zho_Hant"
    return _FLORES.get(code_of(tag), "")


def _mbart(vocabulary: Collection[str], code: str) -> str:
    """As in "de_DE" and "fr_XX"; no word begins so, for words have capitals first or not at all."""
    wanted = (token for token in vocabulary if len(token) == 5 and token.startswith(f"{code}_"))
    return next((token for token in wanted if token[3:].isupper()), "")


def _opus(vocabulary: Collection[str], target: str) -> Tags | None:
    """OPUS-MT with several targets: ">>spa<<"; of one target, it has no names at all."""
    three = _FLORES.get(code_of(target), "")[:3]
    for name in (three, code_of(target), f"{three}_Latn"):
        if name and f">>{name}<<" in vocabulary:
            return Tags((f">>{name}<<",))
    return None
