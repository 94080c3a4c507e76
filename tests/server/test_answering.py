"""Who answers: what was made of a dialogue follows the one that takes its place."""

import pytest

from visavis.engines.dialogue.danger import Rescue
from visavis.server.services.answering import Answering, MindSettings
from visavis.server.system.metrics import Metrics
from visavis.server.tools.specs import NO_TOOLS


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
