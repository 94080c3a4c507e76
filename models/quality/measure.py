"""How good an avatar is, in figures and plain words, measured on the pictures it draws.

What draws a face state is given to it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models import arkit
from visavis.models.avatar.file import Avatar
from visavis.models.bake import landmarks as lm
from visavis.models.bake import remarks
from visavis.models.quality.subject import (
    AHEAD,
    SIDE,
    Bytes,
    Prepare,
    Subject,
    emptied,
    face,
    luma,
    pose,
)

Floats = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]

Level = Literal["pass", "weak", "bad"]
Progress = Callable[[str, float], None]  # what is being measured, share done in [0, 1]

SWEEP: Final = 200  # random face states
TURN: Final = (15.0, 10.0, 10.0)  # degrees of yaw, pitch and roll that are swept, each way
REACH: Final = 50  # px that a place on the head moves at most over the sweep
_PX_HIGH: Final = re.compile(r"only (\d+) px high")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing measured. `figure` says what was found, `advice` what to do about it ("": fine)."""

    key: str
    title: str
    level: Level
    value: float
    figure: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one avatar."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The level of the worst finding."""
        levels = {finding.level for finding in self.findings}
        return "bad" if "bad" in levels else "weak" if "weak" in levels else "pass"

    def count(self, level: Level) -> int:
        """How many findings are of this level."""
        return sum(finding.level == level for finding in self.findings)


def _graded(
    key: str, title: str, value: float, good: float, bearable: float, figure: str, advice: str
) -> Finding:
    """Better is higher when `good` > `bearable`, else lower."""
    sign = 1 if good > bearable else -1
    level: Level = "bad"
    if sign * value >= sign * good:
        level = "pass"
    elif sign * value >= sign * bearable:
        level = "weak"
    return Finding(key, title, level, round(value, 4), figure, "" if level == "pass" else advice)


def check(avatar: Avatar, prepare: Prepare, progress: Progress = lambda _w, _s: None) -> Report:
    """Measure everything; a few seconds of one core."""
    progress("the still face", 0.0)
    subject = Subject(avatar, prepare)
    findings: list[Finding] = []
    if not len(subject.points) or not len(subject.photo_points):
        findings.append(_FACELESS)
    else:
        for share, (what, measure) in enumerate(_MEASURES):
            progress(what, share / len(_MEASURES))
            findings.extend(measure(subject))
    findings.extend(_warned(avatar, findings))
    progress("done", 1.0)
    return Report(avatar.name, tuple(findings))


_FACELESS: Final = Finding(
    "face",
    "face",
    "bad",
    0.0,
    "no face is recognised in the still picture",
    "Make the avatar again from another photo: one face, from the front, well lit.",
)


# --- the photo and the still face ---------------------------------------------------------------


def _photo(subject: Subject) -> Iterator[Finding]:
    avatar = subject.avatar
    up = subject.photo_points[lm.FOREHEAD, :2] - subject.photo_points[lm.CHIN, :2]
    kept = round(avatar.side * avatar.density)
    height = float(np.linalg.norm(up)) * kept / SIDE
    # A smaller photo was enlarged when the avatar was made, and that is kept as a warning only.
    for warning in avatar.card.warnings:
        if said := _PX_HIGH.search(warning):
            height = min(height, float(said[1]))
    yield _graded(
        "photo",
        "photo",
        height,
        remarks.GOOD_FACE,
        remarks.GOOD_FACE / 2,
        f"kept at {kept} x {kept} px, the face {height:.0f} px high",
        f"Take a photo in which the face has at least {remarks.GOOD_FACE} px from chin to brow.",
    )


def _laplacian(luma: Bytes, where: Masks) -> float:
    return float(cv2.Laplacian(luma, cv2.CV_32F)[where].var())


