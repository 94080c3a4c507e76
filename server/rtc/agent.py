"""The ICE agent that takes the place of aioice's: bounded, paced, on the operator's addresses.

Whoever opens a session says where the server shall send its connectivity checks. Without bounds
that is a scanner with a good address: so candidates, pairs and checks are few, and addresses that
answer nothing are asked slowly.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any, Final

from aioice import Candidate, ice, stun, turn
from aioice.candidate import candidate_foundation, candidate_priority

from visavis.server.rtc import candidates, ports
from visavis.server.rtc.ingress import Gate, Source, drop
from visavis.server.rtc.reach import Reach, current
from visavis.server.system.bucket import Bucket

MOST_PAIRS: Final = 100  # RFC 8445 6.1.2.5
RETRANSMISSIONS: Final = 3  # of a check, by 3.5 s; the peer's own checks bring a new one later
_MOST_KNOWN: Final = 48  # addresses that have proved to be the peer's
_MOST_LEARNED: Final = 16  # of them, those found by the peer's checks alone
_MOST_WAITING: Final = 512  # datagrams that DTLS has not read yet: 2 s of a microphone's
_MOST_CONFLICTS: Final = 4  # times that the roles may change
_LONGEST: Final = 0.05  # s of one datagram that are charged; what is longer was something else

# (a second, at once)
_CHECKS: Final = 10, 20  # of addresses that have proved nothing
_CONFIRMED_CHECKS: Final = 50, 50  # of others: consent, nomination
_MESSAGES: Final = 100, 200  # STUN from known addresses; browsers send 20 a second at the start
_NEW_MESSAGES: Final = 50, 100  # from others
_NEW_ADDRESSES: Final = 1, 8
_SECONDS: Final = 0.1, 0.3  # of the event loop's processor time, for all that a peer sends


class Agent(ice.Connection):
    """Of one peer connection. known: addresses from which data is taken."""

    retransmissions: Final = RETRANSMISSIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known: dict[Source, None] = {}
        self.name = f"{self.local_username}:".encode()  # how every request to us begins
        self._reach: Reach = current()
        self._checks, self._confirmed_checks = Bucket(*_CHECKS), Bucket(*_CONFIRMED_CHECKS)
        self._messages, self._new_messages = Bucket(*_MESSAGES), Bucket(*_NEW_MESSAGES)
        self._new_addresses = Bucket(*_NEW_ADDRESSES)
        self._seconds = Bucket(*_SECONDS)
        self._began: float | None = None
        self._conflicts = 0

    # --- what comes in

    def data_received(self, data: bytes, component: int) -> None:
        """Data from a known address, for DTLS to read when its turn comes."""
        if self._queue.qsize() >= _MOST_WAITING or not self._seconds.is_open:
            drop("flood")
        else:
            super().data_received(data, component)

    async def recv(self) -> bytes:
        """The next datagram. Until the next call, the thread's time is charged to the peer."""
        if self._began is not None:
            self._seconds.spend(min(time.thread_time() - self._began, _LONGEST))
            self._began = None
        data = await super().recv()
        self._began = time.thread_time()
        return data

    def may_say(self, addr: Source) -> bool:
        """Whether one more STUN message is read; those who prove nothing starve nobody."""
        return (self._messages if addr in self.known else self._new_messages).take()

    def request_received(
        self, message: stun.Message, addr: Source, protocol: ice.StunProtocol
    ) -> None:
        """A check of the peer's. Anybody else's is not answered: that would be an echo."""
        if not self._is_genuine(message):
            drop("unauthenticated")
        elif not self._reach.may_contact(addr[0]):
            drop("forbidden")
        elif addr not in self.known and not self._new_addresses.take():
            drop("flood")
        else:
            self._know(addr)
            super().request_received(message, addr, protocol)

    def check_incoming(
        self, message: stun.Message, addr: Source, protocol: ice.StunProtocol
    ) -> None:
        """aioice's, which may learn an address by it; the oldest such one is forgotten then."""
        super().check_incoming(message, addr, protocol)
        learned = [c for c in self._remote_candidates if c.type == "prflx"]
        if len(learned) > _MOST_LEARNED:
            self._forget(next(c for c in learned if not self._is_nominated(c)))

    def _is_genuine(self, message: stun.Message) -> bool:
        given = message.attributes
        return (
            message.message_method == stun.Method.BINDING
            and {"MESSAGE-INTEGRITY", "USERNAME", "PRIORITY"} <= given.keys()
            and self._valid_username(given["USERNAME"])
            and message.check_message_integrity(self.local_password.encode())
        )

    def _know(self, addr: Source) -> None:
        self.known[addr] = None
        if len(self.known) > _MOST_KNOWN:
            nominated = {pair.remote_addr for pair in self._nominated.values()}
            del self.known[next(a for a in self.known if a not in nominated)]

    def _forget(self, candidate: Candidate) -> None:
        self._remote_candidates.remove(candidate)
        for pair in [p for p in self._check_list if p.remote_candidate is candidate]:
            if pair.task is not None:
                pair.task.cancel()
            self._check_list.remove(pair)

    def _is_nominated(self, candidate: Candidate) -> bool:
        return any(pair.remote_candidate is candidate for pair in self._nominated.values())

    # --- where checks go

    def may_check(self, addr: Source) -> bool:
        """Whether a check may be sent there now; one that may not counts as lost on its way."""
        return (self._confirmed_checks if addr in self.known else self._checks).take()

    def check_state(self, pair: ice.CandidatePair, state: ice.CandidatePair.State) -> None:
        """aioice's; an address that answered with the password is the peer's."""
        super().check_state(pair, state)
        if state == ice.CandidatePair.State.SUCCEEDED:
            self._know(pair.remote_addr)

    async def check_start(self, pair: ice.CandidatePair) -> None:
        """aioice's, which begins again at each conflict of roles, as often as a peer claims one."""
        if self._conflicts <= _MOST_CONFLICTS:
            await super().check_start(pair)
        else:
            self.check_state(pair, ice.CandidatePair.State.FAILED)
            self.check_complete(pair)

    def switch_role(self, ice_controlling: bool) -> None:
        """aioice's, counted."""
        self._conflicts += 1
        super().switch_role(ice_controlling)

    def _check_periodic(self) -> bool:
        if not self._check_list_done and not self._checks.is_open:
            return True  # later
        return super()._check_periodic()

    def _add_remote_candidate(self, remote_candidate: Candidate, network_host: str) -> None:
        signalled = sum(c.type != "prflx" for c in self._remote_candidates)
        is_usable = (
            signalled < candidates.MOST
            and remote_candidate.component in self._components
            and remote_candidate.transport.lower() == "udp"
            and 0 < remote_candidate.port < 1 << 16
            and self._reach.may_contact(network_host)
        )
        if is_usable:
            super()._add_remote_candidate(remote_candidate, network_host)

    def _pair_remote_candidate(self, remote_candidate: Candidate) -> None:
        if len(self._check_list) < MOST_PAIRS:
            super()._pair_remote_candidate(remote_candidate)

    # --- where we are

    async def gather_candidates(self) -> None:
        """aioice's, by the `Reach` in use. Raises Full when no port is left."""
        self._reach = current()
        await super().gather_candidates()

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109 (aioice's)
    ) -> list[Candidate]:
        """Of each local address, and what the operator's STUN and TURN servers give."""
        gates = [gate for a in addresses if (gate := await self._open(component, a)) is not None]
        reflexive, relayed = await asyncio.gather(
            self._ask(gates, within=timeout),
            super().get_component_candidates(component, [], timeout),
        )
        return [*(gate.local_candidate for gate in gates), *reflexive, *relayed]

    async def _open(self, component: int, host: str) -> Gate | None:
        """A socket at a local address; None where there is no such address any more."""
        try:
            own = ports.bound(host, self._reach.ports)
        except OSError:
            return None
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, turn.UDP_SOCKET_BUFFER_SIZE)
        loop = asyncio.get_running_loop()
        try:
            _, gate = await loop.create_datagram_endpoint(lambda: Gate(self), sock=own)
        except BaseException:
            own.close()
            raise
        self._protocols.append(gate)
        gate.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=self._reach.announced(host),
            port=own.getsockname()[1],
            type="host",
        )
        gate.local_candidate._network_host = host
        return gate

    async def _ask(self, gates: list[Gate], within: int) -> list[Candidate]:
        """Each socket's address as the STUN server sees it; only of IPv4, as in aioice."""
        if self.stun_server is None:
            return []
        asking = [
            asyncio.create_task(ice.server_reflexive_candidate(gate, self.stun_server))
            for gate in gates
            if ":" not in gate.local_candidate._network_host
        ]
        if not asking:
            return []
        done, pending = await asyncio.wait(asking, timeout=within)
        for task in pending:
            task.cancel()
        return [task.result()[0] for task in done if task.exception() is None]
