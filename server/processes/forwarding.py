"""The parent's addresses of sessions: each request goes to the worker that has, or gets, it.

Bodies are read here, within the door's deadlines, and answers are taken whole: a worker never meets
a slow client. What goes on to it is named here, so nothing that a caller sends is taken for ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from aiohttp import ClientError, ClientResponse, ClientTimeout, hdrs, web
from multidict import CIMultiDict
from yarl import URL

from visavis.server.http import problems
from visavis.server.http.addresses import SCHEME
from visavis.server.http.callers import caller
from visavis.server.http.keepsakes import name_of
from visavis.server.http.naming import named
from visavis.server.http.offers import AWAY, RESUME, Offers
from visavis.server.processes.crew import Crew
from visavis.server.processes.trust import CALLER
from visavis.server.processes.worker import ANSWER, Worker
from visavis.server.system.errors import Gone, Malformed, NotFound, NotReady

_THERE: Final = (hdrs.CONTENT_TYPE, hdrs.ACCEPT_LANGUAGE, RESUME)  # headers that go on
_BACK: Final = (
    hdrs.CONTENT_TYPE, hdrs.LOCATION, hdrs.RETRY_AFTER, hdrs.ALLOW, hdrs.CACHE_CONTROL, hdrs.LINK,
    hdrs.ETAG, "Accept-Post", "Accept-Patch",
)  # fmt: skip
_OURS: Final = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})
_TRIES: Final = 2  # an offer whose worker dies over it goes to another one
_LOST: Final = "The part of the server that had this session failed. Begin a new one."
GOES: Final = "The worker that was asked has just failed. Try again."


class Forwarding:
    """Sessions and voices of a server with workers. ends: why nobody is let in any more, if so."""

    def __init__(self, crew: Crew, ends: Callable[[], str | None]) -> None:
        self._crew, self._ends = crew, ends
        self._offers = Offers()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        one = "/v1/sessions/{id}"
        return [
            web.post("/v1/sessions", self._create),
            web.get(one, self.send),
            web.delete(one, self.send),
            web.patch(one, self.send),
            web.post(one + "/{command:say|interrupt|direct|text}", self.send),
            web.post(one + "/leave", self.send),
            web.post(one + "/recording", self.send),
            web.get(one + "/recording", self.send),
            web.delete(one + "/recording", self.send),
            web.get("/v1/voices", self._anywhere),
        ]

    async def close(self) -> None:
        """Requests under way end with their workers."""

    async def _create(self, request: web.Request) -> web.Response:
        self._offers.count(caller(request))
        if not request.headers.get(RESUME) and not request.query.get("name"):
            self._crew.check_place(caller(request))
        body = await problems.content(request)
        if (why := self._ends()) is not None:
            raise NotReady(why)
        if token := request.headers.get(RESUME):
            name = name_of(token)
            worker = self._crew.register.of(name)
            if worker is not None:
                return await self._asked(worker, request, body, name)
            if not self._crew.register.may_go_on(name):
                raise self._gone(name, NotFound(AWAY, "session-over"))
        elif (name := named(request.query.get("name", ""))) and (
            worker := self._crew.register.of(name)
        ) is not None:
            return await self._asked(worker, request, body, name)  # it takes its own one's place
        return await self._offered(request, body)

    async def _offered(self, request: web.Request, body: bytes) -> web.Response:
        """To the worker with the most room; to another one when it dies over it."""
        tried: list[Worker] = []  # they may be gone without its being known yet
        while len(tried) < _TRIES and (worker := self._crew.roomiest(tried)) is not None:
            tried.append(worker)
            worker.pending += 1
            try:
                return await answered(worker, request, body)
            except (ClientError, OSError, TimeoutError):
                continue
            finally:
                worker.pending -= 1
        raise NotReady(self._crew.missing or GOES)

    async def send(self, request: web.Request) -> web.Response:
        """A request about one session, and what the worker that has it answers."""
        name, worker = request.match_info["id"], self.worker_of(request)
        return await self._asked(worker, request, await problems.content(request), name)

    def worker_of(self, request: web.Request) -> Worker:
        """Who has the session of a request. Raises NotFound, Gone."""
        name = request.match_info["id"]
        worker = self._crew.register.of(name)
        if worker is None:
            raise self._gone(name, NotFound("There is no such session; it may have ended."))
        return worker

    async def _asked(
        self, worker: Worker, request: web.Request, body: bytes, name: str
    ) -> web.Response:
        try:
            return await answered(worker, request, body)
        except (ClientError, OSError) as error:
            raise self._gone(name, NotReady(GOES)) from error
        except TimeoutError as error:
            raise NotReady("The server did not answer in time.") from error

    async def _anywhere(self, request: web.Request) -> web.Response:
        worker = self._crew.roomiest()
        if worker is None:
            raise NotReady(self._crew.missing or GOES)
        try:
            return await answered(worker, request, b"")
        except (ClientError, OSError, TimeoutError) as error:
            raise NotReady(GOES) from error

    def _gone(self, name: str, otherwise: Exception) -> Exception:
        """What to say of a session that no worker has."""
        return Gone(_LOST, "session-lost") if self._crew.register.has_lost(name) else otherwise


async def answered(
    worker: Worker, request: web.Request, body: bytes, also: Sequence[str] = ()
) -> web.Response:
    """What a worker answers. also: headers of the request that go on, besides those that always do.

    Raises Malformed, ClientError, OSError, TimeoutError.
    """
    async with asked(worker, request, body, also=also) as response:
        return _taken(response, await response.read())


def asked(
    worker: Worker, request: web.Request, body: bytes, timeout: ClientTimeout | None = None,
    also: Sequence[str] = (),
) -> AbstractAsyncContextManager[ClientResponse]:  # fmt: skip
    """A request on its way to a worker. timeout: None: as of all others.

    Raises Malformed and OSError; ClientError, OSError and TimeoutError when it is entered.
    """
    if worker.client is None:
        raise OSError("the worker has no address yet")
    return worker.client.request(
        request.method, there(request), data=body or None, headers=headers_of(request, also),
        skip_auto_headers=_OURS, allow_redirects=False,
        timeout=timeout or ANSWER,
    )  # fmt: skip


def there(request: web.Request, scheme: str = "http") -> URL:
    """The address of a request, as a worker is asked for it."""
    here = request.rel_url
    return URL.build(
        scheme=scheme, host="worker", path=here.raw_path, query_string=here.raw_query_string,
        encoded=True,
    )  # fmt: skip


def headers_of(request: web.Request, also: Sequence[str] = ()) -> CIMultiDict[str]:
    """What the worker is to know of a request. Raises Malformed."""
    headers = CIMultiDict({CALLER: request.remote or ""})
    for name in (*_THERE, *also):
        if (value := request.headers.get(name)) is not None:
            if not value.isascii():
                raise Malformed(f"The header {name} must be plain ASCII.")
            headers[name] = value
    if request.secure or request.headers.get(SCHEME, "").lower() == "https":
        headers[SCHEME] = "https"  # a worker makes addresses that the caller is given
    return headers


def _taken(response: ClientResponse, body: bytes) -> web.Response:
    headers = CIMultiDict(
        (name, value) for name in _BACK for value in response.headers.getall(name, ())
    )
    taken = web.Response(status=response.status, body=body, headers=headers)
    if response.status == 429:  # the next try costs a connection, as with every refusal of it
        taken.force_close()
    return taken
