"""A script and a table -> what is wrong with them, and a batch that can begin.

Reading ten thousand rows takes seconds of work, so a server has it done by a child (`main`).
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from visavis.server.jobs import configured
from visavis.server.services.configured import avatars
from visavis.server.studio import knowing
from visavis.server.studio.batches import checking, tables
from visavis.server.studio.batches.checking import Checked, Film
from visavis.server.studio.batches.keeping import Batches
from visavis.server.studio.batches.table import TableError
from visavis.server.studio.document import reading
from visavis.server.studio.document.checks import Known
from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.project import Project
from visavis.server.studio.translation import kept
from visavis.server.system import confined, strict_json
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound

FOLDER: Final = "batches"  # beside the jobs that they are made by
PROOF: Final = 3  # rows
MOST_FAULTS: Final = 500  # that are told
_SAMPLE: Final = 600  # characters of a text


def place(config: Config) -> Path:
    """Where batches are kept."""
    return config.home_path / configured.FOLDER / FOLDER


@dataclass(frozen=True, slots=True)
class Order:
    """What a batch is made of. script: its text. folder: with the project's files.

    project: its name in the store. name: of a row's files, a template. encoding, sheet: of the
    table, see `tables`.
    """

    table: Path
    script: str
    folder: Path | None = None
    project: str = ""
    formats: tuple[str, ...] = ("mp4",)
    name: str = ""
    encoding: str = ""
    sheet: str = ""


def prepared(order: Order, config: Config) -> tuple[Project, Checked]:
    """Raises ScriptError, TableError, OSError."""
    project = reading.read(order.script)
    table = tables.read_file(order.table, order.encoding, order.sheet)
    translated = partial(_translated, project, order.folder)
    known = _remembered(knowing.known(avatars(config), config.avatar, config.home_path))
    return project, checking.check(project, table, order.folder, known, translated, order.name)


def proof(films: Sequence[Film], count: int = PROOF) -> list[int]:
    """Rows that show most of what can go wrong: first, longest, each voice, shortest."""
    if not films:
        return []
    by_length = sorted(films, key=lambda film: film.seconds)
    kinds = {
        tuple(film.values.get(name, "") for name in ("language", "voice", "avatar", "background")):
            film for film in reversed(films)
    }  # fmt: skip
    step = max(len(films) // max(count, 1), 1)
    order = [films[0], by_length[-1], *kinds.values(), by_length[0], *films[::step], *films]
    return sorted(list(dict.fromkeys(film.row for film in order))[:count])


def told(checked: Checked, shown: int = PROOF) -> dict[str, Any]:
    """For the API: what was found, and how some rows read."""
    by_row = {film.row: film for film in checked.films}
    faults = [asdict(fault) for fault in checked.faults[:MOST_FAULTS]]
    return {
        "rows": checked.rows, "films": len(checked.films),
        "columns": list(checked.headings.values()), "faults": faults,
        "more": max(len(checked.faults) - MOST_FAULTS, 0), "seconds": checked.seconds,
        "sample": [_sample(by_row[row]) for row in proof(checked.films, shown)],
    }  # fmt: skip


def _sample(film: Film) -> dict[str, Any]:
    scenes = reading.read(film.script).scenes
    text = " ".join(" ".join(scene.text.split()) for scene in scenes if scene.text)
    cut = text if len(text) <= _SAMPLE else f"{text[:_SAMPLE]}…"
    return {"row": film.row, "label": film.label, "seconds": film.seconds, "text": cut}


def _translated(
    project: Project, folder: Path | None, language: str
) -> tuple[Project, tuple[str, ...]] | None:
    """The script in a language, where it lies beside the script, and what there is to know of it.

    Raises Unprocessable.
    """
    for tag in dict.fromkeys((language, language.split("-")[0])):
        with contextlib.suppress(NotFound):
            return kept.in_language(project, folder, tag) if folder else None
    return None


def _remembered(known: Known) -> Known:
    """Asked once of each face, voice and direction, not once a row."""
    return replace(
        known,
        avatar=cache(known.avatar), dropped=cache(known.dropped), voice=cache(known.voice),
    )  # fmt: skip


def _done(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the child answers. Raises ScriptError, TableError, OSError."""
    config = Config(**asked["settings"])
    fields = asked["order"]
    order = Order(**fields | {
        "table": Path(fields["table"]), "formats": tuple(fields["formats"]),
        "folder": Path(fields["folder"]) if fields["folder"] else None,
    })  # fmt: skip
    project, checked = prepared(order, config)
    answer = told(checked)
    whole = not any(fault.grave for fault in checked.faults)
    may_begin = bool(checked.films) and (whole or (asked["skip"] and not checked.stopped))
    if asked["keep"] and may_begin:
        batches = Batches(place(config))
        new = batches.keep(checked, order.project, project.title, order.formats, order.folder)
        answer["new"] = str(new)
        answer["proof"] = proof(checked.films, asked["proof"]) if asked["proof"] else []
    return answer


def main() -> None:
    """A child: one order as JSON on the standard input, one answer. Arguments: its owner's id."""
    confined.begin()
    output = confined.own_output()
    asked = strict_json.parse(sys.stdin.read())
    try:
        answer = {"answer": _done(asked)}
    except TableError as error:
        what = str(error).removeprefix(f"{asked['order']['table']}: ")  # nobody knows that file
        answer = {"fault": {"detail": what, "code": "table-invalid"}}
    except ScriptError as error:
        answer = {"fault": {"detail": error.detail, "code": error.code}}
    except OSError as error:
        answer = {"fault": {"detail": f"{error.strerror}.", "code": "not-kept"}}
    output.write(json.dumps(answer).encode())
    output.flush()


if __name__ == "__main__":
    main()
