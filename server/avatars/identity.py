"""How a server makes sure whose face a new avatar has: its parts, and what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from visavis.server.avatars.challenges import Challenges
from visavis.server.avatars.comparing import Comparing

Asked = Literal["off", "optional", "required"]
ASKED: Final[tuple[Asked, ...]] = get_args(Asked)


@dataclass(frozen=True, slots=True)
class Identity:
    """comparing: with the avatars here, None: nobody compares; presence: whether people have to
    show that they are there; challenges: what they read then; home: where models may lie."""

    home: Path
    comparing: Comparing | None
    presence: Asked
    challenges: Challenges
