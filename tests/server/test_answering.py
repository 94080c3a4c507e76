"""Who answers: what was made of a dialogue follows the one that takes its place."""

import asyncio

import pytest
from support.embedders import WordVectors
from support.questions import Asking, answered, words

from visavis.engines.base import EngineError
from visavis.engines.dialogue import knowledge
from visavis.engines.dialogue.danger import Rescue
from visavis.server.services.answering import Answering, MindSettings
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served
from visavis.server.tools.specs import NO_TOOLS

GERMAN = """# Gasthof
language: de

## Essen

### das Frühstück
- Wann gibt es Frühstück?

Um sieben.
"""


class Knowing:
    """A dialogue with a name, whose answers are known beforehand."""

    def __init__(self, name):
        self.names = (name,)

    def foreknown(self):
        yield ("hello",)


def never(*_):
    pytest.fail("nothing is loaded here")


async def test_a_renewed_dialogue_is_called_by_its_new_name_in_every_language(tmp_path):
    wanted = MindSettings("knowledge", None, None, "", NO_TOOLS, Rescue())
    answering = Answering(tmp_path, wanted, Metrics(), never, never)
    answering.foreknowing = old = Knowing("Nora")
    assert not await answering.renewed(object(), Knowing("Vera"))
    assert answering.commands is None
    assert await answering.renewed(old, new := Knowing("Vera"))
    assert answering.foreknowing is new
    for text, language in (("Stop, Vera.", "en"), ("Para.", "es")):
        found = answering.commands.read(text, speaking=True, language=language)
        assert found is not None, text
        assert found.kind == "stop"
    assert answering.commands.read("Stop, Nora.", speaking=True) is None
    answering.close()


async def test_the_houses_language_is_there_before_the_first_visitor(tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge.minilm, "shared", lambda home: WordVectors())
    monkeypatch.setattr(knowledge.multilingual, "shared", WordVectors)
    file = tmp_path / "inn.md"
    file.write_text(GERMAN)
    metrics, loaded = Metrics(), []

    def serve(name, what, engine, worker):
        loaded.append(engine)
        return Served(InThread(engine, worker), Health(name, what, metrics))

    wanted = MindSettings("knowledge", file, None, "", NO_TOOLS, Rescue("112"), "de-AT")
    answering = Answering(tmp_path, wanted, metrics, serve, lambda *_: pytest.fail("no mind"))
    await answering.open()
    await answering.guard()
    at_home = loaded[1]
    assert at_home is answering.foreknowing
    known = ["".join(each).strip() for each in (await answering.foreknown()).foreknown()]
    assert "Um sieben." in known
    assert any("rufen Sie jetzt die" in each for each in known)
    asked = Asking("Wann gibt es Frühstück?", language="de-AT")
    assert words(await answered(answering.mind, asked)).strip() == "Um sieben."
    assert len(loaded) == 2  # nothing was loaded for it
    answering.close()


async def test_a_dialogue_is_loaded_when_a_session_in_its_language_begins(tmp_path):
    asked = []

    class Mind:
        async def ready(self, code):
            asked.append(code)
            if code == "xx":
                raise EngineError("there is none")

    wanted = MindSettings("knowledge", None, None, "", NO_TOOLS, Rescue())
    answering = Answering(tmp_path, wanted, Metrics(), never, never)
    answering.expect("fr")  # not yet open: nothing is done
    answering._local = Mind()
    for language in ("fr-CA", "fr", "de", "xx"):
        answering.expect(language)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert asked == ["fr", "de", "xx"]
    answering.expect("xx")
    await asyncio.sleep(0)
    assert asked[-2:] == ["xx", "xx"]  # tried again, for it may be there now
    answering.close()
