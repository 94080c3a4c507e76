"""Tools that are part of visavis: something to look at, a human being, the end of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from visavis.engines.base import Card, Deed, Farewell, HandOver, Show, Tool
from visavis.engines.dialogue.card_lines import CardError, checked_page
from visavis.server.tools import templates
from visavis.server.tools.faults import ToolFault
from visavis.server.tools.gallery import Gallery
from visavis.server.tools.specs import Builtin, Shown

_TITLE: Final = {"type": "string", "minLength": 1, "maxLength": 80}
_LINE: Final = {"type": "string", "maxLength": 200}
# Whether somebody is there, the avatar says of its own after the answer.
_CALLED: Final = "The staff has been asked. Do not promise that somebody comes."
_SHOWN: Final = (
    "It is on the screen now. Say in a few words what it is; do not read an address out."
)


def tools(switched_on: Collection[Builtin], shown: Shown, gallery: Gallery) -> list[Tool]:
    """As a mind is offered them."""
    made = {
        "show_picture": lambda: _show_picture(shown, gallery),
        "show_link": lambda: _show_link(shown),
        "show_map": _show_map,
        "hand_over": _hand_over,
        "end_conversation": _end_conversation,
    }
    return [make() for name, make in made.items() if name in switched_on]


def _show_picture(shown: Shown, gallery: Gallery) -> Tool:
    names = gallery.names
    known = "; ".join(f"{name}: {shown.about[name]}" for name in names if name in shown.about)
    where = ["the name of one of the pictures"] if names else []
    if shown.picture_hosts:
        where.append(f"an https address at {', '.join(sorted(shown.picture_hosts))}")
    picture: dict[str, Any] = {"type": "string", "description": " or ".join(where)}
    if names and not shown.picture_hosts:
        picture["enum"] = list(names)
    words = "Show the visitor a picture beside you."
    return Tool(
        "show_picture",
        f"{words} There are: {known}." if known else words,
        _object({"picture": picture, "title": _TITLE}, "picture", "title"),
    )


def _show_link(shown: Shown) -> Tool:
    hosts = ", ".join(sorted(shown.link_hosts))
    return Tool(
        "show_link",
        f"Show the visitor a link that they can open. It must lead to {hosts}.",
        _object(
            {"address": {"type": "string", "maxLength": 500}, "title": _TITLE, "text": _LINE},
            "address", "title",
        ),
    )  # fmt: skip


def _show_map() -> Tool:
    return Tool(
        "show_map",
        "Show the visitor where a place is: its name and its postal address.",
        _object({"title": _TITLE, "place": {**_LINE, "minLength": 3}}, "title", "place"),
    )


def _hand_over() -> Tool:
    return Tool(
        "hand_over",
        "Ask a member of staff to come, when the visitor wants a human being or you cannot help.",
        _object({"reason": {**_LINE, "description": "for the staff, in a few words"}}, "reason"),
    )


def _end_conversation() -> Tool:
    return Tool(
        "end_conversation",
        "End the conversation, when the visitor has said goodbye or wants nothing more.",
        _object({}),
    )


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def perform(
    name: str, given: Mapping[str, Any], shown: Shown, gallery: Gallery
) -> tuple[Deed, str]:
    """What is to be done, and what a mind is told of it. Looks for files. Raises ToolFault."""
    match name:
        case "hand_over":
            return HandOver(given["reason"]), _CALLED
        case "end_conversation":
            return Farewell(), "It ends after your answer. Say a short goodbye, if you have not."
        case "show_picture":
            picture = given["picture"]
            if gallery.path(picture) is None and Gallery.host(picture) not in shown.picture_hosts:
                raise ToolFault("refused", "There is no such picture.")
            text = shown.about.get(picture, given["title"])
            return Show(Card("picture", given["title"], picture, text)), _SHOWN
        case "show_map":
            page = templates.address(shown.map_page, given) if shown.map_page else ""
            return Show(Card("map", given["title"], page, given["place"])), _SHOWN
        case _:
            return _link(given, shown), _SHOWN


def _link(given: Mapping[str, Any], shown: Shown) -> Show:
    """Raises ToolFault."""
    try:
        address = checked_page(given["address"])
    except CardError:
        raise ToolFault("refused", "That is no address of a page.") from None
    if Gallery.host(address) not in shown.link_hosts:
        hosts = ", ".join(sorted(shown.link_hosts)) or "no host"
        raise ToolFault("refused", f"A link may lead to {hosts} alone.")
    return Show(Card("link", given["title"], address, given.get("text", "")))
