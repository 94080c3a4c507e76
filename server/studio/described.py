"""What the studio's addresses take and give, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from visavis.server.http.openapi import (
    EVENTS,
    FILE,
    JSON,
    NUMBER,
    TEXT,
    WHOLE,
    Described,
    Operation,
    fields,
    listed,
    maybe,
    named,
    one_of,
)
from visavis.server.studio.layers.exports import FORMATS

STATUS: Final = one_of("queued", "running", "done", "failed", "cancelled")
_FORMATS: Final = listed(one_of(*FORMATS))
_ONE: Final = "/v1/videos/{id}"

VIDEOS: Final = Described(
    "Videos",
    {
        ("POST", "/v1/videos"): Operation(
            "Makes a video of a project or a script.",
            {202: named("Video")},
            body={
                JSON: fields(
                    {},
                    {
                        "project": TEXT, "script": TEXT, "scenes": maybe(listed(TEXT)),
                        "language": TEXT, "formats": _FORMATS,
                        "priority": {**WHOLE, "minimum": 0, "maximum": 9}, "webhook": TEXT,
                    },
                )
            },
        ),
        ("GET", "/v1/videos"): Operation(
            "All videos, the latest first.", {200: fields({"videos": listed(named("Video"))})}
        ),
        ("GET", _ONE): Operation("How far a video is.", {200: named("Video")}),
        ("GET", _ONE + "/events"): Operation(
            "Each change of it, as server-sent events of type `state`, until it is over.",
            {200: EVENTS},
        ),
        ("GET", _ONE + "/files/{file}"): Operation("A finished file.", {200: FILE, 206: FILE}),
        ("DELETE", _ONE): Operation(
            "Cancels what is under way, forgets what is over.", {204: None}
        ),
    },
    {
        "Video": fields(
            {
                "id": TEXT, "title": TEXT, "project": TEXT, "language": TEXT, "formats": _FORMATS,
                "status": STATUS, "done": {**NUMBER, "minimum": 0, "maximum": 1},
                "left": maybe(NUMBER), "note": TEXT, "fault": TEXT, "code": TEXT, "tries": WHOLE,
                "at": NUMBER, "files": {"type": "object", "additionalProperties": TEXT},
                "seconds": maybe(NUMBER), "notes": listed(TEXT),
            }
        )
    },
)  # fmt: skip
