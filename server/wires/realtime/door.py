"""The addresses of OpenAI's Realtime: a web socket, calls over WebRTC, and keys for pages."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from visavis.server.http.callers import caller
from visavis.server.http.offers import Offers
from visavis.server.http.opening import Sessions
from visavis.server.http.problems import json_object
from visavis.server.rtc import offers
from visavis.server.rtc.media import SPOKEN
from visavis.server.system.errors import Malformed, NotFound, Unprocessable
from visavis.server.wires.realtime import calls
from visavis.server.wires.realtime.beginnings import Beginnings
from visavis.server.wires.realtime.calls import Calls
from visavis.server.wires.realtime.entry import PREFIX, SECRETS, Ephemeral, begun, lasting, sent
from visavis.server.wires.realtime.settings import Settings
from visavis.server.wires.realtime.sockets import LONGEST, Sockets
from visavis.server.wires.ways import Way, in_path

_CALLS: Final = f"{PREFIX}/calls"
_CALL: Final = f"{_CALLS}/{{session}}"
_GO_ON: Final = ("Authorization", "Sec-WebSocket-Protocol", "Accept-Language")
WAYS: Final = (
    Way("WS", PREFIX, headers=_GO_ON, longest=LONGEST),
    Way("POST", PREFIX, headers=_GO_ON),
    Way("POST", _CALLS, headers=_GO_ON),
    Way("POST", SECRETS, headers=_GO_ON),
    Way("POST", f"{_CALL}/hangup", in_path(), headers=_GO_ON),
    Way("DELETE", _CALL, in_path(), headers=_GO_ON),
)


class Realtime:
    """Part of a server. key: of the wire, with which keys for pages are signed."""

    def __init__(
        self, sessions: Sessions, beginnings: Beginnings, key: str, *, guided: bool
    ) -> None:
        self._sessions, self._beginnings, self._guided = sessions, beginnings, guided
        self._ephemeral, self._offers = Ephemeral(key), Offers()
        self._sockets, self._calls = Sockets(), Calls()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get(PREFIX, self._socket),
            web.post(PREFIX, self._call),
            web.post(_CALLS, self._call),
            web.post(SECRETS, self._secret),
            web.post(f"{_CALL}/hangup", self._hang_up),
            web.delete(_CALL, self._hang_up),
        ]

    async def close(self) -> None:
        """End every socket and call."""
        await self._sockets.close()
        await self._calls.close()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            raise Malformed(
                "Connect with a web socket, or POST an SDP offer to /v1/realtime/calls."
            )
        if request.query.get("call_id"):
            raise Unprocessable("A call is led over its own channel.", "unsupported")
        fields = self._ephemeral.read(sent(request))
        return await self._sockets.serve(request, await self._beginnings.begin(request, fields))

    async def _call(self, request: web.Request) -> web.Response:
        """201: an SDP answer; the call's address is in Location."""
        self._offers.count(caller(request))
        opened = self._ephemeral.read(sent(request))
        offer, fields = await calls.asked(request)
        if not offer.startswith("v=0"):
            raise Malformed("The offer is no SDP: it must begin with v=0.", "malformed-sdp")
        offers.checked(offer, self._sessions.reach, SPOKEN)  # before a session is opened for it
        name = calls.new_name()
        begun = await self._beginnings.begin(request, {**opened, **fields}, name)
        return calls.located(name, await self._calls.answer(begun, offer))

    async def _secret(self, request: web.Request) -> web.Response:
        """200: a key for a page, which opens sessions for some minutes."""
        fields = await json_object(request)
        session = fields.get("session") or {}
        if not isinstance(session, dict):
            raise Malformed("session is an object.", "bad-message")
        settings = begun(Settings("", "", guided=self._guided), session)
        value, ends = self._ephemeral.make(session, lasting(fields))
        shown = {"id": "sess_later", **settings.shown(), "expires_at": ends}
        return web.json_response({"value": value, "expires_at": ends, "session": shown})

    async def _hang_up(self, request: web.Request) -> web.Response:
        """200 once the call is over."""
        self._ephemeral.read(sent(request))  # the guard lets any in that looks like one
        held = self._sessions.find(request.match_info["session"])
        if held is None or not request.match_info["session"].startswith("rtc_"):
            raise NotFound("There is no such call; it may have ended.")
        await held.close(for_good=True)
        return web.Response(status=200)
