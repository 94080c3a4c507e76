"""The kiosk in a real Chromium: a visitor comes, is served, warned, forgotten; faults heal."""

from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestServer
from support.serving import serving
from support.witness import moving

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.rtc import hooks
from visavis.server.system.config import Config

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

PHASE = "document.documentElement.dataset.kiosk"
SAID = "[...document.querySelectorAll('#lines p')].map((line) => line.textContent).join('|')"
# In every frame of the browser: is any of poster, video and still shown at all?
WATCH = """() => { window.blanks = 0; window.looks = 0;
  const { shadowRoot } = document.querySelector("visavis-avatar");
  const look = () => {
    const shown = [...shadowRoot.children].some((each) => !each.classList.contains("hidden"));
    window.looks += 1; window.blanks += shown ? 0 : 1; requestAnimationFrame(look); };
  look(); }"""
# What the page sends over HTTP.
SENT = """{ window.sent = []; const plain = window.fetch;
window.fetch = (address, request = {}) => {
  if (request.body) window.sent.push(String(request.body)); return plain(address, request); }; }"""


@asynccontextmanager
async def kiosk(chromium, address, query="?kiosk=60&speed=20", before="", **context):
    """A page that has its face. before: a script that runs before its own."""
    allowed = {"permissions": ["microphone"], "viewport": {"width": 540, "height": 960}}
    visitor = await chromium.new_context(**{**allowed, **context}, bypass_csp=True)
    try:
        await visitor.add_init_script(before)
        page = await visitor.new_page()
        await page.goto(f"{address}{query}")
        await page.wait_for_function("window.visavis?.firstPictureMs != null", timeout=30_000)
        yield page
    finally:
        await visitor.close()


async def phase(page, wanted, seconds=15):
    await page.wait_for_function(f"{PHASE} === '{wanted}'", timeout=1000 * seconds)


@pytest.fixture
def services():
    return moving()


async def test_a_visitor_is_greeted_served_warned_and_forgotten(chromium, services):
    async with (
        serving(services, max_sessions=1) as client,
        kiosk(chromium, client.make_url("/"), "?kiosk=40&speed=20") as page,
    ):
        await page.evaluate(WATCH)
        first = await page.evaluate("window.visavis.id")
        await page.wait_for_selector(".kiosk-ask")
        assert await page.inner_text(".kiosk-line")
        await page.mouse.click(270, 100)
        await phase(page, "visit")
        await page.wait_for_function(f"({SAID}).includes('Welcome')")
        question = (await page.inner_text(".kiosk-ask >> nth=0")).replace("\u2011", "-")
        await page.click(".kiosk-ask >> nth=0")
        await page.wait_for_function(f"({SAID}).includes('You said:')")
        assert question in await page.evaluate(SAID)

        await phase(page, "warning")
        assert "Are you still there?" in await page.inner_text(".kiosk-warning")
        await page.wait_for_function(f"({SAID}).includes('Are you still there')")  # and heard
        await page.keyboard.press("a")  # any key is more time
        await phase(page, "visit")
        assert question in await page.evaluate(SAID)

        await phase(page, "warning")
        await phase(page, "goodbye")
        await phase(page, "standby")
        assert await page.evaluate(SAID) == ""
        assert question not in await page.inner_text("#captions-live")
        await page.wait_for_function(
            f"window.visavis.id !== '{first}' && window.visavis.state === 'connected'"
        )
        assert (await client.get(f"/v1/sessions/{first}")).status == 404
        assert await page.evaluate("window.visavis.messages.length") < 10
        looks, blanks = await page.evaluate("[window.looks, window.blanks]")
        assert looks > 20
        assert blanks == 0, "the face was away"


