"""A mind that may be away: another stands in, fillers pass the time, and nobody waits twice."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Call, EngineAway, EngineError, Fragment, Remark
from visavis.engines.language.phrasebook import phrases
from visavis.server.services import fillers, standin
from visavis.server.services.fillers import Filling, Prepared
from visavis.server.services.standin import Breaker, StandIn
from visavis.server.session import events
from visavis.server.system.metrics import Metrics

FILLERS = phrases("filler.looking", "en")
fillers.warm()


class Far:
    """A mind whose answer is a script: seconds to wait, texts to say, faults to throw."""

    def __init__(self, *script):
        self.script, self.asked, self.probed, self.closed = list(script), 0, 0, 0
        self.away = False

    async def answer(self, question):
        self.asked += 1
        try:
            for step in self.script:
                if isinstance(step, (int, float)):
                    await asyncio.sleep(step)
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield Fragment(step) if isinstance(step, str) else step
        finally:
            self.closed += 1

    async def probe(self):
        self.probed += 1
        if self.away:
            raise EngineAway("away")


class Near:
    """A mind that is always there."""

    async def answer(self, question):
        yield Fragment("From the file.", sure=0.9)


class Thinker(Stage):
    """A conversation with a mind of one's own."""

    def __init__(self, mind):
        super().__init__()
        engines = self.services.engines()
        self.open(replace(engines, speakers=replace(engines.speakers, mind=mind)))


class Asked:
    text, language, mood = "when is breakfast?", "en", None

    def __init__(self, *, language="en", history=()):
        self.language, self.history, self._sure = language, history, asyncio.Event()
        self._sure.set()

    async def confirmed(self):
        await self._sure.wait()


def over(far, metrics):
    breaker = Breaker(far.probe, metrics)
    return StandIn(far, Near(), "knowledge", breaker, metrics), breaker


async def said(mind, question=None):
    return [thought async for thought in mind.answer(question or Asked())]


def texts(thoughts):
    return [t.text for t in thoughts if isinstance(t, Fragment)]


