"""apertium, a translator made of dictionaries and rules, as Debian packages it, a pair a package.

It is a chain of programs that a "mode" file names. Its stream format has "superblanks": what stands
in square brackets is not translated, and moves with the words around it, which is what a direction
needs. A name is shown as a word that no dictionary has: it stays, and its sentence treats it as a
noun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from visavis.engines.base import EngineError
from visavis.engines.settings import Run
from visavis.engines.translation.base import LONGEST, Role

MODES: Final = Path("/usr/share/apertium/modes")
_SHELL: Final = "/usr/bin/bash"  # a mode is a line of shell
_AT_ONCE: Final = 100_000  # characters of one run

_MODE: Final = re.compile(r"([a-z]{2,3})-([a-z]{2,3})(?:_([A-Z]{2}|valencia))?")
# ISO 639-3, as newer modes are named, and 639-1, as BCP 47 has it.
_SHORT: Final[Mapping[str, str]] = {
    "eng": "en", "spa": "es", "fra": "fr", "ita": "it", "por": "pt", "cat": "ca", "ron": "ro",
    "glg": "gl", "eus": "eu", "epo": "eo", "dan": "da", "swe": "sv", "nob": "nb", "nno": "nn",
    "isl": "is", "rus": "ru", "ukr": "uk", "bel": "be", "pol": "pl", "mkd": "mk", "bul": "bg",
    "slv": "sl", "hin": "hi", "urd": "ur", "ind": "id", "zlm": "ms", "afr": "af", "nld": "nl",
    "srd": "sc", "oci": "oc", "arg": "an", "ast": "ast", "szl": "szl", "hbs": "hbs",
}  # fmt: skip
# Debian's package by the pair; each package has both directions unless it is named one way here.
_PACKAGES: Final[Mapping[tuple[str, str], str]] = {
    ("en", "es"): "apertium-eng-spa", ("es", "en"): "apertium-eng-spa",
    ("en", "ca"): "apertium-eng-cat", ("ca", "en"): "apertium-eng-cat",
    ("en", "gl"): "apertium-en-gl", ("gl", "en"): "apertium-en-gl",
    ("en", "eo"): "apertium-eo-en", ("eo", "en"): "apertium-eo-en",
    ("eu", "en"): "apertium-eu-en", ("is", "en"): "apertium-isl-eng",
    ("mk", "en"): "apertium-mkd-eng",
    ("es", "fr"): "apertium-fr-es", ("fr", "es"): "apertium-fr-es",
    ("es", "pt"): "apertium-es-pt", ("pt", "es"): "apertium-es-pt",
    ("es", "ca"): "apertium-spa-cat", ("ca", "es"): "apertium-spa-cat",
    ("es", "gl"): "apertium-es-gl", ("gl", "es"): "apertium-es-gl",
    ("es", "it"): "apertium-spa-ita", ("it", "es"): "apertium-spa-ita",
    ("ro", "es"): "apertium-es-ro",
    ("fr", "ca"): "apertium-fra-cat", ("ca", "fr"): "apertium-fra-cat",
    ("pt", "ca"): "apertium-por-cat", ("ca", "pt"): "apertium-por-cat",
    ("ca", "it"): "apertium-cat-ita", ("it", "ca"): "apertium-cat-ita",
    ("sv", "da"): "apertium-swe-dan", ("da", "sv"): "apertium-swe-dan",
    ("sv", "nb"): "apertium-swe-nor", ("nb", "sv"): "apertium-swe-nor",
    ("da", "nb"): "apertium-dan-nor", ("nb", "da"): "apertium-dan-nor",
    ("ru", "uk"): "apertium-rus-ukr", ("uk", "ru"): "apertium-rus-ukr",
    ("nb", "nn"): "apertium-nno-nob", ("nn", "nb"): "apertium-nno-nob",
}  # fmt: skip
# Of ten plain sentences not one could be understood: every second word stays English.
_USELESS: Final = frozenset({("en", "hbs")})

_HELD: Final = re.compile("\ue000([0-9]+)\ue001")  # a direction, while the stream is being written
_SPECIAL: Final = re.compile(r"([\\\[\]{}^$/@<>*+#~])")
_BLANK: Final = re.compile(r" (?=[.,](?:\s|$))")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_END: Final = re.compile(r"\.?\[\]\[#([0-9]+)#\]\s*")
_WORD: Final = re.compile(r"[^\W\d_][\w'’]*")
_ALWAYS: Final = frozenset({"I", "I'm", "I'll", "I've", "I'd"})  # has a capital in English alone


class Apertium:
    """The pairs that are installed. run: how its programs are run, see engines.settings.Run."""

    name = "apertium"

    def __init__(self, run: Run, modes: Path = MODES) -> None:
        self._run, self._modes = run, modes

    def translates(self, source: str, target: str) -> bool:
        """Whether the pair is installed; reads a folder."""
        return self._mode(source, target) is not None

    def pairs(self) -> tuple[str, ...]:
        """Those that are installed, as "en-es"; reads a folder."""
        named = (_MODE.fullmatch(path.stem) for path in self._modes.glob("*.mode"))
        pairs = {(_short(each[1]), _short(each[2])) for each in named if each}
        return tuple(sorted("-".join(pair) for pair in pairs - _USELESS))

    def mark(self, number: int, role: Role) -> str:
        """See base.Translator."""
        return f"Xq{number}x" if role == "name" else f"\ue000{number}\ue001"

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """See base.Translator."""
        mode = self._mode(source, target)
        if mode is None:
            raise EngineError(missing(source, target))
        command = (_SHELL, str(mode), "-n", "")  # -n: no marks at unknown words
        done: list[str] = []
        for part in _portions(texts):
            written = self._run(command, _stream(part).encode())
            done += _read(written.decode("utf-8", "replace"), part)
        return done

    def _mode(self, source: str, target: str) -> Path | None:
        """The file of the nearest one: the target's region counts, the source's does not."""
        found: dict[str, Path] = {}
        for path in sorted(self._modes.glob("*.mode")):
            named = _MODE.fullmatch(path.stem)
            pair = named and (_short(named[1]), _short(named[2]))
            if named and pair == (_code(source), _code(target)) and pair not in _USELESS:
                found.setdefault((named[3] or "").lower(), path)
        regions = (part.lower() for part in target.replace("_", "-").split("-")[1:])
        return next((found[part] for part in regions if part in found), found.get(""))


def package(source: str, target: str) -> str:
    """Debian's package of a pair, "" where it has none."""
    return _PACKAGES.get((_code(source), _code(target)), "")


