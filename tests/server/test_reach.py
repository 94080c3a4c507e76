"""How a viewer reaches the server: over https, and by candidates that come after the offer."""

import asyncio
import datetime
import re
import ssl

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.services import FakeServices
from support.serving import SDP, Viewer, problem, serving

from visavis.server.avatars.store import AvatarStore
from visavis.server.cli import main
from visavis.server.commands.composition import application
from visavis.server.commands.lifetime import tls
from visavis.server.system.config import Config

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for localhost: (certificate, key) as PEM files."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


async def test_the_page_comes_over_https(certificate, tmp_path):
    cert, key = map(str, certificate)
    config = Config(tls_cert=cert, tls_key=key)
    services = FakeServices()
    app = application(config, services, AvatarStore(tmp_path), services.metrics)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=tls(config))
    trusted = ssl.create_default_context(cafile=cert)
    trusted.check_hostname = False
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(server.make_url("/"), ssl=trusted) as page,
        ):
            assert "<visavis-avatar" in await page.text()
    finally:
        await server.close()
        services.close()


def test_a_certificate_that_is_not_there_is_named(certificate, tmp_path, capsys):
    missing = str(tmp_path / "none.pem")
    arguments = ["serve", "--port", "0", "--home", str(tmp_path), "--tls-cert", missing]
    assert main([*arguments, "--tls-key", str(certificate[1])]) != 0
    assert missing in capsys.readouterr().err


class Mailbox(asyncio.DatagramProtocol):
    """A UDP port that notes whether anything came."""

    def __init__(self):
        self.came = asyncio.Event()

    def datagram_received(self, data, address):
        self.came.set()


async def offered(client):
    """A session whose offer names no candidate at all."""
    viewer = Viewer()
    offer = re.sub(r"a=candidate.*\r\n", "", await viewer.offer())
    response = await client.post("/v1/sessions", data=offer, headers=SDP)
    assert response.status == 201
    await viewer.close()
    return response.headers["Location"]


async def test_a_candidate_that_comes_later_is_tried():
    loop = asyncio.get_running_loop()
    transport, mailbox = await loop.create_datagram_endpoint(Mailbox, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        async with serving() as client:
            session = await offered(client)
            line = f"candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"
            answer = await client.patch(session, data=f"a=mid:0\r\na={line}\r\n", headers=FRAGMENT)
            assert answer.status == 204
            await asyncio.wait_for(mailbox.came.wait(), 8)
    finally:
        transport.close()


async def test_what_is_no_candidate_is_refused_and_the_session_stays():
    async with serving() as client:
        session = await offered(client)
        bad = await client.patch(session, data="a=candidate:nonsense\r\n", headers=FRAGMENT)
        assert bad.status == 400
        _, named = await problem(bad)
        assert named["type"].endswith("malformed-candidate")
        wrong = await client.patch(session, data="{}", headers={"Content-Type": "text/plain"})
        assert wrong.status == 415
        assert (await client.get(session)).status == 200
