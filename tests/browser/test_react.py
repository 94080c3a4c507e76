"""The React example, built of what npm would install, in Chromium against a server on fakes."""

from pathlib import Path

import pytest
from support import npm
from support.serving import serving

from visavis.server.commands.composition import SESSIONS

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CLIENT = Path(__file__).parents[2] / "client"
PAGE = """
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Concierge } from "%s/examples/react/Concierge.jsx";

const root = createRoot(document.body.appendChild(document.createElement("div")));
globalThis.show = (begins) => root.render(
  <StrictMode><Concierge server="%s" begins={begins} /></StrictMode>,
);
globalThis.hide = () => root.render(null);
"""
PICTURE = "document.querySelector('visavis-avatar')?.shadowRoot.querySelector('video').videoWidth"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder into which npm would install the package; React is beside it."""
    folder = tmp_path_factory.mktemp("packed") / "node_modules"
    npm.pack(CLIENT, folder / "visavis")
    return str(folder)


@pytest.mark.parametrize("react", ["react", "react18"])
@pytest.mark.parametrize("begins", [False, True])
async def test_the_example_talks(chromium, packages, react, begins):
    async with serving(media_addresses="127.0.0.1") as client:
        sessions = client.app[SESSIONS]
        source = PAGE % (CLIENT, client.make_url("/"))
        async with npm.page(chromium, react, source, loader="jsx", beside=packages) as page:
            await page.evaluate("(begins) => show(begins)", begins)
            if not begins:
                await page.click("text=Start")
            await page.click("text=Breakfast?")
            await page.wait_for_selector("p:has-text('You said: When is breakfast?')")
            await page.wait_for_function(PICTURE)
            assert await page.get_attribute("visavis-avatar", "class") == "face"
            # StrictMode mounts twice: of one conversation all the same.
            assert len(sessions.all) == 1
            assert await page.evaluate("document.querySelector('visavis-avatar').session.id")
            await page.evaluate("hide()")
            await page.wait_for_function("!document.querySelector('visavis-avatar')")
            for _ in range(100):
                if not sessions.all:
                    break
                await page.wait_for_timeout(20)
            assert not sessions.all
