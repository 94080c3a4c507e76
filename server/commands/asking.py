"""What `visavis doctor` says of the language model: whether it can be reached, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from visavis.server.system import llm
from visavis.server.system.config import Config


@dataclass(frozen=True, slots=True)
class Endpoint:
    """words: for people; first_token: s. Where none is asked, both are empty."""

    words: str = ""
    first_token: float | None = None
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def examine(config: Config) -> Endpoint:
    """Ask the endpoint, if there is one; nothing of a visitor's is sent. Raises ConfigError."""
    chat = llm.chat(config)
    if chat is None:
        return Endpoint()
    where = f"{chat.model} at {chat.base_url}"
    try:
        examining = import_module("visavis.engines.dialogue.chat.examining")
    except ImportError:
        from visavis.engines.dialogue.chat.mind import MISSING

        return Endpoint(f"{where}: cannot be asked", problems=(MISSING,))
    found = examining.examine(chat)
    if found.first_token is None:
        return Endpoint(f"{where}: does not answer", None, found.problems, found.doubts)
    words = f"{where}: first token after {found.first_token:.2f} s"
    return Endpoint(words, found.first_token, found.problems, found.doubts)
