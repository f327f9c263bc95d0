"""TLS: the name in the URL is what a certificate must be for, whatever address was connected to."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runner.errors import Refused
from runner.execution.network import Network
from runner.outside.answers import answered
from runner.outside.calls import Call
from tests.loopback import Server, says

NAME = "rivers.example"


@pytest.fixture
def certificate(tmp_path):
    """Give the file of a certificate for NAME that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    day = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(day - timedelta(days=1))
        .not_valid_after(day + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
async def server(certificate):
    """A server on this machine that speaks TLS, and is asked for by names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Server({"/page": says("here")})
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


async def asked(server, host):
    async def resolve(_host, _port):
        return ["127.0.0.1"]

    network = Network(internal_hosts=frozenset({(host, server.port)}), resolve=resolve)
    call = Call(method="GET", url=f"https://{host}:{server.port}/page")
    async with answered(call, network, 5) as answer:
        return answer.status


async def test_a_certificate_that_nobody_vouches_for_is_refused(server):
    with pytest.raises(Refused, match=r"The certificate of rivers\.example is not trusted"):
        await asked(server, NAME)
    assert server.asked == []


async def test_the_name_of_the_url_is_what_the_certificate_is_for(server, certificate, monkeypatch):
    trusted = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr("runner.outside.guard._trusted", lambda: trusted)
    assert await asked(server, NAME) == 200
    assert server.asked[0].headers["host"] == f"{NAME}:{server.port}"
    with pytest.raises(Refused, match=r"The certificate of other\.example is not trusted"):
        await asked(server, "other.example")
