"""A tab that another one covers, a page that is scrolled: few pictures, then all at once."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.devtools import tab
from support.serving import serving
from support.witness import moving

from bench.live.chromium import TAPS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SOUND = "taps.voice.filter(([at, level]) => at > performance.now() - 500 && level > 0.02).length"
AVATAR = "document.querySelector('visavis-avatar')"
STEPS = ("full", "half", "still", "unseen")  # a busy machine may give way


class Page:
    """The page, and what the server draws for it."""

    def __init__(self, tab, services):
        self.tab, self._services = tab, services

    @property
    def drawn(self):
        """Pictures so far."""
        counted = self._services.metrics.registry.get_sample_value
        return sum(counted("visavis_pictures_total", {"step": step}) for step in STEPS)

    async def rate(self, seconds):
        """Pictures a second."""
        before = self.drawn
        await asyncio.sleep(seconds)
        return (self.drawn - before) / seconds

    async def more(self, count, within):
        """Wait for so many pictures."""
        before = self.drawn
        async with asyncio.timeout(within):
            while self.drawn < before + count:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def talking():
    """A page whose conversation has begun."""
    services = moving()
    async with serving(services) as client, tab() as one:
        await one.open(str(client.make_url("/")), TAPS.read_text())
        await one.evaluate("document.querySelector('#start').click()")
        await one.until("window.visavis?.firstPictureMs != null")
        await one.until("window.visavis?.state === 'connected'")
        yield Page(one, services)


@pytest.mark.slow
async def test_a_covered_tab_costs_two_pictures_a_second_and_none_of_the_voice():
    async with talking() as page:
        assert await page.rate(1.0) > 8
        await page.tab.evaluate(f"{AVATAR}.say('one two three four five six '.repeat(9))")
        await page.tab.until(SOUND)
        await page.tab.cover()
        await asyncio.sleep(1.0)
        assert await page.rate(3.0) <= 2.4
        assert await page.tab.evaluate(SOUND) > 20, "the voice goes on"
        assert await page.tab.evaluate("window.visavis.state") == "connected"
        await page.tab.show()
        await page.more(3, within=1.0)
        assert await page.rate(1.0) > 8
        shown = await page.tab.evaluate("taps.frames.length")
        await page.tab.until(f"taps.frames.length > {shown} + 20", seconds=3)


@pytest.mark.slow
async def test_an_element_out_of_view_costs_as_little_unless_it_is_watched_elsewhere():
    # the page moves it softly, which would take its time here
    away = f"{AVATAR}.style.transition = 'none'; {AVATAR}.style.transform = 'translateY(-5000px)'"
    async with talking() as page:
        await page.tab.evaluate(away)
        await asyncio.sleep(1.0)
        assert await page.rate(2.0) <= 2.4
        await page.tab.evaluate(f"{AVATAR}.setAttribute('watched', '')")
        await page.more(3, within=1.0)
        assert await page.rate(1.0) > 8
        await page.tab.evaluate(f"{AVATAR}.removeAttribute('watched')")
        await asyncio.sleep(0.5)
        assert await page.rate(2.0) <= 2.4
        await page.tab.evaluate(f"{AVATAR}.style.transform = ''")
        await page.more(3, within=1.0)
        assert await page.rate(1.0) > 8
