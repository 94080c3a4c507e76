import pytest
from support.marked import OURS, film
from support.serving import serving

from visavis.server.http import detecting
from visavis.server.http.detecting import DetectRoutes
from visavis.server.system.errors import Busy, TooMany


async def test_a_film_is_sent_and_answered(tmp_path):
    async with serving(home=str(tmp_path)) as client:
        async with client.post("/v1/detect", data=film()) as response:
            assert response.status == 200
            told = await response.json()
        async with client.get("/detect") as page:
            assert "detect/detect.js" in await page.text()

    (maker,) = told["made_by"]
    assert (maker["installation"], maker["own"]) == (f"{OURS.installation:06x}", False)
    assert {mark["in"] for mark in maker["marks"]} == {"picture", "sound"}


async def test_what_cannot_be_looked_at_is_refused(monkeypatch):
    monkeypatch.setattr(detecting, "LARGEST", 1000)

    async def chunked():
        for _ in range(3):
            yield bytes(500)

    async with serving() as client:
        for body, status, code in (
            (b"", 400, "file-missing"), (b"no film", 422, "undetectable"),
            (bytes(1001), 413, "file-too-large"), (chunked(), 413, "file-too-large"),
        ):  # fmt: skip
            async with client.post("/v1/detect", data=body) as response:
                assert response.status == status
                assert (await response.json())["type"] == f"urn:visavis:{code}"


async def test_it_can_be_switched_off_and_wants_the_token():
    async with serving(detect="off") as client:
        response = await client.post("/v1/detect", data=b"x")
        assert (await response.json())["type"] == "urn:visavis:detection-off"
    async with serving(token="a-token-of-some-length") as client:
        response = await client.post("/v1/detect", data=b"x")
        assert response.status == 401


async def test_an_address_has_two_files_at_once_and_twenty_in_a_while(tmp_path):
    routes = DetectRoutes(tmp_path, on=True)
    with routes._place("10.0.0.1"), routes._place("10.0.0.1"):
        with pytest.raises(Busy), routes._place("10.0.0.1"):
            pass
        others = routes._place("10.0.0.2"), routes._place("127.0.0.1")
        with others[0], others[1], pytest.raises(Busy), routes._place("127.0.0.1"):
            pass
    for _ in range(18):
        with routes._place("10.0.0.1"):
            pass
    with pytest.raises(TooMany), routes._place("10.0.0.1"):
        pass
    await routes.close()
