"""What the mood of a conversation does to answers: apologies, a calmer face, a person on offer."""

from dataclasses import replace

import pytest
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import UNTOLD, Fragment
from visavis.engines.direction.mood import TOLD
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.phrasebook import LANGUAGES, phrases
from visavis.server.services import considerate
from visavis.server.services.considerate import ACCEPTED, ConsiderateMind
from visavis.server.session import events
from visavis.server.session.attendance import Presence

considerate.warm()
SORRY = tuple(unmarked(each) for each in phrases("mood.sorry", "en"))
OFFERS = tuple(unmarked(each) for each in phrases("mood.offer", "en"))
ANGRY = "You are not listening to me!"


class Told:
    """A mind that writes down the mood that it is told, and is as sure as it is set to be."""

    def __init__(self):
        self.moods, self.sure, self.count = [], 0.9, 0

    async def answer(self, question):
        self.moods.append(question.mood)
        self.count += 1
        yield Fragment(f"[friendly] This is answer number {self.count}.", self.sure)


class Desk(Stage):
    def __init__(self):
        super().__init__()
        self.mind = Told()
        engines = self.services.engines()
        speakers = replace(engines.speakers, mind=ConsiderateMind(self.mind))
        self.over = []
        self.open(replace(engines, speakers=speakers, over=lambda *row: self.over.append(row)))
        self.session.attendance.presence = Presence(offered=True)

    async def asked(self, text):
        self.session.ask(text)
        await self.pass_time(12_000)
        return self.of(events.ReplyEnded)[-1].heard


@virtual_time
async def test_it_is_sorry_once_and_not_every_time():
    async with Desk() as desk:
        assert not (await desk.asked("Where is the pool?")).startswith(SORRY)
        assert (await desk.asked(ANGRY)).startswith(SORRY)
        assert not (await desk.asked(ANGRY)).startswith(SORRY)


@virtual_time
@pytest.mark.parametrize("sure", [0.0, None])
async def test_it_is_not_sorry_before_an_answer_that_is_none_or_one_that_knows_the_mood(sure):
    async with Desk() as desk:
        desk.mind.sure = sure
        assert (await desk.asked(ANGRY)) == "This is answer number 1."
        assert desk.mind.moods[0].frustration >= TOLD


@virtual_time
async def test_two_rises_in_a_row_offer_a_person_who_is_called_on_yes():
    async with Desk() as desk:
        await desk.asked("This is ridiculous")
        assert (await desk.asked(ANGRY)).endswith(OFFERS)
        assert desk.of(events.StaffWanted) == []
        assert (await desk.asked("Yes, please.")).startswith("All right.")
        assert [e.reason for e in desk.of(events.StaffWanted)] == [ACCEPTED]
        assert desk.mind.count == 2
        assert not (await desk.asked("Useless! You are useless!")).endswith(OFFERS)


@virtual_time
async def test_nobody_is_offered_where_there_is_no_staff():
    async with Desk() as desk:
        desk.session.attendance.presence = Presence()
        said = [await desk.asked(text) for text in ("This is ridiculous", ANGRY, ANGRY)]
        assert not any(offer in each for each in said for offer in OFFERS)


@virtual_time
async def test_no_is_the_minds_and_nobody_is_offered_again_soon():
    async with Desk() as desk:
        for text in ("This is ridiculous", ANGRY):
            await desk.asked(text)
        assert "answer number 3" in await desk.asked("No, thanks.")
        for text in (ANGRY, "That is wrong again"):
            assert not (await desk.asked(text)).endswith(OFFERS)
        assert desk.of(events.StaffWanted) == []


@virtual_time
async def test_yes_without_an_offer_or_to_one_that_was_not_heard_is_the_minds():
    async with Desk() as desk:
        assert "answer number 1" in await desk.asked("Yes, please.")
        await desk.asked("This is ridiculous")
        desk.session.ask(ANGRY)
        await desk.pass_time(1500)  # the offer comes after that
        assert "answer number 4" in await desk.asked("Yes, please.")


@virtual_time
async def test_the_mood_is_the_minds_the_sessions_and_told_with_each_question():
    async with Desk() as desk:
        assert desk.session.mood == UNTOLD
        await desk.asked("That is wonderful, thank you so much!")
        await desk.asked("Where is the bar?")
        assert [mood.satisfaction > TOLD for mood in desk.mind.moods] == [True, True]
        assert desk.session.mood == desk.mind.moods[-1]
        assert [(request.text, sure) for request, sure in desk.over] == [
            ("That is wonderful, thank you so much!", 0.9), ("Where is the bar?", 0.9),
        ]  # fmt: skip
        assert desk.over[1][0].felt == desk.mind.moods[1]


@virtual_time
async def test_the_face_follows_the_conversation():
    async with Desk() as desk:
        await desk.asked("That is wonderful, thank you so much!")
        desk.session.ask("Where is the bar?")
        await desk.pass_time(500)
        assert desk.session._current.reply.request.mood.styles == ("warm",)
        await desk.asked(ANGRY)
        desk.session.ask("Where is the lift?")
        await desk.pass_time(500)
        assert "calm" in desk.session._current.reply.request.mood.styles


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_offer_and_an_apology_are_found_again_in_what_was_said(language):
    for key in ("mood.sorry", "mood.offer"):
        for text in phrases(key, language):
            assert text.startswith("[")
            assert unmarked(text)
