"""`/api/offer`, where clients of Pipecat's SmallWebRTC connect, unchanged, to an avatar.

Written after @pipecat-ai/small-webrtc-transport 1.10.8 and pipecat-ai 1.14.0. POST takes an offer
and answers it, PATCH takes candidates; `pc_id` is our session's secret, with which its client
offers anew. What is spoken on the data channel is `rtvi.py`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.server.http.callers import caller
from visavis.server.http.entrances import Entrance
from visavis.server.http.keepsakes import name_of
from visavis.server.http.offers import Offers
from visavis.server.http.opening import Sessions
from visavis.server.http.problems import json_object
from visavis.server.http.wishes import Wish
from visavis.server.rtc import candidates, offers
from visavis.server.rtc.conversation import Conversation
from visavis.server.rtc.restart import credentials
from visavis.server.rtc.terms import Terms
from visavis.server.session.session import Session
from visavis.server.system.errors import Malformed, NotFound, NotReady
from visavis.server.system.metrics import Metrics
from visavis.server.wires.rtvi import Rtvi
from visavis.server.wires.spare_sections import Spared, spared
from visavis.server.wires.ways import Way

ADDRESS: Final = "/api/offer"
_ASKED: Final = ("avatar", "voice", "source", "language")  # of `request_data`
_LONGEST: Final = 2_048  # characters of a candidate
_UFRAG: Final = " ufrag "
_NONE: Final = "There is no such connection; it may have ended."


@dataclass(frozen=True, slots=True)
class _Asked:
    """The body of a POST. again: `pc_id`, ""; wish: what a new session is to be."""

    offer: str
    again: str
    wish: Wish


@dataclass(frozen=True, slots=True)
class _Answered:
    """The last offer of a session, by the ICE user in it, and what was answered."""

    users: frozenset[str]
    sdp: str


class SmallWebRtcRoutes:
    """Sessions of these clients are a visitor's, but for what is spoken on their channel."""

    def __init__(self, sessions: Sessions, metrics: Metrics) -> None:
        self._sessions, self._metrics = sessions, metrics
        self._offers = Offers()
        self._answered: dict[str, _Answered] = {}
        sessions.gone.append(self._forget)

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.post(ADDRESS, self._offer), web.patch(ADDRESS, self._trickle)]

    async def close(self) -> None:
        """Sessions are ended by who has them all."""

    def _forget(self, name: str) -> None:
        self._answered.pop(name, None)

    async def _offer(self, request: web.Request) -> web.Response:
        self._offers.count(caller(request))
        asked = _asked(await json_object(request), request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        offer = spared(asked.offer)
        offers.checked(offer.offer, self._sessions.reach)  # before a place is given up for it
        conversation = self._known(asked.again)
        if conversation is None:
            conversation, answer = await self._open(asked.wish, offer, caller(request))
        else:
            answer = await self._again(conversation, offer, caller(request))
        users = credentials(offer.offer)
        self._answered[conversation.session.name] = _Answered(users, answer)
        told = {"sdp": offer.completed(answer), "type": "answer", "pc_id": conversation.token}
        return web.json_response(told)

    def _known(self, again: str) -> Conversation | None:
        """The conversation that a client goes on with; as with Pipecat, else it begins one."""
        found = self._sessions.find(name_of(again)) if again else None
        if isinstance(found, Conversation) and found.is_resumed_by(again):
            return found
        return None

    async def _again(self, conversation: Conversation, offer: Spared, who: str) -> str:
        """The answer to one more offer: of a new connection, or the same with more candidates."""
        name = conversation.session.name
        last = self._answered.get(name)
        if last is not None and credentials(offer.offer) == last.users:
            await conversation.add_candidates(offer.offer)
            return last.sdp
        answer = await conversation.connect(offer.offer)
        self._sessions.places.move(name, who)
        self._metrics.resumed.inc()
        return answer

    async def _open(self, wish: Wish, offer: Spared, who: str) -> tuple[Conversation, str]:
        if (missing := self._sessions.missing) is not None:
            raise NotReady(missing)
        kind, name = await self._sessions.kind(wish), secrets.token_urlsafe(12)
        await self._sessions.take_place(name, who)
        answers = []

        async def make(session: Session, terms: Terms) -> Conversation:
            own = replace(terms, dialect=Rtvi)
            conversation = Conversation(session, own, self._sessions.changed)
            try:
                answers.append(await conversation.connect(offer.offer))
            except BaseException:
                await conversation.close()
                raise
            return conversation

        conversation = await self._sessions.seated(name, kind, make)
        self._sessions.opened(name, kind)
        return conversation, answers[0]

    async def _trickle(self, request: web.Request) -> web.Response:
        fields = await json_object(request)
        again, written = fields.get("pc_id"), fields.get("candidates")
        if not isinstance(again, str) or not isinstance(written, list):
            raise Malformed("`pc_id` and `candidates` are needed.", "bad-message")
        if len(written) > candidates.MOST:
            raise Malformed(f"More than {candidates.MOST} candidates at once.", "bad-message")
        conversation = self._known(again)
        if conversation is None:
            raise NotFound(_NONE)
        for fragment in map(_fragment, written):
            if fragment:
                await conversation.add_candidates(fragment)
        return web.json_response({"status": "success"})


def entrance(key: str) -> Entrance:
    """Who may call: those with the key, as `webrtcRequestParams.headers` sends it."""
    return Entrance((ADDRESS,), key)


def _session(_request: web.Request, body: bytes) -> str:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return ""  # the worker says what is wrong with it
    again = fields.get("pc_id") if isinstance(fields, dict) else None
    return name_of(again) if isinstance(again, str) else ""


# With workers: `pc_id` says which of them has the session.
WAYS: Final = (Way("POST", ADDRESS, _session), Way("PATCH", ADDRESS, _session))


def _asked(fields: Mapping[str, Any], accepts: str) -> _Asked:
    """Raises Malformed."""
    offer, again = fields.get("sdp"), fields.get("pc_id")
    if not isinstance(offer, str) or not offer.startswith("v=0"):
        raise Malformed("`sdp` is no SDP: it must begin with v=0.", "malformed-sdp")
    if fields.get("type") != "offer":
        raise Malformed('`type` must be "offer".', "malformed-sdp")
    given = fields.get("request_data") or fields.get("requestData") or {}
    if not isinstance(given, dict):
        raise Malformed("`request_data` must be a JSON object.", "bad-message")
    wanted = {each: given.get(each) or "" for each in _ASKED}
    for name, value in wanted.items():
        if not isinstance(value, str):
            raise Malformed(f"`{name}` in `request_data` must be a text.", "bad-message")
    wish = Wish(**wanted, accepts=accepts, door="pipecat")
    return _Asked(offer, again if isinstance(again, str) else "", wish)


def _fragment(candidate: object) -> str:
    """One of their candidates as a fragment (RFC 8840); "" for the last one. Raises Malformed."""
    line = candidate.get("candidate") if isinstance(candidate, dict) else None
    if not isinstance(line, str) or len(line) > _LONGEST or len(line.splitlines()) > 1:
        raise Malformed("Each of `candidates` must have a `candidate` text.", "bad-message")
    if not line.strip():
        return ""
    _, _, rest = line.partition(_UFRAG)
    user = f"a=ice-ufrag:{rest.split()[0]}\r\n" if rest.split() else ""
    return f"{user}a={line.removeprefix('a=')}\r\n"
