"""Texts and tables of an operator with `{names}` of parameters in them, filled with arguments.

A text that is one name alone becomes the argument itself, a number stays a number; anything else
becomes text. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_HOLE: Final = re.compile(r"\{\{|\}\}|\{(" + _NAME + r")\}|[{}]", re.ASCII)
_ALONE: Final = re.compile(r"\{(" + _NAME + r")\}", re.ASCII)


class TemplateError(ValueError):
    """A template has a brace without its other half, or arguments that may not stand there."""


class _Left(Exception):
    """An optional argument was not given: what it stands in is left out."""


def names(template: Any) -> Iterator[str]:
    """The parameters in a template of any shape. Raises TemplateError."""
    if isinstance(template, str):
        for found in _HOLE.finditer(template):
            if found[0] in "{}":
                raise TemplateError("has a lone brace: write {{ or }} for a brace")
            if found[1]:
                yield found[1]
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from names(value)
    elif isinstance(template, list):
        for value in template:
            yield from names(value)


def literal(text: str) -> str:
    """A text in a template that stands for itself."""
    return text.replace("{", "{{").replace("}", "}}")


def filled(template: Any, arguments: Mapping[str, Any]) -> Any:
    """The template with its arguments; entries whose argument was not given are left out.

    None where nothing is left.
    """
    try:
        return _filled(template, arguments)
    except _Left:
        return None


def _filled(template: Any, arguments: Mapping[str, Any]) -> Any:
    if isinstance(template, str):
        alone = _ALONE.fullmatch(template)
        if alone is None:
            return _text(template, arguments, _as_text)
        return _given(alone[1], arguments)
    if isinstance(template, Mapping):
        pairs = ((name, filled(value, arguments)) for name, value in template.items())
        return {name: value for name, value in pairs if value is not None}
    if isinstance(template, list):
        values = (filled(value, arguments) for value in template)
        return [value for value in values if value is not None]
    return template


def address(template: str, arguments: Mapping[str, Any]) -> str:
    """An address with arguments quoted: none can leave the place where it stands.

    Raises TemplateError.
    """
    try:
        return _text(template, arguments, _quoted)
    except _Left:
        raise TemplateError("an argument that the address needs was not given") from None


def text_of(value: Any) -> str:
    """An argument as it is written in a text: true, not True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text_of(each) for each in value)
    return str(value)


def _as_text(value: Any) -> str:
    return text_of(value)


def _quoted(value: Any) -> str:
    quoted = quote(text_of(value), safe="")
    if quoted in {"", ".", ".."}:  # which would lead to another address (RFC 3986 5.2.4)
        raise TemplateError("an argument must not be empty, . or ..")
    return quoted


def _text(template: str, arguments: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    def value(found: re.Match[str]) -> str:
        return write(_given(found[1], arguments)) if found[1] else found[0][0]

    return _HOLE.sub(value, template)


def _given(name: str, arguments: Mapping[str, Any]) -> Any:
    if arguments.get(name) is None:
        raise _Left
    return arguments[name]
