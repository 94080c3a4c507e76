"""What a tools file comes to: frozen, checked, complete. Nothing is contacted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from visavis.engines.base import Tool
from visavis.server.tools.selection import Step

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Builtin = Literal["show_picture", "show_link", "show_map", "hand_over", "end_conversation"]
# s of one call: a mind is given up after 20 without a word (services/minds.py).
LONGEST_CALL: Final = 15.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one call. seconds; bytes: of its answer; characters: of what a mind is told of that."""

    seconds: float = 5.0
    bytes: int = 64 << 10
    characters: int = 1500


@dataclass(frozen=True, slots=True)
class HttpTool:
    """One call over HTTP. url, query and body are templates, see `templates`.

    body: None: none; a text is sent as it is, anything else as JSON. answer: what is told of a
    JSON answer; None: all of it. redirects: how many are followed, to `hosts` alone; private:
    whether they may lead to addresses that are not public.
    """

    tool: Tool
    method: Method
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    answer: tuple[Step, ...] | None = None
    limits: Limits = Limits()
    redirects: int = 0
    hosts: frozenset[str] = frozenset()
    private: bool = False


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server of tools: a program that is started, or an address. tools: of it; empty: all.

    env: for the program, besides PATH, HOME and their like; folder: where it is started.
    """

    name: str
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tools: tuple[str, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown. pictures: a folder of them; None: there is none.

    picture_hosts: https hosts from which others may come; link_hosts: to which a mind may link;
    about: what is on a picture, by its file's name; map_page: the address of a map, with `{place}`.
    """

    pictures: Path | None = None
    picture_hosts: frozenset[str] = frozenset()
    link_hosts: frozenset[str] = frozenset()
    about: Mapping[str, str] = field(default_factory=dict)
    map_page: str = ""


@dataclass(frozen=True, slots=True)
class ToolsFile:
    """All that an operator gave to a mind."""

    builtins: frozenset[Builtin] = frozenset()
    shown: Shown = Shown()
    http: tuple[HttpTool, ...] = ()
    mcp: tuple[McpServer, ...] = ()

    @property
    def offers(self) -> bool:
        """Whether there is anything that a mind may use."""
        return bool(self.builtins or self.http or self.mcp)


NO_TOOLS: Final = ToolsFile()
