"""The signature is real: read without the SDK, and checked by a library that knows no C2PA."""

import hashlib
import struct

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from support import films, jumbf

from visavis.server.provenance.claims import Film
from visavis.server.provenance.keyring import Keyring
from visavis.server.provenance.signing import Signatory

UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def outermost(content):
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4])
        yield at, content[at + 4 : at + 8], content[at : at + size]
        at += size


def store_in(content):
    (box,) = [b for _, kind, b in outermost(content) if kind == b"uuid" and b[8:24] == UUID]
    assert box[28:37] == b"manifest\0"
    return box[45:]


@pytest.mark.parametrize("make", [films.film, films.fine])
def test_claim_signature_and_hashes_hold_by_hand(tmp_path, make):
    path = make(tmp_path / "x.mp4")
    assert Signatory(tmp_path).sign(path, Film("anna", "recorded", consent="c0ffee")).why == ""
    content = path.read_bytes()
    parts = jumbf.tree(store_in(content))
    claim = parts["c2pa.claim.v2"]

    # COSE_Sign1 over the claim, by the certificate that the keys' folder holds.
    protected, _, payload, signature = jumbf.Reader(parts["c2pa.signature"]).value()
    assert payload is None
    headers = jumbf.Reader(protected).value()
    assert headers[1] == -7  # ES256
    chain = [x509.load_der_x509_certificate(each) for each in headers[33]]
    known = Keyring.known(tmp_path)
    assert chain == known.pair.certificates
    chain[0].verify_directly_issued_by(chain[1])
    r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
    signed = jumbf.written(["Signature1", protected, b"", claim])
    key = chain[0].public_key()
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(encode_dss_signature(r, s), signed + b"x", ec.ECDSA(hashes.SHA256()))

    # The claim names each assertion by its hash.
    said = jumbf.Reader(claim).value()
    named = [*said["created_assertions"], *said.get("gathered_assertions", [])]
    assert {each["url"].rpartition("/")[2] for each in named} == set(parts["c2pa.assertions"])
    for each in named:
        assertion = parts["c2pa.assertions"][each["url"].rpartition("/")[2]]
        assert hashlib.sha256(assertion).digest() == each["hash"]
    created = {each["url"].rpartition("/")[2] for each in said["created_assertions"]}
    assert {"c2pa.actions.v2", "visavis.film", "c2pa.hash.bmff.v3"} <= created

    # And one of them the film, box by box, each with its place.
    bound = jumbf.superbox(parts["c2pa.assertions"]["c2pa.hash.bmff.v3"])[1][0][1]
    digest = hashlib.sha256()
    for at, kind, box in outermost(content):
        if kind not in (b"ftyp", b"mfra") and not (kind == b"uuid" and box[8:24] == UUID):
            digest.update(struct.pack(">Q", at) + box)
    assert jumbf.Reader(bound).value()["hash"] == digest.digest()
    told = jumbf.superbox(parts["c2pa.assertions"]["visavis.film"])[1][0][1]
    assert jumbf.Reader(told).value()["consent"] == "c0ffee"
