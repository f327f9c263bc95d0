"""What newcomers, strangers and attackers send: one clear sentence each, and nothing is lost."""

import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from html import escape
from threading import Event
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.conftest import PASSWORD, ROOT, Server
from tests.acceptance.test_kill import look, status

pytestmark = pytest.mark.slow
SECONDS = 30
NOBODY = uuid.UUID(int=0)
FORM = "application/x-www-form-urlencoded"
SCRIPT = "<script>alert(1)</script>"
SLOW_WORDS = 80
SETUP = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from workflows.models import Membership, Team, Workflow
demo = User.objects.get(username="demo")
for name, slug, role in [("charlie", "hills", "owner"), ("bob", "demo", "viewer")]:
    person = User.objects.create_user(name, password=sys.argv[1])
    team, _ = Team.objects.get_or_create(slug=slug, defaults={"name": slug})
    Membership.objects.create(team=team, user=person, role=role)
for text in sys.argv[2:]:
    definition = json.loads(text)
    team = Team.objects.get(slug="demo")
    name, title = definition["name"], definition["title"]
    made = Workflow.objects.create(team=team, name=name, title=title, created_by=demo)
    made.revise(text, demo)
print(json.dumps({each.name: str(each.pk) for each in Workflow.objects.all()}))
"""


def definition(name, words, pace):
    """Give a workflow that streams a question's answer: a script, then `words` words."""
    passage = f"{SCRIPT} <b>bold</b> & \N{CRAB} " + "drop " * words
    return {
        "v": 1,
        "name": name,
        "title": name.title(),
        "inputs": [{"name": "question", "type": "str", "ui": "multiline"}],
        "outputs": [{"name": "answer", "from": "answer.text"}],
        "tasks": [
            {
                "id": "answer",
                "type": "text.answer",
                "config": {"pace": pace},
                "inputs": {"hits": [{"topic": SCRIPT, "text": passage}]},
            }
        ],
        "dataflows": [{"from": "$inputs.question", "to": "answer.question"}],
    }


def manage(server, *arguments, **more):
    """Run a command on the server's data; give what it said."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=server.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"} | more,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Visitor:
    """A browser without JavaScript: cookies, forms, no mercy."""

    def __init__(self, server):
        self.server = server
        self.jar = {}
        self.token = ""

    def ask(self, method, path, body=None, **headers):
        """Send one request; give status, text and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        known = {"Cookie": self.cookies} if self.jar else {}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, known | given)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.jar[name] = value
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text):
            self.token = found[1]
        return response.status, text, response.headers

    @property
    def cookies(self):
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, **fields):
        body = urlencode({"csrfmiddlewaretoken": self.token} | fields)
        return self.ask("POST", path, body, Content_Type=FORM)

    def sign_in(self, name, password):
        self.get("/sign-in/")
        assert self.post("/sign-in/", username=name, password=password)[0] == 303
        self.get("/")
        return self

    def start(self, workflow, key="", **ports):
        """Send the start form; give the run's address."""
        fields = {f"in-port-{name}": value for name, value in ports.items()}
        if key:
            fields["in-key"] = key
        code, text, headers = self.post(f"/workflows/{workflow}/run/", **fields)
        assert code == 303, faults(text)
        return headers["Location"]

    def socket(self, path, origin=None):
        """Open a socket; give it with the server's answer to the handshake."""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.server.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            f"Origin: {self.server.url if origin is None else origin}",
            f"Cookie: {self.cookies or 'none=1'}",
        ]
        opened = socket.create_connection(("127.0.0.1", self.server.port), timeout=SECONDS)
        opened.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += opened.recv(1)
        return opened, int(answer.split()[1])

    def handshake(self, path, origin=None):
        """Give the status that a socket's handshake gets."""
        opened, code = self.socket(path, origin)
        opened.close()
        return code


def send(opened, text):
    """Send a text frame, as a browser would: masked."""
    assert len(text) < 126
    opened.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)


