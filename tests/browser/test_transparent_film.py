"""A film before nothing in a real Chromium: what is behind it on a page is seen."""

import base64

import cv2
import numpy as np
import pytest
from support.films import transparent

from visavis.models.pictures import double
from visavis.models.pictures.canvas import Canvas

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

PAGE = """<body style="margin: 0; background: #00ff00"><video muted></video>"""
PLAY = """async (data) => {
  const video = document.querySelector("video");
  video.src = "data:video/webm;base64," + data;
  await new Promise((done, failed) => {
    video.onloadeddata = done;
    video.onerror = () => failed(new Error(video.error.message));
  });
  video.currentTime = 0.5;
  await new Promise((done) => { video.onseeked = done; });
}"""


@pytest.fixture
def film(tmp_path):
    """Nothing, white, and half of a shadow: as the text of an address."""
    canvas = Canvas(160, 96, is_double=True)
    image = double.empty(160, 96)
    luma, matte = canvas.planes(image)[0], canvas.matte(image)
    luma[:, 60:100], matte[:, 60:100] = 235, 235
    luma[:, 100:], matte[:, 100:] = 16, 126  # half of a shadow
    path = transparent(tmp_path / "film.webm", [image] * 25, canvas)
    return base64.b64encode(path.read_bytes()).decode()


async def test_a_page_is_seen_behind_it(chromium, film):
    page = await chromium.new_page(viewport={"width": 160, "height": 96})
    await page.set_content(PAGE)
    await page.evaluate(PLAY, film)
    shot = cv2.imdecode(np.frombuffer(await page.screenshot(), np.uint8), cv2.IMREAD_COLOR)[48]
    blue, green, red = shot[20]
    assert (blue, red) < (8, 8)
    assert green > 247
    assert shot[80].min() > 240
    blue, green, red = shot[140]
    assert abs(int(green) - 128) < 16, "the page, half as bright"
    assert max(blue, red) < 12
    await page.close()
