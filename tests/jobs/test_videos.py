"""Videos over HTTP: asked for, watched, fetched, cancelled, forgotten; by a work that is none."""

import io
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.jobs import WORKS
from support.serving import problem, serving

from visavis.server.jobs import configured
from visavis.server.studio.document import writing
from visavis.server.studio.document.project import Project, Scene

SCRIPT = writing.write(Project("A welcome", (Scene("intro", "Welcome."),)))


def long(words):
    return writing.write(Project("Long", (Scene("all", "word " * words),)))


@pytest.fixture(autouse=True)
def _works_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@asynccontextmanager
async def filming(monkeypatch, work="write", **settings):
    monkeypatch.setattr(configured, "WORKS", {"film": WORKS[work]})
    async with serving(**settings) as client:
        yield client


async def events(answer):
    """What a stream of events says until it ends."""
    text = (await answer.read()).decode()
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line)
        if fields.get("event") == "state":
            yield json.loads(fields["data"])


async def test_made_watched_fetched_and_forgotten(monkeypatch):
    async with filming(monkeypatch) as client:
        made = await client.post("/v1/videos", json={"script": SCRIPT, "formats": ["txt", "txt"]})
        begun = await made.json()
        assert (made.status, made.headers["Location"]) == (202, f"/v1/videos/{begun['id']}")
        assert (begun["title"], begun["formats"], begun["done"]) == ("A welcome", ["txt"], 0)
        at = made.headers["Location"]
        stream = await client.get(at + "/events")
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        told = [state async for state in events(stream)]
        assert told[-1]["status"] == "done"
        assert (await (await client.get("/v1/videos")).json())["videos"] == [told[-1]]
        (file,) = told[-1]["files"].values()
        fetched = await client.get(file)
        assert (fetched.status, fetched.content_type) == (200, "text/plain")
        assert 'filename="text.txt"' in fetched.headers["Content-Disposition"]
        assert (await client.get(f"{at}/files/jobs.sqlite")).status == 404
        assert (await client.delete(at)).status == 204
        assert (await client.get(at)).status == 404
        assert (await (await client.get("/v1/videos")).json()) == {"videos": []}


async def test_cancelled_and_no_files_before_it_is_done(monkeypatch, tmp_path):
    monkeypatch.setattr("visavis.server.jobs.embedded._GRACE", 0.1)
    async with filming(monkeypatch, "stubborn") as client:
        at = (await client.post("/v1/videos", json={"script": SCRIPT})).headers["Location"]
        status, said = await problem(await client.get(at + "/files/film.mp4"))
        assert (status, said["type"]) == (409, "urn:visavis:video-not-done")
        assert (await client.delete(at)).status == 204
        told = [state async for state in events(await client.get(at + "/events"))]
        assert told[-1]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("wished", "code"),
    [
        ({}, "video-invalid"),
        ({"script": SCRIPT, "project": "x"}, "video-invalid"),
        ({"script": SCRIPT, "formats": []}, "video-invalid"),
        ({"script": SCRIPT, "formats": ["exe"]}, "video-invalid"),
        ({"script": SCRIPT, "formats": "mp4"}, "video-invalid"),
        ({"script": SCRIPT, "scenes": "all"}, "video-invalid"),
        ({"script": SCRIPT, "priority": True}, "video-invalid"),
        ({"script": SCRIPT, "priority": 10}, "video-invalid"),
        ({"script": 5}, "video-invalid"),
        ({"script": "+++\nnot toml\n+++\n# A\nHello."}, "script-invalid"),
        ({"script": SCRIPT, "webhook": "https://example.org/x"}, "webhook-off"),
        ({"script": SCRIPT, "size": 3}, "unknown-field"),
        ({"project": "nobody"}, "project-not-found"),
        ({"script": '# A\n+++\navatar = "nobody"\n+++\nHello.'}, "script-invalid"),
        ({"script": long(50_000)}, "script-invalid"),
    ],
)
async def test_what_cannot_be_asked(monkeypatch, wished, code):
    async with filming(monkeypatch) as client:
        _status, said = await problem(await client.post("/v1/videos", json=wished))
        assert said["type"] == f"urn:visavis:{code}"


async def test_a_long_script_is_read_and_one_without_end_is_not(monkeypatch):
    async with filming(monkeypatch) as client:
        assert (await client.post("/v1/videos", json={"script": long(15_000)})).status == 202
        much = io.BytesIO(json.dumps({"script": "word " * 600_000}).encode())
        refused = await client.post("/v1/videos", data=much)
        assert refused.status == 413
