"""The page's form for a new avatar, and the waiting for its job."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import aiohttp
from support.serving import Client

FIELDS: Final = {
    "name": "newcomer",
    "subject": "nobody: synthetic",
    "consent": "rendered from free data",
    "given_by": "the tests",
    "confirmed": "yes",
}


def form(photo: bytes | None = b"picture", **changes: Any) -> aiohttp.FormData:
    """The page's form, with some fields changed or (None) left out."""
    out = aiohttp.FormData(default_to_multipart=True)
    for key, value in (FIELDS | changes).items():
        if value is not None:
            out.add_field(key, value)
    if photo is not None:
        out.add_field("photo", photo, filename="photo", content_type="image/webp")
    return out


async def until(
    client: Client, job: str, state: str, within: float = 60.0
) -> tuple[int, dict[str, Any]]:
    """The job's answer once it is in this state, or the problem it ended in."""
    async with asyncio.timeout(within):
        while True:
            response = await client.get(job)
            body = await response.json()
            if response.status != 200 or body["state"] == state:
                return response.status, body
            await asyncio.sleep(0.05)
