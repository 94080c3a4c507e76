"""The page of a scene in a real Chromium: a person cut out, composed there, who comes back."""

import asyncio
import base64
import io
from contextlib import asynccontextmanager
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from PIL import Image
from support.cutting import SIDE, Portraying, composed, opacities
from support.devtools import tab
from support.serving import serving

from bench.live.chromium import visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

AVATAR = "document.querySelector('visavis-avatar')"
CANVAS = f"{AVATAR}.shadowRoot.querySelector('canvas[part=cutout]')"
NOTED = """addEventListener("DOMContentLoaded", () => {
  window.noted = [];
  document.querySelector("visavis-avatar").addEventListener("cutout", (e) => noted.push(e.detail));
});"""
NO_WEBGL = """const own = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : own.call(this, kind, ...more);
};"""
UNREAD = """CanvasRenderingContext2D.prototype.getImageData = () => {
  throw new DOMException("not here", "SecurityError");
};"""
MINE = (214, 40, 190)  # a colour that is nowhere in the face
HEX = "#d628be"
COLOUR = quote(HEX)


@asynccontextmanager
async def scene(chromium, query, *scripts, services=None):
    """The page, once it shows a face."""
    services = services or Portraying()
    async with (
        serving(services) as client,
        visitor(chromium, width=SIDE, height=SIDE, microphone=False) as context,
    ):
        page = await context.new_page()
        for script in (NOTED, *scripts):
            await page.add_init_script(script)
        await page.goto(f"{client.make_url('/scene')}?{query}")
        await page.wait_for_function("window.visavis?.firstPictureMs != null")
        yield page, services


async def shown(page):
    """(h, w, 3) float: what is on the screen."""
    picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    return np.asarray(picture, np.float32)


async def settled(page, wanted, enough=1.5):
    """What is on the screen once the first pictures have been made sharp, at most 12 s later."""
    for _ in range(40):
        seen = await shown(page)
        if np.abs(seen - wanted).mean() < enough:
            break
        await asyncio.sleep(0.3)
    return seen


def edge(cut):
    """Where the person's outline is."""
    part = opacities(cut, SIDE)
    return cv2.dilate(((part > 0.05) & (part < 0.95)).astype(np.uint8), np.ones((3, 3))) > 0


async def test_hair_is_seen_before_the_pages_own_colour_as_it_ought_to_be(chromium):
    async with scene(chromium, f"transparent&background={COLOUR}") as (page, services):
        cut = services.cut_out()
        wanted, outline, part = composed(cut, SIDE, MINE), edge(cut), opacities(cut, SIDE)
        seen = await settled(page, wanted)
        away = seen - wanted
        assert np.abs(away[outline]).mean() < 6, "levels of 255, after H.264 at 300 kbit/s"
        assert np.abs(away[outline].mean(0)).max() < 2.5, "and neither a halo nor a rim"
        assert np.abs(away[part == 0]).mean() < 0.5, "the page itself"
        assert np.abs(away[part == 1]).mean() < 4
        assert services.asked == ["transparent"]
        assert await page.evaluate("noted") == [{"by": "webgl", "why": ""}]

        lost = f"{CANVAS}.getContext('webgl').getExtension('WEBGL_lose_context')"
        await page.evaluate(f"window.lost = {lost}; lost.loseContext()")
        await page.wait_for_function(f"{CANVAS}.getContext('webgl').isContextLost()")
        await page.evaluate("lost.restoreContext()")
        again = await settled(page, wanted)
        assert np.abs(again - wanted)[outline].mean() < 6, "a context that was lost comes back"


async def test_without_webgl_a_canvas_does_it_and_one_that_is_not_read_says_so(chromium):
    async with scene(chromium, f"transparent&background={COLOUR}", NO_WEBGL) as (page, services):
        cut = services.cut_out()
        wanted = composed(cut, SIDE, MINE)
        seen = await settled(page, wanted)
        assert np.abs(seen - wanted)[edge(cut)].mean() < 8
        (note,) = await page.evaluate("noted")
        assert note["by"] == "canvas"
        assert "no WebGL" in note["why"]
    async with scene(chromium, f"transparent&background={COLOUR}", NO_WEBGL, UNREAD) as (page, _):
        await page.wait_for_function("noted.some(({by}) => by === 'opaque')")
        wanted = composed(cut, SIDE, (0, 0, 0))
        seen = await settled(page, wanted, enough=3)
        assert np.abs(seen - wanted).mean() < 3, "the person before black, and nothing of the matte"


async def test_a_background_of_ones_own_is_drawn_by_the_server_and_the_element_pays_nothing(
    chromium,
):
    async with scene(chromium, f"background={COLOUR}&session=stage") as (page, services):
        wanted = composed(services.cut_out(), SIDE, MINE)
        seen = await settled(page, wanted, enough=3)
        assert np.abs(seen - wanted).mean() < 3
        assert services.asked == [HEX]
        assert await page.evaluate("visavis.id") == "scene-stage"
        assert await page.evaluate(f"{CANVAS} === null")
        loaded = (
            "performance.getEntriesByType('resource').some(({name}) => name.includes('cutout'))"
        )
        assert not await page.evaluate(loaded)
        assert await page.evaluate("document.body.innerText.trim()") == "", "nothing but the face"


@pytest.mark.slow
async def test_it_comes_back_by_itself_when_the_server_was_started_anew(chromium):
    async with visitor(chromium, width=SIDE, height=SIDE, microphone=False) as context:
        page = await context.new_page()
        async with serving(Portraying()) as client:
            port = client.port
            await page.goto(f"{client.make_url('/scene')}?transparent&session=stage")
            await page.wait_for_function("window.visavis?.firstPictureMs != null")
        await page.wait_for_function("visavis.state !== 'connected'")
        await asyncio.sleep(2)
        async with serving(Portraying(), listens=port) as client:
            await page.wait_for_function("visavis.state === 'connected'")
            said = await client.post("/v1/sessions/scene-stage/say", json={"text": "Here again."})
            assert said.status == 202
            await page.wait_for_function("visavis.messages.some(({type}) => type === 'caption')")


@pytest.mark.slow
async def test_a_source_that_is_hidden_costs_little_and_is_there_at_once():
    async with serving(Portraying()) as client, tab() as one:
        await one.open(f"{client.make_url('/scene')}?transparent&session=stage")
        await one.until("window.visavis?.firstPictureMs != null")

        async def state():
            answer = await client.get("/v1/sessions/scene-stage")
            return (await answer.json())["pictures"]

        async def becomes(wanted):
            async with asyncio.timeout(5):
                while await state() != wanted:
                    await asyncio.sleep(0.05)

        await becomes("full")
        await one.cover()
        await becomes("unseen")
        await asyncio.sleep(3)
        assert await one.evaluate("visavis.state") == "connected"
        await one.show()
        await becomes("full")
        taken = await one.send("Page.captureScreenshot")
        seen = Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("L")
        assert np.asarray(seen)[500:780].std() > 20, "a face, and not the empty page"
