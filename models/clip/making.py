"""One clip of a person becomes an avatar: the order of the steps, and nothing else."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models.avatar.clip import Clip
from visavis.models.avatar.consent import Consent
from visavis.models.avatar.file import Avatar, check_name
from visavis.models.bake import landmarks as lm
from visavis.models.bake import portrait
from visavis.models.clip import coding, looping, pictures, reading, registering, tracking
from visavis.models.clip.looping import Loop, Timeline
from visavis.models.clip.reading import Rgb
from visavis.models.clip.tracking import Floats
from visavis.models.errors import PortraitError

Progress = Callable[[str, float], None]  # what is being done, share done in [0, 1]

SIDE: Final = 512  # px of the pictures that are kept
LIKE: Final = 3.0  # px by which the portrait's landmarks may lie beside the clip's


@dataclass(frozen=True, slots=True)
class Window:
    """Where a portrait's frame lies in a clip: px of the frame * scale + at are px of the clip."""

    scale: float
    at: Floats

    def placed(self, points: Floats) -> Floats:
        """Positions (..., 2) of the clip in px of the frame."""
        return np.asarray((points - self.at) / self.scale, np.float32)

    def cut(self, picture: Rgb, per: float) -> Rgb:
        """The frame as a square of SIDE px; per: px of the frame a px of it."""
        step = self.scale * per
        first = self.at + self.scale * (0.5 * per - 0.5)
        matrix = np.array([[step, 0, first[0]], [0, step, first[1]]])
        source: npt.ArrayLike = picture
        if step > 1:
            source = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(step**2 - 1) + 1e-3)
        how = (cv2.INTER_CUBIC if step <= 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
        out = cv2.warpAffine(
            np.asarray(source), matrix, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(out, np.uint8)


def create_avatar(
    source: Path | bytes,
    name: str,
    consent: Consent,
    licence: str = "all rights reserved",
    progress: Progress = lambda _what, _share: None,
    voice: str = "",
    frame: str = "auto",
) -> Avatar:
    """Clip (path or content) -> avatar; as models.bake.portrait.create_avatar of a photo.

    Raises PortraitError for a clip that cannot be used, AvatarError("consent-missing") without a
    complete consent record.
    """
    consent.check()
    check_name(name)
    progress = _seldom(progress)
    progress("reading the clip", 0.0)
    data = source if isinstance(source, bytes) else reading.read(source)
    track = tracking.follow(
        reading.shots(data), lambda time: progress("following the face", 0.5 * min(time / 60, 1))
    )
    line = looping.timeline(track)
    loop = looping.loop(line)
    loop = looping.turned(loop, looping.neutral(line, loop))
    progress("making the portrait", 0.5)
    shot = _shot(data, round(float(line.at[round(float(loop.one[0]))])))
    shut = pictures.shut(shot, line.points[round(float(loop.one[0]))], line.base)
    avatar = portrait.create_avatar(_png(shut), name, consent, licence, voice=voice, frame=frame)
    window, flat = _window(avatar, shut)
    progress("making the loop", 0.6)
    clip = _clip(data, line, loop, avatar, window, flat, progress)
    progress("done", 1.0)
    card = replace(avatar.card, photo_sha256=hashlib.sha256(data).hexdigest())
    return replace(avatar, card=card, clip=clip)


def _seldom(progress: Progress) -> Progress:
    """Told of whole steps of 2 % alone: what is done a thousand times is no news."""
    told: set[tuple[str, int]] = set()

    def tell(what: str, share: float) -> None:
        step = what, int(share * 50)
        if step not in told:
            told.add(step)
            progress(what, share)

    return tell


def _shot(data: bytes, number: int) -> Rgb:
    for count, shot in enumerate(reading.shots(data)):
        if count == number:
            return shot.picture
    raise PortraitError("clip-broken", "The clip changed while it was read.")


def _png(picture: Rgb) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _window(avatar: Avatar, shot: Rgb) -> tuple[Window, Floats]:
    """Where the portrait was cut from, and its landmarks (468, 2) in px of its frame.

    Told by the landmarks of both, so that nothing needs to know how a portrait is framed.
    """
    here = (_landmarks(avatar.picture()) + 0.5) / avatar.density - 0.5
    there = _landmarks(shot)
    centre, mean = here.mean(0), there.mean(0)
    away = here - centre
    scale = float((away * (there - mean)).sum() / (away**2).sum())
    window = Window(scale, (mean - scale * centre).astype(np.float32))
    flat = window.placed(there)
    if float(np.sqrt(((flat - here) ** 2).sum(1).mean())) > LIKE:
        message = "The head is tilted in the clip: use one with the head upright."
        raise PortraitError("clip-turned", message)
    return window, flat


def _landmarks(picture: Rgb) -> Floats:
    found = lm.detect(picture)
    if not found:
        raise PortraitError("clip-no-face", "The face is not seen well enough in the clip.")
    face = lm.find_landmarks(picture, max(found, key=lambda f: float(f.size.max())))
    return np.asarray(face.points[:, :2], np.float32)


def _clip(
    data: bytes, line: Timeline, loop: Loop, avatar: Avatar, window: Window, flat: Floats,
    progress: Progress,
) -> Clip:  # fmt: skip
    seen = window.placed(loop.mixed(line.points)[..., :2])
    rest = registering.depths(avatar.base, avatar.body, flat)
    # The portrait was made of the first picture: what landmarks read there differently is not
    # motion.
    cameras = registering.cameras(rest, seen)
    off = seen - registering.projected(cameras, rest)
    bends, corner = registering.bends(rest, off)
    made = _pictures(data, line, loop, window, avatar.side / SIDE, progress)
    packets = coding.coded(made, SIDE)
    return Clip(
        side=SIDE,
        stream=b"".join(packets),
        packets=np.array([len(packet) for packet in packets], np.int32),
        cameras=cameras,
        bends=bends,
        corner=corner,
        pitch=registering.PITCH,
        hold=registering.hold(avatar.base, flat),
    )


def _pictures(
    data: bytes, line: Timeline, loop: Loop, window: Window, per: float, progress: Progress
) -> Iterator[Rgb]:
    """The loop's pictures as I420, square."""
    kept = _kept(data, line, loop, window, per, progress)

    def at(place: float) -> Rgb:
        own = float(np.interp(place, np.arange(len(line.at)), line.at))
        low = min(int(own), max(kept) - 1)
        return pictures.between(kept[low], kept[low + 1], own - low)

    for count, (one, other, share) in enumerate(zip(loop.one, loop.other, loop.share, strict=True)):
        progress("making the loop", 0.75 + 0.2 * count / len(loop.one))
        picture = at(float(one))
        if share > 0:
            picture = pictures.blended(picture, at(float(other)), float(share))
        yield coding.i420(picture)


def _kept(
    data: bytes, line: Timeline, loop: Loop, window: Window, per: float, progress: Progress
) -> dict[int, Rgb]:
    """The clip's own pictures of the loop by number, cut and with closed lips: at most 700."""
    places = np.concatenate([loop.one, loop.other])
    own = np.interp(places, np.arange(len(line.at)), line.at)
    first, last = int(np.floor(own.min())), int(np.floor(own.max())) + 1
    smooth = {
        n: looping.between(line.points, np.array([np.interp(n, line.at, np.arange(len(line.at)))]))[
            0
        ]
        for n in range(first, last + 1)
    }
    kept: dict[int, Rgb] = {}
    for number, shot in enumerate(reading.shots(data)):
        if number > last:
            break
        if number >= first:
            progress("cutting the loop", 0.6 + 0.15 * (number - first) / max(last - first, 1))
            cut = window.cut(shot.picture, per)
            points = (window.placed(smooth[number][:, :2]) + 0.5) / per - 0.5
            kept[number] = pictures.shut(cut, points, line.base)
    if last not in kept:  # the very last picture
        kept[last] = kept[last - 1]
    return kept
