"""What a page may suggest to its visitors."""

import pytest
from support.serving import serving

from visavis.engines.dialogue.knowledge_file import EXAMPLE, load, parse
from visavis.engines.dialogue.topics import topics

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
    found = topics(parse(FILE))
    assert [each.question for each in found] == [
        "When is breakfast?",
        "I lost my key",
        "Is there dinner?",
    ]
    assert [each.subject for each in topics(parse(FILE), most=2)] == ["breakfast", "keys"]


def test_every_topic_of_the_example_comes_before_a_second_of_any():
    known = load(EXAMPLE)
    firsts = topics(known)[: len(known.topics)]
    assert [each.topic for each in firsts] == list(known.topics)


async def asked(client):
    response = await client.get("/v1/topics")
    assert response.status == 200
    return [each["question"] for each in (await response.json())["topics"]]


async def test_an_edited_file_is_read_anew_and_a_broken_one_left_alone(tmp_path):
    path = tmp_path / "inn.md"
    path.write_text(FILE)
    async with serving(knowledge=str(path)) as client:
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
    async with serving() as client:
        response = await client.get(address)
        policy = response.headers["Permissions-Policy"].split(", ")
        assert [each for each in policy if each.startswith("camera")] == [camera]
