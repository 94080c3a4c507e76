"""The same paragraph in five moods, as labelled strips of pictures: docs/moods.webp.

    python -m bench.face.moods [--avatar mira] [--voice heart] [--moods "neutral,sorry"] [-o FILE]

To look at: could a stranger name them? Whether a machine can is in bench/face/motion.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.face.motion import MOODS
from bench.performance import Performance, avatar, perform
from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Draw
from visavis.server.playout.messages import FRAME
from visavis.server.system import config_reading as config

TEXT: Final = (
    "Good evening, and welcome to the Hotel Aurora. Your room is on the third floor, and breakfast "
    "is from seven to ten. If there is anything else that you need, please call me."
)
COUNT: Final = 6  # pictures a strip
SIZE: Final = 512
CROP: Final = (70, 10, 446, 442)  # left, top, right, bottom: the head, of SIZE
TILE: Final = (216, 248)
LABEL: Final = 26  # pixels over a strip


def main() -> None:
    """Render and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--avatar", default="mira")
    parser.add_argument("--voice", default="heart")
    parser.add_argument("--moods", default=",".join(MOODS))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/moods.webp"))
    options = parser.parse_args()
    home = config.load({}).home_path
    draw = load.drawing(avatar(options.avatar, home), SIZE, SIZE)
    tts, moods = load.tts(options.voice, Path(gettempdir())), options.moods.split(",")
    page = Image.new("RGB", (COUNT * TILE[0], len(moods) * (LABEL + TILE[1])), "white")
    write = ImageDraw.Draw(page)
    for row, mood in enumerate(moods):
        script = perform(TEXT, tts, style=mood)
        top = row * (LABEL + TILE[1])
        write.text((8, top + 4), mood, "black", ImageFont.load_default(16))
        for column, picture in enumerate(pictures(script, draw)):
            tile = picture.crop(CROP).resize(TILE, Image.Resampling.LANCZOS)
            page.paste(tile, (column * TILE[0], top + LABEL))
        print(f"{mood}: {len(script.pcm) / PLAY_RATE:.1f} s")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    page.save(options.output, quality=82, method=6)
    print(f"made {options.output}: {options.output.stat().st_size / 1000:.0f} kB")


def pictures(script: Performance, draw: Draw) -> list[Image.Image]:
    """COUNT pictures, evenly over the text."""
    motion = script.motion(5)
    wanted = set(np.linspace(25, script.frames - 14, COUNT).astype(int).tolist())
    made = []
    for frame in range(script.frames):
        state = motion.state(frame * FRAME)
        if frame in wanted:
            made.append(_rgb(draw(state)))
    return made


def _rgb(picture: np.ndarray) -> Image.Image:
    """I420, BT.601 limited range -> RGB."""
    height = picture.shape[0] * 2 // 3
    planes = picture[height:].reshape(2, height // 2, -1).repeat(2, axis=1).repeat(2, axis=2)
    luma = 1.164 * (picture[:height].astype(np.float32) - 16)
    u, v = planes.astype(np.float32) - 128
    rgb = np.stack([luma + 1.596 * v, luma - 0.392 * u - 0.813 * v, luma + 2.017 * u], axis=-1)
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
