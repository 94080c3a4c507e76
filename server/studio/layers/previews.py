"""A few seconds of a film as a picture that moves, for mails and pages: WebP, or GIF."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import av
import numpy as np
from av.filter import Graph
from PIL import Image

from visavis.server.studio.layers.exports import arriving

_LASTS: Final = 6.0  # s
_FPS: Final = {"webp": 12.5, "gif": 10.0}
_SIDE: Final = {"webp": 400, "gif": 300}  # px of the shorter side
_QUALITY: Final = 72  # of WebP


def preview(film: Path, path: Path, kind: Literal["webp", "gif"], begin: float = 0.0) -> None:
    """Of a film's file, from `begin`, s, on; what is transparent in it stays so in WebP.

    Raises OSError, FFmpegError.
    """
    pictures = list(_pictures(film, _FPS[kind], _SIDE[kind], begin))
    if not pictures:
        raise OSError(f"{film.name} has no picture to preview")
    with arriving(path) as part:
        if kind == "webp":
            _webp(pictures, part)
        else:
            _gif(pictures, part)


def _webp(pictures: list[Image.Image], part: Path) -> None:
    first, *others = pictures
    with part.open("wb") as file:
        first.save(
            file, "WEBP", save_all=True, append_images=others, loop=0, method=2,
            duration=round(1000 / _FPS["webp"]), quality=_QUALITY,
            kmin=0, kmax=1,  # whole pictures: what is left of the one before is seen on skin
        )  # fmt: skip


def _gif(pictures: list[Image.Image], part: Path) -> None:
    """With one palette for all of it, made for what moves."""
    width, height = pictures[0].size
    graph = Graph()
    source = graph.add_buffer(
        width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 10)
    )
    split = graph.add("split")
    palette = graph.add("palettegen", "stats_mode=diff:max_colors=192")
    use = graph.add("paletteuse", "dither=bayer:bayer_scale=4:diff_mode=rectangle")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    with av.open(str(part.absolute()), "w", format="gif") as file:
        stream = file.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), format="rgb24")
            frame.pts = number
            graph.push(frame)
        graph.push(None)
        for number in range(len(pictures)):
            shown = sink.pull()
            assert isinstance(shown, av.VideoFrame)
            shown.pts = number
            file.mux(stream.encode(shown))
        file.mux(stream.encode())


def _pictures(film: Path, fps: float, side: int, begin: float) -> Iterator[Image.Image]:
    with av.open(str(film.absolute())) as file:
        stream = file.streams.video[0]
        alpha = stream.metadata.get("alpha_mode") == "1"
        wanted, end = begin, begin + _LASTS
        for frame in _decoded(file, stream, alpha=alpha):
            at = frame.time or 0.0
            if at >= end:
                return
            if at + 1e-6 < wanted:
                continue
            wanted += 1 / fps
            scale = side / min(frame.width, frame.height)
            size = (2 * round(frame.width * scale / 2), 2 * round(frame.height * scale / 2))
            kind = "rgba" if alpha else "rgb24"
            small = frame.reformat(*size, kind, interpolation="AREA")
            yield Image.fromarray(small.to_ndarray())


def _decoded(
    file: av.container.InputContainer, stream: av.VideoStream, *, alpha: bool
) -> Iterator[av.VideoFrame]:
    if not alpha:
        yield from file.decode(stream)
        return
    decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own drops the opacity
    assert isinstance(decoder, av.VideoCodecContext)
    for packet in file.demux(stream):
        for frame in decoder.decode(packet if packet.size else None):
            if frame.time is None and frame.pts is not None:
                frame.time_base = stream.time_base
            yield frame
