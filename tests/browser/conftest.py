"""One browser for every page that is looked at: a visitor each (`bench.live.chromium.visitor`)."""

import wave

import pytest_asyncio

from bench.live.chromium import shared_chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(tmp_path_factory):
    """Whose microphone hears nothing."""
    path = tmp_path_factory.mktemp("microphone") / "silence.wav"
    with wave.open(str(path), "wb") as silence:
        silence.setparams((1, 2, 48_000, 0, "NONE", "not compressed"))
        silence.writeframes(bytes(96_000))
    async with shared_chromium(path) as browser:
        yield browser
