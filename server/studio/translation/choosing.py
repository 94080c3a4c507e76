"""The translators of an installation, by its settings."""

from __future__ import annotations

from visavis.engines import load
from visavis.engines.base import EngineError
from visavis.engines.registry import as_translator
from visavis.engines.settings import TranslationSettings
from visavis.engines.translation.base import Translators
from visavis.server.system import translators
from visavis.server.system.config import Config
from visavis.server.system.programs import Shut


def configured(config: Config) -> Translators:
    """Loads nothing. Raises ConfigError."""
    return load.translators(
        TranslationSettings(
            wanted=as_translator(config.studio_translator) or "auto",
            chat=translators.chat(config),
            folder=translators.folder(config),
            run=Shut(),
        )
    )


def told(config: Config) -> tuple[str, str]:
    """Who translates, in words, and what is wrong with it, "": nothing. Raises ConfigError."""
    try:
        return configured(config).words() or "nobody", ""
    except EngineError as error:
        return "nobody", str(error)
