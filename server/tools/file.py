"""The tools file, TOML: read and checked as a whole, so that a mistake stops the start."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, cast, get_args
from urllib.parse import urlsplit

from visavis.engines.base import Tool
from visavis.engines.dialogue.card_lines import PICTURES
from visavis.server.system.errors import ConfigError
from visavis.server.tools import schema, selection, templates
from visavis.server.tools.specs import (
    LONGEST_CALL,
    Builtin,
    HttpTool,
    Limits,
    McpServer,
    Method,
    Shown,
    ToolsFile,
)
from visavis.server.tools.table import Table

BUILTINS: Final[tuple[Builtin, ...]] = get_args(Builtin)
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # what chat endpoints take for a tool
_METHODS: Final[tuple[Method, ...]] = get_args(Method)
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_LARGEST: Final = 1 << 20  # bytes of the file
_MOST: Final = 64  # tools of one kind
_EMPTY: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


def load(path: Path, env: Mapping[str, str] = os.environ) -> ToolsFile:
    """A tools file with its secrets from the environment. Raises ConfigError: file, line or key."""
    try:
        data = path.read_bytes()
        if len(data) > _LARGEST:
            raise ConfigError(f"{path}: a tools file has at most {_LARGEST} bytes")
        values = tomllib.loads(data.decode())
    except OSError as error:
        raise ConfigError(f"tools {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None  # a text with line and column
    return read(values, path, env)


def read(values: Mapping[str, Any], path: Path, env: Mapping[str, str]) -> ToolsFile:
    """The tables of a tools file at `path`. Raises ConfigError."""
    top = Table(values, str(path), env)
    switches, cards = top.table("builtins"), top.table("cards")
    made = ToolsFile(
        frozenset(name for name in BUILTINS if switches.flag(name)),
        _shown(cards, path.parent),
        tuple(_http(table) for table in _few(top, "http")),
        tuple(_mcp(table, path.parent) for table in _few(top, "mcp")),
    )
    for table in (switches, top):
        table.done()
    _refuse_twins(top, made)
    return made


def _few(top: Table, key: str) -> list[Table]:
    tables = top.tables(key)
    if len(tables) > _MOST:
        raise top.fault(key, f"has {len(tables)} tables: {_MOST} at most")
    return tables


def _refuse_twins(top: Table, made: ToolsFile) -> None:
    names = [*made.builtins, *(each.tool.name for each in made.http)]
    for kind, found in (("tools", names), ("MCP servers", [each.name for each in made.mcp])):
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise top.fault(twice[0], f"is the name of two {kind}")


# --- what is shown -------------------------------------------------------------------------------


def _shown(table: Table, base: Path) -> Shown:
    folder = table.path("pictures", base)
    if folder is not None and not folder.is_dir():
        raise table.fault("pictures", f"is {folder}, which is no folder")
    about = table.pairs("about")
    for name in about:
        if folder is None or not (folder / name).is_file() or not name.endswith(PICTURES):
            raise table.fault("about", f"names {name}, which is no picture in the folder pictures")
    page = table.text("map_page", "")
    if page:
        _address(table, "map_page", page)
        if _names(table, "map_page", page) != ["place"]:
            raise table.fault("map_page", "must have {place} in it, once")
    shown = Shown(folder, _hosts(table, "picture_hosts"), _hosts(table, "link_hosts"), about, page)
    table.done()
    return shown


def _hosts(table: Table, key: str) -> frozenset[str]:
    hosts = [host.lower() for host in table.texts(key)]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise table.fault(key, f"has {host!r}: write a host's name alone, as hotel.example")
    return frozenset(hosts)


# --- calls over HTTP -----------------------------------------------------------------------------


def _http(table: Table) -> HttpTool:
    tool = Tool(_name(table), table.text("description"), _parameters(table))
    method, url = table.text("method", "GET").upper(), table.text("url")
    if method not in _METHODS:
        raise table.fault("method", f"must be one of {', '.join(_METHODS)}")
    host = _address(table, "url", url)
    query, body = table.pairs("query"), _body(table, table.raw("body"))
    if body is not None and method == "GET":
        raise table.fault("body", "cannot go with method GET")
    _check_names(table, tool, url, query, body)
    answer = table.text("answer", "")
    made = HttpTool(
        tool,
        method,
        url,
        query,
        _headers(table),
        body,
        table.checked("answer", lambda: selection.parse(answer)) if answer else None,
        _limits(table),
        int(table.number("redirects", 0, 0, 5)),
        _hosts(table, "hosts") | {host},
        table.flag("private"),
    )
    table.done()
    return made


def _name(table: Table) -> str:
    name = table.text("name")
    if not NAME.fullmatch(name):
        raise table.fault("name", "must be 1 to 64 letters, digits, _ and -")
    return name


def _parameters(table: Table) -> Mapping[str, Any]:
    parameters = table.raw("parameters")
    if parameters is None:
        return _EMPTY
    table.checked("parameters", lambda: schema.check(parameters))
    if parameters["type"] != "object":
        raise table.fault("parameters", 'must be of type "object"')
    return cast(Mapping[str, Any], parameters)


def _address(table: Table, key: str, url: str) -> str:
    """The host of an address that may hold parameters behind it. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise table.fault(key, "is no address") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise table.fault(key, "must begin with https:// or http:// and a host")
    if "@" in parts.netloc:
        raise table.fault(key, "must not name an account: write it into headers, as ${NAME}")
    if "{" in parts.netloc or parts.fragment:
        raise table.fault(key, "must have its parameters behind the host, and no #")
    return host


