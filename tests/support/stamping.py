"""A time-stamp authority (RFC 3161) of this machine: OpenSSL's, behind an address."""

from __future__ import annotations

import contextlib
import datetime
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SECTION = """[stamps]
serial={folder}/serial
crypto_device=builtin
signer_cert={folder}/stamper.pem
certs={folder}/stamper.pem
signer_key={folder}/stamper.key
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha256,sha384,sha512
accuracy=secs:1
ess_cert_id_chain=no
"""


@contextlib.contextmanager
def authority(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Its address, and the certificate that vouches for it, as PEM."""
    anchor = _certificates(folder)
    (folder / "serial").write_text("01")
    (folder / "stamps.cnf").write_text(_SECTION.format(folder=folder))

    class Stamps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            command = ["openssl", "ts", "-reply", "-config", str(folder / "stamps.cnf")]
            command += ["-section", "stamps", "-queryfile", str(folder / "query")]
            subprocess.run([*command, "-out", str(folder / "reply")], check=True, timeout=30,
                           stderr=subprocess.DEVNULL)  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Stamps) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", anchor
        finally:
            server.shutdown()
            thread.join()


def _certificates(folder: Path) -> bytes:
    root, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    now = datetime.datetime.now(datetime.UTC)

    def begun(subject: str, public: rsa.RSAPublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stamps")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=100))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )

    def usage(*, stamps: bool) -> x509.KeyUsage:
        return x509.KeyUsage(stamps, False, False, False, False, not stamps, False, False, False)

    anchor = (
        begun("stamps", root.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage(stamps=False), critical=True)
        .sign(root, hashes.SHA256())
    )
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    stamper = (
        begun("stamper", key.public_key())
        .add_extension(usage(stamps=True), critical=True)
        .add_extension(purpose, critical=True)
        .add_extension(known, critical=False)
        .sign(root, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "stamper.pem").write_bytes(stamper.public_bytes(pem))
    (folder / "stamper.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return anchor.public_bytes(pem)