def heard(opened):
    """Read frames until the server closes; give the texts and the closing code."""
    texts: list[dict[str, Any]] = []
    with opened, opened.makefile("rb") as stream:
        while True:
            head = stream.read(2)
            size = head[1] & 0x7F
            if size > 125:
                size = int.from_bytes(stream.read(2 if size == 126 else 8))
            payload = stream.read(size)
            if head[0] & 0x0F == 8:
                return texts, int.from_bytes(payload[:2])
            if head[0] & 0x0F == 1:
                texts.append(json.loads(payload))


def faults(text):
    """Give the sentences a page refuses with."""
    return re.findall(r'<p class="fault"[^>]*>([^<]*)|<div class="fault-box"[^>]*>([^<]*)', text)


def run_id(address):
    return uuid.UUID(address.split("/")[2]).hex


def wait_for(server, address, *wanted):
    """Wait until the run has one of these states."""
    pause = Event()
    for _ in range(SECONDS * 20):
        if status(server, run_id(address)) in wanted:
            return
        pause.wait(0.05)
    raise AssertionError(f"{status(server, run_id(address))}: {server.output()}")


def wait_for_chunks(server, address):
    """Wait until the run has streamed something."""
    pause = Event()
    for _ in range(SECONDS * 20):
        if look(server, "SELECT 1 FROM workflows_chunk WHERE run_id = ?", run_id(address)):
            return
        pause.wait(0.05)
    raise AssertionError(server.output())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all of these; its log must hold no traceback in the end."""
    made = Server(tmp_path_factory.mktemp("trouble"))
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()
    assert "Traceback" not in made.output()


@pytest.fixture(scope="module")
def workflows(server):
    """The workflows' ids by name, two of our own among them; charlie and bob exist."""
    own = [definition("loud", 5, 0), definition("slow", SLOW_WORDS, 0.04)]
    done = manage(server, "-c", SETUP, PASSWORD, *(json.dumps(each) for each in own))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def demo(server, workflows):
    return Visitor(server).sign_in("demo", PASSWORD)


@pytest.fixture(scope="module")
def charlie(server, workflows):
    return Visitor(server).sign_in("charlie", PASSWORD)


@pytest.fixture(scope="module")
def bob(server, workflows):
    return Visitor(server).sign_in("bob", PASSWORD)


@pytest.fixture(scope="module")
def done_run(server, demo, workflows):
    """The address of a run that is over."""
    address = demo.start(workflows["loud"], question=f"{SCRIPT} \N{CRAB}?")
    wait_for(server, address, "completed")
    return address


# ── addresses ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        f"/workflows/{NOBODY}/",
        f"/workflows/{NOBODY}/run/",
        "/workflows/rubbish/",
        f"/runs/{NOBODY}/",
        f"/runs/{NOBODY}/tasks/a/",
        f"/runs/{NOBODY}/tasks/a/?download=b",
        "/drawings/rubbish.css",
        "/%00",
        "/%ff/",
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(demo, path):
    code, text, _ = demo.get(path)
    assert code == 404
    assert "There is no such page" in text


@pytest.mark.parametrize(
    "query",
    [
        "view=rubbish",
        "page=-1",
        "task=%00",
        "before=rubbish",
        "before=0001-01-01T00:00:00%2B14:00",
        "before=9999-12-31T23:59:59-14:00",
        "status=%00&workflow=rubbish",
    ],
)
def test_rubbish_in_an_address_is_passed_over(demo, done_run, query):
    assert demo.get(f"{done_run}?{query}")[0] == 200
    assert demo.get(f"/runs/?{query}")[0] == 200


@pytest.mark.parametrize("action", ["cancel", "resume"])
def test_a_link_changes_nothing(demo, done_run, action):
    code, text, headers = demo.get(f"{done_run}{action}/")
    assert code == 405
    assert headers["Allow"] == "POST"
    assert "form" in text


def test_a_form_of_another_site_is_refused(demo, done_run):
    code, text, _ = demo.ask("POST", f"{done_run}cancel/", "", Content_Type=FORM)
    assert code == 403
    assert "Not allowed" in text


def test_a_host_that_is_not_ours_is_refused(demo):
    assert demo.ask("GET", "/", Host="evil.example")[0] == 400


