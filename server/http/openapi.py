"""The OpenAPI document of the server's own addresses, put together from tables.

Each room that has addresses of /v1 has a table of what they are (`Described`), and the composition
root says which there are. Addresses of doors speak what other programs speak, and are not in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.server.http.roles import ANYBODY, ruled

ADDRESS: Final = "/v1/openapi.json"
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
EVENTS: Final = "text/event-stream"
FILE: Final = "application/octet-stream"
FORM: Final = "multipart/form-data"
Schema = Mapping[str, Any]  # of JSON Schema 2020-12

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
WHOLE: Final[Schema] = {"type": "integer"}
YES_NO: Final[Schema] = {"type": "boolean"}
ANYTHING: Final[Schema] = {"type": "object"}
BYTES: Final[Schema] = {"type": "string", "format": "binary"}


def named(name: str) -> Schema:
    """One of the schemas that have names."""
    return {"$ref": f"#/components/schemas/{name}"}


def fields(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these; more may come with later versions."""
    found = {**required, **(optional or {})}
    return {"type": "object", "properties": found, "required": list(required)}


def listed(of: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": of}


def one_of(*words: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(words)}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of an address does.

    answers: by status what is in the body: a schema of JSON, the name of another media type, or
    None where there is none. body: by media type what is sent. query: names and what they are.
    """

    summary: str
    answers: Mapping[int, Schema | str | None]
    body: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """What belongs together. about: a heading. operations: by (method, address as in the router).

    schemas: those with names, that `named` refers to.
    """

    about: str
    operations: Mapping[tuple[str, str], Operation]
    schemas: Mapping[str, Schema] = field(default_factory=dict)


class OpenApiRoutes:
    """The document of these, made when it is first asked for."""

    def __init__(self, described: Sequence[Described], version: str) -> None:
        self._described, self._version = described, version

    @cached_property
    def _text(self) -> str:
        all_of_it = document([OWN, *self._described], self._version)
        return json.dumps(all_of_it, ensure_ascii=False)

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.get(ADDRESS, self._document)]

    async def close(self) -> None:
        """Nothing is under way here."""

    async def _document(self, _request: web.Request) -> web.Response:
        headers = {hdrs.CACHE_CONTROL: "no-cache"}
        return web.Response(text=self._text, content_type=JSON, headers=headers)


OWN: Final = Described(
    "This document",
    {("GET", ADDRESS): Operation("This document.", {200: ANYTHING})},
    {
        "Problem": fields(
            {"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT},
        )
    },
)


def document(described: Sequence[Described], version: str) -> dict[str, Any]:
    """OpenAPI 3.1. version: of the server."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Schema] = {}
    for part in described:
        schemas |= part.schemas
        for (method, address), operation in part.operations.items():
            shown = _operation(method, address, operation, part.about)
            paths.setdefault(address, {})[method.lower()] = shown
    return {
        "openapi": "3.1.0",
        "info": {"title": "visavis", "version": version, "license": {"name": "Apache-2.0",
                 "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "tags": [{"name": part.about} for part in described],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _operation(method: str, address: str, it: Operation, about: str) -> dict[str, Any]:
    rule = ruled(method, address)
    shown: dict[str, Any] = {
        "summary": it.summary,
        "tags": [about],
        "operationId": _id_of(method, address),
        "parameters": list(_parameters(address, it)),
        "responses": {str(status): _answer(what) for status, what in it.answers.items()},
        "security": [] if rule == ANYBODY else [{"token": []}],
    }
    if rule:
        shown["description"] = f"For: {', '.join(sorted(rule))}."
    shown["responses"]["default"] = {
        "description": "It cannot be done; see docs/api.md, Problems.",
        "content": {PROBLEM: {"schema": named("Problem")}},
    }
    if it.body:
        content = {media: {"schema": schema} for media, schema in it.body.items()}
        shown["requestBody"] = {"content": content, "required": True}
    return shown


def _parameters(address: str, it: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", address):
        yield {"name": name, "in": "path", "required": True, "schema": TEXT}
    for place, those in (("query", it.query), ("header", it.headers)):
        for name, what in those.items():
            yield {"name": name, "in": place, "description": what, "schema": TEXT}


def _answer(what: Schema | str | None) -> dict[str, Any]:
    if what is None:
        return {"description": "It is done."}
    if isinstance(what, str):
        return {"description": "What was asked for.", "content": {what: {"schema": BYTES}}}
    return {"description": "What was asked for.", "content": {JSON: {"schema": what}}}


def _id_of(method: str, address: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", address.removeprefix("/v1"))
    return method.lower() + "".join(word.capitalize() for word in words)
