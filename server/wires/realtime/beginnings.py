"""A session begun for a client: its mind led, its ear at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from visavis.engines.base import Stt
from visavis.server.http.callers import caller
from visavis.server.http.opening import Sessions
from visavis.server.rtc.hosted import Hosted
from visavis.server.session.engines import Engines
from visavis.server.session.hearing import Ear
from visavis.server.system.served import Served
from visavis.server.wires.realtime.entry import Names, begun, wish
from visavis.server.wires.realtime.guidance import Guidance
from visavis.server.wires.realtime.listening import Listening
from visavis.server.wires.realtime.settings import Settings
from visavis.server.wires.realtime.talk import Line, Talk


@dataclass(slots=True)
class _Adapted:
    """What was found in a session's engines, and put around its mind."""

    settings: Settings
    guidance: Guidance | None = None
    stt: Served[Stt] | None = field(default=None)

    def __call__(self, engines: Engines) -> Engines:
        self.stt = engines.ear.stt if isinstance(engines.ear, Ear) else None
        self.guidance = Guidance(engines.speakers.mind, self.settings)
        return replace(engines, speakers=replace(engines.speakers, mind=self.guidance))


@dataclass(frozen=True, slots=True)
class Begun:
    """A session, and all but the line to its client."""

    hosted: Hosted
    settings: Settings
    guidance: Guidance
    stt: Served[Stt] | None

    def talk(self, line: Line) -> Talk:
        """With a client who is reached like this."""
        listening = Listening(self.settings, self.stt, sends=not line.plays)
        session = self.hosted.session
        return Talk(session, self.settings, line, self.guidance, listening)


class Beginnings:
    """Of one process. guided: whether whoever answers reads instructions and uses tools."""

    def __init__(self, sessions: Sessions, names: Names, *, guided: bool) -> None:
        self._sessions, self._names, self._guided = sessions, names, guided

    async def begin(self, request: web.Request, fields: Mapping[str, Any], name: str = "") -> Begun:
        """A session as a client wants it, whose life is the connection's.

        fields: of the client's session object. Raises Malformed, NotFound, Full, NotReady, ...: see
        `Sessions.hosted`.
        """
        model = request.query.get("model", "")[:256]
        settings = begun(Settings("", "", guided=self._guided, model=model), fields)
        adapted = _Adapted(settings)
        wanted = await wish(request, fields, self._names)
        hosted = await self._sessions.hosted(wanted, caller(request), name=name, adapt=adapted)
        terms = hosted.terms
        known = Settings(terms.avatar, terms.voice, guided=self._guided, model=model)
        assert adapted.guidance is not None
        return Begun(hosted, begun(known, fields), adapted.guidance, adapted.stt)
