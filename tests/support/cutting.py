"""Services whose face is a real one at rest, before whatever a session asks for; and how it ought
to look once a page has composed it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from support.services import FakeServices

from visavis.engines.base import I420, FaceState, Puppet, draw_one
from visavis.engines.render.warp import WarpGenerator
from visavis.models.avatar.backdrop import NOTHING, ORIGINAL
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.pictures import double
from visavis.server.avatars.backgrounds import Backgrounds
from visavis.server.session.engines import Engines

SIDE: Final = 256

Floats = npt.NDArray[np.float32]


class Portraying(FakeServices):
    """All but the face is fake."""

    def __init__(self) -> None:
        super().__init__()
        self.warp = WarpGenerator(SIDE, SIDE)
        self.generator.draw = self.warp.draw  # type: ignore[method-assign]
        self._avatar = load_avatar(SHIPPED / "mira.avatar")
        self._puppets: dict[str, Puppet] = {}
        self.asked: list[str] = []  # backgrounds

    async def lend(self, *args: object, background: str = "", **named: object) -> Engines:
        engines = await super().lend(*args, **named)  # type: ignore[arg-type]
        self.asked.append(background)
        puppet = await asyncio.to_thread(self._puppet_of, background)
        return replace(
            engines,
            sitting=self.drawing.sit(puppet),
            still=await asyncio.to_thread(draw_one, self.warp, puppet, FaceState()),
            double=SIDE if background == "transparent" else 0,
        )

    def _puppet_of(self, background: str) -> Puppet:
        if background not in self._puppets:
            backdrop = Backgrounds().find(background) if background else ORIGINAL
            self._puppets[background] = self.warp.prepare(replace(self._avatar, backdrop=backdrop))
        return self._puppets[background]

    def cut_out(self) -> I420:
        """The double picture that a transparent session has."""
        puppet = self.warp.prepare(replace(self._avatar, backdrop=NOTHING))
        return draw_one(self.warp, puppet, FaceState())


def composed(cut: I420, height: int, colour: tuple[int, int, int]) -> Floats:
    """(h, w, 3) RGB of a double picture before a page's colour, chroma as between its samples."""
    luma, blue, red = double.planes(cut, height)
    size = (luma.shape[1], height)
    y = (luma.astype(np.float32) - 16) * (255 / 219)
    u, v = (
        cv2.resize(each.astype(np.float32) - 128, size, interpolation=cv2.INTER_LINEAR)
        * (255 / 224)
        for each in (blue, red)
    )
    seen = np.stack([y + 1.402 * v, y - 0.344 * u - 0.714 * v, y + 1.772 * u], -1)
    opacity = opacities(cut, height)[..., None]
    person = np.clip(seen, 0, 255 * opacity)
    return np.asarray(person + (1 - opacity) * np.array(colour, np.float32), np.float32)


def opacities(cut: I420, height: int) -> Floats:
    """(h, w) in [0, 1]."""
    matte = double.matte(cut, height).astype(np.float32)
    return np.clip((matte - double.BLACK) / double.SPAN, 0, 1)
