"""The face in numbers and pictures: obedience, likeness, truth, holes, flicker, sharpness, cost.

    python -m bench.face.face [--only mira tomas] [--quick]

JSON on stdout; avatars, sheets and the path-traced truth lie under out/bench/face.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import cv2
import numpy as np

from bench.face import faults, likeness, motion, sheets, tracking, truth
from bench.face.portraits import PORTRAITS, Portrait, avatar, baked, present
from visavis.engines import load
from visavis.engines.base import Draw, FaceState
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.engines.render.warp import draw
from visavis.models import arkit
from visavis.models.quality.subject import SIDE, as_rgb
from visavis.models.warp.scene import build

OUT: Final = Path("out/bench/face")
MINUTE: Final = 1500  # frames
BLINKS: Final = (arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"])
SHUT: Final = 0.3  # of a blink: with shut eyes, the path-traced truth itself is no more alike
TARGETS: Final = {
    "jaw_open": 0.97, "mouth_width": 0.97, "blink_left_open": 0.15, "gaze": 0.9,
    "identity_neutral": 0.90, "identity_speaking": 0.80, "ssim": 0.93, "psnr_db": 28.0,
    "edges_px": 1.5, "uncovered_px": 0, "flicker": 0.5, "frames_with_teeth": 0, "sharpness": 0.90,
    "ms_512": 10.0, "ms_720x1280": 40.0,
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.face", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="portraits")
    parser.add_argument("--quick", action="store_true", help="a tenth of the frames and states")
    parser.add_argument("--voice", default="heart", choices=[v.name for v in load.voices()])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    json.dump(run(options), sys.stdout, indent=2)
    print()


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements, the figures missed at the end."""
    chosen = present(options.only)
    states = spoken(options.voice)[:: 10 if options.quick else 1]
    each = {one.name: _portrait(one, states, options.quick) for one in chosen}
    out: dict[str, Any] = {
        "targets": TARGETS,
        "not_there": [p.name for p in PORTRAITS if p not in present([])],
        "portraits": each,
        "truth": {name: true for name, row in each.items() if (true := row.pop("truth", None))},
    }
    out["missed"] = missed(out)
    return out


def spoken(voice: str) -> list[FaceState]:
    """A minute of speech, frame by frame, as the motion engine lives it."""
    engine = load.tts(voice, Path(gettempdir()))
    pieces = [piece for text in motion.SENTENCES for piece in engine.synthesize(text)]
    alive = VisemeMotion(1)
    alive.attend(0, "speaking")
    states: list[FaceState] = []
    seconds = sum(len(piece.pcm) for piece in pieces) / motion.PLAY_RATE + 1
    plan = motion.scheduled(pieces * (int(64 / seconds) + 1))
    for _, state in motion.performed(alive, plan):
        states.append(state)
        if len(states) == MINUTE:
            break
    return states


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _portrait(one: Portrait, states: Sequence[FaceState], quick: bool) -> dict[str, Any]:
    _say(f"{one.name}: {one.what}")
    made = avatar(one, OUT / "avatars")
    prepared = build(made, SIDE, SIDE)
    probe = tracking.Probe(partial(draw, prepared))
    sheets.expressions(probe.draw, OUT / f"sheet-{one.name}.jpg")
    out: dict[str, Any] = {"style": one.style, "what": one.what, "warnings": made.card.warnings}
    out["obedience"] = tracking.obedience(probe)
    out["obedience"]["blink"]["left_open_visible"] = faults.eyes_left_open(made)
    out |= _minute(probe, made.picture(), states)
    out["holes"] = faults.holes(made, probe.rest, 200 if quick else 2000)
    out["flicker_of_255"] = faults.flicker(prepared, probe.rest, states[:250])
    out["teeth_at_rest"] = faults.teeth(made, states[:500])
    out["sharpness"] = faults.sharpness(made, prepared, probe.rest)
    out["cost"] = faults.cost(made, states[:200])
    if one.path.parent == truth.SHIPPED:
        out["truth"] = _truth(one.name)
    return out


