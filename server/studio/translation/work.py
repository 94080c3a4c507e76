"""The work of kind "translation": a script in its folder -> its texts in another language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visavis.server.jobs.job import Working
from visavis.server.studio.document import reading, writing
from visavis.server.studio.translation.making import make
from visavis.server.studio.translation.pairs import FIELDS, STATES, Pair, Translation

KIND = "translation"


def translation(request: Mapping[str, Any], working: Working) -> Mapping[str, Any]:
    """request: {"script": text of script.md, "folder": of the project's files, "language",
    "anew": whether to write over what somebody checked}.

    Returns {"language", "script", "by", "pairs", "notes"}; whoever asks writes it down. Raises as
    `make`.
    """
    project = reading.read(request["script"])
    made = make(
        project, Path(request["folder"]), request["language"], working.config, working.tell,
        anew=bool(request.get("anew")),
    )  # fmt: skip
    return {
        "language": made.language,
        "script": writing.write(made.project),
        "by": made.by,
        "pairs": [pair.as_json() for pair in made.pairs],
        "notes": list(made.notes),
    }


def read(result: Mapping[str, Any]) -> Translation:
    """What the work returned. Raises ScriptError, KeyError, TypeError, ValueError."""
    return Translation(
        str(result["language"]),
        reading.read(result["script"]),
        str(result["by"]),
        tuple(map(_pair, result["pairs"])),
        tuple(map(str, result["notes"])),
    )


def _pair(row: Mapping[str, Any]) -> Pair:
    field = next(each for each in FIELDS if each == row["field"])
    state = next(each for each in STATES if each == row["state"])
    return Pair(
        str(row["scene"]), field, str(row["source"]), str(row["target"]), state,
        float(row["fit"]), float(row["rate"]),
    )  # fmt: skip
