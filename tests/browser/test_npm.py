"""Packages from npm run in Chromium, as the tests of other systems' clients need them."""

import pytest
from support import npm

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_package_runs_in_a_page(chromium):
    source = 'import * as client from "whip-whep/whep.js"; Object.assign(globalThis, { client });'
    async with npm.page(chromium, "whep", source) as page:
        assert await page.evaluate("typeof client.WHEPClient") == "function"
        assert await page.evaluate("isSecureContext")
        kinds = "navigator.mediaDevices.getUserMedia({ audio: true }).then((s) => s.active)"
        assert await page.evaluate(kinds)


async def test_an_error_that_nobody_caught_fails(chromium):
    with pytest.raises(AssertionError, match="of the page"):
        async with npm.page(
            chromium, "whep", "setTimeout(() => { throw Error('of the page'); })"
        ) as p:
            await p.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
