"""What addresses of sessions, avatars and the server take and give, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from visavis.server.http.openapi import (
    ANYTHING,
    BYTES,
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

_SDP: Final = "application/sdp"
_FRAGMENT: Final = "application/trickle-ice-sdpfrag"
_ONE: Final = "/v1/sessions/{id}"
_LEVEL: Final = {**NUMBER, "minimum": 0, "maximum": 1}
_MOODS: Final = "frustration", "satisfaction", "urgency", "confidence"
MOOD: Final = fields(dict.fromkeys(_MOODS, _LEVEL))

SESSIONS: Final = Described(
    "Sessions",
    {
        ("POST", "/v1/sessions"): Operation(
            "Opens a session, as WHEP does: an SDP offer in, the answer out; its address is in "
            "Location.",
            {201: _SDP},
            body={_SDP: TEXT},
            query={
                "avatar": "by name", "voice": "by name", "source": "dialogue, microphone or voice",
                "language": "a tag, or auto", "background": "what the face stands before",
                "length": "s that it lasts at most", "name": "one of your own",
            },
            headers={"Visavis-Resume": "token of a session to go on with"},
        ),
        ("GET", _ONE): Operation("How a session is.", {200: named("Session")}),
        ("PATCH", _ONE): Operation(
            "Adds candidates (204), or restarts ICE (200).",
            {204: None, 200: _FRAGMENT}, body={_FRAGMENT: TEXT},
        ),
        ("DELETE", _ONE): Operation("Ends it.", {200: None}),
        ("POST", _ONE + "/{command}"): Operation(
            "Commands it: say, text, interrupt or direct.",
            {202: None},
            body={JSON: fields({}, {"text": TEXT, "style": TEXT, "prompt": TEXT})},
        ),
        ("POST", _ONE + "/leave"): Operation(
            "The page goes, and may come back.", {202: None},
            body={JSON: fields({}, {"back": YES_NO})},
        ),
        ("POST", _ONE + "/recording"): Operation(
            "Begins a recording.", {201: named("Recording")}
        ),
        ("GET", _ONE + "/recording"): Operation(
            "How the recording is doing.", {200: named("Recording")}
        ),
        ("DELETE", _ONE + "/recording"): Operation(
            "Ends it, once the file is closed and signed.", {200: named("Recording")}
        ),
        ("GET", _ONE + "/voice"): Operation(
            "A web socket that takes a voice of your own.", {101: None},
            query={"rate": "samples a second, 8000 to 48000"},
        ),
    },
    {
        "Session": fields(
            {
                "id": TEXT, "turn": WHOLE, "seconds": NUMBER,
                "state": one_of("offered", "live", "resting"), "late_frames": WHOLE,
                "pictures": TEXT, "mood": MOOD, "stand_in": maybe(TEXT),
            }
        ),
        "Recording": fields(
            {
                "state": one_of("recording", "done", "failed"), "file": TEXT, "seconds": NUMBER,
                "why": TEXT, "signed": YES_NO, "unsigned": TEXT,
            }
        ),
    },
)  # fmt: skip

_AVATAR: Final = fields(
    {
        "name": TEXT, "title": TEXT, "preview": TEXT, "voice": TEXT, "shipped": YES_NO,
        "default": YES_NO, "until": TEXT, "uses": listed(TEXT), "languages": listed(TEXT),
    }
)  # fmt: skip

_OWN_VOICE: Final = fields(
    {
        "name": TEXT, "language": TEXT, "description": TEXT, "kind": TEXT, "state": TEXT,
        "reference": TEXT, "until": TEXT, "uses": listed(TEXT), "languages": listed(TEXT),
        "alike": NUMBER,
    }
)  # fmt: skip

AVATARS: Final = Described(
    "Avatars and voices",
    {
        ("GET", "/v1/avatars"): Operation(
            "The avatars.",
            {
                200: fields(
                    {
                        "avatars": listed(_AVATAR),
                        "broken": listed(fields({"name": TEXT, "why": TEXT, "code": TEXT})),
                        "create": YES_NO, "presence": TEXT,
                    }
                )
            },
        ),
        ("POST", "/v1/avatars"): Operation(
            "Makes one of a photo, with the record of a consent.",
            {202: named("Making")},
            body={
                FORM: fields(
                    {"photo": BYTES, "name": TEXT, "consent": TEXT, "confirmed": one_of("yes")},
                    {
                        "subject": TEXT, "given_by": TEXT, "licence": TEXT, "voice": TEXT,
                        "until": TEXT, "uses": TEXT, "languages": TEXT, "likeness": TEXT,
                        "presence": TEXT, "video": BYTES,
                        "frame": one_of("auto", "head", "bust", "wide"),
                    },
                )
            },
        ),
        ("POST", "/v1/avatars/sentences"): Operation(
            "A sentence to read into the camera, which shows that somebody is there.",
            {201: fields({"id": TEXT, "text": TEXT, "language": TEXT, "seconds": NUMBER})},
            body={JSON: fields({}, {"name": TEXT, "subject": TEXT, "language": TEXT})},
        ),
        ("GET", "/v1/avatars/jobs/{id}"): Operation(
            "How far the making of one is.", {200: named("Making")}
        ),
        ("DELETE", "/v1/avatars/jobs/{id}"): Operation("Ends the making.", {204: None}),
        ("GET", "/v1/avatars/{name}/preview.webp"): Operation(
            "Its picture, labelled.", {200: "image/webp"}
        ),
        ("DELETE", "/v1/avatars/{name}"): Operation("Removes one.", {204: None}),
        ("GET", "/v1/voices"): Operation(
            "The voices, and the languages of conversations.",
            {
                200: fields(
                    {
                        "voices": listed(
                            fields(
                                {
                                    "name": TEXT, "language": TEXT, "description": TEXT,
                                    "default": YES_NO,
                                }
                            )
                        ),
                        "own": listed(_OWN_VOICE), "missing": ANYTHING, "language": TEXT,
                        "languages": listed(TEXT),
                    }
                )
            },
        ),
    },
    {
        "Making": fields(
            {
                "id": TEXT, "name": TEXT, "title": TEXT,
                "state": one_of("making", "done", "cancelled"), "what": TEXT, "share": _LEVEL,
                "warnings": listed(TEXT),
            },
            {"preview": TEXT},
        )
    },
)  # fmt: skip

_FOUND: Final = fields(
    {
        "installation": TEXT, "own": YES_NO, "day": TEXT, "session": TEXT,
        "marks": listed(
            fields(
                {
                    "in": TEXT, "confidence": TEXT, "log10_false_alarm": NUMBER,
                    "agreement": _LEVEL,
                }
            )
        ),
    }
)  # fmt: skip

REST: Final = Described(
    "The rest",
    {
        ("GET", "/v1/cards/{name}"): Operation("A picture of a card.", {200: "image/*"}),
        ("GET", "/v1/topics"): Operation(
            "What may be asked.",
            {
                200: fields(
                    {
                        "greeting": TEXT,
                        "topics": listed(
                            fields({"topic": TEXT, "subject": TEXT, "question": TEXT})
                        ),
                    }
                )
            },
            query={"language": "a tag; default: the file's own"},
        ),
        ("GET", "/v1/ice-servers"): Operation(
            "Relays for one viewer.",
            {200: fields({"iceServers": listed(ANYTHING), "seconds": NUMBER})},
        ),
        ("POST", "/v1/detect"): Operation(
            "Looks for marks in a film or a sound.",
            {
                200: fields(
                    {
                        "made_by": listed(_FOUND), "seconds": maybe(NUMBER),
                        "looked_at": fields({"sound_seconds": NUMBER, "pictures": WHOLE}),
                        "notes": listed(TEXT),
                    }
                )
            },
            body={FILE: BYTES},
        ),
    },
)  # fmt: skip
