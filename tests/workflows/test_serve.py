"""`manage.py serve` and plain Daphne, as processes of their own."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import postgres_database, why_no_postgres

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30


def environment(data, **more):
    own = {"ANABRANCH_DATA": str(data), "DATABASE_URL": "", "PORT": "0"}
    return {**os.environ, **own, **more}


class Server:
    """A server process; `said` is what it printed until it was ready."""

    def __init__(self, *command, env, ready=r"Serving on http://([\d.]+):(\d+)/"):
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        self.address = ("", "")
        for line in self.process.stdout or ():
            self.said += line
            if found := re.search(ready, line):
                self.address = (found[1], found[2])
                return
        self.end(signal.SIGKILL)
        pytest.fail(f"the server did not start: {self.said}")

    def ask(self, method, path, **options):
        connection = http.client.HTTPConnection(":".join(self.address), timeout=SECONDS)
        try:
            connection.request(method, path, **options)
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        finally:
            connection.close()

    def end(self, sign=signal.SIGTERM):
        self.process.send_signal(sign)
        rest, _ = self.process.communicate(timeout=SECONDS)
        self.said += rest
        return self.process.returncode


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The data directory of the server below."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data):
    """One running server for the tests that only ask it something."""
    made = Server("manage.py", "serve", env=environment(data))
    yield made
    assert made.end() == 0
    assert "stopped" in made.said


def serve_again(data, **more):
    return subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=environment(data, **more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_it_answers_and_says_how_to_sign_in(server):
    assert server.ask("GET", "/healthz")[0] == 200
    assert re.search(r"Sign in as demo, password \S{16} \(shown this once\)", server.said)


def test_its_key_is_its_owners_alone(server, data):
    assert (data / "secret-key").stat().st_mode & 0o777 == 0o600


def test_its_pages_are_strict(server):
    status, body, headers = server.ask("GET", "/sign-in/")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    (sheet,) = re.findall(rb'href="(/static/site\.[0-9a-f]{12}\.css)"', body)
    assert server.ask("GET", sheet.decode())[0] == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server):
    status, _, _ = server.ask("POST", "/sign-in/", headers={"Content-Length": str(10**9)})
    assert status == 413


def test_a_chunked_body_that_is_too_large_is_refused(server):
    with socket.create_connection(server.address, timeout=SECONDS) as raw:
        raw.sendall(b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\n")
        raw.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        raw.sendall(chunk * 2 + b"1\r\nx\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_a_second_server_on_the_data_directory_is_refused(server, data):
    second = serve_again(data)
    assert second.returncode == 1
    assert second.stderr.startswith("CommandError: Another server already uses")
    assert second.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_said_and_costs_no_password(server, tmp_path):
    second = serve_again(tmp_path, PORT=server.address[1])
    assert second.returncode == 1
    assert f"Port {server.address[1]} of 127.0.0.1 is taken; set PORT." in second.stderr
    assert "password" not in second.stdout


def test_a_later_start_names_the_way_to_a_new_password(tmp_path):
    env = environment(tmp_path, ANABRANCH_DEMO_PASSWORD="river-delta-42")
    first = Server("manage.py", "serve", env=env)
    assert first.end() == 0
    assert "river-delta-42" not in first.said
    again = Server("manage.py", "serve", env=env)
    assert again.end(signal.SIGINT) == 0
    assert "manage.py changepassword demo" in again.said


def test_plain_daphne_starts_and_stops_the_runner(tmp_path):
    env = environment(tmp_path)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    command = ("-m", "daphne", "-p", "0", "workflows.asgi:application")
    server = Server(*command, env=env, ready=r"background runner (\S+) (started)")
    assert server.end() == 0
    assert "stopped" in server.said


def test_plain_daphne_leaves_a_newer_database_alone(tmp_path):
    """T23: it ends at once with one sentence, before it executes or prunes anything."""
    env = environment(tmp_path)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    with closing(sqlite3.connect(tmp_path / "anabranch.sqlite3")) as newer, newer:
        newer.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('workflows', '9999_from_the_future', CURRENT_TIMESTAMP)"
        )
    ended = subprocess.run(
        [sys.executable, "-m", "daphne", "-p", "0", "workflows.asgi:application"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert said.count("A newer version of Anabranch has worked on this database") == 1
    assert "background runner" not in said
    assert "Traceback" not in said


@pytest.fixture
def postgres():
    """The address of an empty database of a server; skipped where none answers."""
    if why_no_postgres():
        pytest.skip(why_no_postgres())
    with postgres_database() as url:
        yield url


def test_servers_of_one_postgresql_database_start_together(postgres, tmp_path):
    """P3: they share its runs; one of them brings it up to date and makes the first person."""
    with ThreadPoolExecutor(2) as threads:
        starts = [
            threads.submit(
                Server,
                *("manage.py", "serve"),
                env=environment(tmp_path / name, DATABASE_URL=postgres, SECRET_KEY="shared" * 10),
            )
            for name in ("one", "two")
        ]
        servers = [each.result() for each in starts]
    assert [each.ask("GET", "/healthz")[0] for each in servers] == [200, 200]
    assert [each.end() for each in servers] == [0, 0]
    assert sum("shown this once" in each.said for each in servers) == 1
    assert all(" stopped" in each.said for each in servers)


def test_servers_of_one_postgresql_database_may_share_a_directory(postgres, tmp_path):
    """P4: there they see each other's locks."""
    env = environment(tmp_path, DATABASE_URL=postgres)
    servers = [Server("manage.py", "serve", env=env) for _ in range(2)]
    assert [each.ask("GET", "/healthz")[0] for each in servers] == [200, 200]
    assert [each.end() for each in servers] == [0, 0]
