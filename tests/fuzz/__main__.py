"""`python -m fuzz [TARGET...]`: look for inputs that break a target, two targets at a time.

Without options each target gets a fixed number of inputs, about a minute in all; what is timed in
a target may lead the same search elsewhere, so a run that finds nothing promises nothing. An input
that breaks something is written to out/fuzz; `python -m fuzz.search TARGET FILE` replays it. Once
mended, it belongs in seeds/TARGET under a name that says what it did.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from fuzz.target import GROUNDS, SEEDS

NAMES: Final = tuple(GROUNDS)
OUT: Final = Path("out/fuzz")


def main() -> int:
    """0 when every target held."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, help="search so long, all targets together")
    parser.add_argument("--runs", type=int, help="so many inputs a target")
    parser.add_argument("--seed", type=int, default=1, help="of the search; 0: another each time")
    options = parser.parse_args()
    names = options.targets or list(NAMES)
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(NAMES)}")
    jobs = max(1, min(os.cpu_count() or 1, len(names)))
    bounds = [_bound(name, options, jobs / len(names)) for name in names]
    with ThreadPoolExecutor(jobs) as pool:
        held = list(pool.map(lambda name, bound: _search(name, bound, options.seed), names, bounds))
    return 0 if all(held) else 1


def _bound(name: str, options: argparse.Namespace, share: float) -> str:
    """libFuzzer's option for how long one target is searched."""
    if options.seconds is not None:
        return f"-max_total_time={max(1, round(options.seconds * share))}"
    return f"-runs={options.runs or GROUNDS[name].quick}"


def _search(name: str, bound: str, seed: int) -> bool:
    """One target in a process of its own, which libFuzzer ends; whether it held."""
    found = OUT / name
    shutil.rmtree(found, ignore_errors=True)
    corpus = found / "corpus"  # what led further; libFuzzer writes to the first folder it is given
    corpus.mkdir(parents=True)
    command = [
        sys.executable, "-m", "fuzz.search", name, bound, f"-seed={seed}", "-reload=0",
        f"-artifact_prefix={found}/", str(corpus), str(SEEDS / name),
    ]  # fmt: skip
    began = time.monotonic()
    log = found / "log.txt"
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    lines = log.read_text("utf-8", "replace").splitlines()
    runs = next((line.split()[1] for line in reversed(lines) if line.startswith("Done ")), "?")
    took = time.monotonic() - began
    if done.returncode == 0:
        print(f"{name}: {runs} inputs in {took:.0f} s, all well", flush=True)
        return True
    print(f"{name}: broken after {took:.0f} s. The input is in {found}; {log} ends:", flush=True)
    print("\n".join(lines[-25:]))
    return False


if __name__ == "__main__":
    sys.exit(main())
