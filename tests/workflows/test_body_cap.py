"""What an anonymous gigabyte costs the server, and that other requests are what they were."""

import contextlib
import re
import socket
import threading
from pathlib import Path

import pytest

from tests.acceptance.conftest import Server

pytestmark = pytest.mark.slow

GIGABYTE = 1 << 30
ZEROS = bytes(1 << 20)
MOST_MIB = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a folder of its own for temporary files."""
    made = Server(tmp_path_factory.mktemp("capped"))
    with pytest.MonkeyPatch.context() as patch:
        (made.data / "temporary").mkdir()
        patch.setenv("TMPDIR", str(made.data / "temporary"))
        made.start()
    yield made
    assert made.stop() == 0
    assert "Traceback" not in made.output()


def peak(server):
    """Give the most memory the server has held since the last look, in MiB."""
    process = Path(f"/proc/{server.process.pid}")
    (line,) = [each for each in (process / "status").read_text().splitlines() if "VmHWM" in each]
    (process / "clear_refs").write_text("5")
    return int(line.split()[1]) / 1024


def temporary_files(server):
    """Give the temporary files that the server has open, those without a name too."""
    links = []
    for each in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(each.readlink()))
    return [link for link in links if link.startswith(str(server.data / "temporary"))]


@contextlib.contextmanager
def connected(server):
    """Open a connection of bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as opened:
        yield opened


def request(method, path, *headers):
    """Write the head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def answer_to(server, head, parts):
    """Send a request with a body in parts, for as long as the server takes them."""
    seen: list[str] = []
    with connected(server) as opened:
        opened.sendall(head)
        with contextlib.suppress(ConnectionError):
            for number, part in enumerate(parts):
                opened.sendall(part)
                if number % 16 == 0:
                    seen += temporary_files(server)
        with contextlib.suppress(ConnectionError):
            return opened.recv(1000), seen
    return b"", seen


def announced():
    """A gigabyte, and how it is announced."""
    return [f"Content-Length: {GIGABYTE}"], (ZEROS for _ in range(GIGABYTE // len(ZEROS)))


def chunked():
    """A gigabyte of which nothing is said beforehand."""
    part = f"{len(ZEROS):x}\r\n".encode() + ZEROS + b"\r\n"
    return ["Transfer-Encoding: chunked"], (part for _ in range(GIGABYTE // len(ZEROS)))


@pytest.mark.parametrize("body", [announced, chunked])
def test_an_anonymous_gigabyte_is_refused_and_costs_nothing(server, body):
    headers, parts = body()
    before = peak(server)
    answer, temporary = answer_to(server, request("POST", "/sign-in/", *headers), parts)
    grown = peak(server) - before
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert temporary == []
    assert grown < MOST_MIB


def test_many_at_once_cost_no_more(server):
    """Twenty of 1 GiB each, by connections of their own."""
    before = peak(server)
    answers: list[bytes] = []

    def post():
        headers, parts = chunked()
        answers.append(answer_to(server, request("POST", "/sign-in/", *headers), parts)[0])

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.startswith(b"HTTP/1.1 413 ") for answer in answers)
    assert peak(server) - before < 20 * 5


@pytest.mark.parametrize(("more", "status"), [(0, b"403"), (1, b"413")])
def test_the_limit_is_exact(server, settings, more, status):
    """S16: 403, because it holds no token of a form."""
    body = bytes(settings.BODY_LIMIT + more)
    head = request("POST", "/sign-in/", f"Content-Length: {len(body)}", "Connection: close")
    assert answer_to(server, head, [body])[0].split()[1] == status


def test_who_asks_first_is_told_no_before_the_body(server):
    head = request("POST", "/", f"Content-Length: {GIGABYTE}", "Expect: 100-continue")
    assert answer_to(server, head, [])[0].startswith(b"HTTP/1.1 413 ")


def read_all(opened):
    """Read until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := opened.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_requests_sent_ahead_are_answered_in_turn(server):
    """HTTP pipelining: a body, a page, and one that is too large."""
    small = request("POST", "/sign-in/", "Content-Length: 5") + b"hello"
    page = request("GET", "/healthz")
    large = request("POST", "/sign-in/", f"Content-Length: {GIGABYTE}")
    with connected(server) as opened:
        opened.sendall(small + page + large)
        answers = read_all(opened)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answers) == [b"403", b"200", b"413"]


def test_a_slow_body_is_taken_byte_by_byte(server):
    with connected(server) as opened:
        opened.sendall(request("POST", "/sign-in/", "Content-Length: 20", "Connection: close"))
        for _ in range(20):
            opened.sendall(b"x")
            threading.Event().wait(0.02)
        assert read_all(opened).startswith(b"HTTP/1.1 403 ")


def test_a_body_that_breaks_off_leaves_nothing_behind(server):
    for _ in range(50):
        with connected(server) as opened:
            opened.sendall(request("POST", "/sign-in/", "Content-Length: 1000000") + b"x" * 1000)
    with connected(server) as opened:
        opened.sendall(request("GET", "/healthz", "Connection: close"))
        assert read_all(opened).startswith(b"HTTP/1.1 200 ")
    assert temporary_files(server) == []


def test_a_socket_is_opened_as_before(server):
    """An upgrade of a stranger is refused by the application, not by the cap."""
    run = "00000000-0000-0000-0000-000000000000"
    head = request(
        "GET", f"/runs/{run}/live", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Origin: http://127.0.0.1:{server.port}",
    )  # fmt: skip
    with connected(server) as opened:
        opened.sendall(head)
        assert b" 403 " in read_all(opened).splitlines()[0]
