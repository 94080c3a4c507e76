"""Messages on the data channel of a session that goes on through all of them."""

from __future__ import annotations

import asyncio
import json
from typing import Final, NoReturn
from unittest import mock

from support.stage import Stage

from fuzz.live import Faults
from visavis.server import protocol
from visavis.server.playout import clock
from visavis.server.playout.virtual_loop import VirtualLoop

MOST: Final = 3_000
TOKENS: Final = (
    '{"type":"text","text":"hello"}', '{"type":"say","text":"', '"style":"', '{"type":"interrupt"}',
    '{"type":"direct","prompt":"warm"}', '{"type":"mic","on":true}', '{"type":"ping","t":1}',
    "9" * 50, "1e999", "NaN", "Infinity", "-0", "null", "true", "[", "{", "\\ud800", "\\u0000",
    '"type":', '"text":', "[smiles]", "[nods]", "[slowly, sadly]", "\n",
)  # fmt: skip

_FAULTS: Final = Faults()


def _staged() -> tuple[VirtualLoop, Stage]:
    loop = VirtualLoop()
    loop.set_exception_handler(_FAULTS.untaken)
    with mock.patch.object(clock, "monotonic", loop.time):
        stage = Stage()
        loop.run_until_complete(stage.__aenter__())
    return loop, stage


_LOOP, _STAGE = _staged()


def close() -> None:
    """End the session."""
    _LOOP.run_until_complete(_STAGE.__aexit__())
    _LOOP.close()


def check(data: bytes) -> None:
    """Each line is one message; each is answered, if at all, in JSON that a browser can read."""
    with mock.patch.object(clock, "monotonic", _LOOP.time), _FAULTS.none():
        _LOOP.run_until_complete(_sent(data))
    assert not _STAGE.run.done()


async def _sent(data: bytes) -> None:
    for line in data.split(b"\n")[:8]:
        text = line.decode("utf-8", "replace")
        try:
            message = protocol.decode(text)
        except protocol.ProtocolError as error:
            assert str(error)
            continue
        answer = await protocol.command(_STAGE.session, message)
        if answer is not None:
            json.loads(protocol.encode(answer), parse_constant=_refused)
    await _STAGE.pass_time(40)
    for _, event in _STAGE.sent:
        json.loads(protocol.encode(event), parse_constant=_refused)
    _STAGE.sent.clear()
    await asyncio.sleep(0)


def _refused(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")
