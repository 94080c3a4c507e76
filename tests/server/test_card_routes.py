"""Pictures of cards as the server gives them out, and what the page may load."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from visavis.server.http.app import application
from visavis.server.http.cards import CardRoutes
from visavis.server.http.guard import Guard
from visavis.server.http.headers import Headers
from visavis.server.http.keys import Keys
from visavis.server.system.metrics import Metrics
from visavis.server.tools import gallery as galleries
from visavis.server.tools.gallery import Gallery

PNG = b"\x89PNG\r\n\x1a\nbytes"


@pytest.fixture
async def client(tmp_path):
    (tmp_path / "pool.png").write_bytes(PNG)
    (tmp_path / "page.png").write_text("<script>alert(1)</script>")
    (tmp_path / "large.png").write_bytes(PNG + bytes(5000))
    (tmp_path / "notes.txt").write_text("secret")
    (tmp_path / ".hidden.png").write_bytes(PNG)
    gallery = Gallery(tmp_path, {"images.hotel.example"})
    guard = Guard(Keys("a-long-secret-token"), Metrics())
    app: web.Application = application(guard, Headers("self", gallery.hosts), [CardRoutes(gallery)])
    async with TestClient(TestServer(app)) as made:
        yield made


def get(client, path, token="a-long-secret-token"):
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


async def test_a_picture(client):
    response = await get(client, "/v1/cards/pool.png")
    assert (response.status, await response.read()) == (200, PNG)
    assert response.content_type == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = response.headers["Content-Security-Policy"]
    assert "img-src 'self' blob: https://images.hotel.example; " in policy
    assert "script-src 'self'; " in policy


async def test_nobody_sees_it_without_the_token(client):
    assert (await get(client, "/v1/cards/pool.png", token="wrong")).status == 401


@pytest.mark.parametrize(
    "name",
    [
        "none.png",
        "notes.txt",
        ".hidden.png",
        "page.png",
        "..%2Fpool.png",
        "%2Fetc%2Fpasswd",
        "%00.png",
    ],
)
async def test_what_is_no_picture_of_the_folder_is_not_there(client, name):
    assert (await get(client, f"/v1/cards/{name}")).status == 404


async def test_a_picture_that_is_too_large_is_not_there(client, monkeypatch):
    monkeypatch.setattr("visavis.server.http.cards.LARGEST", 1000)
    assert (await get(client, "/v1/cards/large.png")).status == 404
    assert (await get(client, "/v1/cards/pool.png")).status == 200
    assert galleries.LARGEST > 1000
