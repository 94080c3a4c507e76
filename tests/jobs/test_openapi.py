"""The OpenAPI document: it is valid, has each address of /v1, and real answers are as it says."""

import re
from functools import cache

import pytest
from aiohttp import FormData
from jsonschema import Draft202012Validator
from support.jobs import WORKS
from support.services import FakeServices
from support.serving import serving

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands import composition, studio
from visavis.server.http import openapi, roles
from visavis.server.jobs import configured
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics

REALTIME = {"realtime_key": "k" * 20}


@cache
def document():
    return openapi.document([openapi.OWN, *studio.described(Config(**REALTIME))], "1")


def router(home):
    config, fakes = Config(home=str(home), **REALTIME), FakeServices()
    app = composition.application(config, fakes, AvatarStore(config.home_path), Metrics())
    fakes.close()
    return app.router


def test_each_address_of_v1_is_in_it_and_no_other(tmp_path):
    there = {
        (route.method, route.resource.canonical)
        for route in router(tmp_path).routes()
        if route.method != "HEAD" and route.resource.canonical.startswith("/v1/")
    }
    told = {
        (method.upper(), address)
        for address, methods in document()["paths"].items()
        for method in methods
    }
    assert told == there
    assert all(roles.ruled(*each) is not None for each in told if "realtime" not in each[1])


def test_it_is_put_together_well():
    shown = document()
    names = set(shown["components"]["schemas"])
    text = str(shown)
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= names
    ids = [it["operationId"] for methods in shown["paths"].values() for it in methods.values()]
    assert len(ids) == len(set(ids))
    for address, methods in shown["paths"].items():
        for it in methods.values():
            named = {p["name"] for p in it["parameters"] if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", address))
    for schema in shown["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def check(method, address, status, body):
    """Whether an answer is as the document says."""
    responses = document()["paths"][address][method.lower()]["responses"]
    content = responses.get(str(status), responses["default"])["content"]
    (schema,) = [each["schema"] for each in content.values()]
    whole = {**schema, "components": document()["components"]}
    Draft202012Validator(whole).validate(body)


@pytest.mark.parametrize(
    "address",
    [
        "/v1/avatars",
        "/v1/voices",
        "/v1/topics",
        "/v1/ice-servers",
        "/v1/videos",
        "/v1/projects",
        openapi.ADDRESS,
    ],
)
async def test_a_real_answer_is_as_it_says(address):
    async with serving() as client:
        answer = await client.get(address)
        check("GET", address, answer.status, await answer.json())


async def test_real_answers_about_videos_and_problems(monkeypatch):
    monkeypatch.setattr(configured, "WORKS", {"film": WORKS["write"]})
    script = "# Intro\n\nWelcome.\n"
    async with serving() as client:
        made = await client.post("/v1/videos", json={"script": script})
        check("POST", "/v1/videos", made.status, await made.json())
        one = await client.get(made.headers["Location"])
        check("GET", "/v1/videos/{id}", one.status, await one.json())
        gone = await client.get("/v1/videos/nobody")
        check("GET", "/v1/videos/{id}", gone.status, await gone.json(content_type=None))
        assert gone.status == 404
        sent = {"script": script, "formats": ["mp4"], "priority": 3}
    schema = document()["paths"]["/v1/videos"]["post"]["requestBody"]["content"]
    Draft202012Validator(schema["application/json"]["schema"]).validate(sent)


async def test_real_answers_about_projects():
    one, file = "/v1/projects/{name}", "/v1/projects/{name}/files/{file}"
    async with serving() as client:
        sent = {"script": "# Intro\n\nWelcome.\n", "title": "unused"}
        made = await client.post("/v1/projects", json=sent)
        check("POST", "/v1/projects", made.status, await made.json())
        put = await client.put("/v1/projects/intro/files/a.png", data=b"x")
        check("PUT", file, put.status, await put.json())
        form = FormData()
        form.add_field("file", b"Hello.", filename="talk.txt")
        imported = await client.post("/v1/projects/import", data=form)
        check("POST", "/v1/projects/import", imported.status, await imported.json())
        shown = await client.get("/v1/projects/intro")
        told = await shown.json()
        check("GET", one, shown.status, told)
        etag = {"If-Match": shown.headers["ETag"]}
        saved = await client.put(
            "/v1/projects/intro", json={"project": told["project"]}, headers=etag
        )
        check("PUT", one, saved.status, await saved.json())
        late = await client.put("/v1/projects/intro", json=told, headers={"If-Match": '"old"'})
        check("PUT", one, late.status, await late.json(content_type=None))
        assert late.status == 412
        listed = await client.get("/v1/projects")
        check("GET", "/v1/projects", listed.status, await listed.json())
        assert [each["name"] for each in (await listed.json())["projects"]] == ["talk", "intro"]
        translations = "/v1/projects/{name}/translations"
        listed = await client.get("/v1/projects/intro/translations")
        check("GET", translations, listed.status, await listed.json())
        absent = await client.get("/v1/projects/intro/translations/de")
        check(
            "GET", translations + "/{language}", absent.status, await absent.json(content_type=None)
        )
        assert absent.status == 404
        video = await client.post("/v1/videos", json={"project": "intro", "language": "de"})
        told = await video.json(content_type=None)
        assert told["type"] == "urn:visavis:translation-missing"
