"""A package in a virtual environment of its own brings a task that appears, runs and streams."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from tests.acceptance.conftest import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000


@pytest.fixture
def python(tmp_path):
    """An environment with all that this one has, and a plug-in, built and installed as a package."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    call_command("start_task", "acme.shout", into=tmp_path)
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", tmp_path / "anabranch-acme"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the package cannot be built here: {done.stderr.strip().splitlines()[-1]}")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = folder / "lib" / version / "site-packages" / "all-of-this-one.pth"
    paths.write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    return python


class Elsewhere(Server):
    """A server of another environment."""

    def __init__(self, data: Path, python: Path) -> None:
        super().__init__(data)
        self.python = python

    @property
    def command(self) -> list[str]:
        return [str(self.python), "manage.py", "serve"]


@pytest.fixture
def server(tmp_path, python):
    """A server that finds the plug-in."""
    data = tmp_path / "data"
    data.mkdir()
    made = Elsewhere(data, python)
    made.start()
    yield made
    assert made.stop() == 0


def test_the_task_of_a_package_appears_runs_and_streams(page, server, sign_in):
    sign_in(page)
    page.goto(f"{server.url}/tasks/?q=shout")
    page.get_by_role("link", name="Shout").click()
    expect(page.locator(".type-facts")).to_contain_text("Comes from package anabranch-acme 0.1.0.")
    page.get_by_role("button", name="Try it").click()
    page.fill('[name="in-port-text"]', "a river parts")
    page.locator("main").get_by_role("button", name="Run").click()
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)
    page.locator('.tree-row a[data-path="it"]').click()
    page.get_by_role("tab", name="Stream").click()
    expect(page.locator("#task-panel")).to_contain_text("A RIVER PARTS", timeout=SECONDS)
    expect(page.locator("#task-panel")).to_contain_text("3 chunks", timeout=SECONDS)
