"""A changed file of answers is taken up while the server runs; a broken one is refused."""

import asyncio
import logging

import pytest
from support.embedders import WordVectors

from visavis.engines.base import Exchange
from visavis.engines.dialogue.echo import EchoDialogue
from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.server.services import reloading
from visavis.server.services.reloading import Reloading
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import InThread

LOOK = 0.02  # s
INN = "# Inn\n## food\n### the bar\n- Where is the bar?\n\nUpstairs. It is small.\n"


class Bench:
    """A dialogue in use, and who looks after it."""

    def __init__(self, path):
        self.path, self.metrics = path, Metrics()
        dialogue = KnowledgeDialogue(path, WordVectors())
        self.runner = InThread(dialogue, Worker("dialogue"))
        self.reloading = Reloading(self.metrics, LOOK)
        self.reloading.watch(self.runner)

    def outcomes(self, outcome):
        return self.metrics.knowledge_renewals.labels(outcome)._value.get()

    async def until(self, outcome, count):
        async with asyncio.timeout(5):
            while self.outcomes(outcome) < count:
                await asyncio.sleep(LOOK)

    async def ask(self, text="Where is the bar?"):
        pieces = [piece async for piece in self.runner.stream(_reply, text)]
        return "".join(pieces)


def _reply(dialogue, text):
    yield from dialogue.reply(text, [])


@pytest.fixture
async def bench(tmp_path):
    path = tmp_path / "inn.md"
    path.write_text(INN)
    made = Bench(path)
    running = asyncio.create_task(made.reloading.run())
    yield made
    running.cancel()
    made.runner.close()


async def test_a_change_is_taken_up_and_a_reply_ends_as_it_began(bench):
    told = []

    async def tell(old, new):
        told.append((old, new))

    bench.reloading.tell(tell)
    old = bench.runner.engine
    reply = bench.runner.stream(_reply, "Where is the bar?")
    assert await anext(reply) == "Upstairs. "
    bench.path.write_text(INN.replace("Upstairs. It is small.", "In the cellar."))
    await bench.until("taken", 1)
    assert [piece async for piece in reply] == ["It is small."]
    assert await bench.ask() == "In the cellar."
    assert told == [(old, bench.runner.engine)]


async def test_a_broken_file_is_refused_by_its_line_and_the_old_one_goes_on(bench, caplog):
    with caplog.at_level(logging.WARNING, logger=reloading.__name__):
        bench.path.write_text(INN.replace("- Where is the bar?\n", ""))
        await bench.until("refused", 1)
        await asyncio.sleep(5 * LOOK)  # it is looked at again, and said once
    assert [record.fault for record in caplog.records] == [
        "inn.md:3: entry 'the bar' has no '- question?' line"
    ]
    assert await bench.ask() == "Upstairs. It is small."
    bench.path.write_text(INN.replace("Upstairs.", "Downstairs."))
    await bench.until("taken", 1)
    assert await bench.ask() == "Downstairs. It is small."


async def test_a_file_that_is_gone_is_refused_until_it_is_back(bench):
    bench.path.unlink()
    await bench.until("refused", 1)
    assert await bench.ask() == "Upstairs. It is small."
    bench.path.write_text(INN.replace("Upstairs.", "Back again."))
    await bench.until("taken", 1)
    assert (await bench.ask()).startswith("Back again.")


async def test_what_is_made_of_no_file_is_left_alone():
    reload = Reloading(Metrics(), LOOK)
    runner = InThread(EchoDialogue(), Worker("echo"))
    reload.watch(runner)
    running = asyncio.create_task(reload.run())
    await asyncio.sleep(3 * LOOK)
    assert not running.done()
    running.cancel()
    runner.close()


def test_a_follow_up_goes_on_with_what_was_said_before_the_change(tmp_path):
    path = tmp_path / "inn.md"
    path.write_text(INN)
    dialogue = KnowledgeDialogue(path, WordVectors())
    path.write_text(INN.replace("Upstairs.", "Here."))
    renewed = dialogue.renewed()
    assert renewed.made_of != dialogue.made_of
    past = [Exchange("Where is the bar?", "Upstairs.")]
    assert "".join(renewed.reply("say that again", past)) == "Of course. Here. It is small."
