"""What every response carries: what a browser may do with it, and no word of who made it."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from typing import Final

from aiohttp import hdrs, web

GUARDED: Final = ("/v1/", "/metrics")  # addresses that want the token; of wires: entrances
_PUBLIC: Final = "cross-origin"

# The page has no inline code and no inline style; photos and previews are shown from blobs.
_CONTENT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors "
)
# What Chromium and Firefox know and the page does not use. A page of another origin that frames
# this one still has to allow the microphone itself.
_OFF: Final = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid",
    "magnetometer", "midi", "payment", "publickey-credentials-get", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
_OWN: Final = ("autoplay", "fullscreen", "microphone", "screen-wake-lock")
_PERMISSIONS: Final = ", ".join([f"{name}=()" for name in _OFF] + [f"{n}=(self)" for n in _OWN])
# A kiosk whose operator has it sense who comes, and the step in which people show that they are
# there: only that one's recording leaves the page.
_MAKING: Final = ("/", "/studio")  # pages that make avatars
_WITH_CAMERA: Final = _PERMISSIONS.replace("camera=()", "camera=(self)")


class Headers:
    """frame_ancestors: who may show the page in a frame, as `sources` has it.

    picture_hosts: https hosts from which it may show pictures, besides its own. camera: whether
    the page may ask for one, where people show that they are there.
    """

    def __init__(
        self, frame_ancestors: str, picture_hosts: Collection[str] = (), *, camera: bool = False
    ) -> None:
        self._camera = camera
        pictures = "".join(f" https://{host}" for host in sorted(picture_hosts))
        content = _CONTENT.replace("img-src 'self' blob:", f"img-src 'self' blob:{pictures}")
        self._always = {
            "Content-Security-Policy": content + sources(frame_ancestors),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": _PERMISSIONS,
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    async def complete(self, request: web.Request, response: web.StreamResponse) -> None:
        """The application's `on_response_prepare`."""
        self.put(response.headers, request.path)
        sees = self._camera or request.query.get("presence") == "camera"
        if request.path in _MAKING and sees:
            response.headers["Permissions-Policy"] = _WITH_CAMERA

    def put(self, headers: MutableMapping[str, str], path: str) -> None:
        """Into the headers of a response for an address."""
        headers.pop(hdrs.SERVER, None)
        headers.update(self._always)
        # The element's files are for every page; a module script is fetched with CORS besides.
        guarded = path.startswith(GUARDED)
        headers["Cross-Origin-Resource-Policy"] = "same-origin" if guarded else _PUBLIC
        headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def sources(frame_ancestors: str) -> str:
    """`none`, `self` or origins, as the setting has them -> as CSP has them."""
    quoted = {"none": "'none'", "self": "'self'"}
    return " ".join(quoted.get(word, word) for word in frame_ancestors.split())
