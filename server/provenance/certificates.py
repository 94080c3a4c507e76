"""Certificates that sign films, by C2PA's profile: made here, or brought along and checked.

A signer's certificate must not vouch for itself (C2PA 2.2, 14.5), so an installation is its own
small authority: whoever trusts that one certificate trusts every film, also after a renewal.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from visavis.server.system.errors import ConfigError

# Purposes that C2PA's validators take: e-mail, documents (RFC 9336), C2PA's own.
_DOCUMENTS: Final = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
_CLAIMS: Final = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
_PURPOSES: Final = frozenset({ExtendedKeyUsageOID.EMAIL_PROTECTION, _DOCUMENTS, _CLAIMS})
# A film without an authority's time stamp counts only while its certificate does: long, then.
_LEAF: Final = datetime.timedelta(days=3650)
_AUTHORITY: Final = datetime.timedelta(days=7300)
# A clock that is set back a little after the keys were made must not end their use.
_EARLIER: Final = datetime.timedelta(days=1)
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_MOST: Final = 8  # certificates of a chain
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class CertificateFault(ConfigError):
    """A key or a certificate that cannot sign films; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What vouches for the certificates that are made here: PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and the chain of certificates for it, the key's own first: PEM."""

    key: bytes
    chain: bytes

    @property
    def certificates(self) -> list[x509.Certificate]:
        """Raises CertificateFault."""
        return read_chain(self.chain)

    @property
    def certificate(self) -> x509.Certificate:
        """The key's own. Raises CertificateFault."""
        return self.certificates[0]

    @property
    def belongs(self) -> bool:
        """Whether the key is that of the first certificate. Raises CertificateFault."""
        return _public(_read_key(self.key).public_key()) == _public(self.certificate.public_key())

    @property
    def algorithm(self) -> str:
        """As C2PA names it: es256, ps256, ed25519. Raises CertificateFault."""
        return _algorithm(_read_key(self.key))


def made_authority(name: str, now: datetime.datetime) -> Authority:
    """A new one that vouches for itself. name: of the installation; now: aware."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(f"{name} authority", name)
    usage = _usage(signs=False)
    certificate = (
        _begun(subject, subject, key.public_key(), now, _AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(_key_pem(key), _pem(certificate))


def made_pair(name: str, authority: Authority, now: datetime.datetime) -> Pair:
    """A new key and certificate that an authority of here vouches for. Raises CertificateFault."""
    issuer = read_chain(authority.certificate)[0]
    vouching = _read_key(authority.key)
    if not isinstance(vouching, ec.EllipticCurvePrivateKey):
        raise CertificateFault("the authority's key is none that was made here")
    key = ec.generate_private_key(ec.SECP256R1())
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(vouching.public_key())
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    until = min(_LEAF, issuer.not_valid_after_utc - now)
    certificate = (
        _begun(_named(name, name), issuer.subject, key.public_key(), now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(known, critical=False)
        .sign(vouching, hashes.SHA256())
    )
    return Pair(_key_pem(key), _pem(certificate) + authority.certificate)


def checked(pair: Pair, now: datetime.datetime) -> None:
    """Whether somebody's own key and chain can sign films. Raises CertificateFault."""
    certificates = pair.certificates
    leaf, key = certificates[0], _read_key(pair.key)
    _algorithm(key)
    if not pair.belongs:
        raise CertificateFault(
            "the key does not belong to the first certificate of the chain: put the signer's own "
            "certificate first, those that vouch for it behind it"
        )
    if leaf.subject == leaf.issuer:
        raise CertificateFault(
            "the certificate vouches for itself, which C2PA does not allow a signer's: take one "
            "from an authority, or let `visavis keys make` make both"
        )
    _check_chain(certificates)
    _check_profile(leaf)
    if fault := validity(leaf, now):
        raise CertificateFault(fault)


def validity(certificate: x509.Certificate, now: datetime.datetime) -> str:
    """Why a certificate cannot sign at this time; empty: it can."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        return (
            f"this machine's clock says {now:%Y-%m-%d}, and the certificate holds from "
            f"{begin:%Y-%m-%d}: set the clock"
        )
    if now > end:
        return (
            f"the certificate held until {end:%Y-%m-%d}, and this machine's clock says "
            f"{now:%Y-%m-%d}: `visavis keys renew` (or `keys import`), or set the clock"
        )
    return ""


def read_chain(content: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file, one at least. Raises CertificateFault."""
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise CertificateFault("there is no certificate in PEM form in it") from error
    if len(found) > _MOST:
        raise CertificateFault(f"there are more than {_MOST} certificates in it")
    return found


def common_name(name: x509.Name) -> str:
    """What a certificate calls its subject or issuer; empty: nothing."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as hex digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _check_chain(certificates: list[x509.Certificate]) -> None:
    """Raises CertificateFault unless each is vouched for by the next."""
    for certificate, issuer in pairwise(certificates):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CertificateFault(
                f"{common_name(issuer.subject)!r} did not issue "
                f"{common_name(certificate.subject)!r}: order the chain from the signer to the root"
            ) from error


def _check_profile(leaf: x509.Certificate) -> None:
    """Raises CertificateFault for a certificate that C2PA's validators refuse."""
    extensions = leaf.extensions
    try:
        signs = extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
        purposes = set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise CertificateFault(
            "the certificate says too little of itself: C2PA wants key usage, extended key usage "
            "and the authority's key identifier"
        ) from error
    if not signs or not purposes & _PURPOSES:
        raise CertificateFault(
            "the certificate is not for signing: C2PA wants digitalSignature, and the purpose "
            "emailProtection, documentSigning or C2PA's own"
        )


def _algorithm(key: PrivateKey) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < 2048:
            raise CertificateFault("an RSA key that signs films has 2048 bits at least")
        return "ps256"
    if key.curve.name not in _CURVES:
        raise CertificateFault(f"C2PA knows no signatures by the curve {key.curve.name}")
    return _CURVES[key.curve.name]


def _read_key(content: bytes) -> PrivateKey:
    """Raises CertificateFault."""
    try:
        key = serialization.load_pem_private_key(content, None)
    except TypeError as error:
        raise CertificateFault(
            "the key has a passphrase: nobody is there to type it when a recording ends, so give "
            "it without one (openssl pkey), for you alone to read"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateFault("there is no private key in PEM form in it") from error
    if not isinstance(key, PrivateKey):
        raise CertificateFault("C2PA takes keys of elliptic curves, Ed25519 and RSA")
    return key


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    holds: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + holds)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """For a signer of films, or of certificates."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def _named(common: str, organization: str) -> x509.Name:
    # Validators show the organization, so it must not look like a firm that vouches.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{organization} (self-signed)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public(key: object) -> bytes:
    public: bytes = key.public_bytes(  # type: ignore[attr-defined]  # all of the library's have it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public
