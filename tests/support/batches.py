"""A work that stands for films, and batches over a queue with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visavis.server.jobs.job import Working
from visavis.server.system.errors import Unprocessable

WORKS = {"film": "support.batches:film"}


def film(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """A file of the script's text; fails of who is called Broken until a file says otherwise.

    Whoever is called Slow is waited for.
    """
    text = request["script"]
    folder = Path(request["folder"])
    working.tell(0.5, "draws")
    if "Broken" in text and not (folder / "mended.png").exists():
        raise Unprocessable("The picture of Broken cannot be read.", "unusable-file")
    while "Slow" in text and not (folder / "go.png").exists():
        working.tell(0.6, "waits")
    made = {}
    for each in request["formats"]:
        (working.folder / f"film.{each}").write_text(text)
        made[each] = f"film.{each}"
    return {"files": made, "seconds": 4.0, "notes": [], "drawn": 10, "found": 30}
