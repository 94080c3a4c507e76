"""`make bench`: run every benchmark, one after the other, and keep each one's JSON in out/bench."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

OUT = Path("out/bench")
MODULES = {
    "live": "live.live", "hearing": "hearing.hearing", "recognition": "hearing.languages",
    "pipecat": "live.pipecat.compare", "simli": "live.simli",
    "livekit": "live.livekit_agent",
    "rtc": "live.rtc", "speech": "sound.speech", "own_voices": "sound.own_voices",
    "dialogue": "dialogue", "motion": "face.motion",
    "lipsync": "sound.lipsync", "sound_visemes": "sound.sound_visemes", "face": "face.face",
    "net": "net", "sessions": "sessions", "flood": "flood", "drawing": "drawing",
    "spoken": "sound.spoken_forms",
    "language_model": "language_model", "tools": "tools", "realtime": "live.realtime",
    "whip": "live.whip", "revoking": "revoking", "films": "films",
    "layers": "face.layers", "theval": "face.theval",
    "across": "languages", "mark": "mark", "grabbed": "live.grabbed", "sound_mark": "sound.marking",
    "studio_batch": "studio.batch",
}  # fmt: skip


def main() -> int:
    """Run the named ones, or all; 1 when one of them failed. What else is said goes to the one."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}")
    chosen, options = parser.parse_known_args()
    names = chosen.names or list(MODULES)
    if options and len(names) != 1:
        parser.error("options are for one benchmark alone")
    if unknown := set(names) - set(MODULES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    OUT.mkdir(parents=True, exist_ok=True)
    return max(_run(name, options) for name in names)


def _run(name: str, options: list[str]) -> int:
    print(f"{name} ...", flush=True)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{MODULES[name]}", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    path = OUT / f"{name}.json"
    if done.returncode == 0:
        path.write_text(json.dumps(json.loads(done.stdout), indent=2, ensure_ascii=False))
    print(f"{name}: {path if done.returncode == 0 else 'failed'}", end=" ")
    print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    return int(done.returncode != 0)


if __name__ == "__main__":
    raise SystemExit(main())
