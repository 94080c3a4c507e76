"""A visitor's video as plain pictures and sound, read in a process that is shut in.

A decoder is where a hostile file takes over, so that this process has nothing: no network, no file,
an end of memory. What leaves it is a line of JSON and as many bytes as that says, in which there is
nothing left to take over anybody with. Whoever judges them runs elsewhere (`witness`).
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models.clip import reading
from visavis.models.errors import ModelError
from visavis.models.pictures import opening
from visavis.server.system import confined, sandbox, strict_json

Rgb = npt.NDArray[np.uint8]  # (height, width, 3)
Pcm = npt.NDArray[np.int16]

RATE: Final = 16_000  # Hz
PICTURES: Final = 12.5  # a second that are looked at; a mouth opens and closes 4 times in one
SIDE: Final = 480  # px of the longer side
PHOTO_SIDE: Final = 1024  # px
LONGEST: Final = 20.0  # s
MOST_BYTES: Final = 16 * 1024 * 1024  # of a file
MOST_PIXELS: Final = 1920 * 1088  # of a picture in it
MEMORY: Final = 2 * 1024**3  # bytes of address space
SECONDS: Final = 60  # of processor time
_MOST: Final = round(LONGEST * PICTURES) + 2
_LINE: Final = 16 * 1024  # bytes
# Of FFmpeg's hundreds those that browsers and telephones record with.
_CONTAINERS: Final = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2"
_CODECS: Final = frozenset({"vp8", "vp9", "av1", "h264", "hevc", "opus", "aac", "vorbis"})
_BROKEN: Final = "The video cannot be read. Record it in the browser, or send a WebM or MP4 file."


class Unusable(Exception):
    """A video that is no use: a problem's code, and words that name the fix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Footage:
    """photo: the one of the avatar; pictures: (n, height, width, 3); times: s of each; sound."""

    photo: Rgb
    pictures: npt.NDArray[np.uint8]
    times: npt.NDArray[np.float64]
    sound: Pcm