def _skin(points: Floats) -> Masks:
    """The face without the mouth, which the photo may show open."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.round(points[list(lm.OVAL), :2]).astype(np.int32)], 1)
    lips = [*lm.LIP_UPPER_OUTER, *lm.LIP_LOWER_OUTER[::-1]]
    mouth = np.zeros_like(mask)
    cv2.fillPoly(mouth, [np.round(points[lips, :2]).astype(np.int32)], 1)
    near = cv2.dilate(mouth, np.ones((25, 25), np.uint8))
    return np.asarray((mask > 0) & (near == 0))


def _sharpness(subject: Subject) -> Iterator[Finding]:
    where = _skin(subject.photo_points)
    photographed = cv2.cvtColor(subject.photo, cv2.COLOR_RGB2YUV_I420)
    original = _laplacian(luma(np.asarray(photographed, np.uint8)), where)
    share = _laplacian(luma(subject.still), where) / max(original, 1e-6)
    yield _graded(
        "sharpness",
        "sharpness",
        share,
        0.90,
        0.75,
        "as sharp as the photo" if share >= 1 else f"{share:.0%} of the photo's",
        "Make the avatar again: it was made by an older version, or the photo is over-sharpened.",
    )


def _fit(subject: Subject) -> Iterator[Finding]:
    lips = {*lm.LIP_UPPER_INNER, *lm.LIP_LOWER_INNER, *lm.LIP_UPPER_OUTER, *lm.LIP_LOWER_OUTER}
    rest = [i for i in range(lm.POINTS) if i not in lips]
    away = np.linalg.norm(subject.points[rest, :2] - subject.photo_points[rest, :2], axis=1)
    error = float(away.mean()) / subject.interocular
    yield _graded(
        "fit",
        "landmarks",
        error,
        0.01,
        0.04,
        f"{error:.2%} of the eye distance away from the photo's",
        "A photo from the front, with nothing over the face, is fitted better.",
    )


# --- lips and lids ------------------------------------------------------------------------------


def _openings(subject: Subject) -> Iterator[Finding]:
    seen = subject.through(lambda colour: emptied(subject.avatar, colour))
    nose = subject.points[4, :2].round().astype(int)

    def areas(coefficients: Floats, turned: Floats) -> tuple[float, float, float]:
        """px seen between the lips, and between the lids on the picture's left and right."""
        shown = seen(coefficients, turned, AHEAD)
        above = shown[: nose[1]]
        left, right = above[:, : nose[0]], above[:, nose[0] :]
        return float(shown[nose[1] :].sum()), float(left.sum()), float(right.sum())

    wide = areas(face(jawOpen=1), pose())[0]
    leak = max(areas(face(), pose(*turn))[0] for turn in _CALM_POSES) / max(wide, 1.0)
    yield _closed(leak)
    opened = np.array(areas(face(), pose())[1:])
    shut = np.array(areas(face(eyeBlink=1), pose())[1:])
    yield _blink(opened, shut)


_CALM_POSES: Final = ((), (8.0,), (-8.0,), (0.0, 5.0), (0.0, -5.0))


def _closed(leak: float) -> Finding:
    return _graded(
        "lips",
        "closed lips",
        leak,
        0.02,
        0.06,
        f"the neutral mouth shows {leak:.1%} of the open one's inside",
        "Use a photo with a closed mouth: teeth that it shows cannot be hidden wholly.",
    )


def _blink(opened: Floats, shut: Floats) -> Finding:
    if opened.min() < 20:  # px: an iris at this size has 100 or more
        return Finding(
            "blink",
            "blink",
            "weak",
            1.0,
            "the eyes are hardly open in the photo",
            "Use a photo with open eyes, so that the avatar can look at its visitor.",
        )
    left = float((shut / opened).max())
    return _graded(
        "blink",
        "blink",
        left,
        0.15,
        0.30,
        f"closes to {left:.0%} of the open eye",
        "Use a photo with both eyes clearly visible: no hair or heavy frames over the lids.",
    )


# --- does it do as it is told -------------------------------------------------------------------


def _correlation(told: Floats, done: list[float]) -> float:
    """0 when nothing moved at all."""
    return float(np.corrcoef(told, done)[0, 1]) if np.ptp(done) > 1e-6 else 0.0


def _distance(subject: Subject, state: Floats, first: list[int], second: list[int]) -> float:
    points = subject.follow(state).points[:, :2]
    return float(np.linalg.norm(points[first] - points[second], axis=1).mean())


def _jaw(subject: Subject) -> Iterator[Finding]:
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    upper, lower = (list(side) for side in zip(*lm.LIP_PAIRS, strict=True))
    gaps = [_distance(subject, face(jawOpen=v), upper, lower) for v in steps]
    value = _correlation(steps, gaps)
    yield _graded(
        "jaw", "jaw", value, 0.97, 0.90, f"follows the command, correlation {value:.3f}", _MOUTH
    )


_MOUTH: Final = (
    "Use a photo with a relaxed, closed mouth that nothing covers (hand, microphone, thick beard)."
)


