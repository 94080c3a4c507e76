"""What a connection carries: which kinds we send, and whether the peer's sound is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["audio", "video"]
BOTH: Final[frozenset[Kind]] = frozenset({"audio", "video"})
_SOUND: Final[frozenset[Kind]] = frozenset({"audio"})
_NEITHER: Final[frozenset[Kind]] = frozenset()


@dataclass(frozen=True, slots=True)
class Media:
    """sends: what goes out of what the peer receives. needs: of these, without which an offer is
    refused. takes: whether the peer's sound comes in; and then it `must`, or the offer is refused.
    """

    sends: frozenset[Kind] = BOTH
    needs: frozenset[Kind] = BOTH
    takes: bool = True
    must: bool = False


VISITOR: Final = Media()  # speaks, and sees and hears the face
WATCHED: Final = Media(needs=_NEITHER, takes=False)  # a player: any of both, at least one
SPOKEN: Final = Media(needs=_SOUND)  # a voice client, which may also want a picture
HEARD: Final = Media(sends=_NEITHER, needs=_NEITHER, must=True)  # a microphone alone
