"""The settings of translators, `studio_translator*`: what is wrong with them, what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from visavis.engines.registry import TRANSLATORS, as_translator
from visavis.server.system import llm

if TYPE_CHECKING:
    from visavis.engines.settings import ChatSettings
    from visavis.server.system.config import Config

_TOKENS: Final = 8192  # of one answer: 6000 characters in a script of one token a character
# s: nobody stands and waits, and a model on two cores takes its time
_FIRST, _BETWEEN, _TOTAL = 120.0, 30.0, 600.0
_TEMPERATURE: Final = 0.1


def faults(config: Config) -> Iterator[str]:
    """What does not fit together, in words with the fix."""
    wanted = config.studio_translator
    if as_translator(wanted) is None:
        yield f"studio_translator is {wanted!r}: choose {', '.join(TRANSLATORS)}"
    if wanted == "openai" and not _has_model(config):
        yield (
            "studio_translator openai asks a language model: set llm_base_url to its address, such "
            "as http://127.0.0.1:8080/v1, and llm_model or studio_translator_model to its name"
        )
    elif asks(config) and config.dialogue != llm.NAME:
        yield from llm.address_faults(config)
    if wanted == "ctranslate2" and not config.studio_translator_folder:
        yield "studio_translator ctranslate2 needs studio_translator_folder, a folder of models"


def chat(config: Config) -> ChatSettings | None:
    """The endpoint that translates; None where none is set. Raises ConfigError."""
    if not asks(config):
        return None
    return replace(
        llm.endpoint(config),
        model=config.studio_translator_model or config.llm_model,
        temperature=_TEMPERATURE,
        max_tokens=_TOKENS,
        first_token=_FIRST,
        between=_BETWEEN,
        total=_TOTAL,
    )


def folder(config: Config) -> Path | None:
    """Of CTranslate2 models; None where none is set."""
    set_to = config.studio_translator_folder
    return Path(set_to).expanduser() if set_to else None


def asks(config: Config) -> bool:
    """Whether scripts are sent to a language model."""
    return config.studio_translator in {"auto", "openai"} and _has_model(config)


def _has_model(config: Config) -> bool:
    return bool(config.llm_base_url and (config.studio_translator_model or config.llm_model))
