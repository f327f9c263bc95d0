"""A server that is watched: its memory, its runs and its other pages, seen from outside."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Self

from tests.acceptance.conftest import ROOT, Server
from tests.durability.watching import look


def size(name: str, small: float) -> float:
    """Give a size: the environment's, or a small one."""
    return float(os.environ.get(f"ANABRANCH_{name}", small))


#: How long the slowest page in a hundred may take.
PAGE_SECONDS = size("WATCH_PAGE_SECONDS", 60)  # 1, on a machine that does nothing else


class Watched(Server):
    """A server with the tasks of these tests, and what its own host can see of it."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PYTHONPATH": str(self.data / "packages")}

    @property
    def memory(self) -> float:
        """The most it has held since the last look, in MiB; begins to look anew."""
        process = Path(f"/proc/{self._process}")
        (peak,) = [
            line for line in (process / "status").read_text().splitlines() if "VmHWM" in line
        ]
        (process / "clear_refs").write_text("5")
        return int(peak.split()[1]) / 1024

    @property
    def _process(self) -> int:
        assert self.process is not None
        return self.process.pid

    def prepare(self, *plans: dict[str, Any]) -> None:
        """Queue runs, and sign in."""
        made = subprocess.run(
            [sys.executable, "-m", "tests.durability.floods"],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"},
            input=json.dumps(plans),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        told = json.loads(made.stdout)
        self.runs = told["runs"]
        self.cookie = f"anabranch-session-{self.port}={told['session']}"

    def row(self, run: str) -> dict[str, Any]:
        """Look at a run from outside."""
        names = ("status", "seq", "error", "output")
        query = (
            "SELECT r.status, r.seq, r.error, (SELECT group_concat(items, '') FROM (SELECT items "  # noqa: S608
            "FROM workflows_chunk WHERE run_id = r.id AND path = 't0' AND NOT superseded "
            f"ORDER BY first)) FROM workflows_run r WHERE r.id = '{run.replace('-', '')}'"
        )
        return dict(zip(names, self.look(query)[0], strict=True))

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database from outside."""
        return look({"DATABASE_URL": "", "ANABRANCH_DATA": str(self.data)}, query)

    def wait_for_end(self, run: str, seconds: float = 900) -> str:
        """Wait until a run is over; give how it ended."""
        until = time.monotonic() + seconds
        while (status := self.row(run)["status"]) in {"queued", "running"}:
            assert time.monotonic() < until, self.output()
            Event().wait(0.05)
        return str(status)

    def text_of(self, run: str) -> str:
        """Give all that a run's first task has streamed, as the database has it."""
        return str(self.row(run)["output"]).replace('"]["', "").replace('","', "")[2:-2]

    @contextmanager
    def pages(self, run: str, number: int, **more: Any) -> Iterator[subprocess.Popen[str]]:
        """Let pages watch a run, from when all are connected on."""
        asked = {
            "host": "127.0.0.1", "port": self.port, "cookie": self.cookie,
            "path": f"/runs/{run}/live", "pages": number, "flaps": [], "stops": False,
        } | more  # fmt: skip
        with subprocess.Popen(
            [sys.executable, "-m", "tests.durability.pages"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(asked))
            process.stdin.close()
            process.stdin = None
            assert process.stdout.readline() == "watching\n"
            try:
                yield process
            finally:
                process.kill()


class Visitor(threading.Thread):
    """Opens pages all the time, and takes how long each took."""

    def __init__(self, server: Watched, path: str) -> None:
        super().__init__(name="visitor")
        self.seconds: list[float] = []
        self.answers: set[int] = set()
        self._server = server
        self._path = path
        self._stopped = Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=120)
        with contextlib.closing(connection):
            while not self._stopped.wait(0.1):
                began = time.monotonic()
                connection.request("GET", self._path, headers={"Cookie": self._server.cookie})
                answer = connection.getresponse()
                answer.read()
                self.answers.add(answer.status)
                self.seconds.append(time.monotonic() - began)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()
        assert self.answers == {200}

    @property
    def slowest(self) -> float:
        """The 99th percentile, in seconds."""
        return percentile(self.seconds, 0.99)


def percentile(values: list[float], share: float) -> float:
    """Give the value that `share` (0 to 1) of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def gate(server: Watched, name: str) -> Path:
    """Name a file that lets a task begin."""
    return server.data / f"gate-{name}"
