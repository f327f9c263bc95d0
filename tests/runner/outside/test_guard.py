"""The guard: what is inside is not reached, however it is called, and whoever leads there."""

import asyncio
import socket
from dataclasses import replace

import pytest

from runner.errors import Refused, Unavailable
from runner.execution.network import Network, internal_hosts_in
from runner.outside.answers import answered
from runner.outside.calls import Call, check_same
from runner.outside.guard import GuardedBackend
from tests.loopback import leads_to, says, serving

SPELLINGS = (
    "127.1", "127.0.0.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[64:ff9b::7f00:1]", "localhost", "LOCALHOST",
    "localhost.", "0.0.0.0", "0",  # noqa: S104
    "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]",
)  # fmt: skip


async def asked(url, network=None, **rest):
    call = Call(method="GET", url=url, **rest)
    async with answered(call, network or Network(connect_seconds=1), 5) as answer:
        return answer.status, b"".join([block async for block in answer.blocks(1 << 20)])


@pytest.fixture
def on_public_ports(monkeypatch):
    """Give a function that lets a server's port count as one of the web's."""

    def let(server):
        monkeypatch.setattr("runner.outside.guard.PUBLIC_PORTS", frozenset({server.port}))

    return let


@pytest.mark.parametrize("host", SPELLINGS)
async def test_nothing_inside_is_reached_however_it_is_spelled(host, on_public_ports):
    """Trust S11."""
    async with serving(secret=says("inside")) as server:
        on_public_ports(server)
        with pytest.raises((Refused, Unavailable)):
            await asked(f"http://{host}:{server.port}/secret")
    assert server.connections == 0


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_redirect_leads_inside(host, on_public_ports):
    """Trust S11."""
    async with serving(secret=says("inside")) as inside, serving() as outside:
        on_public_ports(inside)
        outside.routes["/go"] = leads_to(f"http://{host}:{inside.port}/secret")
        with pytest.raises((Refused, Unavailable)):
            await asked(f"{outside.url}/go", outside.network(connect_seconds=1), redirects=3)
    assert (inside.connections, outside.connections) == (0, 1)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]]
)
async def test_a_name_that_stands_for_something_inside_is_refused(addresses, on_public_ports):
    async def resolve(_host, _port):
        return addresses

    async with serving(secret=says("inside")) as server:
        on_public_ports(server)
        with pytest.raises(Refused, match=r"rivers\.example is not on the public internet"):
            await asked(f"http://rivers.example:{server.port}/secret", Network(resolve=resolve))
    assert server.connections == 0


async def test_a_name_that_changes_its_address_after_the_look_is_not_looked_up_again(
    on_public_ports, monkeypatch
):
    """The second answer, which leads inside, is never asked for."""
    answers = [["192.0.2.7"], ["127.0.0.1"]]
    monkeypatch.setattr("runner.outside.guard.is_public", lambda address: address == "192.0.2.7")

    async def resolve(_host, _port):
        return answers.pop(0)

    async with serving(secret=says("inside")) as server:
        on_public_ports(server)
        network = Network(resolve=resolve, connect_seconds=0.2)
        with pytest.raises(Unavailable):
            await asked(f"http://rivers.example:{server.port}/secret", network)
    assert (server.connections, answers) == (0, [["127.0.0.1"]])


async def test_a_listed_host_is_reached_on_its_listed_port_only():
    async with serving(page=says("here")) as server, serving(page=says("no")) as other:
        assert await asked(f"{server.url}/page", server.network()) == (200, b"here")
        with pytest.raises(
            Refused, match=f"list localhost:{other.port} in ANABRANCH_INTERNAL_HOSTS"
        ):
            await asked(f"{other.url}/page", server.network())
        with pytest.raises(Refused, match=r"127\.0\.0\.1"):
            await asked(f"http://127.0.0.1:{server.port}/page", server.network())
    assert (server.connections, other.connections) == (1, 0)


async def test_public_hosts_are_reached_on_the_ports_of_the_web_only():
    """The name is not even looked up."""

    async def resolve(host, port):
        raise AssertionError((host, port))

    for port in (22, 25, 8080, 6379):
        with pytest.raises(Refused, match=f"Port {port} of rivers.example is not reached by tasks"):
            await asked(f"http://rivers.example:{port}/", Network(resolve=resolve))


