import asyncio
import threading
import time
from contextlib import aclosing

import pytest
from support.virtual_time import virtual_time

from visavis.engines.base import EngineError
from visavis.server.system.flow import Channel, Tasks, Worker


@virtual_time
async def test_a_worker_runs_in_its_own_named_thread():
    worker = Worker("ears")
    name = await worker.call(lambda: threading.current_thread().name)
    worker.close()
    assert name.startswith("ears")


@virtual_time
async def test_any_fault_of_an_engine_is_an_engine_error_without_its_words(caplog):
    worker = Worker("mind")
    with pytest.raises(EngineError):
        await worker.call(int, "what the visitor said")
    assert "broke its contract" in caplog.text
    assert "what the visitor said" not in caplog.text
    worker.close()


@virtual_time
async def test_sessions_take_turns_between_items():
    worker, order = Worker("voice"), []

    def items(who):
        for n in range(3):
            order.append(who)
            yield n

    async def consume(who):
        async with aclosing(worker.stream(lambda: items(who))) as stream:
            assert [n async for n in stream] == [0, 1, 2]

    await asyncio.gather(consume("a"), consume("b"))
    worker.close()
    assert order == ["a", "b"] * 3


@virtual_time
async def test_a_waiting_call_is_dropped_when_cancelled():
    worker, ran = Worker("voice"), []
    blocking = asyncio.create_task(worker.call(time.sleep, 0.05))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(worker.call(ran.append, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(blocking, waiting, return_exceptions=True)
    worker.close()
    assert not ran


@virtual_time
async def test_leaving_a_stream_early_closes_the_iterator():
    worker, closed = Worker("voice"), []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    async with aclosing(worker.stream(items)) as stream:
        async for _ in stream:
            break
    await worker.call(len, ())  # whatever was handed to the thread before is done by then
    worker.close()
    assert closed


@virtual_time
async def test_a_channel_holds_its_writer_back():
    channel = Channel(10, len)

    async def write():
        for _ in range(4):
            await channel.put("12345")
        channel.close()

    writer = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    assert not writer.done()
    assert [item async for item in channel] == ["12345"] * 4
    await writer


@virtual_time
async def test_a_channel_hands_on_the_error_after_what_came_before():
    channel = Channel(10, len)
    await channel.put("ok")
    channel.close(ValueError("broken"))
    seen = []
    with pytest.raises(ValueError, match="broken"):
        async for item in channel:
            seen.append(item)
    assert seen == ["ok"]


@virtual_time
async def test_closing_tasks_ends_them_all():
    tasks = Tasks()
    running = [tasks.start(asyncio.sleep(1000), f"t{n}") for n in range(3)]
    await asyncio.sleep(0)
    await tasks.close()
    assert all(task.cancelled() for task in running)


@virtual_time
async def test_a_failing_task_is_logged_and_nothing_else(caplog):
    tasks = Tasks()

    async def fail():
        raise ValueError("boom")

    tasks.start(fail(), "doomed")
    await asyncio.sleep(0.01)
    assert "a task failed" in caplog.text
    await tasks.close()
