"""Avatars' preview pictures as they are handed out: with the label that every picture has."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from PIL import Image

from visavis.engines.marking.label import Label
from visavis.engines.settings import Lettered
from visavis.models.avatar.archive import LIMITS, PREVIEW
from visavis.models.errors import PortraitError
from visavis.models.pictures.canvas import Canvas
from visavis.models.pictures.opening import Limits, upright
from visavis.server.system.errors import NotFound

_LIMITS: Final = Limits(LIMITS[PREVIEW], 1024 * 1024, 1024)
_KEPT: Final = 64  # of some 10 kB each
_QUALITY: Final = 90  # of WebP: they were WebP before


class Previews:
    """Labels them, and says where the label is. lettered: None: pictures have none."""

    def __init__(self, lettered: Lettered | None) -> None:
        self._lettered = lettered
        self._labelled = lru_cache(_KEPT)(self._made)

    def labelled(self, webp: bytes) -> tuple[bytes, str]:
        """A preview of the store, which is WebP, and its label as JSON, "" where it has none.

        Raises NotFound for one that cannot be read.
        """
        return self._labelled(webp) if self._lettered is not None else (webp, "")

    def _made(self, webp: bytes) -> tuple[bytes, str]:
        assert self._lettered is not None
        try:
            rgb = np.asarray(upright(webp, _LIMITS).convert("RGB"))
        except PortraitError as error:  # no file is believed, whoever signed it
            raise NotFound("This avatar has no preview that can be shown.") from error
        rgb = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])
        picture = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
        label = Label(self._lettered, Canvas(rgb.shape[1], rgb.shape[0]))
        label.finish(picture, 0)
        there = label.shown
        top, left, rows, columns = label.box
        place = slice(top, top + rows), slice(left, left + columns)
        drawn = rgb.copy()
        drawn[place] = cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)[place]
        out = io.BytesIO()
        Image.fromarray(drawn).save(out, "WEBP", quality=_QUALITY)
        return out.getvalue(), json.dumps({"text": there.text, "box": there.box})
