"""What a conversation leaves that ended while its visitor was away, so that another can go on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from visavis.server.session import keepsake
from visavis.server.session.keepsake import Keepsake
from visavis.server.system.config import Source, as_source


@dataclass(frozen=True, slots=True)
class Legacy:
    """token: what its visitor resumes it by. lost: s of time.monotonic() since nobody is there.

    taken: messages that clients sent so far, as `protocol.Ready` tells.
    """

    token: str = field(repr=False)
    lost: float
    taken: int
    avatar: str
    voice: str
    source: Source
    keepsake: Keepsake
    background: str = ""

    def written(self) -> str:
        """As JSON, without the token."""
        told = [self.lost, self.taken, self.avatar, self.voice, self.source, self.background]
        return json.dumps([*told, keepsake.written(self.keepsake.within())], ensure_ascii=False)


def read(text: str, token: str) -> Legacy:
    """What `written` wrote. Raises ValueError, KeyError, TypeError."""
    lost, taken, avatar, voice, source, background, kept = json.loads(text)
    return Legacy(
        token, float(lost), int(taken), str(avatar), str(voice),
        as_source(source) or "dialogue", keepsake.read(kept),
        str(background),
    )  # fmt: skip
