"""Cards in a real browser: what is seen, what a screen reader is told, and what leads where."""

import asyncio

import cv2
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web

from visavis.server.http.app import _CLIENT
from visavis.server.http.headers import Headers

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGE = """<!doctype html><script type="module" src="/visavis-avatar.js"></script>
<visavis-avatar token="secret"></visavis-avatar>"""
POOL = {"kind": "picture", "title": "The pool", "address": "/v1/cards/pool.png", "image": "",
        "text": "The pool on the roof"}  # fmt: skip
MENU = {"kind": "link", "title": "The menu", "address": "https://hotel.example/menu?day=1",
        "text": "With prices", "image": ""}  # fmt: skip
PLACE = {"kind": "map", "title": "The inn", "address": "", "text": "Harbour Street 5", "image": ""}


class House:
    """The client's files and one picture, for those who have the token."""

    def __init__(self):
        self.tokens = []
        self.picture = cv2.imencode(".png", np.full((60, 90, 3), 200, np.uint8))[1].tobytes()

    async def answer(self, request):
        path = request.path
        if path == "/":
            return web.Response(text=PAGE, content_type="text/html")
        if path == "/v1/cards/pool.png":
            self.tokens.append(request.headers.get("Authorization", ""))
            return web.Response(body=self.picture, content_type="image/png")
        file = _CLIENT / path.lstrip("/")
        if path.startswith("/v1/") or not await asyncio.to_thread(file.is_file):
            raise web.HTTPNotFound
        return web.FileResponse(file)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house():
    made = House()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    app.on_response_prepare.append(Headers("self").complete)  # the real policy of content
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tab(chromium):
    made = await chromium.new_page(viewport={"width": 390, "height": 400})
    made.faults = []
    made.on("pageerror", lambda error: made.faults.append(str(error)))
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(tab, house):
    await tab.goto(house.address)
    await tab.evaluate("customElements.whenDefined('visavis-avatar').then(() => true)")
    yield tab
    assert not tab.faults


async def tell(page, **message):
    """As if the server had said it; what the element's event was like."""
    return await page.evaluate(
        """message => {
          const avatar = document.querySelector("visavis-avatar");
          let told = null;
          avatar.addEventListener(message.type, (event) => { told = event.detail; }, {once: true});
          avatar.session.dispatchEvent(new CustomEvent("message", {detail: message}));
          return told;
        }""",
        message,
    )


async def test_a_picture_is_fetched_with_the_token_and_told_to_a_screen_reader(page, house):
    assert (await tell(page, type="card", turn=1, card=POOL))["card"] == POOL
    region = page.get_by_role("region", name="Picture: The pool")
    await region.wait_for()
    assert house.tokens[-1] == "Bearer secret"
    assert (
        await page.get_by_role("status").text_content() == "Picture: The pool. The pool on the roof"
    )
    image = page.get_by_role("img", name="The pool on the roof")
    assert await image.evaluate("each => [each.naturalWidth, each.naturalHeight]") == [90, 60]
    assert await page.evaluate("document.activeElement === document.body")  # no focus is taken
    await page.get_by_role("button", name="Enlarge the picture").click()
    box = await region.bounding_box()
    assert box["height"] > 300
    await page.keyboard.press("Escape")  # smaller first, then away
    assert (await region.bounding_box())["height"] < 200
    await page.keyboard.press("Escape")
    await region.wait_for(state="hidden")
    assert await page.get_by_role("status").text_content() == ""


async def test_a_link_opens_in_another_tab_that_knows_nothing_of_this_one(page):
    await tell(page, type="card", turn=1, card=MENU)
    link = page.get_by_role("link", name="Open hotel.example")
    await link.wait_for()
    got = await link.evaluate("each => [each.href, each.target, each.rel]")
    assert got == [MENU["address"], "_blank", "noopener noreferrer"]
    await page.get_by_role("button", name="Put away").click()
    await link.wait_for(state="hidden")
    await tell(page, type="card", turn=1, card=MENU)  # as whoever resumes is told again
    assert not await link.is_visible()
    await tell(page, type="card", turn=2, card=MENU)
    await link.wait_for()


async def test_on_a_kiosk_a_link_is_a_code_that_can_be_read(page):
    await page.evaluate("document.querySelector('visavis-avatar').setAttribute('kiosk', '')")
    await tell(page, type="card", turn=1, card=MENU)
    await page.get_by_role("region", name="Link: The menu").wait_for()
    await page.wait_for_timeout(300)  # it rises
    assert await page.get_by_role("link").count() == 0
    shot = cv2.imdecode(np.frombuffer(await page.screenshot(scale="device"), np.uint8), 1)
    large = cv2.resize(shot, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    assert cv2.QRCodeDetector().detectAndDecode(large)[0] == MENU["address"]


async def test_an_address_that_is_none_leads_nowhere(page):
    for address in ("javascript:alert(1)", "data:text/html,x", "/v1/sessions", ""):
        await tell(page, type="card", turn=1, card={**MENU, "address": address})
        await page.get_by_role("region", name="Link: The menu").wait_for()
        assert await page.get_by_role("link").count() == 0


async def test_a_picture_that_is_not_there_leaves_its_words(page):
    await tell(page, type="card", turn=1, card={**POOL, "address": "/v1/cards/none.png"})
    await page.get_by_role("region", name="Picture: The pool").wait_for()
    assert await page.get_by_text("The pool on the roof", exact=True).is_visible()
    assert await page.get_by_role("img", name="The pool on the roof").count() == 0


async def test_a_card_goes_with_the_next_reply_but_one(page):
    await tell(page, type="card", turn=1, card=PLACE)
    region = page.get_by_role("region", name="Map: The inn")
    await region.wait_for()
    await tell(page, type="reply_started", turn=2, at_ms=0)
    assert await region.is_visible()
    await tell(page, type="reply_started", turn=3, at_ms=0)
    await region.wait_for(state="hidden")


async def test_a_page_may_show_cards_itself(page):
    await page.evaluate("document.querySelector('visavis-avatar').setAttribute('cards', 'off')")
    assert (await tell(page, type="card", turn=1, card=PLACE))["card"] == PLACE
    assert await page.get_by_role("region").count() == 0


async def test_a_farewell_ends_the_conversation_unless_the_page_keeps_it(page):
    left = await page.evaluate(
        """async () => {
          const kept = document.createElement("visavis-avatar");
          const avatars = [document.querySelector("visavis-avatar"), kept];
          const [begun, left] = [performance.now(), [0, 0]];
          avatars.forEach((each, n) => {
            each.disconnect = () => { left[n] = performance.now() - begun; };
          });
          kept.addEventListener("farewell", (event) => event.preventDefault());
          const detail = {type: "farewell", turn: 1};
          for (const { session } of avatars) {
            session.dispatchEvent(new CustomEvent("message", {detail}));
          }
          await new Promise((resolve) => setTimeout(resolve, 1400));
          return left;
        }"""
    )
    assert left[0] > 1000
    assert left[1] == 0
