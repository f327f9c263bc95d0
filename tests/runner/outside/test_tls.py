"""TLS: the name in the URL is what a certificate must be for, whatever address was connected to."""

import asyncio
import ssl

import pytest

from runner.errors import Refused
from runner.execution.network import Network
from runner.outside.answers import answered
from runner.outside.calls import Call
from tests.certificates import NAME, certificate_in, context_of
from tests.loopback import Server, says


@pytest.fixture
def certificate(tmp_path):
    """The file of a certificate for NAME, with its key."""
    return certificate_in(tmp_path)


@pytest.fixture
async def server(certificate):
    """A server on this machine that speaks TLS, and is asked for by names."""
    context = context_of(certificate)
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