def missing(source: str, target: str) -> str:
    """That a pair is not installed, and the fix."""
    name = package(source, target)
    fix = f"apt-get install {name}" if name else "apertium has no such pair"
    return f"apertium cannot translate from {source} to {target} here: {fix}"


def _code(tag: str) -> str:
    """BCP 47 -> as `_SHORT` has it; "no" is Bokmal, and Serbian, Croatian and Bosnian are one."""
    first = tag.replace("_", "-").split("-")[0].lower()
    return {"no": "nb", "sr": "hbs", "hr": "hbs", "bs": "hbs"}.get(first, first)


def _short(code: str) -> str:
    return _SHORT.get(code, code)


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in order, in lists of some length; one that is too long is refused."""
    part: list[str] = []
    length = 0
    for text in texts:
        if len(text) > LONGEST:
            raise EngineError(f"a paragraph is longer than {LONGEST} characters: divide it")
        if part and length + len(text) > _AT_ONCE:
            yield part
            part, length = [], 0
        part.append(text)
        length += len(text)
    if part:
        yield part


def _stream(texts: Sequence[str]) -> str:
    """Texts in stream format; ".[]" ends a sentence, so none has to do with the next."""
    return "".join(f"{_escaped(text)}.[][#{at}#]\n" for at, text in enumerate(texts))


def _escaped(text: str) -> str:
    flat = " ".join(text.replace("\0", " ").split())
    return _HELD.sub(r"[\1]", _SPECIAL.sub(r"\\\1", flat))


def _read(stream: str, texts: Sequence[str]) -> list[str]:
    """The texts of a stream. Raises EngineError where one is missing."""
    parts = _END.split(stream)
    found = {int(parts[at + 1]): parts[at] for at in range(0, len(parts) - 1, 2)}
    if sorted(found) != list(range(len(texts))):
        raise EngineError("apertium lost a part of the text: translate fewer scenes at once")
    return [_tidied(_unescaped(found[at]), text) for at, text in enumerate(texts)]


def _unescaped(text: str) -> str:
    held = re.sub(r"(?<!\\)\[([0-9]+)\]", "\ue000\\1\ue001", text)
    return _ESCAPED.sub(r"\1", held)


def _tidied(text: str, source: str) -> str:
    """Without capitals within a sentence that the source has not, "Gracias Para vuestra compra",
    and without blanks before its stops, "Soy Anna ."."""
    text = _BLANK.sub("", " ".join(text.split()))
    own = _capitals(source)
    found = _capitals(text)
    named = {word[0] for word in own}
    doubtful = [word for word in found if word[0] not in named]
    for word in reversed(doubtful[: max(0, len(found) - len(own))]):
        text = text[: word.start()] + word[0].lower() + text[word.end() :]
    return text


def _capitals(text: str) -> list[re.Match[str]]:
    """The words that begin with a capital, and not because a sentence begins with them."""
    found, end = [], None
    for word in _WORD.finditer(text):
        first = end is None or re.search(r"[.!?:¿¡\"“«(]", text[end : word.start()])
        if not first and word[0][0].isupper() and word[0] not in _ALWAYS:
            found.append(word)
        end = word.end()
    return found
