"""Who translates between two languages: by the operator's wish, or the first who can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from visavis.engines.base import EngineError
from visavis.engines.settings import TranslationSettings
from visavis.engines.translation import apertium
from visavis.engines.translation.base import Translator
from visavis.engines.translation.ctranslate import CTranslate

_NOBODY: Final = "there is no translator from {source} to {target} here: {fixes}"
_MODEL: Final = "set llm_base_url and llm_model to a language model"
_FOLDER: Final = "set studio_translator_folder to a CTranslate2 model that has both"


class Choosing:
    """See base.Translators. Best first: a language model, a model of translation, rules."""

    def __init__(self, settings: TranslationSettings) -> None:
        self._settings = settings
        self._models: CTranslate | None = None

    def __call__(self, source: str, target: str) -> Translator:
        """See base.Translators."""
        for translator in self._able(source, target):
            return translator
        raise EngineError(
            _NOBODY.format(source=source, target=target, fixes=self._fixes(source, target))
        )

    def words(self) -> str:
        """See base.Translators; who is wanted alone. Reads folders."""
        found = []
        if self._wants("openai") and self._settings.chat is not None:
            found.append(f"the language model {_chat(self._settings).name}")
        if (models := self._folder()) is not None:
            found.append(f"CTranslate2 ({' '.join(models.pairs())})")
        if (rules := self._rules()) is not None and (pairs := rules.pairs()):
            found.append(f"apertium ({' '.join(pairs)})")
        return ", ".join(found)

    def _folder(self) -> CTranslate | None:
        """Raises EngineError."""
        if not self._wants("ctranslate2") or self._settings.folder is None:
            return None
        self._models = self._models or CTranslate(self._settings.folder)
        return self._models

    def _rules(self) -> apertium.Apertium | None:
        if not self._wants("apertium") or self._settings.run is None:
            return None
        return apertium.Apertium(self._settings.run)

    def _able(self, source: str, target: str) -> Iterator[Translator]:
        """Those that are wanted, here, and have both languages. Raises EngineError."""
        if self._wants("openai") and self._settings.chat is not None:
            yield _chat(self._settings)
        if (models := self._folder()) is not None and models.translates(source, target):
            yield models
        if (rules := self._rules()) is not None and rules.translates(source, target):
            yield rules

    def _wants(self, name: str) -> bool:
        return self._settings.wanted in ("auto", name)

    def _fixes(self, source: str, target: str) -> str:
        fixes = []
        package = apertium.package(source, target)
        if self._wants("apertium") and package:
            fixes.append(f"apt-get install {package}")
        elif self._settings.wanted == "apertium":
            fixes.append("apertium has no such pair; set studio_translator to auto")
        if self._wants("openai"):
            fixes.append(_MODEL)
        if self._wants("ctranslate2"):
            fixes.append(_FOLDER)
        return ", or ".join(fixes)


def _chat(settings: TranslationSettings) -> Translator:
    try:
        from visavis.engines.translation.chat import ChatTranslator
    except ImportError as error:
        raise EngineError(
            "a language model needs packages that are not installed: `pip install visavis[llm]`"
        ) from error
    assert settings.chat is not None
    return ChatTranslator(settings.chat)
