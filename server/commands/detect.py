"""`visavis detect`: whether films and sounds were made by visavis, and by whose.

Marks are looked for in a process that is shut in; what a signature says is read as `visavis verify`
does it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from visavis.server.commands.console import FAILURE, say_line
from visavis.server.detection.detecting import Detection, Undetectable
from visavis.server.detection.report import Report
from visavis.server.provenance import verifying
from visavis.server.provenance.sdk import SdkFault
from visavis.server.provenance.verifying import Verdict
from visavis.server.system import config_reading as settings
from visavis.server.system.installation import Installation

_BAR: Final = "{desc} {percentage:3.0f} %|{bar:20}| {elapsed}"


def detect(options: argparse.Namespace) -> int:
    """`detect`: 0 when every file could be looked at. Raises ConfigError."""
    home = settings.load({}).home_path
    known = Installation.known(home)
    own = None if known is None else known.number
    told: dict[Path, Report | str] = {}
    signed: dict[Path, Verdict | None] = {}
    for path in dict.fromkeys(options.files):
        told[path], signed[path] = _told(path, own), _signature(path, home)
        if not options.json:
            _say(path, told[path], signed[path])
    if options.json:
        say_line(json.dumps([_as_json(path, told[path], signed[path]) for path in told]))
    return FAILURE if any(isinstance(each, str) for each in told.values()) else 0


def _signature(path: Path, home: Path) -> Verdict | None:
    """None where that cannot be looked at."""
    try:
        return verifying.verdict(path, verifying.own_anchors(home), "own")
    except (SdkFault, OSError):
        return None


def _say(path: Path, told: Report | str, signed: Verdict | None) -> None:
    for line in told.words() if isinstance(told, Report) else [told]:
        say_line(f"{path}: {line}")
    if signed is None or signed.state in ("unsigned", "unreadable"):
        return
    who = "this installation" if signed.signer.trust == "own" else "somebody unknown here"
    state = "as it was signed" if signed.state == "valid" else signed.state.upper()
    say_line(f"{path}: signed by {who}: {state}; `visavis verify` says more")


def _told(path: Path, own: int | None) -> Report | str:
    """What was found, or why it could not be looked at."""
    try:
        with (
            path.open("rb") as file,
            tqdm(total=1.0, desc=path.name[:40], bar_format=_BAR, leave=False) as bar,
        ):
            for said in Detection(file, own).run():
                if isinstance(said, Report):
                    return said
                bar.update(max(said.share - bar.n, 0.0))
    except Undetectable as error:
        return f"cannot be checked: {error}"
    except OSError as error:
        return f"cannot be read: {error.strerror or type(error).__name__}"
    return "cannot be checked"


def _as_json(path: Path, told: Report | str, signed: Verdict | None) -> dict[str, Any]:
    if isinstance(told, str):
        return {"file": str(path), "error": told}
    signature = signed and {"state": signed.state, "trust": signed.signer.trust}
    return {"file": str(path), **told.as_json(), "signature": signature}
