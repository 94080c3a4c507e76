"""All ways to run the graph, each in a process of its own, within one time limit.

What is known is written after each row: a run that is cut short keeps what it measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer
from typing import Any, Final

from bench.gpu.measure import BATCHES, WAYS

_LIMIT: Final = 450.0  # s of the whole
_EACH: Final = {"compile": 150.0}  # s at most; the others share what is left
_MOST: Final = 120.0


def main() -> int:
    """Measure everything; the JSON grows as it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--limit", type=float, default=_LIMIT, help="seconds of the whole")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each batch size")
    parser.add_argument("--batches", default=",".join(str(n) for n in BATCHES))
    parser.add_argument("--ways", default=",".join(WAYS))
    options = parser.parse_args()
    end = time.monotonic() + options.limit
    report: dict[str, Any] = {"machine": _machine(options.device), "bundle": _facts(options.bundle)}
    ways = report["ways"] = {}
    for way in options.ways.split(","):
        rows: list[dict[str, Any]] = ways.setdefault(way, [])
        patience = min(end - time.monotonic(), _EACH.get(way, _MOST))
        if patience < 5:
            rows.append({"not_measured": "no time was left"})
            _write(options.output, report)
            continue
        _measured(way, options, patience, rows, lambda: _write(options.output, report))
    report["bandwidth"] = _shares(ways)
    _write(options.output, report)
    print(f"{options.output}: done in {options.limit - (end - time.monotonic()):.0f} s")
    return 0


def _measured(
    way: str, options: argparse.Namespace, patience: float, rows: list[dict[str, Any]], keep: Any
) -> None:
    command = [
        sys.executable, "-m", "bench.gpu.measure", way, "--bundle", str(options.bundle),
        "--device", options.device, "--seconds", str(options.seconds),
        "--batches", options.batches,
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        timer = Timer(patience, child.kill)
        timer.start()
        for line in child.stdout:
            if line.startswith("{"):
                rows.append(json.loads(line))
                print(way, line.strip(), flush=True)
                keep()
        said = child.stderr.read()
        child.wait()
        timed_out = not timer.is_alive()
        timer.cancel()
    if timed_out:
        rows.append({"not_measured": f"it was ended after {patience:.0f} s"})
    elif child.returncode and not any("not_measured" in row for row in rows):
        last = said.strip().rpartition("\n")[2][:300]
        rows.append({"not_measured": f"it ended with {child.returncode}: {last}"})
    keep()


def _shares(ways: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What each way would move a second if its operators moved what eager ones do, of the card's
    bandwidth: over 1 it fuses, far below 1 launches or arithmetic hold it up.
    """
    known = next((row for row in ways.get("eager", []) if "card_bytes_a_second" in row), None)
    if known is None:
        return {}
    each = known["bytes_a_picture_operator_by_operator"] / known["card_bytes_a_second"]
    return {
        way: {
            row["batch"]: round(row["pictures_a_second"] * each, 3)
            for row in rows
            if "batch" in row
        }
        for way, rows in ways.items()
    }


def _machine(device: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "when": time.strftime("%Y-%m-%d %H:%M"),
    }
    import numpy as np
    import torch

    facts |= {"torch": torch.__version__, "cuda": torch.version.cuda, "numpy": np.__version__}
    if device.startswith("cuda"):
        from bench.gpu import stand_ins

        stand_ins.install()
        from visavis.engines.render.devices import NoGpu, find

        try:
            gpu = find()
            facts |= {"card": gpu.name, "driver": gpu.driver, "memory": gpu.memory}
            facts["capability"] = ".".join(str(n) for n in gpu.capability)
        except NoGpu as error:
            facts["card"] = f"none: {error}"
    else:
        facts["card"] = "none: a dry run on the CPU"
    return facts


def _facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "bundle.json").read_text())
    return facts


def _write(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report, indent=1))
    part.replace(path)


if __name__ == "__main__":
    raise SystemExit(main())
