"""Batches over HTTP: a table is checked, a proof made, the rest, what failed, all of it fetched."""

import asyncio
import csv
import io
import json
import zipfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import FormData
from jsonschema import Draft202012Validator
from support.serving import problem, serving

from visavis.server.commands import studio
from visavis.server.http import openapi
from visavis.server.jobs import configured
from visavis.server.system.config import Config

SCRIPT = b"# Hello\n\nHello {{first_name}}. This is for you alone.\n"
PEOPLE = "first_name;mail\nAnna;a\nBroken;b\nJörg;c\nEva Maria;d\n".encode("cp1252")


@pytest.fixture(autouse=True)
def _works_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setattr(configured, "WORKS", {"film": "support.batches:film"})


def form(table=PEOPLE, script=SCRIPT, **texts):
    sent = FormData()
    if table is not None:
        sent.add_field("table", table, filename="people.csv")
    if script is not None:
        sent.add_field("script", script, filename="script.md")
    for name, value in texts.items():
        sent.add_field(name, value)
    return sent


def check(method, address, status, body):
    """Whether an answer is as the OpenAPI document says."""
    document = openapi.document([openapi.OWN, *studio.described(Config())], "1")
    content = document["paths"][address][method]["responses"][str(status)]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(body)


@asynccontextmanager
async def posted(client, *args, **texts):
    async with client.post("/v1/batches", data=form(*args, **texts)) as answer:
        yield answer


async def told(client, at):
    """All that a batch's events say until it is over."""
    async with client.get(at + "/events") as answer:
        text = (await answer.read()).decode()
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


async def test_from_a_table_to_an_archive(tmp_path):
    async with serving(home=str(tmp_path)) as client:
        async with posted(client, check="true", proof="2") as answer:
            found = await answer.json()
        check("post", "/v1/batches", 200, found)
        assert (found["rows"], found["films"], found["columns"]) == (4, 4, ["first_name", "mail"])
        assert found["sample"][0]["text"] == "Hello Anna. This is for you alone."
        assert [fault["what"] for fault in found["faults"]] == ["Nothing in the script uses mail."]
        assert (await (await client.get("/v1/batches")).json()) == {"batches": []}

        async with posted(client, formats="mp4,srt", proof="2") as answer:
            begun = await answer.json()
            assert answer.status == 202
            at = answer.headers["Location"]
        check("post", "/v1/batches", 202, begun)
        states = await told(client, at)
        assert [row["row"] for row in states[0]["rows"]] == [2, 3, 4, 5]
        assert (states[-1]["status"], states[-1]["waiting"]) == ("done", 2)

        async with client.post(at + "/rest") as answer:
            assert answer.status == 202
        states = await told(client, at)
        assert states[-1]["counts"] == {"done": 3, "failed": 1, "cancelled": 0}
        batch = await (await client.get(at)).json()
        check("get", "/v1/batches/{id}", 200, batch)
        assert [row["status"] for row in batch["rows"]] == ["done", "failed", "done", "done"]
        assert batch["rows"][1]["fault"] == "The picture of Broken cannot be read."
        assert batch["rows"][2]["label"] == "Jörg"

        mended = tmp_path / "jobs" / "batches" / batch["id"] / "files" / "mended.png"
        await asyncio.to_thread(mended.touch)
        async with client.post(at + "/retry", json={"rows": [2]}) as answer:
            assert (await problem(answer))[1]["type"] == "urn:visavis:nothing-failed"
        async with client.post(at + "/retry", json={}) as answer:
            assert answer.status == 202
        assert (await told(client, at))[-1]["status"] == "done"

        listed = await (await client.get("/v1/batches")).json()
        check("get", "/v1/batches", 200, listed)
        assert listed["batches"][0]["counts"]["done"] == 4

        (film, _) = batch["rows"][2]["files"].values()
        async with client.get(film) as answer:
            assert "Hello Jörg." in await answer.text()
            assert "filename*=UTF-8''00004-j%C3%B6rg.mp4" in answer.headers["Content-Disposition"]
        async with client.get(film.rsplit("/", 1)[0] + "/..%2Fbatch.json") as answer:
            assert answer.status == 404

        async with client.get(at + "/files.zip") as answer:
            packed = zipfile.ZipFile(io.BytesIO(await answer.read()))
        assert len(packed.namelist()) == 1 + 4 * 2
        assert b"Hello Eva Maria." in packed.read("00005-eva-maria.mp4")
        async with client.get(at + "/manifest.csv") as answer:
            rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
        assert [row["state"] for row in rows] == ["done"] * 4

        assert (await client.delete(at)).status == 204
        assert (await client.get(at)).status == 404
        assert (
            await asyncio.to_thread(lambda: list((tmp_path / "jobs" / "batches").iterdir())) == []
        )


async def test_rows_that_cannot_be_made_stop_all_unless_they_are_left_out():
    table = "first_name\nAnna\nЯрослав\n".encode()
    async with serving() as client:
        async with posted(client, table) as answer:
            status, said = await problem(answer)
        assert (status, said["type"]) == (422, "urn:visavis:batch-faults")
        assert said["detail"].startswith("1 of 2 rows cannot be made. row 3, column first_name: a")
        assert said["faults"][0]["row"] == 3
        async with posted(client, table, skip="true") as answer:
            begun = await answer.json()
        assert [row["row"] for row in begun["rows"]] == [2]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"table": None}, 400, "table-missing"),
        ({"script": None}, 422, "batch-invalid"),
        ({"project": "x"}, 422, "batch-invalid"),
        ({"script": None, "project": "nobody"}, 404, "project-not-found"),
        ({"script": b"\xff\xfe\xfd"}, 400, "script-invalid"),
        ({"formats": "exe"}, 422, "batch-invalid"),
        ({"proof": "many"}, 422, "batch-invalid"),
        ({"proof": "1000"}, 422, "batch-invalid"),
        ({"check": "perhaps"}, 422, "batch-invalid"),
        ({"colour": "red"}, 400, "unknown-field"),
        ({"table": b"name\n"}, 422, "table-invalid"),
        ({"webhook": "https://example.com/over"}, 422, "webhook-off"),
    ],
)
async def test_what_is_wrong_with_a_request(sent, status, code):
    async with serving() as client:
        async with posted(client, **sent) as answer:
            found, said = await problem(answer)
        assert (await (await client.get("/v1/batches")).json()) == {"batches": []}
    assert (found, said["type"]) == (status, f"urn:visavis:{code}")


async def test_what_is_not_there():
    async with serving() as client:
        for address in ("", "/events", "/files.zip", "/manifest.csv", "/rows/2/film.mp4"):
            async with client.get(f"/v1/batches/0123456789ab{address}") as answer:
                assert (await problem(answer))[1]["type"] == "urn:visavis:batch-not-found"
        async with client.get("/v1/batches/..%2Fjobs") as answer:
            assert answer.status == 404
