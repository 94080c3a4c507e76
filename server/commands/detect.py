"""`visavis detect`: whether films and sounds were made by visavis, and by whose."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from visavis.server.commands.console import FAILURE, say_line
from visavis.server.detection.detecting import Detection, Undetectable
from visavis.server.detection.report import Report
from visavis.server.system import config_reading as settings
from visavis.server.system.installation import Installation

_BAR: Final = "{desc} {percentage:3.0f} %|{bar:20}| {elapsed}"


def detect(options: argparse.Namespace) -> int:
    """`detect`: 0 when every file could be looked at. Raises ConfigError."""
    known = Installation.known(settings.load({}).home_path)
    own = None if known is None else known.number
    told: dict[Path, Report | str] = {}
    for path in dict.fromkeys(options.files):
        told[path] = _told(path, own)
        if not options.json:
            _say(path, told[path])
    if options.json:
        say_line(json.dumps([_as_json(path, each) for path, each in told.items()]))
    return FAILURE if any(isinstance(each, str) for each in told.values()) else 0


def _say(path: Path, told: Report | str) -> None:
    for line in told.words() if isinstance(told, Report) else [told]:
        say_line(f"{path}: {line}")


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


def _as_json(path: Path, told: Report | str) -> dict[str, Any]:
    if isinstance(told, str):
        return {"file": str(path), "error": told}
    return {"file": str(path), **told.as_json()}
