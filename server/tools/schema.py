"""The part of JSON Schema (2020-12) in which parameters of a tool are described, and its check.

A keyword that is not of this part is refused when the file is read, not ignored: an operator who
writes `maximum` must be able to rely on it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_KINDS: Final[Mapping[str, Any]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_LENGTHS: Final = ("minLength", "maxLength", "minItems", "maxItems")
_LIMITS: Final = ("minimum", "maximum")
_WORDS: Final = ("title", "description", "default", "examples")
_KNOWN: Final = {
    "type", "enum", "properties", "required", "additionalProperties", "items", "pattern",
    *_LENGTHS, *_LIMITS, *_WORDS,
}  # fmt: skip
_DEEPEST: Final = 8
_LONGEST: Final = 4000  # characters of a text that has no maxLength


class SchemaError(ValueError):
    """A schema is not one, or not of this part; the text names the keyword."""


def check(schema: Any, where: str = "parameters", depth: int = 0) -> None:
    """Refuse a schema that `faults` would not enforce in full. Raises SchemaError."""
    if not isinstance(schema, Mapping):
        raise SchemaError(f"{where} must be a table")
    if depth > _DEEPEST:
        raise SchemaError(f"{where} is over {_DEEPEST} tables deep")
    unknown = sorted(set(schema) - _KNOWN)
    if unknown:
        raise SchemaError(f"{where}: {unknown[0]} is not enforced here, so it may not be used")
    if schema.get("type") not in _KINDS:
        raise SchemaError(f"{where}: type must be one of {', '.join(_KINDS)}")
    _check_keywords(schema, where)
    for name, inner in schema.get("properties", {}).items():
        check(inner, f"{where}.{name}", depth + 1)
    if "items" in schema:
        check(schema["items"], f"{where}.items", depth + 1)


def _check_keywords(schema: Mapping[str, Any], where: str) -> None:
    for key in _LENGTHS:
        if key in schema and (type(schema[key]) is not int or schema[key] < 0):
            raise SchemaError(f"{where}: {key} must be a whole number of 0 or more")
    for key in _LIMITS:
        if key in schema and not _is_number(schema[key]):
            raise SchemaError(f"{where}: {key} must be a number")
    if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
        raise SchemaError(f"{where}: enum must be a list of values")
    if not isinstance(schema.get("properties", {}), Mapping):
        raise SchemaError(f"{where}: properties must be a table")
    if not isinstance(schema.get("additionalProperties", False), bool):
        raise SchemaError(f"{where}: additionalProperties must be true or false")
    required, properties = schema.get("required", []), schema.get("properties", {})
    if not isinstance(required, list) or any(name not in properties for name in required):
        raise SchemaError(f"{where}: required must be a list of names in properties")
    try:
        re.compile(schema.get("pattern", ""))
    except (re.error, TypeError):
        raise SchemaError(f"{where}: pattern is no regular expression") from None


def faults(schema: Mapping[str, Any], value: Any, where: str = "") -> Iterator[str]:
    """What of a value breaks its schema, in words for a model; nothing: it holds.

    The value's own texts are not repeated. Properties that are not named are faults, unless the
    schema allows them.
    """
    name = where or "it"
    kind = schema["type"]
    if not _is_of(kind, value):
        yield f"{name} must be of type {kind}"
        return
    if "enum" in schema and not any(_same(value, each) for each in schema["enum"]):
        yield f"{name} must be one of {', '.join(str(each) for each in schema['enum'])}"
    if isinstance(value, str):
        yield from _text_faults(schema, value, name)
    elif _is_number(value):
        yield from _number_faults(schema, value, name)
    elif isinstance(value, list):
        yield from _length_faults(schema, len(value), "Items", "items", name)
        for number, item in enumerate(value):
            if "items" in schema:
                yield from faults(schema["items"], item, f"{where}[{number}]")
    elif isinstance(value, dict):
        yield from _object_faults(schema, value, where)


def _object_faults(
    schema: Mapping[str, Any], value: Mapping[str, Any], where: str
) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{_path(where, name)} is missing"
    for name, inner in value.items():
        if name in properties:
            yield from faults(properties[name], inner, _path(where, name))
        elif not schema.get("additionalProperties", False):
            known = ", ".join(properties) or "none"
            yield f"there is a property that is not known; known: {known}"


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _text_faults(schema: Mapping[str, Any], value: str, name: str) -> Iterator[str]:
    limited = {"maxLength": _LONGEST, **schema}
    yield from _length_faults(limited, len(value), "Length", "characters", name)
    pattern = schema.get("pattern", "") if len(value) <= limited["maxLength"] else ""
    if re.search(pattern, value) is None:
        yield f"{name} does not have the form that is wanted ({pattern})"


def _length_faults(
    schema: Mapping[str, Any], length: int, key: str, what: str, name: str
) -> Iterator[str]:
    if length < schema.get(f"min{key}", 0):
        yield f"{name} must have at least {schema[f'min{key}']} {what}"
    if length > schema.get(f"max{key}", math.inf):
        yield f"{name} must have at most {schema[f'max{key}']} {what}"


def _number_faults(schema: Mapping[str, Any], value: float, name: str) -> Iterator[str]:
    if value < schema.get("minimum", -math.inf):
        yield f"{name} must be at least {schema['minimum']}"
    if value > schema.get("maximum", math.inf):
        yield f"{name} must be at most {schema['maximum']}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_of(kind: str, value: Any) -> bool:
    """JSON's types: true is no number, and 2.0 is an integer."""
    if kind == "integer":
        return _is_number(value) and value == int(value)
    if kind == "number":
        return _is_number(value)
    return isinstance(value, _KINDS[kind])


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
