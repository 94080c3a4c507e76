"""What arrives at a media port: from strangers, and from a viewer who has the keys.

The first byte says who sends: a stranger, somebody under the viewer's address, or the viewer, who
sends media or messages in whatever shape. The rest is what is sent.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from unittest import mock

from pylibsrtp import Error as SrtpError
from support.rtc_pair import Pair, Track

from fuzz.live import Faults
from visavis.server.rtc import hooks
from visavis.server.system.bucket import Bucket

MOST: Final = 2_300
TOKENS: Final = (
    "\x00\x01\x00\x00\x21\x12\xa4\x42", "\x01\x01\x00\x0c\x21\x12\xa4\x42", "\x16\xfe\xfd",
    "\x15\xfe\xfd", "\x80\x60", "\x90\x6f\xbe\xde", "\x80\xc8", "\x81\xc9\x00\x07", "\x82\xcd",
    "\x81\xce", "\x8f\xcd", "\x80\xcb", "\x13\x88\x13\x88", "\x00\x03\x00", "\x03\x00\x00\x10",
    "\x06\x00", "\xc0\x00", "\x82\x00",
)  # fmt: skip

_FAULTS: Final = Faults()
_STRANGER: Final = ("127.0.0.9", 5)


class _Link:
    """A connection, made anew when the viewer has ended the one before."""

    def __init__(self) -> None:
        hooks.install()
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(_FAULTS.untaken)
        self.pair: Pair | None = None

    async def ready(self) -> Pair:
        if self.pair is None:
            self.pair = Pair(sends=Track("audio"))
            await self.pair.reply(await self.pair.offer())
            await self.pair.until("audio", 1)
        return self.pair

    async def drop(self) -> None:
        if self.pair is not None:
            await self.pair.close()
        self.pair = None


_LINK: Final = _Link()


def close() -> None:
    """End the connection."""
    _LINK.loop.run_until_complete(_LINK.drop())
    _LINK.loop.close()


def check(data: bytes) -> None:
    """Whatever comes, the server goes on receiving; a viewer may end nothing but their channel."""
    # As much as there is: how much of it is taken in a second is tested elsewhere.
    with mock.patch.object(Bucket, "_level", return_value=float(1 << 30)), _FAULTS.none():
        _LINK.loop.run_until_complete(_sent(data[:1], data[1:]))


async def _sent(who: bytes, data: bytes) -> None:
    pair = await _LINK.ready()
    transport: Any = pair.server.getTransceivers()[0].receiver.transport
    gate = transport.transport._connection._protocols[0]
    viewer: Any = pair.client.getTransceivers()[0].receiver.transport
    remote = next(iter(gate.receiver.known))
    match who[0] % 4 if who else 0:
        case 0:
            gate.datagram_received(data, _STRANGER)
        case 1:
            gate.datagram_received(data, remote)
        case 2:
            try:
                await viewer._send_rtp(data)
            except (SrtpError, IndexError, ValueError):  # not even a viewer can send that
                return
        case _ if data:
            await viewer._send_data(data[:1_100])
        case _:
            return
    for _ in range(4):
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    if pair.client.sctp is not None and pair.client.sctp.state == "closed":
        await _LINK.drop()
        return
    assert pair.server.connectionState == "connected", pair.server.connectionState
    assert not transport._task.done()
