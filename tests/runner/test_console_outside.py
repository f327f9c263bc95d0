"""`python -m runner` with tasks that reach other machines, as the environment lets them."""

import asyncio
import json
import os
import sys

import pytest

from tests.loopback import says, serving
from tests.smtp_sink import taking_mail

MAIL = {"to": ["ada@example.org"], "subject": "The river rose", "text": "3.2 m"}


async def console(folder, kind, inputs, **environment):
    """Run one task in a terminal; give the exit code and all that was said."""
    task = {"id": "it", "type": kind, "inputs": inputs}
    file = folder / "graph.json"
    file.write_text(json.dumps({"v": 1, "name": "demo", "tasks": [task]}), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "runner", str(file), "--json",
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


@pytest.mark.parametrize(("listed", "code"), [(True, 0), (False, 1)])
async def test_a_host_inside_is_reached_where_the_environment_lists_it(tmp_path, listed, code):
    async with serving(page=says("here")) as server:
        hosts = f"localhost:{server.port}" if listed else ""
        inputs = {"url": f"{server.url}/page"}
        given, said = await console(
            tmp_path, "http.request", inputs, ANABRANCH_INTERNAL_HOSTS=hosts
        )
    assert given == code
    assert (
        "here" if listed else f"list localhost:{server.port} in ANABRANCH_INTERNAL_HOSTS"
    ) in said
    assert server.connections == int(listed)


async def test_mail_is_sent_by_the_server_that_the_environment_names(tmp_path):
    async with taking_mail() as sink:
        url = f"smtp://127.0.0.1:{sink.port}"
        code, _ = await console(
            tmp_path,
            "email.send",
            MAIL,
            ANABRANCH_EMAIL_URL=url,
            ANABRANCH_EMAIL_FROM="f@example.org",
        )
    assert code == 0
    assert [message["Subject"] for message in sink.messages] == ["The river rose"]


async def test_without_one_it_says_what_to_set(tmp_path):
    code, said = await console(tmp_path, "email.send", MAIL, ANABRANCH_EMAIL_URL="")
    assert code == 1
    assert "set ANABRANCH_EMAIL_URL, such as smtp+tls://user:password@mail.example.org:587" in said


@pytest.mark.parametrize(
    ("name", "text"), [("ANABRANCH_INTERNAL_HOSTS", "llm.lan"), ("ANABRANCH_EMAIL_URL", "mail.lan")]
)
async def test_a_setting_that_does_not_fit_is_refused_before_anything_runs(tmp_path, name, text):
    code, said = await console(tmp_path, "email.send", MAIL, **{name: text})
    assert code == 2
    assert said.startswith(f"error: {name} ")
    assert said.count("\n") == 1