@pytest.mark.slow
async def test_everything_of_a_visitor_goes_back_to_what_it_was(chromium, services):
    async with (
        serving(services) as client,
        kiosk(chromium, client.make_url("/"), "?kiosk=300&speed=20") as page,
    ):
        root = "document.documentElement"
        look = f"[{root}.classList.contains('contrast'), {root}.dataset.scale]"
        before = await page.evaluate(look)
        volume = "document.querySelector('visavis-avatar').volume"
        loud = await page.evaluate(volume)
        await page.mouse.click(270, 100)
        await phase(page, "visit")
        for tool in (".kiosk-size", ".kiosk-tool:nth-child(2)", ".kiosk-tool:nth-child(4)"):
            await page.click(tool)
        assert await page.evaluate(volume) > loud
        await page.click(".kiosk-type")
        for key in ("H", "i"):
            await page.click(f".key:text-is('{key}')")
        assert await page.input_value("#text") == "Hi"
        await page.click(".key.send-key")
        await page.wait_for_function(f"({SAID}).includes('You said: Hi')")
        await page.click(".kiosk-end")
        await phase(page, "standby")
        assert await page.evaluate(look) == before
        assert await page.evaluate(volume) == loud
        assert await page.input_value("#text") == ""
        stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert "Hi" not in stored
        assert "visavis.session" not in stored


async def test_it_rests_when_nobody_comes_and_wakes_at_once(chromium, services):
    async with serving(services) as client:
        query = "?kiosk=60&speed=20&rest=10&stir=0"
        async with kiosk(chromium, client.make_url("/"), query) as page:
            watched = "window.visavis.messages.filter((m) => m.type === 'watch').length"
            await page.wait_for_function(f"{watched} === 1", timeout=10_000)
            still = (
                "document.querySelector('visavis-avatar').shadowRoot.querySelector('[part=still]')"
            )
            assert not await page.evaluate(f"{still}.classList.contains('hidden')")
            await page.evaluate("window.dispatchEvent(new Event('visavis:arrive'))")
            await phase(page, "visit")
            await page.wait_for_function(f"{still}.classList.contains('hidden')", timeout=3000)


async def test_a_camera_senses_who_comes_and_its_picture_stays_here(chromium, services):
    async with serving(services) as client:
        query = "?kiosk=60&presence=camera"
        allowed = ["microphone", "camera"]
        async with kiosk(
            chromium, client.make_url("/"), query, before=SENT, permissions=allowed
        ) as page:
            await page.wait_for_selector(".kiosk-senses:not([hidden])", timeout=10_000)
            await phase(page, "visit")  # Chromium's own test picture moves
            await page.wait_for_function(f"({SAID}).includes('Welcome')")
            offers = await page.evaluate("window.sent")
            assert offers
            for body in offers:  # a picture would have to leave by one of these, or by the peer
                assert not body.startswith("v=0") or "a=recvonly" in body.split("m=video")[1]
                assert len(body) < 20_000


@pytest.mark.slow
async def test_yes_is_more_time_and_no_is_goodbye(chromium, services):
    def says(text):
        words = f"{{ type: 'transcript', turn: 90, text: '{text}', final: true }}"
        avatar = "document.querySelector('visavis-avatar')"
        return f"{avatar}.dispatchEvent(new CustomEvent('message', {{ detail: {words} }}))"

    async with serving(services) as client:
        query = "?kiosk=120&speed=20"
        async with kiosk(chromium, client.make_url("/"), query) as page:
            await page.mouse.click(270, 100)
            await phase(page, "warning")
            await page.evaluate(says("Yes, please."))
            await phase(page, "visit")
            await page.wait_for_function(f"({SAID}).includes('Of course')")
            await phase(page, "warning")
            await page.evaluate(says("No, thank you."))
            await phase(page, "goodbye")
            await phase(page, "standby")


