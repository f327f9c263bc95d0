"""A Redis server of a test's own, which may go away and come back."""

import contextlib
import shutil
import socket
import subprocess
from threading import Event

import pytest

REDIS = shutil.which("redis-server")


class Redis:
    """One process; it keeps nothing."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.folder = folder
        self.start()

    def start(self):
        command = [str(REDIS), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(
            [*command, "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            Event().wait(0.02)
        pytest.fail("redis-server did not start")

    def end(self):
        self.process.kill()
        self.process.wait()
