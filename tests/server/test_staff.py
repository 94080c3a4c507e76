"""The staff's addresses: who may, what is seen, what is done, and what happens when they go."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from support.serving import serving, watching

TOKEN = "a-token-of-the-staff"
STAFF = {"Authorization": f"Bearer {TOKEN}"}
ANNA, BEN = {"desk": "desk-of-anna", "name": "Anna"}, {"desk": "desk-of-ben", "name": "Ben"}


@pytest.fixture
async def client():
    async with serving(staff_token=TOKEN) as client:
        yield client


class Page:
    """A stream of the staff's, as their page reads it."""

    def __init__(self, response):
        self._response = response
        self.messages = []

    async def read(self):
        async for line in self._response.content:
            if line.startswith(b"data: "):
                self.messages.append(json.loads(line[6:]))

    async def wait_for(self, kind, within=5.0, **fields):
        async with asyncio.timeout(within):
            while True:
                for message in self.messages:
                    if message["type"] == kind and fields.items() <= message.items():
                        return message
                await asyncio.sleep(0.01)

    async def until(self, condition, within=5.0):
        async with asyncio.timeout(within):
            while not any(condition(m) for m in self.messages):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def stream(client, path, **params):
    async with client.get(path, headers=STAFF, params=params) as response:
        assert response.status == 200, await response.text()
        page = Page(response)
        reading = asyncio.create_task(page.read())
        try:
            yield page
        finally:
            reading.cancel()


def desk(client):
    return stream(client, "/v1/staff/events")


def looking(client, viewer, who=ANNA):
    return stream(client, of(viewer, "/events"), **who)


def of(viewer, rest=""):
    return viewer.location.replace("/v1/", "/v1/staff/") + rest


async def do(client, method, viewer, what, who=ANNA, **body):
    async with client.request(
        method, of(viewer, f"/{what}"), headers=STAFF, params=who, json=body or None
    ) as response:
        return response.status, await response.read()


async def test_a_visitor_is_listed_looked_at_taken_over_and_handed_back(client):
    async with desk(client) as list_, watching(client) as viewer:
        name = viewer.location.rsplit("/", 1)[1]
        await list_.until(lambda m: [s["id"] for s in m.get("sessions", [])] == [name])
        await list_.until(lambda m: [s["state"] for s in m.get("sessions", [])] == ["live"])
        async with looking(client, viewer) as page:
            await page.wait_for("history")
            await viewer.wait_for("attended", by="watching")
            assert (await do(client, "POST", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="answering")
            await viewer.wait_for("reply_ended")
            viewer.channel.send(json.dumps({"type": "text", "text": "Is my room ready?"}))
            await page.wait_for("transcript", text="Is my room ready?")
            assert (await do(client, "POST", viewer, "say", text="It is, number nine."))[0] == 202
            said = await viewer.wait_for("reply_ended", heard="It is, number nine.")
            assert said["reason"] == "done"
            assert (await do(client, "DELETE", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="watching")
            viewer.channel.send(json.dumps({"type": "text", "text": "Thanks"}))
            await viewer.wait_for("caption", heard=len("You said: Thanks"))
        await viewer.wait_for("attended", by="nobody")
