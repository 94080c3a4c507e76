"""Tokens of wires: only what was signed here, for this wire, and in time."""

from __future__ import annotations

import base64
import json

import pytest

from visavis.server.system.errors import Unauthorized
from visavis.server.wires.tokens import Signer


def _signer(secret: str = "a secret", wire: str = "simli", now: float = 1000.0) -> Signer:
    return Signer(secret, wire, 600.0, lambda: now)


def test_what_was_signed_is_read_by_any_worker() -> None:
    token, name = _signer().sign({"face": "mira"})
    claims = _signer().read(token)  # another one with the same secret
    assert claims["face"] == "mira"
    assert claims["jti"] == name


def test_two_sessions_have_two_names() -> None:
    assert _signer().sign({})[1] != _signer().sign({})[1]


def test_a_client_may_look_into_it() -> None:
    token, _ = _signer().sign({"start_session_data": {"mode": "LITE"}})
    content = token.split(".")[1]  # as the web SDK does: JSON.parse(atob(...))
    decoded = json.loads(base64.urlsafe_b64decode(content + "=="))
    assert decoded["start_session_data"]["mode"] == "LITE"


@pytest.mark.parametrize(
    "broken",
    [
        lambda token: "",
        lambda token: "x" * 5000,
        lambda token: "\u00e4.b.c",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.partition(".")[2],
        lambda token: token.replace(".", "..", 1),
        lambda token: ".".join([token.split(".")[0], token.split(".")[0], token.split(".")[2]]),
        lambda token: token.rpartition(".")[0] + ".",
    ],
)
def test_what_was_changed_is_refused(broken: object) -> None:
    token, _ = _signer().sign({})
    with pytest.raises(Unauthorized):
        _signer().read(broken(token))  # type: ignore[operator]


def test_no_other_algorithm_is_taken() -> None:
    token, _ = _signer().sign({})
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    with pytest.raises(Unauthorized):
        _signer().read(f"{head}.{token.split('.')[1]}.")


def test_another_secret_and_another_wire_are_refused() -> None:
    token, _ = _signer().sign({})
    for other in (_signer(secret="another"), _signer(wire="liveavatar")):
        with pytest.raises(Unauthorized):
            other.read(token)


def test_it_expires() -> None:
    token, _ = _signer(now=1000.0).sign({})
    assert _signer(now=1599.0).read(token)
    with pytest.raises(Unauthorized, match="expired"):
        _signer(now=1600.0).read(token)


def test_what_is_sealed_is_read_by_who_has_the_secret_alone():
    sealed = _signer().seal("a room's token")
    assert "room" not in sealed
    assert _signer().unseal(sealed) == "a room's token"
    assert _signer().unseal(_signer().seal("")) == ""
    for signer, text in (
        (_signer(secret="another"), sealed),
        (_signer(), sealed[:-2] + "AA"),
        (_signer(), "short"),
        (_signer(), "\u00e4"),
    ):
        with pytest.raises(Unauthorized):
            signer.unseal(text)
