"""A conversation's language: what a mind is told of it, and which dialogue answers."""

from dataclasses import replace

from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines.base import EngineError, Fragment
from visavis.engines.language.phrasebook import ENGLISH
from visavis.server.http.languages import preferred
from visavis.server.services.minds import DialogueMind
from visavis.server.services.tongues import unspoken
from visavis.server.session import events
from visavis.server.session.keepsake import read, written
from visavis.server.session.speaking import Spoken
from visavis.server.session.switching import Switching
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


SPOKEN = ("en", "es", "fr", "de", "zh", "ar", "it")


class Tongue(Stage):
    """A session that follows its visitor; voices say what language they were asked to speak."""

    def __init__(self, mind=None, *, follows=True, broken=()):
        super().__init__()
        self.asked, self.heard_in, self.broken = [], [], broken
        engines = self.services.engines()
        own = engines.speakers
        speakers = replace(own, mind=mind or Listener(), abroad=self.abroad)
        self.voice = own.voice
        self.open(
            replace(engines, speakers=speakers, follows=follows, languages=SPOKEN, hears=self.hears)
        )

    async def abroad(self, language):
        self.asked.append(language)
        if language in self.broken:
            raise EngineError("nobody speaks it")
        return Spoken(self.voice)

    async def hears(self, language, detect):
        self.heard_in.append((language, detect))
        return self.services.stt_served()

    def heard(self):
        return [each.heard for each in self.of(events.ReplyEnded)]


@virtual_time
async def test_a_conversation_goes_over_to_the_language_that_is_typed():
    mind = Listener()
    async with Tongue(mind) as stage:
        for text in ("When is breakfast?", "Wann gibt es Frühstück?", "Danke schön."):
            stage.session.ask(text)
            await stage.pass_time(2000)
        assert mind.languages == ["en", "de", "de"]
        assert stage.of(events.LanguageSpoken) == [events.LanguageSpoken("de")]
        assert set(stage.asked) == {"de"}
        assert stage.heard_in == [("de", True)]


@virtual_time
async def test_one_that_is_to_stay_stays():
    mind = Listener()
    async with Tongue(mind, follows=False) as stage:
        stage.session.ask("Wann gibt es Frühstück?")
        await stage.pass_time(2000)
        assert mind.languages == ["en"]
        assert not stage.of(events.LanguageSpoken)
        stage.session.ask("Can we speak Finnish?")
        await stage.pass_time(8000)
        assert stage.heard()[-1].startswith("I am afraid I only speak English, Spanish,")


@virtual_time
async def test_one_that_is_to_stay_goes_over_where_it_is_asked_to():
    mind = Listener()
    async with Tongue(mind, follows=False) as stage:
        stage.session.ask("Can we speak Spanish?")
        await stage.pass_time(4000)
        assert stage.of(events.LanguageSpoken) == [events.LanguageSpoken("es")]
        stage.session.ask("When is breakfast?")  # and stays there, too
        await stage.pass_time(2000)
        assert mind.languages == ["es"]


@virtual_time
async def test_a_language_that_is_asked_for_by_its_name_is_spoken():
    mind = Listener()
    async with Tongue(mind) as stage:
        stage.session.ask("¿Habla alemán?")
        await stage.pass_time(4000)
        assert stage.heard() == ["Gern. Sprechen wir Deutsch. Was kann ich für Sie tun?"]
        assert [each.command for each in stage.of(events.Commanded)] == ["language"]
        assert stage.session.language == "de"
        assert not mind.languages
        assert not stage.session.said  # it is no part of what the mind is told was said
        stage.session.ask("Which languages do you speak?")
        await stage.pass_time(6000)
        assert stage.heard()[-1].startswith("Ich spreche Englisch, Spanisch,")


@virtual_time
async def test_own_words_in_a_language_that_has_none_are_english_and_said_so():
    async with Tongue() as stage:
        stage.session.ask("Can we speak Italian?")
        await stage.pass_time(4000)
        assert stage.session.language == "it"
        assert stage.heard() == ["Of course. Let us speak Italian. What can I do for you?"]
        assert not stage.asked  # by the English voice


@virtual_time
async def test_a_text_in_another_language_is_spoken_by_a_voice_of_that():
    class Borrowing:
        async def answer(self, question):
            yield Fragment("Das gibt es nur auf Englisch. ")
            yield Fragment("Breakfast is at seven.", language="en")

    async with Tongue(Borrowing()) as stage:
        stage.session.language = "de"
        stage.session.ask("Wann gibt es Frühstück?")
        await stage.pass_time(4000)
        assert stage.heard() == ["Das gibt es nur auf Englisch. Breakfast is at seven."]
        assert stage.asked == ["de"]


@virtual_time
async def test_a_language_that_nobody_speaks_after_all_ends_the_turn_alone():
    async with Tongue(broken=("fr",)) as stage:
        stage.session.ask("À quelle heure est le petit-déjeuner ?")
        await stage.pass_time(2000)
        assert [each.reason for each in stage.of(events.ReplyEnded)] == ["failed"]
        stage.session.ask("When is breakfast served here?")
        await stage.pass_time(2000)
        assert stage.heard()[-1] == "So be it."


@virtual_time
async def test_a_page_may_choose_the_language_and_whether_it_is_followed():
    async with Tongue(follows=False) as stage:
        assert stage.session.speak("fr-CA") is None
        assert stage.session.language == "fr-CA"
        assert stage.session.speak("tlh").code == "unknown-language"
        assert stage.session.speak("auto") is None
        stage.session.ask("Where is the swimming pool?")
        await stage.pass_time(2000)
        assert stage.session.language == "en"


@virtual_time
async def test_the_language_is_kept_for_who_comes_back():
    async with Tongue() as stage:
        stage.session.ask("¿Dónde está la piscina?")
        await stage.pass_time(2000)
        kept = read(written(stage.session.left()))
        assert (kept.language, kept.follows) == ("es", True)
        other = Tongue(follows=False).session
        other.restore(kept, 0)
        assert (other.language, other._switching.follows) == ("es", True)


def test_short_speech_is_no_reason_to_go_over():
    switching = Switching("en", SPOKEN, follows=True)
    assert switching.of("Okay.", "de") == "en"
    assert switching.of("Ja bitte.", "de") == "de"  # the words say it too
    assert switching.of("Wo ist das Bad?", "de") == "de"
    assert switching.of("Missä uima-allas on?", "fi") == "en"  # not among them
    assert switching.of("Bello!", "it") == "en"
    assert switching.of("你好吗", "zh") == "zh"


def test_what_is_not_understood_is_told_with_what_is():
    assert Switching("en", ("en",), follows=False).foreign().endswith("understand English.")
    assert "Chinesisch und Arabisch" in Switching("de", SPOKEN, follows=True).foreign()


def test_what_a_browser_prefers():
    assert preferred("de-AT,de;q=0.9,en;q=0.8", ("en", "de")) == "de"
    assert preferred("fi, en;q=0.3, de;q=0.7", ("en", "de")) == "de"
    assert preferred("fi", ("en", "de")) == "en"
    assert preferred("", ("en",)) == "en"
    assert preferred("de;q=much,,;q=,", ("en", "de")) == "en"


def test_a_setting_that_cannot_be_is_told_with_its_fix():
    assert unspoken("en", ("en",)) == ""
    assert unspoken("de-AT", ("en", "de")) == ""
    for setting in ("auto", "de"):
        assert "visavis[languages]" in unspoken(setting, ("en",))
