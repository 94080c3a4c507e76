"""What a new session is asked to be, what there is for it, and what it will be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH
from visavis.server.avatars.standing import check_language
from visavis.server.http.languages import preferred
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.reach import Reach
from visavis.server.session.engines import Engines
from visavis.server.session.lipsync import Mouth
from visavis.server.session.switching import unknown
from visavis.server.system.config import SOURCES, Source, as_source
from visavis.server.system.config_faults import AUTO
from visavis.server.system.errors import Malformed


@dataclass(frozen=True, slots=True)
class Offered:
    """What a session gets that names nothing, how it is reached, and how long it may be.

    ice: STUN and TURN addresses. reach: where media is received. language: a tag, or AUTO.
    """

    avatar: str
    voice: str
    source: Source
    language: str = ENGLISH
    ice: tuple[str, ...] = ()
    reach: Reach = field(default_factory=Reach)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new session is asked to be, in the words of who asks; empty: as the server has it.

    accepts: an Accept-Language header, for a server whose language follows its visitors.
    background: what the face stands before, see server/avatars/backgrounds.py. door: how it is come
    in, a word of ours, for the audit log.
    """

    avatar: str = ""
    voice: str = ""
    source: str = ""
    language: str = ""
    accepts: str = ""
    background: str = ""
    door: str = "page"


@dataclass(frozen=True, slots=True)
class Kind:
    """What it will be. language: BCP 47, in which it begins; follows: whether it leaves it."""

    avatar: str
    voice: str
    source: Source
    language: str
    follows: bool
    background: str = ""
    door: str = "page"


class Lender(Protocol):
    """Who has the engines. missing: why no session can begin now, None: it can."""

    @property
    def missing(self) -> str | None: ...

    @property
    def languages(self) -> tuple[str, ...]:
        """What a session can be in, as codes."""
        ...

    async def language_of(self, voice: str) -> str:
        """The code of a voice's language, "" of one that there is not."""
        ...

    async def own_voice(self, avatar: str) -> str:
        """The voice of an avatar in a session that names none. Raises NotFound."""
        ...

    async def spoken(self, avatar: str) -> tuple[str, ...]:
        """What a session with an avatar can be in, as codes. Raises NotFound."""
        ...

    async def check(self, avatar: str, voice: str) -> None:
        """Raises NotFound for an avatar or a voice that there is not, or may not be used."""
        ...

    async def lend(
        self, avatar: str, voice: str, source: Source, language: str, *, follows: bool,
        background: str = "",
    ) -> Engines:  # fmt: skip
        """The engines of one new session. Raises NotFound, Malformed, ModelError, EngineError.

        language: BCP 47, in which it begins; follows: whether it goes over to the visitor's.
        background: a word for what its face is drawn before, "": the server's.
        """
        ...

    async def mouth(self) -> Mouth:
        """What speaks one person's own voice. Raises EngineError."""
        ...


async def granted(wish: Wish, offered: Offered, lender: Lender) -> Kind:
    """What a wish comes to, with what the server has for all that it leaves open.

    Raises Malformed, NotFound, NotAllowed and Ended (of a consent).
    """
    source = _source(wish.source or offered.source)
    avatar = wish.avatar or offered.avatar
    voice = wish.voice or offered.voice or await lender.own_voice(avatar)
    language, follows = await _tongue(wish, offered, lender, await lender.spoken(avatar), avatar)
    await lender.check(avatar, voice)
    return Kind(avatar, voice, source, language, follows, wish.background, wish.door)


async def _tongue(
    wish: Wish, offered: Offered, lender: Lender, allowed: tuple[str, ...], avatar: str
) -> tuple[str, bool]:
    """The language in which a session begins, and whether it follows.

    allowed: what the avatar may speak; who asks for another one is refused, the server's own
    gives way. Raises Malformed, NotAllowed.
    """
    wanted = wish.language
    if not wanted and offered.language != AUTO and wish.voice:
        wanted = await lender.language_of(wish.voice)
    languages, named = lender.languages, bool(wanted)
    wanted = wanted or offered.language
    if wanted == AUTO:
        return preferred(wish.accepts, allowed), True
    if code_of(wanted) not in languages:
        raise Malformed(unknown(wanted, languages), "unknown-language")
    if named:
        check_language(wanted, allowed, avatar)
    elif code_of(wanted) not in allowed:
        wanted = preferred(wish.accepts, allowed)
    return wanted, False


def _source(wanted: str) -> Source:
    """Raises Malformed."""
    source = as_source(wanted)
    if source is None:
        raise Malformed(f"source is {wanted!r}: choose {' or '.join(SOURCES)}.", "unknown-source")
    return source
