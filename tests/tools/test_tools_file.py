"""The tools file: what it comes to, and every mistake named with its file and its line or key."""

import re
from pathlib import Path

import pytest

from visavis.server.system.errors import ConfigError
from visavis.server.tools import file
from visavis.server.tools.specs import Limits

WHOLE = """
[builtins]
show_picture = true
end_conversation = true

[cards]
pictures = "pictures"
picture_hosts = ["images.hotel.example"]
map_page = "https://map.example/?q={place}"
about = { "pool.jpg" = "The pool by night" }

[[http]]
name = "free_rooms"
description = "Which rooms are free on a day."
method = "post"
url = "https://api.hotel.example/{kind}/rooms"
query = { night = "{night}" }
headers = { Authorization = "Bearer ${HOTEL_KEY}" }
body = { nights = "{nights}", note = "for {kind}", key = "${HOTEL_KEY}" }
answer = "$.rooms[*].name"
timeout_seconds = 3

[http.parameters]
type = "object"
required = ["kind"]
[http.parameters.properties]
kind = { type = "string" }
night = { type = "string" }
nights = { type = "integer", minimum = 1 }

[[mcp]]
name = "desk"
command = ["desk-server"]
env = { DESK_KEY = "${HOTEL_KEY}" }

[[mcp]]
name = "city"
url = "http://127.0.0.1:9000/mcp"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "pool.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path


def load(folder, text, **env):
    path = folder / "tools.toml"
    path.write_text(text)
    return file.load(path, env)


def test_a_whole_file(folder):
    made = load(folder, WHOLE, HOTEL_KEY="secret{")
    assert made.builtins == {"show_picture", "end_conversation"}
    assert made.shown.pictures == folder / "pictures"
    (tool,) = made.http
    assert (tool.method, tool.hosts) == ("POST", {"api.hotel.example"})
    assert tool.headers == {"Authorization": "Bearer secret{"}
    assert tool.body == {"nights": "{nights}", "note": "for {kind}", "key": "secret{{"}
    assert tool.limits == Limits(seconds=3.0)
    desk, city = made.mcp
    assert (desk.command, desk.env, desk.folder) == (
        ("desk-server",),
        {"DESK_KEY": "secret{"},
        folder,
    )
    assert city.url == "http://127.0.0.1:9000/mcp"
    assert "secret" not in repr(made)


def test_an_empty_file_gives_nothing(folder):
    assert not load(folder, "").offers


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[builtins]", "[builtin]"), "builtin is not known here; known: builtins, cards, http"),
        (("show_picture = true", "show_pictures = true"), "builtins: show_pictures is not known"),
        (("show_picture = true", 'show_picture = "yes"'), "show_picture must be true or false"),
        (('pictures = "pictures"', 'pictures = "photos"'), "cards: pictures is .* no folder"),
        (('"pool.jpg" =', '"spa.jpg" ='), "cards: about names spa.jpg"),
        (("images.hotel.example", "https://images"), "cards: picture_hosts has 'https://images'"),
        (("?q={place}", "?q=it"), r"map_page must have \{place\}"),
        (('method = "post"', 'method = "SEND"'), "http free_rooms: method must be one of GET"),
        (('method = "post"', 'method = "GET"'), "body cannot go with method GET"),
        (("https://api.hotel.example/", "ftp://api.hotel.example/"), "url must begin with https"),
        (("https://api.hotel.example/", "https://{kind}.example/"), "url must have its parameters"),
        (("https://api.", "https://me:pw@api."), "url must not name an account"),
        (("/{kind}/", "/{night}/"), r"url uses \{night\}, which parameters must name in required"),
        (('"{night}"', '"{day}"'), r"query uses \{day\}, which parameters does not describe"),
        (('"{nights}"', '"{nights"'), "body cannot be used: has a lone brace"),
        (("${HOTEL_KEY}", "${OTHER_KEY}"), "wants the environment variable OTHER_KEY: set it"),
        (("$.rooms[*].name", "rooms.name"), "answer cannot be used: 'rooms.name' must begin with"),
        (("$.rooms[*].name", "$.rooms[?(@.x)]"), "is not understood from"),
        (("timeout_seconds = 3", "timeout_seconds = 60"), "must be a number from 0.1 to 15"),
        (("timeout_seconds = 3", "timeout = 3"), "http free_rooms: timeout is not known here"),
        (('required = ["kind"]', 'required = ["kin"]'), "required must be a list of names in"),
        (("minimum = 1", "exclusiveMinimum = 0"), "parameters.nights: exclusiveMinimum is not"),
        (('"integer"', '"int"'), "parameters.nights: type must be one of string"),
        (('command = ["desk-server"]', ""), "mcp desk: command or url: one of them"),
        (('command = ["desk-server"]', 'command = "desk"'), "command must be a list of texts"),
        (('name = "city"', 'name = "desk"'), "desk is the name of two MCP servers"),
        (('name = "free_rooms"', 'name = "free rooms"'), "name must be 1 to 64 letters"),
        (('name = "free_rooms"', 'name = "show_picture"'), "show_picture is the name of two tools"),
        (("[[mcp]]\nname", "[mcp]\nname"), "line"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(folder, change, complaint):
    assert change[0] in WHOLE
    with pytest.raises(ConfigError, match=complaint) as raised:
        load(folder, WHOLE.replace(*change), HOTEL_KEY="secret")
    assert str(folder / "tools.toml") in str(raised.value)
    assert "secret" not in str(raised.value)


def test_broken_toml_is_named_with_its_line(folder):
    with pytest.raises(ConfigError, match=re.escape("(at line 2, column 8)")):
        load(folder, "[cards]\nabout =\n")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = 1\n" * 200_000])
def test_what_is_no_tools_file(folder, data):
    (folder / "tools.toml").write_bytes(data)
    with pytest.raises(ConfigError, match="tools.toml"):
        file.load(folder / "tools.toml", {})


def test_a_file_that_is_not_there(folder):
    with pytest.raises(ConfigError, match="No such file"):
        file.load(folder / "none.toml", {})


def test_the_files_in_the_docs_are_tools_files(folder):
    page = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()
    blocks = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    whole = load(folder, "\n".join(blocks), HOTEL_KEY="a", DESK_KEY="b", CITY_KEY="c")
    assert len(whole.builtins) == 5
    assert [tool.tool.name for tool in whole.http] == ["free_rooms"]
    assert [server.name for server in whole.mcp] == ["desk", "city"]
