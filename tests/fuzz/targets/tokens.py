"""Visitors' tokens: as they come, and whatever somebody has signed who knows the secret."""

from __future__ import annotations

from typing import Final

from visavis.server.http import passes
from visavis.server.system import jws
from visavis.server.system.errors import Unauthorized

MOST: Final = 5_000
NOW: Final = 1_800_000_000.0
SECRET: Final = "s" * 32
TOKENS: Final = (
    '{"alg":"HS256","typ":"JWT"}', '"kid":"a"', '"crit":["b64"]', '"alg":"none"',
    '{"sub":"anna","iat":1800000000,"exp":1800000600,"visavis":{}}', '"nbf":1800000000',
    '"aud":"visavis"', '"avatars":["mira"]', '"length":300', '"sessions":1', '"once":true',
    '"jti":"7"', '"origins":["https://a.example"]', '"source":"dialogue"', '"language":"de"',
    '"role":"operator"', "1e999", "NaN", "-1", "null", "[", "{", "\\ud800", ".", "=",
)  # fmt: skip


def close() -> None:
    """Nothing is open."""


def check(data: bytes) -> None:
    """Refused in words that do not quote it, or within all bounds that there are."""
    text = data.decode("utf-8", "surrogateescape")
    head, _, content = text.partition("\n")
    _read(text, is_ours=False)
    for header in ('{"alg":"HS256"}', head):
        signed = ".".join(jws.encoded(p.encode("utf-8", "replace")) for p in (header, content))
        _read(f"{signed}.{jws._signature(signed, SECRET)}", is_ours=True)


def _read(token: str, *, is_ours: bool) -> None:
    try:
        it = passes.read(token, ["o" * 32, SECRET], NOW)
    except Unauthorized as error:
        assert error.code.startswith("token-")
        assert len(error.detail) < 500
        assert error.detail.isprintable()
        return
    assert is_ours, "nobody signed it"
    assert it.subject
    assert NOW - passes.LEEWAY < it.expires <= NOW + passes.LONGEST + passes.LEEWAY
    assert all(it.avatars)
    assert 0 <= it.length <= passes.LONGEST
