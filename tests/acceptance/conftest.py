"""A real server in a process of its own, and a headless Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from threading import Event

import pytest

from tests.installed import install_into

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-password-of-these-tests"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Server:
    """`manage.py serve` on a free port with a data directory of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.observer = data / "observer.txt"
        self.observer.touch()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "ANABRANCH_DATA": str(self.data),
            "ANABRANCH_OBSERVER": str(self.observer),
            "ANABRANCH_DEMO_PASSWORD": PASSWORD,
            # All browsers of a test are one person's.
            "ANABRANCH_SOCKETS_A_PERSON": "5000",
        }

    @property
    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "serve"]

    def start(self) -> None:
        """Start, and wait until it answers."""
        install_into(self.data, self.environment)
        with (self.data / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        pause = Event()
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=5)  # noqa: S310
            except OSError:
                assert self.process.poll() is None, self.output()
                pause.wait(0.05)
            else:
                return
        raise AssertionError(self.output())

    def output(self) -> str:
        """What the server said so far."""
        return (self.data / "server.log").read_text()

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; give its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def server(tmp_path):
    """A served, empty installation."""
    made = Server(tmp_path)
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium, quiet."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install the package chromium to run the browser tests")
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture
def sign_in(server):
    """A function that signs a browser page in."""

    def sign(page):
        page.goto(f"{server.url}/sign-in/")
        page.fill("input[name=username]", "demo")
        page.fill("input[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(f"{server.url}/")

    return sign


@pytest.fixture(scope="session")
def base_url():
    """Give no common address: each test has a server of its own (and pytest-base-url's own
    fixture uses a form that pytest 9 warns about)."""
    return ""