def _minute(
    probe: tracking.Probe, photo: tracking.Rgb, states: Sequence[FaceState]
) -> dict[str, Any]:
    """Landmarks and identity over the spoken minute."""
    person = likeness.Recogniser(photo)
    cosines: list[float] = []
    awake = [float(max(s.coefficients[list(BLINKS)])) < SHUT for s in states]
    seen: list[tracking.Seen] = []
    for state in states:
        picture = as_rgb(probe.draw(state))
        cosines.append(person.cosine(picture))
        seen.append(probe.look(picture, seen[-1].points if seen else probe.rest.points))
    return {
        "speech": tracking.speech(states, seen),
        "identity": {
            "neutral": round(person.cosine(as_rgb(probe.draw(FaceState()))), 4),
            "speaking_worst": round(min(cosines), 4),
            "speaking_worst_eyes_open": round(min(np.array(cosines)[awake]), 4),
            "speaking_median": round(float(np.median(cosines)), 4),
            "frames": len(cosines),
        },
    }


def _truth(name: str) -> dict[str, Any]:
    """The persona path-traced in random states, where that was done, beside the warp of its
    neutral portrait alone."""
    found, missing = truth.pairs(name)
    if len(found) < 2:
        return {"pairs": 0, "missing": missing, "how": truth.HOW}
    data = truth.portrait(name).read_bytes()
    made = baked(f"truth-{name}", data, OUT / "avatars")
    drawn = load.drawing(made)
    rows = _compared(found, drawn)
    sheets.pairs(rows, OUT / f"truth-{name}.jpg")
    out = likeness.summary(rows[1:], rows[0])
    out["identity"] = likeness.identity(found, rows, made.picture())
    if (again := truth.again(name)) is not None:
        out["two_renders_of_one_state"] = likeness.ceiling(found[0], again)
    return out | ({"missing": missing, "how": truth.HOW} if missing else {})


def _compared(found: list[truth.Pair], drawn: Draw) -> list[likeness.Compared]:
    return [row for pair in found if (row := likeness.compare(pair, drawn))]


def missed(results: dict[str, Any]) -> list[str]:
    """Every figure that misses its target, in words."""
    out: list[str] = []
    for name, row in results["portraits"].items():
        for what, value, target, more in _figures(row):
            if value < target if more else value > target:
                out.append(f"{name}: {what} {value} (target {target})")
    for name, row in results["truth"].items():
        if not row["pairs"]:
            out.append(f"{name}: truth not rendered")
            continue
        for what, key, target, more in (
            ("SSIM", "ssim", TARGETS["ssim"], True),
            ("PSNR", "psnr_db", TARGETS["psnr_db"], True),
            ("lip edges", "lip_edges_px", TARGETS["edges_px"], False),
            ("lid edges", "lid_edges_px", TARGETS["edges_px"], False),
        ):
            value = row[key]["mean"]
            if value < target if more else value > target:
                out.append(f"{name}: {what} {value} (target {target})")
    return out


def _figures(row: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    """Name, value, target, and whether more is better."""
    o, t = row["obedience"], TARGETS
    widths = [(f"width by {k}", v, t["mouth_width"], True) for k, v in o["mouth_width"].items()]
    return [
        ("jawOpen", o["jaw_open"], t["jaw_open"], True),
        *widths,
        ("lip gap in speech", row["speech"]["lip_gap"], t["jaw_open"], True),
        ("mouth width in speech", row["speech"]["mouth_width"], t["mouth_width"], True),
        ("open after a blink", o["blink"]["left_open_visible"], t["blink_left_open"], False),
        ("gaze across", o["gaze"]["across_correlation"], t["gaze"], True),
        ("gaze up", o["gaze"]["up_correlation"], t["gaze"], True),
        ("identity, neutral", row["identity"]["neutral"], t["identity_neutral"], True),
        ("identity, speaking", row["identity"]["speaking_worst"], t["identity_speaking"], True),
        ("uncovered px", row["holes"]["uncovered_px"], t["uncovered_px"], False),
        ("torn states", row["holes"]["torn_states"], 0, False),
        (
            "flicker",
            max(row["flicker_of_255"]["above_the_brows"], row["flicker_of_255"]["background"]),
            t["flicker"],
            False,
        ),
        ("frames with teeth", row["teeth_at_rest"]["with_teeth"], t["frames_with_teeth"], False),
        ("sharpness", row["sharpness"]["still"], t["sharpness"], True),
        ("ms at 512x512", row["cost"]["512x512_ms"], t["ms_512"], False),
        ("ms at 720x1280", row["cost"]["720x1280_ms"], t["ms_720x1280"], False),
    ]


if __name__ == "__main__":
    main()
