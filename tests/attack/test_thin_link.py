"""Links that are thin, full or gone for a while: the connection stands, and sound comes first."""

import asyncio

import pytest
from support.rtc_pair import Pair, Track
from support.throttle import Noisy, Throttle

from visavis.server.rtc import hooks


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


async def connected(cap: float, queue: float = 0.3) -> tuple[Pair, Throttle, Throttle]:
    pair = Pair(Track("audio"), Noisy("video"))
    await pair.reply(await pair.offer())
    await pair.until("audio", 1)
    return pair, Throttle(pair.server, cap, queue), Throttle(pair.client)


@pytest.mark.slow
@pytest.mark.parametrize(("cap", "queue"), [(300_000, 0.3), (300_000, 1.7), (150_000, 0.3)])
async def test_a_thin_link_stands_for_half_a_minute(cap, queue):
    pair, down, _ = await connected(cap, queue)
    loop = asyncio.get_running_loop()
    try:
        await asyncio.sleep(8)
        start, pictures = loop.time(), len(pair.frames["video"])
        await asyncio.sleep(20)
        sent = [at for at, kind, _ in down.offered if kind == "audio" and at > start]
        lost = [at for at, kind in down.dropped if kind == "audio" and at > start]
        assert len(lost) < 0.02 * len(sent)
        assert down.rate("video", start, loop.time()) < cap
        assert len(pair.frames["video"]) - pictures > 20 * 2
        assert pair.states[-1] == "connected"
    finally:
        await pair.close()


@pytest.mark.slow
async def test_an_outage_of_five_seconds_is_the_same_connection():
    pair, down, up = await connected(2_000_000)
    loop = asyncio.get_running_loop()
    try:
        await asyncio.sleep(3)
        down.is_down = up.is_down = True
        await asyncio.sleep(5)
        down.is_down = up.is_down = False
        back, pictures = loop.time(), len(pair.frames["video"])
        async with asyncio.timeout(2):
            while len(pair.frames["video"]) < pictures + 10:
                await asyncio.sleep(0.02)
        assert pair.states[-1] == "connected"
        first = [size for at, _, size in down.offered if back <= at < back + 0.2]
        assert sum(first) * 8 < 0.3 * 2_000_000  # nothing that was held up comes in one burst
    finally:
        await pair.close()


@pytest.mark.slow
async def test_what_was_lost_is_not_sent_again_and_again():
    """A receiver that asks for everything, all the time, gets no more than its share."""
    pair, _, _ = await connected(5_000_000)
    own = next(s for s in pair.server.getSenders() if s.kind == "video")
    loop = asyncio.get_running_loop()
    try:
        await asyncio.sleep(2)
        start, rtx = loop.time(), []
        plain = own.delivery.left
        own.delivery.left = lambda ssrc, sequence, size: (
            rtx.append(size) if ssrc == own._rtx_ssrc else None,
            plain(ssrc, sequence, size),
        )
        while loop.time() < start + 4:
            newest = own.delivery._handed
            for sequence in range(newest - 100, newest):
                await own._retransmit(sequence & 0xFFFF)
            await asyncio.sleep(0.01)
        rate = own.delivery.congestion.estimate.rate(loop.time())
        assert sum(rtx) * 8 / 4 < 0.35 * max(rate, 300_000)
    finally:
        await pair.close()
