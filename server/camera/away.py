"""What others see while the presenter is away: the face out of focus, calm, and a few words.

A face that goes on blinking without anybody behind it would claim somebody who is not there; a
black picture looks like a fault. So the last look is blurred and dimmed, and says it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from visavis.engines.base import I420
from visavis.server.playout.messages import Tick, ms

WORDS: Final = "Back in a moment"
_FADE: Final[Tick] = ms(600)
_BLUR: Final = 1 / 36  # of the picture's height
_DIMMED: Final = 0.55
_GREY: Final = 0.35  # of the colour that is taken out
_TEXT: Final = 1 / 17  # height of the letters, of the picture's
_MOST: Final = 0.86  # of the width that the words may take
_WHITE: Final = 235  # BT.601, limited range


class Away:
    """Puts the card over the pictures of one face, and takes it away; `shown` in order."""

    def __init__(self, words: str = WORDS) -> None:
        self.words, self.on = words, False
        self._amount = 0.0  # of the card, from 0 to 1
        self._card: I420 | None = None
        self._before: Tick | None = None

    def switch(self, on: bool) -> None:
        """From the next picture on."""
        self.on = on

    def shown(self, picture: I420, at: Tick) -> I420:
        """What is seen at `at` in place of the picture; it itself when nobody is away."""
        step = 0.0 if self._before is None else (at - self._before) / _FADE
        self._before = at
        self._amount = float(np.clip(self._amount + (step if self.on else -step), 0.0, 1.0))
        if self._amount == 0.0:
            self._card = None
            return picture
        if self._card is None or self._card.shape != picture.shape:
            self._card = card(picture, self.words)
        if self._amount == 1.0:
            return self._card
        # Slow at both ends, as a light that is dimmed.
        part = self._amount * self._amount * (3.0 - 2.0 * self._amount)
        return _mixed(picture, self._card, part)


def _mixed(one: I420, other: I420, part: float) -> I420:
    weight = round(256 * part)
    mixed = one.astype(np.uint16) * (256 - weight) + other.astype(np.uint16) * weight
    return np.asarray((mixed + 128) >> 8, np.uint8)


def card(picture: I420, words: str) -> I420:
    """(height * 3 // 2, width): the picture blurred and dimmed, with the words below."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    y = _blurred(picture[:height], height)
    y = 16 + (y - 16.0) * _DIMMED
    colour = picture[height:].reshape(2, height // 2, width // 2)
    soft = np.stack([_blurred(plane, height // 2) for plane in colour])
    soft = 128 + (soft - 128.0) * (1.0 - _GREY)
    text = _text(words, width, height)
    y += (_WHITE - y) * text
    halved = text.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    soft += (128.0 - soft) * halved
    planes = [y.ravel(), soft.ravel()]
    out = np.clip(np.rint(np.concatenate(planes)), 0, 255).astype(np.uint8)
    return out.reshape(picture.shape)


def _blurred(
    plane: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], height: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(height * _BLUR)), np.float64)


def _text(words: str, width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(height, width) in [0, 1]: where the letters are."""
    size = height * _TEXT
    font = ImageFont.load_default(size)
    length = font.getlength(words)
    if length > width * _MOST:
        font = ImageFont.load_default(size * width * _MOST / length)
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((width / 2, height * 0.86), words, 255, font, anchor="mm")
    return np.asarray(image, np.float64) / 255