# ── forms ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rounds", "sentence"),
    [
        ("many", "This must be a whole number, such as 12."),
        ("1.5", "This must be a whole number, such as 12."),
        ("9" * 5000, "This must be a whole number, such as 12."),
        ("0", "greater than or equal to 1"),
    ],
)
def test_text_where_a_number_belongs_gets_a_sentence(demo, workflows, rounds, sentence):
    path = f"/workflows/{workflows['verify-this-installation']}/run/"
    code, text, _ = demo.post(path, **{"in-port-rounds": rounds, "in-port-limit": "7"})
    assert code == 422
    assert sentence in text
    assert f'value="{rounds}"' in text
    assert 'value="7"' in text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "question is missing."),
        ({"in-port-question": "a\0b"}, "Null characters are not allowed."),
        ({"in-port-question": "a", "in-key": "k" * 65}, "load the page again"),
    ],
)
def test_a_form_that_cannot_be_used_says_why(demo, workflows, fields, sentence):
    code, text, _ = demo.post(f"/workflows/{workflows['loud']}/run/", **fields)
    assert code == 422
    assert sentence in text


@pytest.mark.parametrize("question", [b"%ED%A0%80", b"%ff%fe", b"%F0%9F"])
def test_bytes_that_are_no_text_do_no_harm(server, demo, workflows, question):
    body = b"in-port-question=x" + question
    path = f"/workflows/{workflows['loud']}/run/"
    code, _, headers = demo.ask("POST", path, body, Content_Type=FORM, X_CSRFToken=demo.token)
    assert code == 303
    assert demo.get(headers["Location"])[0] == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (f"{FORM}; charset=utf-16", "a=b"),
        (FORM, "&".join(f"a{number}=" for number in range(2000))),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(demo, workflows, kind, body):
    path = f"/workflows/{workflows['loud']}/run/"
    code, text, _ = demo.ask("POST", path, body, Content_Type=kind, X_CSRFToken=demo.token)
    assert code == 400
    assert "The request could not be understood." in text


def test_a_body_that_is_too_large_gets_a_sentence(demo):
    code, text, _ = demo.ask("POST", "/sign-in/", b"", Content_Length=str(2 * 1024 * 1024 + 1))
    assert code == 413
    assert "2 MB" in text


def test_a_form_sent_twice_is_one_run(demo, workflows):
    key = uuid.uuid4().hex
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(demo.start, workflows["loud"], key, question="?") for _ in range(3)]
    assert len({each.result() for each in sent}) == 1


# ── texts ───────────────────────────────────────────────────────────────────────────────────────


