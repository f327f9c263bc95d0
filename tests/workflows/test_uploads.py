"""Files sent to a running server: what they cost, and what somebody without a ticket costs."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.workflows.test_serve import ROOT, SECONDS, Server, environment

pytestmark = pytest.mark.slow
MIB = 1 << 20
BOUNDARY = "river-delta"
#: Prepares what a signed-in browser would have.
PREPARE = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "workflows.settings"
import django
django.setup()
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.middleware.csrf import _get_new_csrf_string
from workflows.models import Team, Workflow
from workflows.uploads import upload_ticket
demo = User.objects.get(username="demo")
workflow = Workflow.objects.create(team=Team.objects.first(), name="filed", created_by=demo)
workflow.revise(json.dumps({"v": 1, "name": "filed", "tasks": [], "dataflows": [], "outputs": [],
    "inputs": [{"name": "file", "title": "File", "type": "artifact"},
               {"name": "count", "title": "Count", "type": "int", "default": 1, "minimum": 0}],
    }), demo)
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(demo.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = demo.get_session_auth_hash()
session.save()
token = _get_new_csrf_string()
print(json.dumps({
    "address": f"/workflows/{workflow.pk}/run/",
    "ticket": upload_ticket(demo.pk),
    "token": token,
    "cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}; "
              f"{settings.CSRF_COOKIE_NAME}={token}",
}))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The data directory of the server below."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data):
    """A server process."""
    made = Server("manage.py", "serve", env=environment(data))
    yield made
    made.end()


@pytest.fixture(scope="module")
def browser(server, data):
    """What a signed-in browser has on the page of a workflow that takes a file."""
    made = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return json.loads(made.stdout)


def form_with(browser, size):
    """Give the parts of a form with a file of zeros; nothing of that size is in memory here."""
    fields = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    head = (
        f'{fields}"csrfmiddlewaretoken"\r\n\r\n{browser["token"]}\r\n'
        f'{fields}"in-port-file"; filename="zeros.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    block = bytes(MIB)
    yield len(head) + size + len(tail)
    yield head
    for start in range(0, size, MIB):
        yield block[: min(MIB, size - start)]
    yield tail


def send(server, browser, size, *, ticket=True, cookie=True):
    """Send the form; give the answer's status and its headers."""
    parts = form_with(browser, size)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(next(parts)),
        **({"Cookie": browser["cookie"]} if cookie else {}),
    }
    address = browser["address"] + (f"?upload={browser['ticket']}" if ticket else "")
    try:
        status, _, headers = server.ask("POST", address, headers=headers, body=parts)
    except (BrokenPipeError, ConnectionResetError):
        return 413, {}  # refused while it was on its way
    return status, headers


def memory_of(server, field="RssAnon"):
    """Give what the server holds, in bytes."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024


class Watched:
    """The most memory that the server had while something happened."""

    def __init__(self, server):
        self._server = server
        self.before = memory_of(server)
        self.most = 0

    def during(self, act):
        """Do it; give what it gave."""
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(act)
            while not future.done():
                self.most = max(self.most, memory_of(self._server) - self.before)
                time.sleep(0.005)
            return future.result()


def test_a_file_of_the_limit_costs_disk_and_hardly_any_memory(server, browser, data):
    """Engine 4.9: 64 MiB, streamed to disk."""
    send(server, browser, MIB)  # whatever is loaded once is loaded now
    watched = Watched(server)
    status, headers = watched.during(lambda: send(server, browser, 64 * MIB))
    assert status == 303
    assert watched.most < 24 * MIB
    (large,) = [
        each for each in (data / "artifacts").glob("*/??/*") if each.stat().st_size == 64 * MIB
    ]
    assert list((data / "artifacts" / "incoming").iterdir()) == []
    run = headers["Location"]
    digest = large.parent.name + large.name
    own = {"Cookie": browser["cookie"]}
    watched = Watched(server)
    given = watched.during(lambda: server.ask("GET", f"{run}files/{digest}/", headers=own))
    assert (given[0], given[1] == bytes(64 * MIB)) == (200, True)
    assert watched.most < 24 * MIB


def test_a_file_over_the_limit_gets_a_sentence(server, browser):
    assert send(server, browser, 64 * MIB + 1)[0] == 422
    assert send(server, browser, 67 * MIB)[0] == 413


@pytest.mark.parametrize("cookie", [True, False])
def test_without_a_ticket_a_large_request_is_refused_at_once(server, browser, data, cookie):
    """A signed-in person's too: only a form that takes a file may be large."""
    before = set(data.rglob("*"))
    watched = Watched(server)
    act = lambda: send(server, browser, 64 * MIB, ticket=False, cookie=cookie)  # noqa: E731
    assert watched.during(act)[0] == 413
    assert watched.most < 4 * MIB
    assert {each for each in set(data.rglob("*")) - before if "artifacts" in each.parts} == set()


def test_a_ticket_without_a_session_keeps_nothing(server, browser, data):
    before = set((data / "artifacts").rglob("*"))
    assert send(server, browser, 8 * MIB, cookie=False)[0] == 403
    assert set((data / "artifacts").rglob("*")) == before
    assert list((data / "uploads").iterdir()) == []
