"""What the staff's addresses take and give, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from visavis.server.http.described import MOOD
from visavis.server.http.openapi import (
    EVENTS,
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
    one_of,
)

_ONE: Final = "/v1/staff/sessions/{id}"
_WHO: Final = {"desk": "the page that asks", "name": "how its user is called"}
_WORDS: Final = {JSON: fields({}, {"text": TEXT, "style": TEXT})}
_SDP: Final = "application/sdp"
_ROW: Final = fields(
    {
        "id": TEXT, "avatar": TEXT, "source": TEXT, "language": TEXT, "state": TEXT,
        "doing": one_of("idle", "hearing", "thinking", "speaking"), "seconds": NUMBER,
        "wanted_seconds": maybe(NUMBER), "reason": TEXT, "mood": MOOD, "watchers": WHOLE,
        "holder": TEXT, "desk": TEXT, "how": TEXT, "silent": YES_NO,
    }
)  # fmt: skip

STAFF: Final = Described(
    "Staff",
    {
        ("GET", "/v1/staff/sessions"): Operation(
            "All sessions, who waits first.",
            {200: fields({"sessions": listed(_ROW), "members": WHOLE})},
        ),
        ("GET", "/v1/staff/events"): Operation("The same, as it changes.", {200: EVENTS}),
        ("GET", _ONE + "/events"): Operation("Looks at one session.", {200: EVENTS}, query=_WHO),
        ("POST", _ONE + "/say"): Operation(
            "Lets the avatar say this next.", {202: None}, body=_WORDS, query=_WHO
        ),
        ("POST", _ONE + "/hold"): Operation("Takes it over.", {204: None}, query=_WHO),
        ("DELETE", _ONE + "/hold"): Operation("Hands it back.", {204: None}, query=_WHO),
        ("POST", _ONE + "/voice"): Operation(
            "A person's own voice through the face.", {201: _SDP}, body={_SDP: TEXT}, query=_WHO
        ),
        ("DELETE", _ONE + "/voice"): Operation("Ends that.", {204: None}, query=_WHO),
        ("DELETE", _ONE + "/call"): Operation(
            "Nobody is wanted any more.", {204: None}, query=_WHO
        ),
        ("POST", _ONE + "/end"): Operation(
            "Ends the session for good.", {200: None}, body=_WORDS, query=_WHO
        ),
    },
)
