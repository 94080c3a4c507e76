"""What the studio's addresses take and give, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from visavis.server.http.openapi import (
    ANYTHING,
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
from visavis.server.studio.translation.pairs import FIELDS, STATES

STATUS: Final = one_of("queued", "running", "done", "failed", "cancelled")
_FORMATS: Final = listed(one_of(*FORMATS))
_ONE: Final = "/v1/videos/{id}"
_PROJECT: Final = "/v1/projects/{name}"
_FILE: Final = _PROJECT + "/files/{file}"
_MARKDOWN: Final = "text/markdown"
_KEPT: Final = listed(
    fields({"name": TEXT, "bytes": WHOLE, "kind": one_of("picture", "video", "sound")})
)

PROJECTS: Final = Described(
    "Projects",
    {
        ("GET", "/v1/projects"): Operation(
            "All projects, the latest change first.",
            {
                200: fields({
                    "projects": listed(fields({
                        "name": TEXT, "title": TEXT, "scenes": WHOLE, "changed": NUMBER,
                        "seconds": NUMBER,
                    }))
                })
            },
        ),
        ("POST", "/v1/projects"): Operation(
            "Makes a project of a script, or an empty one with a title.",
            {201: named("Project")},
            body={JSON: fields({}, {"name": TEXT, "title": TEXT, "script": TEXT})},
        ),
        ("POST", "/v1/projects/import"): Operation(
            "Makes a project of a text, Markdown, subtitles or slides.",
            {201: named("Project")},
            body={FORM: fields({"file": BYTES}, {"name": TEXT})},
        ),
        ("GET", _PROJECT): Operation(
            "A project: as data, as its script, and what is wrong.", {200: named("Project")}
        ),
        ("PUT", _PROJECT): Operation(
            "Saves it in place of the version that If-Match names.",
            {200: named("Project")},
            body={JSON: fields({"project": ANYTHING}), _MARKDOWN: TEXT},
            query={"merge": "true: put together with what somebody else saved meanwhile"},
            headers={"If-Match": "the ETag of the version that was changed"},
        ),
        ("DELETE", _PROJECT): Operation("Deletes it with its files.", {204: None}),
        ("GET", _FILE): Operation("A file of it.", {200: FILE, 206: FILE}),
        ("PUT", _FILE): Operation(
            "Puts a file there.", {201: fields({"files": _KEPT})}, body={FILE: BYTES}
        ),
        ("DELETE", _FILE): Operation("Removes a file.", {204: None}),
    },
    {
        "Project": fields(
            {
                "name": TEXT, "etag": TEXT, "script": TEXT, "project": maybe(ANYTHING),
                "files": _KEPT, "seconds": NUMBER,
                "faults": listed(fields({
                    "scene": TEXT, "line": WHOLE, "what": TEXT, "fix": TEXT, "grave": YES_NO,
                })),
            },
            {"notes": listed(TEXT)},
        )
    },
)  # fmt: skip

VOICES: Final = Described(
    "Voices of one's own",
    {
        ("POST", "/v1/voices"): Operation(
            "Makes one of a recording, with the record of a consent.",
            {202: named("VoiceMaking")},
            body={
                FORM: fields(
                    {
                        "sample": BYTES, "name": TEXT, "subject": TEXT, "consent": TEXT,
                        "confirmed": one_of("yes"),
                    },
                    {
                        "given_by": TEXT, "kind": one_of("tuned", "served"), "language": TEXT,
                        "text": TEXT, "until": TEXT, "uses": TEXT, "languages": TEXT,
                    },
                )
            },
        ),
        ("GET", "/v1/voices/jobs/{id}"): Operation(
            "How far the making of one is.", {200: named("VoiceMaking")}
        ),
        ("DELETE", "/v1/voices/jobs/{id}"): Operation(
            "Ends the making, or forgets that it is over.", {204: None}
        ),
        ("DELETE", "/v1/voices/{name}"): Operation(
            "Deletes one, and what a speech server keeps of it; 200 where that is not sure.",
            {204: None, 200: fields({"name": TEXT, "note": TEXT})},
        ),
    },
    {
        "VoiceMaking": fields(
            {
                "id": TEXT, "name": TEXT, "status": STATUS, "done": NUMBER, "left": maybe(NUMBER),
                "note": TEXT, "fault": TEXT, "code": TEXT, "alike": maybe(NUMBER),
                "notes": listed(TEXT),
            }
        )
    },
)  # fmt: skip

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

_STANDING: Final = named("Translation")
_ALL_LANGUAGES, _LANGUAGE = (
    "/v1/projects/{name}/translations",
    "/v1/projects/{name}/translations/{language}",
)
_DIRECTION: Final = one_of("ltr", "rtl")

TRANSLATIONS: Final = Described(
    "Translations",
    {
        ("GET", _ALL_LANGUAGES): Operation(
            "The languages that a project is in, and those that it can be put into.",
            {
                200: fields(
                    {
                        "languages": listed(
                            fields(
                                {
                                    "language": TEXT, "name": TEXT, "direction": _DIRECTION,
                                    "by": TEXT, "texts": WHOLE, "machine": WHOLE,
                                    "checked": WHOLE, "stale": WHOLE,
                                }
                            )
                        ),
                        "possible": listed(
                            fields({"language": TEXT, "name": TEXT, "direction": _DIRECTION})
                        ),
                    }
                )
            },
        ),
        ("POST", _ALL_LANGUAGES): Operation(
            "Translates what is new or has changed.",
            {
                200: _STANDING,
                202: fields({"id": TEXT, "status": STATUS, "done": NUMBER, "note": TEXT}),
            },
            body={JSON: fields({"language": TEXT}, {"anew": YES_NO, "job": TEXT})},
        ),
        ("GET", _LANGUAGE): Operation("A translation beside its source.", {200: _STANDING}),
        ("PUT", _LANGUAGE): Operation(
            "Keeps what somebody wrote or checked.",
            {200: _STANDING},
            body={
                JSON: fields(
                    {
                        "pairs": listed(
                            fields(
                                {"scene": TEXT, "field": one_of(*FIELDS), "target": TEXT},
                                {"state": one_of("machine", "checked")},
                            )
                        )
                    }
                )
            },
        ),
        ("DELETE", _LANGUAGE): Operation("Deletes a translation.", {204: None}),
    },
    {
        "Translation": fields(
            {
                "project": TEXT, "language": TEXT, "direction": _DIRECTION, "by": TEXT,
                "pairs": listed(
                    fields(
                        {
                            "scene": TEXT, "field": one_of(*FIELDS), "source": TEXT,
                            "target": TEXT, "state": one_of(*STATES), "fit": NUMBER,
                            "rate": NUMBER,
                        }
                    )
                ),
                "notes": listed(TEXT),
            }
        )
    },
)  # fmt: skip