@pytest.mark.slow
async def test_a_mind_that_says_goodbye_ends_the_visit(chromium, services):
    async with serving(services) as client, kiosk(chromium, client.make_url("/")) as page:
        await page.mouse.click(270, 100)
        await phase(page, "visit")
        first = await page.evaluate("window.visavis.id")
        ends = "{ detail: { type: 'farewell', turn: 1 }, cancelable: true }"
        avatar = "document.querySelector('visavis-avatar')"
        goes_on = await page.evaluate(
            f"{avatar}.dispatchEvent(new CustomEvent('farewell', {ends}))"
        )
        assert goes_on is False  # the kiosk says when the session ends
        await page.evaluate(f"{avatar}.dispatchEvent(new CustomEvent('message', {ends}))")
        await phase(page, "goodbye")
        await phase(page, "standby")
        await page.wait_for_function(f"window.visavis.id !== '{first}'")


@pytest.mark.slow
async def test_only_the_operator_gets_out(chromium, services):
    async with (
        serving(services) as client,
        kiosk(chromium, client.make_url("/"), "?kiosk=60#pin=4711") as page,
    ):
        await page.keyboard.press("Control+Alt+k")
        for digit in "1234":
            await page.click(f".kiosk-pad .key:text-is('{digit}')")
        assert await page.locator(".kiosk-operator .dark").count() == 0
        for digit in "4711":
            await page.keyboard.press(digit)
        assert await page.locator(".kiosk-operator .dark").count() == 4
        assert "connected" in await page.inner_text(".kiosk-facts")
        await page.click(".kiosk-operator .dark:text-is('Leave the kiosk')")
        await page.wait_for_selector("#settings-open", timeout=10_000)


@pytest.mark.slow
async def test_without_a_pin_there_is_no_way_out(chromium, services):
    async with serving(services) as client, kiosk(chromium, client.make_url("/")) as page:
        await page.keyboard.press("Control+Alt+k")
        assert await page.locator(".kiosk-operator[open], .kiosk-corner").count() == 0


@pytest.mark.slow
async def test_a_server_that_is_away_is_back_soon(chromium, services, tmp_path):
    hooks.install()
    config = Config(home=str(tmp_path))

    def app():
        return application(config, services, AvatarStore(tmp_path), services.metrics)

    async with TestServer(app(), host="127.0.0.1") as server:
        port = server.port
        context = kiosk(chromium, server.make_url("/"))
        page = await context.__aenter__()
    try:
        await page.wait_for_selector(".kiosk-curtain:not([hidden])", timeout=15_000)
        assert "Back soon" in await page.inner_text(".kiosk-curtain")
        assert await page.is_hidden("#trouble")
        async with TestServer(app(), host="127.0.0.1", port=port):
            await page.wait_for_selector(".kiosk-curtain", state="hidden", timeout=20_000)
            await page.mouse.click(270, 100)
            await page.wait_for_function(f"({SAID}).includes('Welcome')", timeout=10_000)
    finally:
        await context.__aexit__(None, None, None)


@pytest.mark.slow
async def test_a_wrong_token_is_no_dialog_for_visitors(chromium, services):
    async with serving(services, token="a-long-enough-token") as client:
        visitor = await chromium.new_context(viewport={"width": 540, "height": 960})
        page = await visitor.new_page()
        await page.goto(f"{client.make_url('/')}?kiosk#token=not-that-one-at-all")
        await page.wait_for_selector(".kiosk-curtain:not([hidden])", timeout=15_000)
        assert await page.is_hidden("#key-form")
        assert "unauthorised" in await page.inner_text(".kiosk-detail")
        await visitor.close()


async def test_it_gives_its_place_back_and_has_it_again_when_somebody_comes(chromium, services):
    async with serving(services, max_sessions=1) as client:
        query = "?kiosk=60&speed=60&rest=10&sleep=1"
        async with kiosk(chromium, client.make_url("/"), query) as page:
            first = await page.evaluate("window.visavis.id")
            await page.wait_for_function("window.visavis.state === 'idle'", timeout=10_000)
            assert (await client.get(f"/v1/sessions/{first}")).status == 404
            assert await page.is_hidden(".kiosk-curtain")
            await page.mouse.click(270, 100)
            await page.wait_for_function(f"({SAID}).includes('Welcome')", timeout=10_000)