async def test_an_address_in_brackets_can_be_listed():
    async with serving("::1", page=says("here")) as server:
        network = Network(internal_hosts=internal_hosts_in(f"[::1]:{server.port}"))
        assert await asked(f"http://[::1]:{server.port}/page", network) == (200, b"here")


async def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    async with serving(page=says("proxy")) as proxy, serving(page=says("here")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert await asked(f"{server.url}/page", server.network()) == (200, b"here")
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "javascript:1", "//example.org",
     "example.org", "http://", "http:///x", "http://user:pass@example.org/", "http://example.org:99999/",
     "http://exa mple.org/", "http://example.org\\@127.0.0.1/", "http://[::1/", "http://example.org/\r\nX: y"],
)  # fmt: skip
async def test_what_is_no_address_of_the_web_gets_a_sentence(url):
    with pytest.raises(Refused):
        await asked(url)


@pytest.mark.parametrize("url", ["http://①②.com/", "http://a..b/", f"http://{'a' * 300}.org/"])
async def test_a_host_that_is_no_name_gets_a_sentence(url):
    with pytest.raises((Refused, Unavailable)):
        await asked(url)


def test_a_url_that_can_be_read_in_two_ways_is_refused():
    with pytest.raises(Refused, match="can be read in two ways"):
        check_same("http://example.org/", "127.0.0.1")
    check_same("http://Example.org./", "EXAMPLE.org")


async def test_a_redirect_to_no_address_gets_a_sentence():
    async with serving(go=leads_to("http://0177.0.0.1/")) as server:
        with pytest.raises(Refused, match="leads on to something that is no address"):
            await asked(f"{server.url}/go", server.network(), redirects=1)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Refused),
        (UnicodeError("label too long"), Refused),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Unavailable),
        (None, Refused),
    ],
    ids=["no such name", "no name", "later", "no address"],
)
async def test_a_name_without_an_address_gets_a_sentence(fault, kind):
    async def resolve(_host, _port):
        if fault is not None:
            raise fault
        return []

    with pytest.raises(kind, match=r"rivers\.example"):
        await asked("https://rivers.example/", Network(resolve=resolve))


async def test_sockets_of_this_machine_are_refused():
    with pytest.raises(Refused, match="do not connect to sockets"):
        await GuardedBackend(Network()).connect_unix_socket("/run/docker.sock")


async def test_redirects_are_counted():
    async with serving(end=says("end")) as server:
        server.routes["/go"] = leads_to("/go")
        with pytest.raises(Refused, match="leads on more than 2 times"):
            await asked(f"{server.url}/go", server.network(), redirects=2)
        server.routes["/go"] = leads_to("/end")
        assert await asked(f"{server.url}/go", server.network(), redirects=2) == (200, b"end")
    assert [each.path for each in server.asked] == ["/go"] * 3 + ["/go", "/end"]


async def test_of_two_addresses_the_one_that_answers_is_taken():
    async def resolve(_host, _port):
        return ["::1", "127.0.0.1"]

    async with serving(page=says("here")) as server:
        network = replace(server.network(), resolve=resolve)
        assert await asked(f"{server.url}/page", network) == (200, b"here")


async def test_a_server_that_is_not_up_gets_a_sentence():
    async with serving() as server:
        pass
    with pytest.raises(Unavailable, match="No connection to localhost could be made; is it up"):
        await asked(f"{server.url}/page", server.network())


async def test_a_server_that_does_not_take_the_connection_gets_a_sentence():
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        first.connect(("127.0.0.1", port))
        network = Network(internal_hosts=frozenset({("localhost", port)}), connect_seconds=0.2)
        with pytest.raises(Unavailable, match="localhost does not answer; is it up"):
            await asked(f"http://localhost:{port}/", network)


async def test_a_cancel_lets_the_connection_go():
    came, never = asyncio.Event(), asyncio.Event()

    async def hold(_asked, _writer):
        came.set()
        await never.wait()

    async with serving(hold=hold) as server:
        asking = asyncio.create_task(asked(f"{server.url}/hold", server.network()))
        await came.wait()
        asking.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await asking
        never.set()
