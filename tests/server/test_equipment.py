"""The tools file at the start of a server and in `visavis doctor`."""

import importlib.util

import pytest

from visavis.server.commands import composition, equipment
from visavis.server.services import configured
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

INN = """\
# The Inn
name: Ada

## house

### the pool
- Where is the pool?

On the roof.

Picture: {picture}
"""


@pytest.fixture
def inn(tmp_path):
    def made(picture="pool.jpg", tools=None, **settings):
        (tmp_path / "inn.md").write_text(INN.format(picture=picture))
        (tmp_path / "pictures").mkdir(exist_ok=True)
        (tmp_path / "pictures" / "pool.jpg").write_bytes(b"\xff\xd8\xff")
        if tools is not None:
            (tmp_path / "tools.toml").write_text(tools)
            settings["tools"] = str(tmp_path / "tools.toml")
        return Config(knowledge=str(tmp_path / "inn.md"), **settings)

    return made


HTTP = '[[http]]\nname = "look"\ndescription = "x"\nurl = "http://hotel.example/"\n'


def test_pictures_beside_the_answers_need_no_tools_file(inn, tmp_path):
    assert configured.tools(inn()).shown.pictures == tmp_path / "pictures"
    assert equipment.problems(inn()) == []
    assert equipment.told(inn()) == "1 picture to show"


def test_without_either_there_is_nothing():
    assert not configured.tools(Config()).offers
    assert composition.gallery(Config()).names == ()
    assert equipment.told(Config()) == "none"


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("spa.jpg", "the picture spa.jpg of 'The pool' is not in the folder of pictures"),
        ("https://images.example/a.jpg", "its host is not in picture_hosts"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_a_problem(inn, picture, words):
    (problem,) = equipment.problems(inn(picture))
    assert words in problem


def test_a_broken_file_is_one_problem_and_stops_the_start(inn):
    config = inn(tools="[cards]\npictures = 'none'\n")
    (problem,) = equipment.problems(config)
    assert "tools.toml: cards: pictures is" in problem
    assert equipment.told(config) == "cannot be read"
    assert equipment.notes(config) == []
    with pytest.raises(ConfigError, match="no folder"):
        composition.gallery(config)


def test_mcp_servers_without_their_extra_name_it(inn, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    config = inn(tools='[[mcp]]\nname = "desk"\ncommand = ["desk"]\n')
    (problem,) = equipment.problems(config)
    assert "pip install 'visavis[mcp]'" in problem


def test_what_may_surprise_is_noted(inn):
    (note,) = equipment.notes(inn(tools=HTTP))
    assert 'dialogue "openai" alone' in note
    secret = HTTP + 'headers = { X-Key = "a" }\n'
    (note,) = equipment.notes(inn(tools=secret, dialogue="openai"))
    assert "tool 'look' sends its headers over http" in note
    assert equipment.told(inn(tools=HTTP)) == "1 over HTTP"