def count(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


# --- standing in ----------------------------------------------------------------------------------


@virtual_time
async def test_who_is_there_answers():
    metrics = Metrics()
    mind, _ = over(Far(0.3, "", "Hello."), metrics)
    assert await said(mind) == [Fragment(""), Fragment("Hello.")]
    assert count(metrics, "visavis_llm_answers_total", by="model") == 1
    assert count(metrics, "visavis_llm_first_token_seconds_sum") == pytest.approx(0.3, abs=0.01)
    assert count(metrics, "visavis_llm_away") == 0


@pytest.mark.parametrize("begins", [(), ("",)])
@virtual_time
async def test_who_is_away_is_replaced_for_the_turn(begins):
    metrics = Metrics()
    mind, breaker = over(Far(*begins, EngineAway("gone")), metrics)
    thoughts = await said(mind)
    assert thoughts[-1] == Fragment("From the file.", sure=0.9, by="knowledge")
    assert texts(thoughts)[-1:] == ["From the file."]
    assert count(metrics, "visavis_llm_answers_total", by="stand-in") == 1
    assert count(metrics, "visavis_llm_away") == 1
    breaker.close()


@virtual_time
async def test_later_turns_do_not_wait_and_it_comes_back_by_itself():
    metrics, far = Metrics(), Far(2.0, EngineAway("gone"))
    mind, breaker = over(far, metrics)
    far.away = True
    await said(mind)
    began = asyncio.get_running_loop().time()
    for _ in range(5):
        assert texts(await said(mind)) == ["From the file."]
    assert asyncio.get_running_loop().time() == began
    assert far.asked == 1
    await asyncio.sleep(120)
    assert breaker.open
    assert 5 <= far.probed <= 8  # ever more seldom, twice a minute at last
    far.away, far.script = False, ["Here again."]
    await asyncio.sleep(standin.LATEST)
    assert not breaker.open
    assert texts(await said(mind)) == ["Here again."]
    assert count(metrics, "visavis_llm_away") == 0
    probed = far.probed
    await asyncio.sleep(600)
    assert far.probed == probed  # nobody is asked without need


@virtual_time
async def test_a_request_that_it_does_not_take_is_no_absence():
    metrics = Metrics()
    mind, breaker = over(Far(EngineError("too long")), metrics)
    assert texts(await said(mind)) == ["From the file."]
    assert not breaker.open


@pytest.mark.parametrize("first", ["Breakfast is ", Call("1", "book", {})])
@virtual_time
async def test_who_breaks_off_is_not_replaced(first):
    metrics = Metrics()
    mind, breaker = over(Far(first, EngineAway("cut")), metrics)
    with pytest.raises(EngineAway):
        await said(mind)
    assert count(metrics, "visavis_llm_answers_total", by="broken") == 1
    breaker.close()


@virtual_time
async def test_one_that_is_away_from_the_start_is_found_out_before_anybody_asks():
    metrics, far = Metrics(), Far("never")
    far.away = True
    mind, breaker = over(far, metrics)
    breaker.try_now()
    await asyncio.sleep(0.1)
    assert texts(await said(mind)) == ["From the file."]
    assert far.asked == 0
    breaker.close()


@virtual_time
async def test_the_session_says_who_answered():
    far = Far(EngineAway("gone"))
    metrics = Metrics()
    mind, breaker = over(far, metrics)
    async with Thinker(mind) as stage:
        stage.session.ask("when is breakfast?")
        await stage.pass_time(3000)
        assert [e.heard for e in stage.of(events.ReplyEnded)] == ["From the file."]
        assert stage.session.stand_in == "knowledge"
        far.script = ["Hello."]
        await stage.pass_time(2000)
        stage.session.ask("and now?")
        await stage.pass_time(3000)
        assert stage.session.stand_in == ""
    breaker.close()


# --- fillers --------------------------------------------------------------------------------------


async def timed(mind, question=None):
    """The texts with when they came, in s."""
    began, found = asyncio.get_running_loop().time(), []
    async for thought in mind.answer(question or Asked()):
        found.append((thought.text, round(asyncio.get_running_loop().time() - began, 2)))
    return found


@virtual_time
async def test_a_slow_answer_is_bridged():
    metrics = Metrics()
    (filler, at), answer = await timed(Filling(Far(2.0, "Yes."), metrics))
    assert filler.strip() in FILLERS
    assert at == fillers.WAIT
    assert answer == ("Yes.", 2.0)
    assert count(metrics, "visavis_fillers_total") == 1


@virtual_time
async def test_a_quick_answer_is_not():
    assert await timed(Filling(Far(0.6, "Yes. ", 3.0, "No."), Metrics())) == [
        ("Yes. ", 0.6),
        ("No.", 3.6),
    ]


@virtual_time
async def test_an_answer_that_has_begun_is_waited_for_but_not_for_ever():
    assert await timed(Filling(Far(0.5, "", 0.7, "Yes."), Metrics())) == [("", 0.5), ("Yes.", 1.2)]
    begun, (filler, at), last = await timed(Filling(Far(0.5, "", 2.0, "Yes."), Metrics()))
    assert (begun, filler.strip() in FILLERS, at, last) == (("", 0.5), True, 1.3, ("Yes.", 2.5))


@virtual_time
async def test_an_answer_that_is_expected_soon_is_waited_for():
    far = Far(0.9, "Yes.")
    mind = Filling(far, Metrics())
    for _ in range(3):
        assert len(await timed(mind)) == 2  # nothing is known of it yet
    assert await timed(mind) == [("Yes.", 0.9)]
    far.script = [3.0, "Late."]
    (_, at), _ = await timed(mind)
    assert at == pytest.approx(1.05, abs=0.01)  # it did not keep to that


@virtual_time
async def test_it_is_not_the_same_every_time():
    mind, heard = Filling(Far(2.0, "Yes."), Metrics()), []
    for _ in range(8):
        history = [Remark(1, "avatar", "x", heard=f"{heard[-1]}Yes.")] if heard else []
        heard.append((await timed(mind, Asked(history=history)))[0][0])
    assert all(one != next for one, next in pairwise(heard))
    assert {each.strip() for each in heard} == set(FILLERS)


@virtual_time
async def test_it_speaks_the_visitors_language_or_not_at_all():
    mind = Filling(Far(2.0, "Ja."), Metrics())
    assert (await timed(mind, Asked(language="de-AT")))[0][0].strip() in phrases(
        "filler.looking", "de"
    )
    assert await timed(mind, Asked(language="pt")) == [("Ja.", 2.0)]


@virtual_time
async def test_nothing_is_filled_before_the_visitor_has_finished():
    question = Asked()
    question._sure.clear()
    answer = asyncio.create_task(timed(Filling(Far(3.0, "Yes."), Metrics()), question))
    await asyncio.sleep(1.5)
    question._sure.set()
    (filler, at), _ = await answer
    assert filler.strip() in FILLERS
    assert at == pytest.approx(1.5 + fillers.WAIT)


@virtual_time
async def test_a_fault_after_a_filler_is_a_fault():
    with pytest.raises(EngineAway):
        await timed(Filling(Far(2.0, EngineAway("gone")), Metrics()))


@pytest.mark.parametrize("after", [0.2, 1.0, 2.5])
@virtual_time
async def test_whoever_cancels_ends_it_all(after):
    far = Far(2.0, "Yes. ", 2.0, "No.")
    task = asyncio.create_task(timed(Filling(far, Metrics())))
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert far.closed == 1
    assert not [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]


@virtual_time
async def test_a_conversation_with_a_slow_mind():
    mind = Filling(Far(2.5, "[friendly] It is at seven."), Metrics())
    async with Thinker(mind) as stage:
        await stage.speak([(VOICE, 1000), (SILENCE, 1500)])
        await stage.pass_time(6000)
        (ended,) = stage.of(events.ReplyEnded)
        filler = next(each for each in FILLERS if ended.heard.startswith(each))
        assert ended.heard == f"{filler} It is at seven."


def test_fillers_are_made_ahead():
    class Knowing:
        def foreknown(self):
            yield ("An answer.",)

    known = list(Prepared("en", Knowing()).foreknown())
    assert known == [*((f"{each} ",) for each in FILLERS), ("An answer.",)]
