"""Webhooks: signed as Standard Webhooks has it, tried again, and sent nowhere they may not go."""

import asyncio
import base64
import hashlib
import hmac
import json
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.jobs import WORKS, Allowed, over

from visavis.server.jobs import hooks
from visavis.server.jobs.embedded import Embedded
from visavis.server.jobs.hooks import Webhooks
from visavis.server.jobs.job import Job
from visavis.server.jobs.ledger import Hook
from visavis.server.jobs.queued import JobQueue
from visavis.server.system.errors import Unprocessable
from visavis.server.system.metrics import Metrics

SECRET = "whsec_" + base64.b64encode(b"a key of a test, thirty-two byte").decode()
HERE = [ip_network("127.0.0.0/8")]


class Ear:
    """An address that is told, and answers with the statuses that it is given."""

    def __init__(self, *statuses):
        self.statuses, self.heard = list(statuses), []

    async def hear(self, request):
        self.heard.append((request.headers.copy(), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def listening():
    ear, app = Ear(), web.Application()
    app.router.add_post("/told", ear.hear)
    async with TestServer(app, host="127.0.0.1") as server:
        yield ear, str(server.make_url("/told"))


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setattr("visavis.server.jobs.queued._LOOK", 0.05)
    monkeypatch.setattr(hooks, "WAITS", (0.05,) * 3)


def check_signed(headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mine = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{mine}"


async def test_told_again_until_it_is_taken_and_once_for_a_group(tmp_path, listening):
    ear, address = listening
    ear.statuses += [500, 302]
    metrics = Metrics()
    runner = Embedded(tmp_path, WORKS, {}, Allowed(lambda: 2))
    it = JobQueue(tmp_path, runner, Webhooks(SECRET, HERE), metrics)
    await it.open()
    jobs = [Job(f"r{n}", "write", {}, group="g", webhook=address) for n in range(3)]
    await it.add(*jobs, Job("bad", "wrong", {"how": "engine"}, group="g", webhook=address))
    await over(it, "g")
    for _ in range(200):
        if len(ear.heard) == 3 and not await it._on(lambda ledger: ledger.hooks()):
            break
        await asyncio.sleep(0.05)
    await it.close()
    assert len(ear.heard) == 3
    for headers, body in ear.heard:
        check_signed(headers, body)
    assert len({headers["webhook-id"] for headers, _ in ear.heard}) == 1
    told = json.loads(ear.heard[0][1])
    assert told.pop("at") > 0
    assert told == {"id": "g", "type": "group-over", "done": 3, "failed": 1, "cancelled": 0}


def hook(address, tries=0):
    return Hook(7, "video", address, '{"type": "job-over"}', tries)


async def test_what_an_answer_means(listening):
    ear, address = listening
    its = Webhooks(SECRET, HERE)
    ear.statuses += [204, 410, 404, 503]
    assert await its.send(hook(address)) is None
    assert await its.send(hook(address)) is None  # gone: never again
    assert await its.send(hook(address, 2)) == 0.05
    assert await its.send(hook(address, 3)) is None  # tried long enough


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/x", "http://127.0.0.1/x", "https://[::1]/x", "https://10.1.2.3/x",
        "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "http://8.8.8.8/x",
        "ftp://example.org/x", "https://name:word@example.org/x", "file:///etc/passwd", "//x", "",
        "https://", "https://[fe80::1%25eth0]/",
        "https://example.org/" + "x" * 3000, "https://[broken/",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(address):
    with pytest.raises(Unprocessable) as caught:
        Webhooks(SECRET).check(address)
    assert caught.value.code == "webhook-invalid"


async def test_a_name_that_leads_home_is_not_told(listening):
    """Looked at where the connection is made: the name itself is allowed."""
    ear, address = listening
    port = address.split(":")[2].split("/")[0]
    its = Webhooks(SECRET)
    for name in (f"https://localhost:{port}/told", f"http://localhost:{port}/told"):
        its.check(name)
        assert await its.send(hook(name)) == 0.05
    assert ear.heard == []
    assert await Webhooks(SECRET, HERE).send(hook(f"http://localhost:{port}/told")) is None
    assert len(ear.heard) == 1


def test_without_a_secret_there_are_none():
    with pytest.raises(Unprocessable) as caught:
        Webhooks("").check("https://example.org/")
    assert caught.value.code == "webhook-off"


@pytest.mark.parametrize("host", ["①②⑦.0.0.1", "127。0。0。1", "127.0.0.１", "127.0.0.1"])
async def test_an_ip_address_in_other_digits_is_one(listening, host):
    ear, address = listening
    address = address.replace("127.0.0.1", host)
    outside = Webhooks(SECRET)
    with pytest.raises(Unprocessable, match="public"):
        outside.check(address)
    assert await outside.send(Hook(1, "a", address, "{}", 0)) is not None
    assert not ear.heard
