"""What the addresses of batches take and give, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from visavis.server.http.openapi import (
    BYTES,
    EVENTS,
    FILE,
    FORM,
    JSON,
    NUMBER,
    TEXT,
    WHOLE,
    YES_NO,
    Described,
    Operation,
    fields,
    listed,
    maybe,
    named,
    one_of,
)
from visavis.server.studio.layers.exports import FORMATS

ALL: Final = "/v1/batches"
ONE: Final = ALL + "/{id}"
_ENDS: Final = ("queued", "running", "done", "failed", "cancelled")
_SHARE: Final = {**NUMBER, "minimum": 0, "maximum": 1}
_SUMMARY: Final = {
    "id": TEXT, "title": TEXT, "project": TEXT, "at": NUMBER,
    "formats": listed(one_of(*FORMATS)), "status": one_of(*_ENDS), "done": _SHARE,
    "left": maybe(NUMBER), "count": WHOLE, "waiting": WHOLE, "proof": YES_NO,
    "counts": fields({"done": WHOLE, "failed": WHOLE, "cancelled": WHOLE}), "seconds": NUMBER,
}  # fmt: skip

BATCHES: Final = Described(
    "Batches",
    {
        ("POST", ALL): Operation(
            "Makes a video for each row of a table; with `check`, says what is wrong with it.",
            {202: named("Batch"), 200: named("Checked")},
            body={
                FORM: fields(
                    {"table": BYTES},
                    {
                        "project": TEXT, "script": BYTES, "formats": TEXT, "proof": TEXT,
                        "check": TEXT, "skip": TEXT, "webhook": TEXT, "name": TEXT,
                        "encoding": TEXT, "sheet": TEXT,
                    },
                )
            },
        ),
        ("GET", ALL): Operation(
            "All batches, the latest first, without their rows.",
            {200: fields({"batches": listed(fields(_SUMMARY))})},
        ),
        ("GET", ONE): Operation("How far a batch is, and each of its rows.", {200: named("Batch")}),
        ("GET", ONE + "/events"): Operation(
            "Each change, as server-sent events of type `state`, with the rows that have changed.",
            {200: EVENTS},
        ),
        ("POST", ONE + "/rest"): Operation(
            "Makes the rows that a proof left out.", {202: named("Batch")}
        ),
        ("POST", ONE + "/retry"): Operation(
            "Makes rows anew that failed, all or those named.",
            {202: named("Batch")},
            body={JSON: fields({}, {"rows": listed(WHOLE)})},
        ),
        ("GET", ONE + "/files.zip"): Operation(
            "All files that are done, and the manifest.", {200: FILE}
        ),
        ("GET", ONE + "/manifest.csv"): Operation("What became of each row.", {200: "text/csv"}),
        ("GET", ONE + "/rows/{row}/{file}"): Operation(
            "A finished file of a row.", {200: FILE, 206: FILE}
        ),
        ("DELETE", ONE): Operation(
            "Cancels what is under way, forgets what is over, with its files.", {204: None}
        ),
    },
    {
        "Batch": fields({**_SUMMARY, "rows": listed(named("BatchRow"))}),
        "BatchRow": fields(
            {
                "row": WHOLE, "label": TEXT, "status": one_of(*_ENDS, "waiting", "deleted"),
                "done": _SHARE, "note": TEXT, "fault": TEXT, "code": TEXT, "seconds": NUMBER,
                "notes": listed(TEXT),
                "files": {"type": "object", "additionalProperties": TEXT},
            }
        ),
        "Checked": fields(
            {
                "rows": WHOLE, "films": WHOLE, "columns": listed(TEXT), "seconds": NUMBER,
                "more": WHOLE, "faults": listed(named("TableFault")),
                "sample": listed(
                    fields({"row": WHOLE, "label": TEXT, "seconds": NUMBER, "text": TEXT})
                ),
            }
        ),
        "TableFault": fields({"row": WHOLE, "column": TEXT, "what": TEXT, "grave": YES_NO}),
    },
)  # fmt: skip
