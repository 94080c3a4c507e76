"""Addresses of wires that lie under /v1, for the OpenAPI document; what they speak is others'."""

from __future__ import annotations

from typing import Final

from visavis.server.http.openapi import ANYTHING, JSON, TEXT, Described, Operation

_SDP: Final = "application/sdp"
_CALL: Final = "/v1/realtime/calls/{session}"
_OFFER: Final = {_SDP: TEXT}

REALTIME: Final = Described(
    "OpenAI's Realtime",
    {
        ("GET", "/v1/realtime"): Operation("A web socket of OpenAI's Realtime.", {101: None}),
        ("POST", "/v1/realtime"): Operation("A call by WebRTC.", {201: _SDP}, body=_OFFER),
        ("POST", "/v1/realtime/calls"): Operation("The same.", {201: _SDP}, body=_OFFER),
        ("POST", "/v1/realtime/client_secrets"): Operation(
            "A key for one page.", {200: ANYTHING}, body={JSON: ANYTHING}
        ),
        ("POST", _CALL + "/hangup"): Operation("Ends a call.", {200: None}),
        ("DELETE", _CALL): Operation("The same.", {200: None}),
    },
)