def _width(subject: Subject) -> Iterator[Finding]:
    steps = np.linspace(0, 1, 7, dtype=np.float32)
    values = {}
    for unit, way in (("mouthSmile", 1), ("mouthStretch", 1), ("mouthPucker", -1)):
        widths = [subject.width(face(**{unit: v})) for v in steps]
        values[unit] = way * _correlation(steps, widths)
    unit, value = min(values.items(), key=lambda item: item[1])
    yield _graded(
        "width",
        "mouth width",
        value,
        0.97,
        0.90,
        f"follows the command, correlation {value:.3f} ({unit} is the worst)",
        _MOUTH,
    )


def _gaze(subject: Subject) -> Iterator[Finding]:
    def irises(yaw: float, pitch: float) -> Floats:
        seen = subject.follow(face(), np.array([yaw, pitch], np.float32))
        corners = seen.points[[*lm.EYE_RIGHT, *lm.EYE_LEFT], :2].mean(0)
        return np.asarray((seen.eye_right.centre + seen.eye_left.centre) / 2 - corners)

    across = np.linspace(-20, 20, 5, dtype=np.float32)
    along = np.linspace(-15, 15, 5, dtype=np.float32)
    sideways = _correlation(across, [float(irises(v, 0)[0]) for v in across])
    upwards = -_correlation(along, [float(irises(0, v)[1]) for v in along])
    value = min(sideways, upwards)
    yield _graded(
        "gaze",
        "gaze",
        value,
        0.90,
        0.70,
        f"follows the command, correlation {sideways:.2f} sideways and {upwards:.2f} upwards",
        "Use a photo that shows both irises clearly: open eyes, no glare on glasses.",
    )


# --- over many face states ----------------------------------------------------------------------


def _random_state(random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Some units anywhere in their range, as in speech with feeling, in any pose of the range."""
    chosen = random.random(arkit.COUNT) < 0.3
    state = np.where(chosen, random.random(arkit.COUNT) ** 2, 0).astype(np.float32)
    state[arkit.INDEX["jawOpen"]] = random.random()
    turn = random.uniform(-1, 1, 3) * TURN
    gaze = random.uniform(-1, 1, 2) * (20, 15)
    return state, pose(*turn), gaze.astype(np.float32)


def _sweep(subject: Subject) -> Iterator[Finding]:
    avatar = subject.avatar
    seen = subject.through(
        lambda colour: replace(avatar, plate=np.full_like(avatar.plate, colour[0]))
    )
    inside = _inside(seen(face(), pose(), AHEAD), subject.points)
    random = np.random.default_rng(20)
    worst = 0
    for _ in range(SWEEP):
        state = _random_state(random)
        worst = max(worst, int((seen(*state)[inside] > 0.5).sum()))
        began = time.thread_time()
        subject.draw(*state)
        subject.milliseconds.append(1e3 * (time.thread_time() - began))
    yield _graded(
        "holes",
        "uncovered",
        worst,
        0,
        20,
        f"{worst} px at worst, over {SWEEP} random faces and poses",
        "Use a photo with the whole head and the shoulders in it, with space around them.",
    )
    yield _cost(float(np.median(subject.milliseconds)))


def _inside(behind: Floats, points: Floats) -> Masks:
    """Where the background may never show: well within the head, and the picture's lower edge."""
    covered = (behind < 0.05).astype(np.uint8)
    head = cv2.erode(covered, np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)) > 0
    head[round(float(points[lm.CHIN, 1])) :] = False
    edge = cv2.erode(covered[-1:], np.ones((1, 2 * REACH + 1), np.uint8))[0] > 0
    head[-1] = edge
    return np.asarray(head)


def _cost(milliseconds: float) -> Finding:
    return _graded(
        "cost",
        "time",
        milliseconds,
        10.0,
        25.0,
        f"{milliseconds:.1f} ms a picture of {SIDE} x {SIDE} px, on one core",
        "This machine is slow: fewer sessions at a time (max_sessions), or smaller pictures.",
    )


def _warned(avatar: Avatar, found: list[Finding]) -> Iterator[Finding]:
    """What was said when the avatar was made, less what a figure has said by now."""
    small = any(finding.key == "photo" for finding in found)
    for warning in avatar.card.warnings:
        if not (small and _PX_HIGH.search(warning)):
            yield Finding("warning", "warning", "weak", 0.0, warning)


_MEASURES: Final[tuple[tuple[str, Callable[[Subject], Iterator[Finding]]], ...]] = (
    ("the photo", _photo),
    ("sharpness", _sharpness),
    ("landmarks", _fit),
    ("lips and lids", _openings),
    ("the jaw", _jaw),
    ("the mouth", _width),
    ("the eyes", _gaze),
    ("many faces and poses", _sweep),
)
