"""The language of a conversation: in which it is, and when it goes over to another one.

It follows the visitor unasked only where that is wanted. Who asks for a language by its name is
obeyed anyway, as who chooses it on a page is, or told which ones there are. Knows nothing of voices
or recognisers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from visavis.engines.language import detection, tongues
from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.engines.language.phrasebook import LANGUAGES as OWN
from visavis.engines.language.phrasebook import phrase
from visavis.engines.language.tongues import ALL, names_of
from visavis.server.system.config_faults import AUTO

# Words of speech from which alone the recogniser is believed that it is another language.
_ENOUGH: Final = 3


def unknown(language: str, languages: Sequence[str]) -> str:
    """Why a conversation cannot be in a language, and which ones it can be in."""
    return f"There is no language {language!r} here: choose {AUTO} or {', '.join(languages)}."


def followed(languages: Sequence[str], language: str) -> tuple[str, ...]:
    """Of languages that can be spoken, those that are gone over to unasked, and `language`."""
    return tuple(each for each in languages if each in OWN or each == code_of(language))


@dataclass(frozen=True, slots=True)
class Wish:
    """What comes of asking for one. language: to speak from now on; text: what is said."""

    language: str
    text: str


class Switching:
    """One conversation's. language: BCP 47, as it is now. languages: codes of what it can be in."""

    def __init__(self, language: str, languages: tuple[str, ...], *, follows: bool) -> None:
        self.language, self.languages, self.follows = language, languages, follows

    @property
    def followed(self) -> tuple[str, ...]:
        """Languages that it goes over to unasked: those that it has words of its own in."""
        return followed(self.languages, self.language)

    def of(self, text: str, heard: str = "") -> str:
        """The language in which a visitor's words are answered.

        heard: what the recogniser takes their language for; "": they were typed.
        """
        if not self.follows:
            return self.language
        found = code_of(heard) if heard else self._typed(text)
        if found == code_of(self.language) or found not in self.followed:
            return self.language
        if heard and not self._enough(text, found) and self._typed(text) != found:
            return self.language
        return found

    def asked(self, text: str) -> Wish | None:
        """What a text that asks for a language comes to; None: it asks for none."""
        wanted = tongues.asked(text)
        if wanted is None:
            return None
        if wanted == ALL:
            return self._told("switching.all")
        if wanted == code_of(self.language):
            return self._named("switching.already", self.language)
        if wanted not in self.languages:
            return self._told("switching.only")
        return self._named("switching.now", wanted)

    def foreign(self) -> str:
        """What is said to speech in a language that is not understood."""
        understood = self.followed if self.follows else (code_of(self.language),)
        names = names_of(understood, self.language)
        return phrase("ears.foreign", self.language).format(languages=names)

    def _typed(self, text: str) -> str:
        return detection.language_of(text, self.followed, code_of(self.language))

    def _enough(self, text: str, language: str) -> bool:
        """Whether speech is long enough to tell its language by its sound."""
        blanks = LANGUAGES[language].blanks
        return len(text.split() if blanks else text) >= _ENOUGH

    def _told(self, key: str) -> Wish:
        names = names_of(self.languages, self.language)
        return Wish(self.language, phrase(key, self.language).format(languages=names))

    def _named(self, key: str, language: str) -> Wish:
        name = tongues.name_of(language, language)
        return Wish(language, phrase(key, language).format(language=name))
