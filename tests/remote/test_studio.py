"""The client's studio beside a real server: projects saved, videos made and fetched, batches."""

from pathlib import Path

import pytest
from support.jobs import WORKS
from support.serving import serving

from visavis.remote import Failed, Refused, Unreachable, studio
from visavis.server.jobs import configured

SCRIPT = '+++\ntitle = "A welcome"\n+++\n\n# Intro\n\nWelcome, {{first_name|friend}}.\n'


@pytest.fixture(autouse=True)
def _works_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setattr("visavis.server.jobs.queued._LOOK", 0.1)


async def test_from_a_project_to_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr(configured, "WORKS", {"film": WORKS["write"]})
    async with serving() as client, studio(str(client.make_url("/"))) as it:
        first = await it.projects.create("welcome", script=SCRIPT)
        saved = await it.projects.save(first, first.script.replace("Welcome,", "Good morning,"))
        assert saved.etag != first.etag
        with pytest.raises(Refused) as caught:
            await it.projects.save(first, first.script.replace("Welcome,", "Hello,"))
        assert caught.value.status == 412
        assert [each["name"] for each in await it.projects.all()] == ["welcome"]
        begun = await it.videos.make(project="welcome", formats=["txt"])
        assert (begun.project, begun.is_over) == ("welcome", False)
        video = await it.videos.wait(begun.id)
        (file,) = await it.videos.save(video, tmp_path / "out")
        assert file.name == "text.txt"
        assert [each.id for each in await it.videos.all()] == [begun.id]
        await it.videos.remove(begun.id)
        with pytest.raises(Refused) as caught:
            await it.videos.get(begun.id)
        assert (caught.value.status, caught.value.code) == (404, "notfound")
        await it.projects.remove("welcome")
        assert await it.projects.all() == []


@pytest.mark.slow
async def test_a_batch(monkeypatch, tmp_path):
    monkeypatch.setattr(configured, "WORKS", {"film": WORKS["write"]})
    table = tmp_path / "people.csv"
    table.write_text("first_name\nAnna\nBen\n")
    async with serving() as client, studio(str(client.make_url("/"))) as it:
        found = await it.batches.check(table, script=SCRIPT)
        assert found["rows"] == 2
        begun = await it.batches.make(table, script=SCRIPT, formats=["txt"])
        batch = await it.batches.wait(begun.id)
        assert (batch.count, batch.counts["done"]) == (2, 2)
        assert [row.status for row in batch.rows] == ["done", "done"]
        path = await it.batches.save(begun.id, tmp_path / "all.zip")
        assert path.read_bytes().startswith(b"PK")
        await it.batches.remove(begun.id)


async def test_what_goes_wrong(monkeypatch):
    monkeypatch.setattr(configured, "WORKS", {"film": WORKS["wrong"]})
    async with serving() as client:
        async with studio(str(client.make_url("/"))) as it:
            begun = await it.videos.make(script=SCRIPT)
            with pytest.raises(Failed) as caught:
                await it.videos.wait(begun.id)
            assert caught.value.status == "failed"
        url = str(client.make_url("/"))
    async with studio(url) as it:
        with pytest.raises(Unreachable):
            await it.videos.all()
