"""The page for who sees otherwise, and while the server is not ready: without an engine."""

import pytest
from support.services import FakeServices
from support.serving import serving

from bench.live.chromium import visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_server_that_still_loads_is_no_problem_of_the_server(chromium):
    services = FakeServices()
    services.missing = "The server is loading its models."
    async with serving(services) as client, visitor(chromium) as context:
        page = await context.new_page()
        await page.goto(str(client.make_url("/")))
        await page.click("#start")
        await page.wait_for_selector("#trouble[data-reason=starting]:not([hidden])")
        assert await page.inner_text("#trouble-title") == "The server is still starting"


_UNREACHABLE = """(lapse) => {
  const avatar = document.querySelector("visavis-avatar");
  const tell = (name, detail) => avatar.dispatchEvent(new CustomEvent(name, { detail }));
  if (lapse) tell("lapsed", { reason: "shutdown" });
  tell("state", { state: "waiting", reason: "unreachable", words: "", code: "", retryInMs: 5000 });
  return document.querySelector("#trouble-title").textContent;
}"""


async def test_a_server_that_said_that_it_ends_is_no_fault_of_the_network(chromium):
    async with serving() as client, visitor(chromium) as context:
        page = await context.new_page()
        await page.goto(str(client.make_url("/")))
        assert await page.evaluate(_UNREACHABLE, False) == "We cannot reach the server"
        assert await page.evaluate(_UNREACHABLE, True) == "The server was shut down"


async def test_a_contrast_theme_shows_what_is_pressed_and_what_is_on(chromium):
    """Backgrounds are taken away there: a switch that was nothing else could not be seen."""
    async with serving() as client, visitor(chromium) as context:
        page = await context.new_page()
        await page.emulate_media(forced_colors="active")
        await page.goto(str(client.make_url("/")))
        widths = "(at) => getComputedStyle(document.querySelector(at)).borderTopWidth"
        for shown in (".switch span", "#talk", "#start"):
            assert await page.evaluate(widths, shown) != "0px"
        colour = "() => getComputedStyle(document.querySelector('.switch span')).backgroundColor"
        before = await page.evaluate(colour)
        await page.evaluate("document.querySelector('#hands-free').click()")
        assert await page.evaluate(colour) != before


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
async def test_type_twice_as_large_loses_no_button(chromium, width, height):
    """By the browser's own setting, as WCAG 1.4.4 has it."""
    async with serving() as client, visitor(chromium, width=width, height=height) as context:
        page = await context.new_page()
        browser = await context.new_cdp_session(page)
        await browser.send("Page.enable")
        await browser.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        await page.goto(str(client.make_url("/")))
        stage = await page.locator("#stage").bounding_box()
        tools = await page.locator("[role=toolbar]").bounding_box()
        start = await page.locator("#start").bounding_box()
        assert tools["y"] + tools["height"] <= start["y"]
        assert start["x"] >= stage["x"]
        assert start["x"] + start["width"] <= stage["x"] + stage["width"]
        cut = "(at) => at.scrollWidth > at.clientWidth"
        assert not await page.locator("#start").evaluate(cut)
        await page.click("#send", trial=True)  # it can be scrolled to