def _check_names(table: Table, tool: Tool, url: str, query: Mapping[str, str], body: Any) -> None:
    """Every parameter that a template names is described. Raises ConfigError."""
    properties = cast(Collection[str], tool.parameters.get("properties", {}))
    required = cast(Collection[str], tool.parameters.get("required", []))
    for key, template, allowed, why in (
        ("url", url, required, "which parameters must name in required"),
        ("query", query, properties, "which parameters does not describe"),
        ("body", body, properties, "which parameters does not describe"),
    ):
        for name in _names(table, key, template):
            if name not in allowed:
                raise table.fault(key, f"uses {{{name}}}, {why}")


def _names(table: Table, key: str, template: Any) -> list[str]:
    return table.checked(key, lambda: list(templates.names(template)))


def _headers(table: Table) -> dict[str, str]:
    headers = table.pairs("headers")
    for name, text in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in {"host", "content-length"}:
            raise table.fault("headers", f"cannot have {name!r}")
        headers[name] = table.secrets("headers", text)
        if not headers[name].isprintable() or not headers[name].isascii():
            raise table.fault("headers", f"{name} must be plain ASCII text")
    return headers


def _body(table: Table, body: Any) -> Any:
    """A template with its secrets, of whose braces none begins a parameter. Raises ConfigError."""
    if isinstance(body, str):
        return table.secrets("body", body, templates.literal)
    if isinstance(body, dict):
        return {name: _body(table, value) for name, value in body.items()}
    if isinstance(body, list):
        return [_body(table, value) for value in body]
    if body is not None and not isinstance(body, (bool, int, float)):
        raise table.fault("body", "can hold texts, numbers, true, false, lists and tables")
    return body


def _limits(table: Table) -> Limits:
    usual = Limits()
    return Limits(
        table.number("timeout_seconds", usual.seconds, 0.1, LONGEST_CALL),
        int(table.number("most_bytes", usual.bytes, 256, 4 << 20)),
        int(table.number("most_characters", usual.characters, 20, 20_000)),
    )


# --- MCP servers ---------------------------------------------------------------------------------


def _mcp(table: Table, base: Path) -> McpServer:
    command, url = table.texts("command"), table.text("url", "")
    if bool(command) == bool(url):
        raise table.fault("command", "or url: one of them is needed, and not both")
    if url:
        _address(table, "url", url)
        if "{" in url:
            raise table.fault("url", "takes no parameters")
    env = {name: table.secrets("env", text) for name, text in table.pairs("env").items()}
    made = McpServer(
        _name(table),
        command,
        env,
        table.path("folder", base) or base,
        url,
        _headers(table),
        table.texts("tools"),
        _limits(table),
    )
    for key, given, other in (("env", env, "command"), ("headers", made.headers, "url")):
        if given and not table.has(other):
            raise table.fault(key, f"goes with {other} alone")
    table.done()
    return made