def receive(source: IO[bytes]) -> Footage:
    """What the other process wrote. Raises Unusable, also for anything else than that."""
    try:
        head: dict[str, Any] = strict_json.parse(source.readline(_LINE).decode())
        if "code" in head:
            raise Unusable(str(head["code"])[:40], str(head["message"])[:400])
        times = np.asarray(head["times"], np.float64)
        height, width = _bounded(head["size"], SIDE)
        photo = _bounded(head["photo"], PHOTO_SIDE)
        samples = int(head["samples"])
        if not 0 < len(times) <= _MOST or not 0 <= samples <= (LONGEST + 1) * RATE:
            raise Unusable("presence-broken", _BROKEN)
        return Footage(
            _array(source, (*photo, 3)),
            _array(source, (len(times), height, width, 3)),
            times,
            _array(source, (samples * 2,)).view(np.int16),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable("presence-broken", _BROKEN) from error


def _bounded(size: Any, most: int) -> tuple[int, int]:
    height, width = (int(each) for each in size)
    if not (0 < height <= most and 0 < width <= most):
        raise ValueError("size")
    return height, width


def _array(source: IO[bytes], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    data = source.read(int(np.prod(shape)))
    return np.frombuffer(data, np.uint8).reshape(shape)


# --- the process that reads -----------------------------------------------------------------------


@dataclass(slots=True)
class _Read:
    """What was taken from a video so far."""

    pictures: list[Rgb] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    sound: list[Pcm] = field(default_factory=list)
    samples: int = 0
    heard_from: float = 0.0  # s, of the first sound


def main() -> None:
    """Two lengths, then a photo and a video on standard input; see `receive` for the output."""
    confined.begin()
    sandbox.limit(MEMORY, SECONDS)
    output = confined.own_output()
    import av  # before it is shut in
    import PIL.WebPImagePlugin

    _ = PIL
    av.logging.set_level(None)
    confined.shut_in()
    sizes = json.loads(sys.stdin.buffer.readline())
    photo, video = (sys.stdin.buffer.read(size) for size in sizes)
    try:
        portrait = _portrait(photo)
        read = _video(video)
    except Unusable as error:
        confined.say(output, {"code": error.code, "message": error.message})
        return
    # Whatever a hostile file makes a library do.
    except Exception:  # noqa: BLE001
        confined.say(output, {"code": "presence-broken", "message": _BROKEN})
        return
    pictures = np.stack(read.pictures)
    lead = np.zeros(round(read.heard_from * RATE), np.int16)  # sound may begin after the pictures
    sound = np.concatenate([lead, *read.sound])
    confined.say(
        output,
        {
            "times": [round(time, 4) for time in read.times],
            "size": pictures.shape[1:3],
            "photo": portrait.shape[:2],
            "samples": len(sound),
        },
    )
    for array in (portrait, pictures, sound):
        output.write(np.ascontiguousarray(array).tobytes())
    output.flush()


def _portrait(data: bytes) -> Rgb:
    try:
        if reading.is_clip(data[:16]):
            picture = Image.fromarray(_of_clip(data))
        else:
            picture = opening.upright(data).convert("RGB")
    except ModelError as error:
        raise Unusable(error.code, error.message) from error
    picture.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
    return np.asarray(picture, np.uint8)


def _of_clip(data: bytes) -> Rgb:
    """A picture of a clip that is to become an avatar, from its first second on."""
    shot = None
    for shot in reading.shots(data):
        if shot.time >= 1:
            break
    if shot is None:
        raise Unusable("clip-broken", _BROKEN)
    return shot.picture


def _video(data: bytes) -> _Read:
    import av

    read = _Read()
    options = {"format_whitelist": _CONTAINERS}
    try:
        with av.open(io.BytesIO(data), options=options, metadata_errors="ignore") as container:
            seen = next(iter(container.streams.video), None)
            heard = next(iter(container.streams.audio), None)
            if seen is None:
                raise Unusable("presence-no-picture", "The video has no picture in it.")
            streams = [each for each in (seen, heard) if each is not None]
            for stream in streams:
                if stream.codec_context.name not in _CODECS | {"libdav1d", "libopus"}:
                    raise Unusable("presence-broken", _BROKEN)
                stream.codec_context.thread_count = 1
            _take(container, streams, read)
    except av.FFmpegError as error:
        raise Unusable("presence-broken", _BROKEN) from error
    if not read.pictures:
        raise Unusable("presence-broken", _BROKEN)
    return read


def _take(container: Any, streams: list[Any], read: _Read) -> None:
    import av

    resampler = av.AudioResampler("s16", "mono", RATE)
    size: tuple[int, int] | None = None
    for frame in _frames(container, streams):
        time = frame.time
        if time is None:
            continue
        if time > LONGEST:
            message = (
                f"The video is longer than {LONGEST:.0f} s. Say the sentence once, and end it."
            )
            raise Unusable("presence-too-long", message)
        if isinstance(frame, av.AudioFrame):
            _listen(read, resampler.resample(frame), time)
        elif not read.times or time >= len(read.times) / PICTURES + read.times[0]:
            size = size or _scaled(frame.width, frame.height)
            picture = frame.reformat(*size, format="rgb24").to_ndarray()
            # A telephone held upright says how far its pictures are to be turned.
            read.pictures.append(np.rot90(picture, round(frame.rotation / 90) % 4))
            read.times.append(float(time))
            if len(read.times) >= _MOST:
                return


def _frames(container: Any, streams: list[Any]) -> Iterator[Any]:
    import av

    for packet in container.demux(streams):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue  # one that was cut off at the end
        for frame in frames:
            if hasattr(frame, "width") and frame.width * frame.height > MOST_PIXELS:
                message = "The pictures of the video are too large. Record 1280 x 720 px or less."
                raise Unusable("presence-too-large", message)
            yield frame


def _listen(read: _Read, frames: list[Any], time: float) -> None:
    for frame in frames:
        if not read.sound:
            read.heard_from = max(float(time), 0.0)
        read.sound.append(frame.to_ndarray().reshape(-1).astype(np.int16))
        read.samples += len(read.sound[-1])
        if read.samples > LONGEST * RATE:
            message = (
                f"The video is longer than {LONGEST:.0f} s. Say the sentence once, and end it."
            )
            raise Unusable("presence-too-long", message)


def _scaled(width: int, height: int) -> tuple[int, int]:
    share = min(1.0, SIDE / max(width, height))
    return max(2, round(width * share)), max(2, round(height * share))


if __name__ == "__main__":
    main()
