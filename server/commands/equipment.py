"""Of `doctor`: the tools file, and the cards of the file of answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from visavis.engines.base import Card
from visavis.engines.dialogue import knowledge_file
from visavis.server.services import configured
from visavis.server.system import llm
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.tools.gallery import Gallery
from visavis.server.tools.specs import ToolsFile


def problems(config: Config) -> list[str]:
    """What keeps the server from starting, or from showing what it should."""
    try:
        file = configured.tools(config)
    except ConfigError as error:
        return [str(error)]
    gallery = Gallery(file.shown.pictures, file.shown.picture_hosts)
    return [why for card in _cards(config) if (why := _missing(card, gallery))]


def notes(config: Config) -> list[str]:
    """What works otherwise than one may think."""
    try:
        file = configured.tools(config)
    except ConfigError:
        return []
    if file.offers and config.dialogue != llm.NAME:
        return [f'tools are used by dialogue "{llm.NAME}" alone; this one shows cards and no more']
    return [
        f"tool {each.tool.name!r} sends its headers over http, where others can read them"
        for each in file.http
        if each.headers and urlsplit(each.url).scheme == "http"
    ]


def told(config: Config) -> str:
    """How much of it there is."""
    try:
        file = configured.tools(config)
    except ConfigError:
        return "cannot be read"
    return ", ".join(_counted(file)) or "none"


def _counted(file: ToolsFile) -> Iterator[str]:
    for count, what in (
        (len(file.builtins), "of visavis itself"),
        (len(file.http), "over HTTP"),
        (len(file.mcp), "MCP servers"),
    ):
        if count:
            yield f"{count} {what}"
    pictures = len(Gallery(file.shown.pictures).names)
    if pictures:
        yield f"{pictures} picture{'s' if pictures > 1 else ''} to show"


def _cards(config: Config) -> list[Card]:
    try:
        known = knowledge_file.load(Path(config.knowledge)) if config.knowledge else None
    except knowledge_file.KnowledgeError:
        return []  # which is told already
    entries = known.entries if known is not None else ()
    return [card for entry in entries for card in entry.cards]


def _missing(card: Card, gallery: Gallery) -> str:
    """Why a picture of a card cannot be shown; "": it can, or there is none."""
    for address in (card.address if card.kind == "picture" else "", card.image):
        if address and "://" not in address and gallery.path(address) is None:
            return f"the picture {address} of {card.title!r} is not in the folder of pictures"
        if "://" in address and Gallery.host(address) not in gallery.hosts:
            return f"the picture {address} of {card.title!r}: its host is not in picture_hosts"
    return ""
