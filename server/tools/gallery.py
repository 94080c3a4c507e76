"""Pictures that visitors may be shown: those of one folder, and of hosts that an operator names."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from visavis.engines.base import Card
from visavis.engines.dialogue.card_lines import PICTURES

log = logging.getLogger(__name__)

ADDRESS: Final = "/v1/cards/"  # of a picture in the folder, on this server
LARGEST: Final = 8 << 20  # bytes of a picture
_MOST: Final = 200  # pictures of which a mind is told
_KINDS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)


class Gallery:
    """folder: of pictures; None: there is none. hosts: https hosts from which others may come."""

    def __init__(self, folder: Path | None = None, hosts: Collection[str] = ()) -> None:
        self._folder, self.hosts = folder, frozenset(hosts)

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the folder, as it is now."""
        if self._folder is None:
            return ()
        try:
            found = sorted(each.name for each in self._folder.iterdir() if self.path(each.name))
        except OSError:
            return ()
        return tuple(found[:_MOST])

    def path(self, name: str) -> Path | None:
        """The file of a picture in the folder; None: there is none of that name."""
        if self._folder is None or "/" in name or name.startswith(".") or "\0" in name:
            return None
        path = self._folder / name
        if not name.lower().endswith(PICTURES) or not path.is_file():
            return None
        inside = path.resolve().parent == self._folder.resolve()  # no link that leads out of it
        return path if inside else None

    def admitted(self, card: Card) -> Card | None:
        """A card with pictures at addresses that a page may load, or without its `image`.

        None where there is nothing left to show. No file is looked for: that takes its time.
        """
        address = self._picture(card.address) if card.kind == "picture" else card.address
        if card.kind == "picture" and not address:
            log.warning("a picture was not shown: no folder for it, or a host that is not allowed")
            return None
        return replace(card, address=address, image=self._picture(card.image))

    def _picture(self, address: str) -> str:
        """ "": it may not be shown."""
        if "://" in address:
            allowed = address.startswith("https://") and self.host(address) in self.hosts
            return address if allowed else ""
        return f"{ADDRESS}{quote(address)}" if address and self._folder is not None else ""

    @staticmethod
    def host(address: str) -> str:
        """Of an address; "" where it has none."""
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return ""
        return host if port is None else ""


def kind(head: bytes) -> str | None:
    """The media type of a picture, by its first bytes; None: it is none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((media for start, media in _KINDS if head.startswith(start)), None)
