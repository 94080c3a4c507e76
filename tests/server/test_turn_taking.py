"""Early answers, taken back where the visitor had not finished; sentences with a pause in them."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from support.stage import SILENCE, Stage
from support.virtual_time import virtual_time

from visavis.engines import fake
from visavis.engines.base import Call, Fragment, Remark, Transcript
from visavis.server.playout.messages import PACKET, to_ms
from visavis.server.services.minds import DialogueMind
from visavis.server.session import events, microphone
from visavis.server.session.hearing import RESTARTED
from visavis.server.system.flow import Worker
from visavis.server.system.served import Health, InThread, Served

# Packets of different loudness are different words.
WORDS = {
    6000: "What time is breakfast?",
    8000: "on Sundays?",
    10000: "Is there a gym?",
    12000: "I would like to",
    14000: "book a table.",
    16000: "Okay.",
    17000: "Four",
    18000: "people?",
}
QUESTION, REST, OTHER, BEGINNING, END, OKAY, FOUR, MORE = (
    np.full(PACKET, level, np.int16) for level in WORDS
)
COUGH = np.full(PACKET, 20000, np.int16)


class Listening(fake.FakeStt):
    """Writes down the words that a clip holds; those of one sentence as one."""

    whole = False  # whether a question and its rest were heard at once

    def transcribe(self, pcm, before=""):
        self.calls += 1
        said = []
        for level, text in WORDS.items():
            if (np.abs(pcm.astype(int) - level) < 300).sum() > 1600:
                said.append(text)
        text = " ".join(said).replace("breakfast? on", "breakfast on")
        text = text.replace("breakfast? Four people", "breakfast for four people")
        self.whole |= "breakfast on" in text
        return Transcript(text, 0.0 if text else 1.0)


class Sure(fake.FakeDialogue):
    """Knows every answer, or how little it knows."""

    def __init__(self, sure=1.0, answer=lambda text: "one two three four five six seven eight"):
        super().__init__(answer)
        self._sure = sure

    def sure(self, text, history):
        return self._sure


class Room(Stage):
    """A conversation in which words are told apart, with an end-of-turn network."""

    def __init__(self, mind=None, finished=0.95, longest=180_000, canceller=None, **sure):
        super().__init__()
        services = self.services
        services.stt = self.stt = Listening()
        self.network = fake.FakeTurnEnd(finished)
        worker = services.workers["turn-end"] = Worker("turn-end", deadline=20.0)
        turn_end = Served(InThread(self.network, worker), Health("turn-end", "", services.metrics))
        if mind is None:
            self.dialogue = services.dialogue = Sure(**sure)
            mind = DialogueMind(services._served("dialogue", self.dialogue))
        engines = services.engines()
        self.open(
            replace(
                engines,
                ear=replace(
                    engines.ear,
                    turn_end=turn_end,
                    echo=canceller or engines.ear.echo,
                    limits=replace(engines.ear.limits, longest=longest, pauseless=1_000),
                ),
                speakers=replace(engines.speakers, mind=mind),
            )
        )

    @property
    def final(self):
        """What is left of the page's transcript: each turn's last final text."""
        last = {t.turn: t.text for t in self.of(events.Transcribed) if t.final}
        return [text for text in last.values() if text]

    @property
    def taken_back(self):
        return self.services.metrics.taken_back._value.get()

    def said(self):
        return [r.text for r in self.session.history.remarks if r.role == "visitor"]


@virtual_time
async def test_a_known_question_is_answered_after_160_ms():
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 1000)])
        await stage.pass_time(3000)
        assert stage.of(events.Receipt)[0].first_clause == pytest.approx(160, abs=21)
        assert stage.final == ["What time is breakfast?"]
        assert stage.network.heard  # it was asked as well


@pytest.mark.parametrize(("sure", "finished"), [(0.3, 0.95), (0.8, 0.02)])
@virtual_time
async def test_another_one_later(sure, finished):
    async with Room(sure=sure, finished=finished) as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 1400)])
        await stage.pass_time(3000)
        assert 300 < stage.of(events.Receipt)[0].first_clause < 1100


@virtual_time
async def test_an_answer_that_began_too_early_is_taken_back_without_a_word():
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 200), (REST, 600), (SILENCE, 1000)])
        await stage.pass_time(4000)
        ended = stage.of(events.ReplyEnded)
        assert [e.reason for e in ended] == ["interrupted", "done"]
        assert ended[0].heard == ""
        assert stage.final == ["What time is breakfast on Sundays?"]
        assert stage.said() == ["What time is breakfast on Sundays?"]
        assert stage.taken_back == 1
        assert [len(history) for history in stage.dialogue.histories] == [0, 0]
        # All that the visitor said is one turn: 160 ms after its last word it is answered.
        assert stage.of(events.Receipt)[1].first_clause == pytest.approx(160, abs=21)


@virtual_time
async def test_a_cough_before_the_answer_costs_a_moment_and_nothing_else():
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 240), (COUGH, 200), (SILENCE, 1500)])
        await stage.pass_time(4000)
        assert [e.reason for e in stage.of(events.ReplyEnded)] == ["done"]
        assert stage.of(events.ReplyEnded)[0].heard == "one two three four five six seven eight"
        assert stage.final == ["What time is breakfast?"]
        assert len(stage.dialogue.histories) == 1  # what was prepared is said
        assert stage.taken_back == 0


@virtual_time
async def test_the_rest_of_a_sentence_joins_it_when_the_answer_was_barely_begun():
    async with Room(finished=0.95) as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 700), (REST, 600), (SILENCE, 1000)])
        await stage.pass_time(4000)
        ended = stage.of(events.ReplyEnded)
        assert ended[0].reason == "interrupted"
        assert 1 <= len(ended[0].heard.split()) <= 4
        assert stage.final == ["What time is breakfast on Sundays?"]
        assert stage.said() == ["What time is breakfast on Sundays?"]
        assert stage.taken_back == 1


@virtual_time
async def test_the_next_question_joins_nothing():
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 700), (OTHER, 600), (SILENCE, 1000)])
        await stage.pass_time(4000)
        assert stage.said() == ["What time is breakfast?", "Is there a gym?"]
        assert stage.taken_back == 0


@virtual_time
async def test_nor_does_what_is_said_over_an_answer_that_is_well_under_way():
    async with Room(answer=lambda text: "word " * 30) as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 2500), (REST, 600), (SILENCE, 1500)])
        await stage.pass_time(12_000)
        assert stage.said() == ["What time is breakfast?", "on Sundays?"]
        assert stage.taken_back == 0


@virtual_time
async def test_a_pause_of_over_a_second_in_a_sentence_loses_no_word():
    async with Room(sure=0.0, finished=0.02) as stage:
        await stage.speak([(BEGINNING, 800), (SILENCE, 1300), (END, 600), (SILENCE, 1500)])
        await stage.pass_time(4000)
        assert stage.final == ["I would like to book a table."]
        assert len(stage.of(events.ReplyEnded)) == 1


@virtual_time
async def test_one_of_two_seconds_loses_none_either():
    async with Room(sure=0.0, finished=0.02) as stage:
        await stage.speak([(BEGINNING, 800), (SILENCE, 2000), (END, 600), (SILENCE, 1500)])
        await stage.pass_time(4000)
        assert stage.said() == ["I would like to book a table."]
        assert stage.final == ["I would like to book a table."]


class Acting:
    """A mind that acts as soon as it may, and answers after that."""

    def __init__(self):
        self.acted = []

    async def answer(self, question):
        yield Fragment("Let me see. ", 1.0)
        await question.confirmed()
        self.acted.append(question.text)
        yield Call("1", "book", {})
        yield Fragment("It is done.")


@virtual_time
async def test_a_mind_acts_only_when_the_visitor_has_surely_finished():
    mind = Acting()
    async with Room(mind=mind) as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 240), (REST, 600), (SILENCE, 320)])
        assert stage.of(events.ReplyStarted)
        assert mind.acted == []
        await stage.speak([(SILENCE, 1000)])
        await stage.pass_time(3000)
        assert mind.acted == ["What time is breakfast on Sundays?"]


@virtual_time
async def test_typed_words_end_what_was_said_before_them():
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 220)])
        stage.session.ask("is there a gym?")
        await stage.speak([(REST, 600), (SILENCE, 1500)])
        await stage.pass_time(4000)
        assert stage.final == ["What time is breakfast?", "is there a gym?", "on Sundays?"]


@pytest.mark.parametrize("broken", ["fails", "is not there", "hangs"])
@virtual_time
async def test_without_the_network_the_turn_ends_by_words_and_silence(broken):
    async with Room() as stage:
        if broken == "fails":
            stage.network.probability = None
        else:
            ear = stage.session._ear
            ear._ending._network = None if broken == "is not there" else Hanging()
        await stage.speak([(QUESTION, 800), (SILENCE, 1000)])
        await stage.pass_time(3000)
        assert stage.of(events.Receipt)[0].first_clause == pytest.approx(160, abs=21)


class Hanging:
    async def call(self, *_):
        await asyncio.Event().wait()


@virtual_time
async def test_a_turn_whose_words_never_come_ends():
    async with Room() as stage:
        stage.session._ear._words._stt = Hanging()
        await stage.speak([(QUESTION, 800), (SILENCE, 7000)])
        assert [m.active for m in stage.of(events.Listening)] == [True, False]
        assert RESTARTED in stage.of(events.Failure)
        assert stage.final == []


@virtual_time
async def test_a_turn_in_noise_that_never_pauses_ends_and_begins_no_other():
    async with Room() as stage:
        began = stage.clock.now()
        hum = np.full(PACKET, 20000, np.int16)
        await stage.speak([(QUESTION, 800), (hum, 14_000)])
        assert stage.said() == ["What time is breakfast?"]
        assert to_ms(stage.at(events.ReplyStarted)[0] - began) < 9500
        assert [m.active for m in stage.of(events.Listening)] == [True, False]
        await stage.speak([(SILENCE, 400), (OTHER, 600), (SILENCE, 1000)])
        await stage.pass_time(3000)
        assert stage.said()[-1] == "Is there a gym?"


@virtual_time
async def test_a_mind_that_does_not_say_how_sure_it_is_answers_a_little_later():
    class Plain:
        async def answer(self, question):
            yield Fragment("Yes.")

    async with Room(mind=Plain()) as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 1500)])
        await stage.pass_time(2000)
        assert 300 < stage.of(events.Receipt)[0].first_clause < 500
        assert stage.session.history.remarks[0] == Remark(1, "visitor", "What time is breakfast?")


SAYING = "one two three four five six seven eight"


@pytest.mark.parametrize("pause", [900, 1100, 1500])
@virtual_time
async def test_what_is_said_over_the_first_words_of_an_answer_is_heard_with_the_question(pause):
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, pause), (REST, 600), (SILENCE, 1000)])
        await stage.pass_time(4000)
        assert stage.of(events.ReplyEnded)[0].heard  # it had begun
        assert stage.final == ["What time is breakfast on Sundays?"]
        assert stage.said() == ["What time is breakfast on Sundays?"]
        assert stage.stt.whole  # both halves, at once


@virtual_time
async def test_but_another_question_over_them_is_another_remark():
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 900), (OTHER, 600), (SILENCE, 1000)])
        await stage.pass_time(4000)
        assert stage.final == ["What time is breakfast?", "Is there a gym?"]
        assert stage.taken_back == 0


@pytest.mark.parametrize("noise", [COUGH, OKAY])
@virtual_time
async def test_and_what_is_no_turn_lets_the_answer_go_on(noise):
    async with Room() as stage:
        await stage.speak([(QUESTION, 800), (SILENCE, 900), (noise, 300), (SILENCE, 1500)])
        await stage.pass_time(4000)
        assert [(e.reason, e.heard) for e in stage.of(events.ReplyEnded)] == [("done", SAYING)]
        assert stage.final == ["What time is breakfast?"]
        assert stage.taken_back == 0


@virtual_time
async def test_a_rest_that_begins_like_another_remark_is_joined_when_it_is_known():
    async with Room() as stage:
        rest = [(FOUR, 300), (SILENCE, 100), (MORE, 600), (SILENCE, 1500)]
        await stage.speak([(QUESTION, 800), (SILENCE, 900), *rest])
        await stage.pass_time(4000)
        assert [t.text for t in stage.of(events.Transcribed) if not t.final][1] == "Four"
        assert stage.final == ["What time is breakfast for four people?"]
        assert stage.said() == ["What time is breakfast for four people?"]


@virtual_time
async def test_who_talks_on_and_on_is_heard_to_the_end_in_one_remark():
    async with Room(sure=0.0, finished=0.02, longest=2_000) as stage:
        talk = [(QUESTION, 800), (SILENCE, 100), (BEGINNING, 1300), (SILENCE, 40), (OTHER, 900)]
        await stage.speak([*talk, (SILENCE, 200), (END, 600), (SILENCE, 2000)])
        await stage.pass_time(4000)
        words = stage.said()
        assert len(words) == 1
        assert words == stage.final
        for said in ("What time is breakfast", "I would like to", "there a gym", "book a table"):
            assert said in words[0]
        assert [e.reason for e in stage.of(events.ReplyEnded)][-1] == "done"


@virtual_time
async def test_without_any_pause_at_all_it_is_cut_and_nothing_lost():
    async with Room(sure=0.0, longest=2_000) as stage:
        await stage.speak([(QUESTION, 3000), (BEGINNING, 2500), (END, 1200), (SILENCE, 2000)])
        await stage.pass_time(4000)
        assert len(stage.said()) == 1
        for said in ("What time is breakfast", "I would like to", "book a table"):
            assert said in stage.said()[0]


class Greedy:
    """An echo canceller that takes the visitor away with the avatar."""

    def process(self, mic, far):
        return np.zeros_like(mic) if np.abs(far).max() > 100 else mic


@pytest.mark.parametrize("verdict", ["none", "echo"])
@virtual_time
async def test_what_the_canceller_hid_over_the_first_reply_is_found_where_no_echo_is(
    verdict, monkeypatch
):
    class Path:
        verdict, unlikely, surely_none = "unknown", False, False

        def push(self, mic, far):
            return self.verdict

    def decide():
        Path.verdict, Path.unlikely = verdict, verdict == "none"
        Path.surely_none = Path.unlikely

    monkeypatch.setattr(microphone, "EchoPath", Path)
    async with Room(canceller=Greedy) as stage:
        asyncio.get_running_loop().call_later(1.9, decide)  # when all of it has been said
        await stage.speak([(QUESTION, 800), (SILENCE, 400), (REST, 700), (SILENCE, 1500)])
        await stage.pass_time(4000)
        asked = "What time is breakfast on Sundays?" if verdict == "none" else WORDS[6000]
        assert stage.said() == [asked]
