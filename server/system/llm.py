"""The settings of a language model, `llm_*`: what is wrong with them, and what they come to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from visavis.server.system import secret_files
from visavis.server.system.errors import ConfigError

if TYPE_CHECKING:
    from visavis.engines.settings import ChatSettings
    from visavis.server.system.config import Config

NAME: Final = "openai"  # the dialogue that they are for
LONGEST_WAIT: Final = 20.0  # s for a piece of an answer: no mind is given more (services/minds.py)
_LONGEST_TURN: Final = 300.0  # s
_TOKENS: Final = 4096
_LARGEST: Final = 64 << 10  # bytes of a file of headers
_HEADER: Final = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}):[ \t]*([\x20-\x7e]{0,4000})")


def faults(config: Config) -> Iterator[str]:
    """What does not fit together, in words with the fix; nothing where no model is asked."""
    if config.llm_key and config.llm_key_file:
        yield "llm_key and llm_key_file are both set: keep one of them"
    if config.dialogue != NAME:
        return
    if not config.llm_base_url or not config.llm_model:
        yield (
            f'dialogue "{NAME}" asks a language model: set llm_base_url to its address, such as '
            "http://127.0.0.1:8080/v1, and llm_model to its name"
        )
    else:
        yield from address_faults(config)
    yield from _number_faults(config)
    for key in ("llm_bound", "llm_speculate"):
        if getattr(config, key) not in {"on", "off"}:
            yield f"{key} is {getattr(config, key)!r}: choose on or off"


def address_faults(config: Config) -> Iterator[str]:
    """What is wrong with the endpoint's address, where one is set."""
    if urlsplit(config.llm_base_url).scheme not in {"http", "https"}:
        yield f"llm_base_url is {_shown(config.llm_base_url)!r}: it begins with http:// or https://"
    elif "@" in urlsplit(config.llm_base_url).netloc:
        yield "llm_base_url names an account: put the key into llm_key_file instead"


def _number_faults(config: Config) -> Iterator[str]:
    if not 0.0 <= config.llm_temperature <= 2.0:
        yield f"llm_temperature is {config.llm_temperature:g}: choose a number from 0 to 2"
    if not 1 <= config.llm_max_tokens <= _TOKENS:
        yield f"llm_max_tokens is {config.llm_max_tokens}: choose a number from 1 to {_TOKENS}"
    for key in ("llm_connect_seconds", "llm_first_token_seconds", "llm_between_seconds"):
        if not 0.0 < getattr(config, key) < LONGEST_WAIT:
            yield f"{key} is {getattr(config, key):g}: choose less than {LONGEST_WAIT:g} s"
    if not 0.0 < config.llm_total_seconds <= _LONGEST_TURN:
        yield f"llm_total_seconds is {config.llm_total_seconds:g}: choose {_LONGEST_TURN:g} at most"


def chat(config: Config) -> ChatSettings | None:
    """The endpoint and how a dialogue uses it; None where none asks it. Raises ConfigError."""
    return endpoint(config) if config.dialogue == NAME else None


def endpoint(config: Config) -> ChatSettings:
    """The endpoint, whoever asks it. Raises ConfigError."""
    from visavis.engines.settings import ChatSettings  # has numpy; the command line has not

    key_file = config.llm_key_file
    return ChatSettings(
        base_url=config.llm_base_url,
        model=config.llm_model,
        key=secret_files.read(Path(key_file).expanduser(), "llm_key_file")
        if key_file
        else config.llm_key,
        headers=_headers(config.llm_headers_file),
        extra=_extra(config.llm_extra),
        temperature=config.llm_temperature,
        max_tokens=config.llm_max_tokens,
        connect=config.llm_connect_seconds,
        first_token=config.llm_first_token_seconds,
        between=config.llm_between_seconds,
        total=config.llm_total_seconds,
        persona=Path(config.llm_persona).expanduser() if config.llm_persona else None,
        bound=config.llm_bound == "on",
        speculate=config.llm_speculate == "on",
    )


def _headers(file: str) -> Mapping[str, str]:
    """A file with a header a line, "Name: value"; lines that begin with # are remarks."""
    if not file:
        return {}
    path = Path(file).expanduser()
    try:
        with path.open("rb") as opened:
            text = opened.read(_LARGEST + 1).decode("ascii")
    except OSError as error:
        raise ConfigError(f"llm_headers_file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"llm_headers_file {path}: headers are plain ASCII text") from None
    if len(text) > _LARGEST:
        raise ConfigError(f"llm_headers_file {path}: it has more than {_LARGEST >> 10} KB")
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        header = _HEADER.fullmatch(line.strip())
        if header is None:  # the line itself may be a secret
            raise ConfigError(f"llm_headers_file {path}, line {number}: write Name: value")
        found[header[1]] = header[2]
    return found


def _extra(text: str) -> Mapping[str, object]:
    """A JSON object that is added to the body of each request."""
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"llm_extra is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError('llm_extra must be a JSON object, such as {"top_p": 0.9}')
    return value


def _shown(url: str) -> str:
    return url.partition("?")[0].rpartition("@")[2]