def test_a_megabyte_of_markup_arrives_unchanged_and_escaped(server, demo, workflows):
    line = f"{SCRIPT} &amp; naïve \N{CRAB}\n"
    question = (line * 40_000).encode()[:1_000_000].decode("utf-8", "ignore")
    form = demo.get(f"/workflows/{workflows['ask-the-python-manual']}/run/")[1]
    assert 'enctype="multipart/form-data"' in form
    parts = {"csrfmiddlewaretoken": demo.token, "in-port-question": question}
    body = "".join(
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    code, _, headers = demo.ask(
        "POST",
        f"/workflows/{workflows['ask-the-python-manual']}/run/",
        f"{body}--frontier--\r\n".encode(),
        Content_Type="multipart/form-data; boundary=frontier",
    )
    assert code == 303
    address = headers["Location"]
    query = "SELECT inputs FROM workflows_run WHERE id = ?"
    digest = json.loads(look(server, query, run_id(address))[0][0])["question"]["$stored"].split()[
        0
    ]
    (kept,) = server.data.glob(f"artifacts/*/{digest[:2]}/{digest[2:]}")
    assert json.loads(kept.read_text()) == question
    wait_for(server, address, "completed")
    for path in (address, f"{address}tasks/report/", f"{address}?view=graph"):
        code, text, _ = demo.get(path)
        assert code == 200
        assert SCRIPT not in text
    assert escape(SCRIPT) in demo.get(f"{address}tasks/report/")[1]
    _, report, headers = demo.get(f"{address}tasks/report/?download=report")
    assert report.count(SCRIPT) == question.count(SCRIPT)
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_streamed_script_is_text(server, demo, done_run):
    query = "SELECT items FROM workflows_chunk WHERE run_id = ? ORDER BY first"
    streamed = "".join(items for (items,) in look(server, query, run_id(done_run)))
    assert SCRIPT in streamed
    assert "\N{CRAB}" in streamed
    for path in (done_run, f"{done_run}?view=graph", f"{done_run}tasks/answer/"):
        text = demo.get(path)[1]
        assert SCRIPT not in text
        assert escape(SCRIPT) in text
    opened, _ = demo.socket(f"{done_run}live?after=0")
    frames, _ = heard(opened)
    assert SCRIPT not in "".join(part for frame in frames for part in frame.get("fragments", ()))


# ── strangers ───────────────────────────────────────────────────────────────────────────────────


def test_to_another_team_a_run_does_not_exist(demo, charlie, workflows, done_run):
    workflow = f"/workflows/{workflows['loud']}/"
    (drawing, *_) = re.findall(r"/drawings/[\w-]+\.css", demo.get(f"{done_run}?view=graph")[1])
    paths = [
        workflow,
        f"{workflow}run/",
        f"{workflow}run/?like={run_id(done_run)}",
        done_run,
        f"{done_run}?view=graph",
        f"{done_run}tasks/answer/",
        f"{done_run}tasks/answer/?download=text",
        drawing,
    ]
    assert [path for path in paths if demo.get(path)[0] != 200] == []
    assert [path for path in paths if charlie.get(path)[0] != 404] == []
    for path in (f"{done_run}cancel/", f"{done_run}resume/", f"{workflow}run/"):
        assert charlie.post(path, **{"in-port-question": "?"})[0] == 404
    for path in ("/", "/runs/", "/workflows/"):
        assert "Loud" in demo.get(path)[1]
        assert "Loud" not in charlie.get(path)[1]


def test_who_may_only_look_can_start_and_stop_nothing(bob, workflows, done_run):
    assert bob.get(done_run)[0] == 200
    for path in ("cancel/", "resume/"):
        assert bob.post(f"{done_run}{path}")[0] == 404
    assert bob.post(f"/workflows/{workflows['loud']}/run/", **{"in-port-question": "?"})[0] == 404


def test_without_a_cookie_every_page_asks_to_sign_in(server, workflows, done_run):
    nobody = Visitor(server)
    for path in ("/", "/runs/", done_run, f"{done_run}tasks/answer/?download=text"):
        code, text, headers = nobody.get(path)
        assert (code, text) == (302, "")
        assert headers["Location"].startswith("/sign-in/?next=")


# ── sockets ─────────────────────────────────────────────────────────────────────────────────────


def test_a_socket_opens_only_for_those_who_may_see_the_run(server, demo, charlie, bob, done_run):
    path = f"{done_run}live"
    assert [who.handshake(path) for who in (demo, bob)] == [101, 101]
    assert [who.handshake(path) for who in (charlie, Visitor(server))] == [403, 403]
    assert demo.handshake(f"/runs/{NOBODY}/live") == 403


def test_a_socket_of_another_site_is_refused(server, demo, done_run):
    origins = ["http://evil.example", "http://127.0.0.1:1", f"https://127.0.0.1:{server.port}"]
    for origin in [*origins, "null", f"{server.url}.evil.example"]:
        assert demo.handshake(f"{done_run}live", origin) in {400, 403}


def test_a_socket_to_nowhere_is_refused(server, demo, done_run):
    for path in ("/nowhere", "/runs/rubbish/live", done_run):
        assert demo.handshake(path) == 403
        assert Visitor(server).handshake(path) == 403


@pytest.mark.parametrize(
    "query", ["after=abc", "after=-1&view=rubbish", "after=%ff", "after=" * 99]
)
def test_a_socket_takes_rubbish_for_the_beginning(demo, done_run, query):
    opened, _ = demo.socket(f"{done_run}live?{query}")
    frames, code = heard(opened)
    assert code == 1000
    assert frames[-1].get("ended") or frames[-1].get("reload")


def test_a_socket_hears_rubbish_and_goes_on(server, demo, workflows):
    address = demo.start(workflows["slow"], question="?")
    opened, _ = demo.socket(f"{address}live")
    for text in (b'{"used":1e999}', b'{"used":', b"[" * 99, b"\xc2\xa0", b"[]", b'{"used":"x"}'):
        send(opened, text)
    demo.post(f"{address}cancel/")
    frames, code = heard(opened)
    assert code == 1000
    assert frames[-1]["status"] == "cancelled"


# ── acting twice, and dying ─────────────────────────────────────────────────────────────────────


def test_cancelling_twice_is_cancelling(server, demo, workflows):
    address = demo.start(workflows["slow"], question="?")
    wait_for_chunks(server, address)
    assert [demo.post(f"{address}cancel/")[0] for _ in range(3)] == [303] * 3
    wait_for(server, address, "cancelled")
    query = "SELECT 1 FROM workflows_runevent WHERE run_id = ? AND kind = 'RunCancelled'"
    assert len(look(server, query, run_id(address))) == 1


@pytest.mark.parametrize(
    ("action", "sentence"),
    [("resume", "has nothing left to do"), ("cancel", "there is nothing to cancel")],
)
def test_what_is_over_stays_over(server, demo, done_run, action, sentence):
    assert demo.post(f"{done_run}{action}/")[0] == 303
    assert sentence in demo.get(done_run)[1]
    assert status(server, run_id(done_run)) == "completed"


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_after_a_death_the_page_catches_up(server, demo, workflows, end):
    """R2."""
    address = demo.start(workflows["slow"], question="?")
    wait_for_chunks(server, address)
    getattr(server, end)()
    server.start()
    wait_for(server, address, "completed")
    shown = demo.get(f"{address}tasks/answer/")[1]
    assert shown.count("drop") >= SLOW_WORDS
    text = demo.get(f"{address}tasks/answer/?download=text")[1]
    assert text.count("drop") == SLOW_WORDS
    query = "SELECT MIN(superseded) FROM workflows_chunk WHERE run_id = ? AND attempt = 1"
    assert look(server, query, run_id(address)) == [(1,)]
    frames, code = heard(demo.socket(f"{address}live?after=0")[0])
    assert code == 1000
    assert frames[-1].get("ended") or frames[-1].get("reload")


# ── terminals ───────────────────────────────────────────────────────────────────────────────────

CYCLE = {
    "v": 1,
    "name": "cycle",
    "title": "Cycle",
    "tasks": [
        {"id": "a", "type": "text.report", "title": "A", "inputs": {"question": "?", "words": 1}},
        {"id": "b", "type": "text.report", "title": "B", "inputs": {"question": "?", "words": 1}},
    ],
    "dataflows": [
        {"from": "a.report", "to": "b.text"},
        {"from": "b.report", "to": "a.text"},
    ],
}


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        (None, (), "cannot be read: No such file or directory"),
        ('{"a":', (), "is not JSON"),
        ("[" * 100_000, (), "nested too deep"),
        (json.dumps(CYCLE), (), "circle"),
        (json.dumps(definition("loud", 5, 0)), (), "needs its input question"),
        (json.dumps(definition("loud", 5, 0)), ("--input", "nope=1"), "has no input 'nope'"),
        (json.dumps(definition("loud", 5, 0)), ("--input", "question"), "--input name=value"),
    ],
)
def test_the_console_refuses_in_one_sentence(tmp_path, content, more, sentence):
    graph = tmp_path / "graph.json"
    if content is not None:
        graph.write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "runner", str(graph), *more],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope", "--as", "demo"], "demo has no workflow 'nope' to run."),
        (["loud", "--as", "nobody"], "There is no user 'nobody'."),
        (["loud", "--as", "charlie"], "charlie has no workflow 'loud' to run."),
        (["loud", "--as", "demo", "--input", "nope=1"], "Loud has no input 'nope'."),
        (["loud", "--as", "demo", "--input", b"question=\xff"], "lone surrogate"),
    ],
)
def test_run_workflow_refuses_in_one_sentence(server, workflows, arguments, sentence):
    done = manage(server, "manage.py", "run_workflow", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "Another server already uses"),
        ({"PORT": "abc"}, "PORT must be a number"),
        ({"PORT": "65536"}, "PORT must be a number"),
        ({"ANABRANCH_DATA": "/dev/null"}, "ANABRANCH_DATA must be a directory"),
    ],
)
def test_a_server_that_cannot_serve_says_why(server, more, sentence):
    done = manage(server, "manage.py", "serve", **more)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
