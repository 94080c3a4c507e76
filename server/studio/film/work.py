"""The work of kind "film": a script and what it is to become -> files in the job's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from visavis.server.jobs.job import Working
from visavis.server.studio.document import reading
from visavis.server.studio.document.project import Project
from visavis.server.studio.film.making import make
from visavis.server.system.errors import Unprocessable

KIND = "film"


def film(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """request: {"script": text of script.md, "folder": of the project's files, "formats": names,
    "scenes": names or null}. Languages and rows of a table are put into the script by who asks.

    Returns {"files": {format: name}, "seconds", "notes", "drawn", "found"}. Raises as `make`.
    """
    project = _chosen(reading.read(request["script"]), request.get("scenes"))
    formats = request.get("formats") or ["mp4"]
    made = make(project, Path(request["folder"]), formats, working, working.config)
    return {
        "files": made.files, "seconds": made.seconds, "notes": list(made.notes),
        "drawn": made.drawn, "found": made.found,
    }  # fmt: skip


def _chosen(project: Project, names: list[str] | None) -> Project:
    """Its scenes of these names; all where they are null."""
    if not names:
        return project
    there = {scene.name for scene in project.scenes}
    if missing := [name for name in names if name not in there]:
        raise Unprocessable(f"The project has no scene {missing[0]!r}.", "scene-unknown")
    return replace(project, scenes=tuple(s for s in project.scenes if s.name in names))
