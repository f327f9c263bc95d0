"""Two people edit one draft on two servers: through Redis each sees the other, and what is drawn."""

import subprocess
import sys
import uuid

import pytest

from tests.acceptance.conftest import PASSWORD, ROOT, Server

pytestmark = [pytest.mark.slow, pytest.mark.browser]
ANNA = """
from django.contrib.auth.models import User
from workflows.models import Team, Workflow
team = Team.objects.get()
anna = User.objects.create_user("anna", password="{password}")
team.memberships.create(user=anna, role="editor")
Workflow.objects.create(team=team, name="{name}", title="{name}", created_by=anna)
"""


class Beside(Server):
    """A server beside another on its data directory, which `manage.py serve` would refuse."""

    @property
    def command(self):
        bind = ["-b", "127.0.0.1", "-p", str(self.port)]
        return [sys.executable, "-m", "daphne", *bind, "workflows.asgi:application"]


@pytest.fixture
def servers(tmp_path, monkeypatch, redis):
    """Two servers on one database, and a Redis between them."""
    monkeypatch.setenv("REDIS_URL", redis.url)
    made = Server(tmp_path), Beside(tmp_path)
    for each in made:
        each.start()
    yield made
    for each in made:
        each.kill()


@pytest.fixture
def drawing(servers):
    """The name of a workflow that two people may edit."""
    name = f"shared-{uuid.uuid4().hex[:6]}"
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c"]
    told = ANNA.format(password=PASSWORD, name=name)
    subprocess.run([*command, told], env=servers[0].environment, check=True, cwd=ROOT)
    return name


def editing(browser, server, person, name):
    """Give the page of a person who has the draft open at a server."""
    page = browser.new_context().new_page()
    page.goto(f"{server.url}/sign-in/")
    page.fill("[name=username]", person)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.goto(f"{server.url}/workflows/")
    page.click(f"text={name}")
    page.click("text=Edit")
    page.wait_for_selector("#editor.placed")
    return page


def test_who_edits_at_another_server_is_seen_and_so_is_what_they_do(browser, servers, drawing):
    """R5: presence and the bell of a draft go through the channel layer between processes."""
    demo = editing(browser, servers[0], "demo", drawing)
    anna = editing(browser, servers[1], "anna", drawing)
    demo.wait_for_selector("#people:has-text('anna')")
    anna.wait_for_selector("#people:has-text('demo')")
    anna.click('#offers [data-type="text.split"]')
    demo.wait_for_selector("#box-split[data-people*='anna']", timeout=10_000)
    anna.context.close()
    demo.wait_for_selector("#people", state="hidden", timeout=10_000)
    demo.context.close()
