"""The seal of an avatar file: an Ed25519 signature over all of its other bytes.

It is the zip's comment, which stands at the very end, so whatever reads zips reads a sealed file
too, and no byte is left out: not the record, not a layer, not the zip's own tables.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Protocol

from visavis.models.errors import AvatarError

_TEXT: Final = re.compile(rb"visavis-seal 1 ([A-Za-z0-9+/]{43}=) ([A-Za-z0-9+/]{86}==)")
LENGTH: Final = 15 + 44 + 1 + 88  # bytes of the comment
END: Final = 22  # bytes of the record that ends a zip, before its comment
_CONTEXT: Final = b"visavis avatar file 1\n"  # a signature of something else is none of this


class Signer(Protocol):
    """Who seals: 32 bytes of public key, and 64 bytes of signature for any message."""

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from: the SHA-256 of all its bytes, and whose seal it has.

    signed_by: the public key in base64; empty: it has no seal.
    """

    sha256: str = ""
    signed_by: str = ""


def sealed(content: bytes, signer: Signer) -> bytes:
    """A zip, sealed or not, with the seal of this signer and no other."""
    bare = unsealed(content)
    body = bare[:-2] + LENGTH.to_bytes(2, "little")
    return body + _seal(signer.public, signer.sign(_message(body)))


def unsealed(content: bytes) -> bytes:
    """The same zip without a seal."""
    if not has_seal(content[-LENGTH - END :]):
        return content
    return content[: -LENGTH - 2] + bytes(2)


def has_seal(tail: bytes) -> bool:
    """Whether a zip's last LENGTH + END bytes end with a seal, be it a true one or not."""
    end = tail[-LENGTH - END : -LENGTH]
    length = int.from_bytes(end[20:22], "little")
    return end[:4] == b"PK\5\6" and length == LENGTH and bool(_TEXT.fullmatch(tail[-LENGTH:]))


def origin(content: bytes, name: str) -> Origin:
    """Where a file comes from. Raises AvatarError("avatar-changed") for a seal that is not its own.

    name: of the file, for the error.
    """
    digest = hashlib.sha256(content).hexdigest()
    if not has_seal(content[-LENGTH - END :]):
        return Origin(digest)
    found = _TEXT.fullmatch(content[-LENGTH:])
    assert found is not None
    key, signature = (base64.b64decode(part) for part in found.groups())
    # The last letter of each part has bits that decoders drop: not even they may be changed.
    is_plain = content[-LENGTH:] == _seal(key, signature)
    if not is_plain or not verified(key, signature, _message(content[:-LENGTH])):
        message = (
            f"{name} was changed after it was signed, or its signature is forged: it is not used. "
            "Take the file from where it was made, or make it again from the photo."
        )
        raise AvatarError("avatar-changed", message)
    return Origin(digest, found[1].decode())


def verified(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature (64 bytes) of a message is this public key's (32 bytes)."""
    # Here, not above: whoever bakes a photo, shut in, signs nothing and need not load it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _seal(key: bytes, signature: bytes) -> bytes:
    return b"visavis-seal 1 " + base64.b64encode(key) + b" " + base64.b64encode(signature)


def _message(body: bytes) -> bytes:
    return _CONTEXT + hashlib.sha256(body).digest()
