"""What a page may suggest to its visitors."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.serving import serving

from visavis.engines.dialogue.knowledge_file import EXAMPLE, load, parse
from visavis.engines.dialogue.topics import topics
from visavis.server.http.topics import TopicRoutes

FILE = """# Inn
name: Ann
role: the host

## food
### breakfast
- I would like breakfast
- When is breakfast?

At seven.

### dinner
- Is there dinner?

At six.

## rooms
### keys
- I lost my key

Ask me.
"""


def test_topics_take_turns_and_are_asked_as_questions():
    found = topics(parse(FILE), "en")
    assert [each.question for each in found] == [
        "When is breakfast?",
        "I lost my key",
        "Is there dinner?",
    ]
    assert [each.subject for each in topics(parse(FILE), "en", most=2)] == ["breakfast", "keys"]


def test_every_topic_of_the_example_comes_before_a_second_of_any():
    known = load(EXAMPLE)
    firsts = topics(known, "en")[: len(known.topics)]
    assert [each.topic for each in firsts] == list(known.topics)


GERMAN = FILE.replace(
    "role: the host", "role: the host\ngreeting: Hello\ngreeting (de): Hallo"
).replace("At seven.", "At seven.\n\n#### de: Frühstück\n- Wann gibt es Frühstück?\n\nUm sieben.")


async def test_only_what_is_said_in_a_language_is_suggested_in_it(tmp_path):
    path = tmp_path / "inn.md"
    path.write_text(GERMAN)
    async with topics_of(path) as client:
        told = {}
        for tag in ("de-AT", "fr", "en"):
            found = await (await client.get(f"/v1/topics?language={tag}")).json()
            told[tag] = (found["greeting"], [each["question"] for each in found["topics"]])
    assert told["de-AT"] == ("Hallo", ["Wann gibt es Frühstück?"])
    assert told["fr"] == ("", [])
    assert told["en"] == ("Hello", ["When is breakfast?", "I lost my key", "Is there dinner?"])


@asynccontextmanager
async def topics_of(path):
    """A server of nothing else."""
    app = web.Application()
    app.add_routes(TopicRoutes(path).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def asked(client):
    response = await client.get("/v1/topics")
    assert response.status == 200
    return [each["question"] for each in (await response.json())["topics"]]


async def test_an_edited_file_is_read_anew_and_a_broken_one_left_alone(tmp_path):
    path = tmp_path / "inn.md"
    path.write_text(FILE)
    async with topics_of(path) as client:
        assert (await asked(client))[0] == "When is breakfast?"
        path.write_text(FILE.replace("When is", "At what time is"))
        assert (await asked(client))[0] == "At what time is breakfast?"
        path.write_text("no title")
        assert (await asked(client))[0] == "At what time is breakfast?"
        path.unlink()
        assert (await asked(client))[0] == "At what time is breakfast?"


async def test_an_echo_has_nothing_to_suggest():
    async with serving(dialogue="echo") as client:
        assert await asked(client) == []


@pytest.mark.parametrize(
    ("address", "camera"),
    [("/", "camera=()"), ("/?presence=camera&kiosk", "camera=(self)"), ("/healthz", "camera=()")],
)
async def test_the_camera_is_only_for_a_kiosk_that_senses_who_comes(address, camera):
    async with serving(consent_presence="off") as client:
        response = await client.get(address)
        policy = response.headers["Permissions-Policy"].split(", ")
        assert [each for each in policy if each.startswith("camera")] == [camera]
