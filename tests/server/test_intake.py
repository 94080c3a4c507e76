"""How much of an inlet's sound a session takes, and how much of it at once."""

import asyncio

import numpy as np
import pytest
from support.stage import VOICE, Stage
from support.virtual_time import virtual_time

from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, TICK_RATE
from visavis.server.session.intake import taken


async def packets(count, length=PACKET):
    for _ in range(count):
        yield np.zeros(length, np.int16)


@virtual_time
async def test_a_burst_is_taken_up_to_a_second_and_the_rest_is_counted():
    refused = []
    got = [packet async for packet in taken(packets(500), Clock(), refused.append)]
    assert len(got) == 50
    assert sum(refused) == 450 * PACKET


@virtual_time
async def test_a_microphone_is_taken_whole_though_its_clock_is_fast():
    clock, refused = Clock(), []

    async def mic():
        for _ in range(500):
            await asyncio.sleep(0.0185)
            yield np.zeros(PACKET, np.int16)

    assert len([packet async for packet in taken(mic(), clock, refused.append)]) == 500
    assert not refused


@virtual_time
async def test_a_packet_of_minutes_is_refused():
    refused = []
    assert [p async for p in taken(packets(1, 100 * TICK_RATE), Clock(), refused.append)] == []
    assert refused == [100 * TICK_RATE]


@virtual_time
async def test_others_have_a_turn_every_40_ms_of_sound():
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    async for _ in taken(packets(50), Clock(), lambda samples: None):
        pass
    other.cancel()
    assert turns >= 24


@virtual_time
async def test_a_session_hears_so_much_of_any_inlet_and_says_what_it_refused():
    async with Stage() as stage:

        async def flood():
            for _ in range(1000):
                yield VOICE

        await stage.session.listen(flood())
        refused = stage.services.metrics.registry.get_sample_value(
            "visavis_sound_refused_seconds_total"
        )
        assert refused == pytest.approx(20 - 1)
