"""A conversation's language: what a mind is told of it, and which dialogue answers."""

from dataclasses import replace

from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Fragment
from visavis.engines.language.phrasebook import ENGLISH
from visavis.server.services.minds import DialogueMind
from visavis.server.session import events
from visavis.server.system.flow import Worker
from visavis.server.system.served import Health, InThread, Served


class Listener:
    """A mind that notes in which language it was asked."""

    def __init__(self):
        self.languages = []

    async def answer(self, question):
        self.languages.append(question.language)
        yield Fragment("So be it.")


class Saying:
    """A dialogue that says one thing, whatever it is asked."""

    def __init__(self, words):
        self.words = words

    def reply(self, text, history):
        yield self.words


def staged(mind, language):
    stage = Stage()
    engines = stage.services.engines()
    speakers = replace(engines.speakers, mind=mind)
    stage.open(replace(engines, speakers=speakers, language=language))
    return stage


@virtual_time
async def test_a_mind_is_told_the_language_of_the_session():
    mind = Listener()
    async with staged(mind, "fr-CA") as stage:
        stage.session.ask("On y va ?")
        await stage.pass_time(2000)
    assert mind.languages == ["fr-CA"]


@virtual_time
async def test_each_language_has_its_dialogue_loaded_once():
    loaded = []

    def served(words, metrics):
        runner = InThread(Saying(words), Worker(words))
        return Served(runner, Health("dialogue", "The dialogue", metrics))

    stage = Stage()
    metrics = stage.services.metrics

    async def other(language):
        loaded.append(language)
        return served("Guten Tag.", metrics)

    mind = DialogueMind(served("Good day.", metrics), ENGLISH, other)
    engines = stage.services.engines()
    stage.open(replace(engines, speakers=replace(engines.speakers, mind=mind)))
    async with stage:
        for language in ("de-AT", "en", "de"):
            stage.session.language = language
            stage.session.ask("Hello?")
            await stage.pass_time(2000)
        heard = [each.heard for each in stage.of(events.ReplyEnded)]
    assert heard == ["Guten Tag.", "Good day.", "Guten Tag."]
    assert loaded == ["de"]
