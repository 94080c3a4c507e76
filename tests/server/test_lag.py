"""What an operator sees of a server that stood still."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from support.serving import Viewer

from visavis.server.system import lag
from visavis.server.system.metrics import Metrics

TESTS = Path(__file__).parents[1]


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


async def test_a_loop_that_is_blocked_is_a_stall_and_one_line_in_the_log(caplog):
    metrics = Metrics()
    watching = asyncio.create_task(lag.watch(metrics))
    await asyncio.sleep(0.3)
    calm = value(metrics, "visavis_loop_lag_seconds_count")
    assert calm >= 3
    for _ in range(2):
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            pass
        await asyncio.sleep(0.1)
    watching.cancel()
    assert value(metrics, "visavis_stalls_total") == 2
    assert 0.6 < value(metrics, "visavis_stalled_seconds_total") < 1.2
    assert [record.message for record in caplog.records] == ["the server stood still"]


async def samples(client):
    text = await (await client.get("/metrics")).text()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.slow
async def test_a_server_that_was_stopped_for_3_s_says_so():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.frozen", cwd=TESTS,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    address = (await process.stdout.readline()).decode().strip()
    async with ClientSession(address) as client:
        viewer = Viewer()
        location = await viewer.connect(client)
        await viewer.wait_for("ready")
        await asyncio.sleep(2)
        before = await samples(client)
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(3)
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(1)
        after = await samples(client)
        described = await (await client.get(location)).json()
        await viewer.close()
    process.stdin.close()
    await process.wait()
    assert before["visavis_frames_late_total",] <= 1  # none, on a machine for this alone
    grown = {key: after[key] - before.get(key, 0) for key in after}
    assert 70 <= grown["visavis_frames_late_total",] <= 80
    assert 70 <= grown["visavis_frames_skipped_total",] <= 76
    assert described["late_frames"] == after["visavis_frames_late_total",]
    assert grown["visavis_stalls_total",] >= 1
    assert 2.7 < grown["visavis_stalled_seconds_total",] < 3.5
    assert grown["visavis_sound_gap_seconds_count",] == 1
    assert 2.7 < grown["visavis_sound_gap_seconds_sum",] < 3.5
    assert 2.5 < grown["visavis_sound_left_out_seconds_total", "silence"] < 3.5
    assert grown["visavis_sound_left_out_seconds_total", "speech"] == 0
