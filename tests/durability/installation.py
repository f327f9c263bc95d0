"""An installation of its own: a database, a nursery of server processes, and an observer."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from runner.graph.building import GraphBuilder
from tests.durability.observed import lines_of
from tests.durability.watching import ROOT, Environment, look, wait_until

ENTRY_POINT = "[anabranch.tasks]\nprobes = tests.durability.probes\n"
METADATA = "Metadata-Version: 2.1\nName: probes\nVersion: 1\n"
#: Says of what is drawn by chance how to draw it again.
SEED = os.environ.get("ANABRANCH_SEED", "1")


def size(variable: str, usual: int) -> int:
    """Give how often to do it: what the environment says, or what continuous integration does."""
    return int(os.environ.get(variable, usual))


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A body that began, as it told the observer."""

    life: str
    run: str
    path: str
    attempt: int
    key: str
    at: float


@dataclass(slots=True, kw_only=True)
class Installation:
    """What processes on one database share."""

    environment: Environment
    nursery: Any
    observer: Path
    lives: int = 0
    _living: dict[int, str] = field(default_factory=dict)
    _over: set[int] = field(default_factory=set)

    def live(self, failpoints: str = "", room: int = 0) -> int:
        """Start a server process; give its id."""
        self.lives += 1
        name = f"life-{self.lives}"
        process: int = self._do("live", life=name, failpoints=failpoints, room=room)
        self._over.discard(process)
        self._living[process] = name
        return process

    def work(self, jobs: int = 4) -> int:
        """Start a job queue runner; give its id."""
        self.lives += 1
        name = f"worker-{self.lives}"
        process: int = self._do("work", life=name, jobs=jobs)
        self._over.discard(process)
        self._living[process] = name
        return process

    def name_of(self, process: int) -> str:
        """Give what a process calls itself to the observer."""
        return self._living[process]

    def kill(self, process: int) -> None:
        """End a process as a power cut would; its own alarm may have been quicker."""
        os.kill(process, signal.SIGKILL)
        assert self.end(process) in DEATHS, self.log()

    def kill_all(self) -> None:
        """End whoever still lives."""
        for process in self._living.keys() - self._over:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            self.end(process)

    def wake(self, process: int) -> None:
        """Let a process look for runs at once, as a page's doorbell would."""
        os.kill(process, signal.SIGUSR1)

    def stop(self, process: int) -> None:
        """Ask a process to end, and see that it does."""
        os.kill(process, signal.SIGTERM)
        assert self.end(process) == 0, self.log()

    def end(self, process: int, seconds: float = 60.0) -> int | None:
        """Wait until a process has ended; give its exit code, None if it lives on."""
        code: int | None = self._do("end", process=process, seconds=seconds)
        if code is not None:
            self._over.add(process)
        return code

    def queue(self, graph: GraphBuilder, runs: int = 1) -> list[str]:
        """Queue runs of a graph; give their ids."""
        queued: list[str] = self._do("queue", definition=graph.definition.to_json(), runs=runs)
        return queued

    def ask(self, run: str, kind: str) -> bool:
        """Ask something of a run, as a person would; False when refused."""
        return bool(self._do("ask", run=run, kind=kind))

    def begun(self) -> list[Begun]:
        """Give the bodies that began, in order, over all lives."""
        return [
            Begun(life=life, run=run, path=path, attempt=int(attempt), key=key, at=float(at))
            for life, run, path, attempt, key, at in lines_of(self.observer)
        ]

    def statuses(self) -> dict[str, str]:
        """Give the status of each run by id, as the engine writes it."""
        return {dashed(run): status for run, status in self.look(STATUSES)}

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database from outside."""
        return look(self.environment, query)

    def until_over(self, runs: list[str], seconds: float = 120.0) -> None:
        """Wait for the ends of runs."""
        over = wait_until(lambda: {self.statuses()[run] for run in runs} <= OVER, seconds)
        assert over, f"{self.statuses()}\n{self.log()}"

    def log(self) -> str:
        """What the processes said."""
        file = Path(self.environment["ANABRANCH_DATA"]) / "life.log"
        return file.read_text()[-4000:] if file.exists() else ""

    def _do(self, act: str, **said: Any) -> Any:
        self.nursery.stdin.write(json.dumps({"do": act, **said}) + "\n")
        self.nursery.stdin.flush()
        answer = self.nursery.stdout.readline()
        assert answer, self.nursery.stderr.read()
        return json.loads(answer)


#: By a kill, and by the alarm of a failpoint.
DEATHS = {-signal.SIGKILL, -signal.SIGALRM}
STATUSES = "SELECT id, status FROM workflows_run"
OVER = {"completed", "failed", "cancelled", "quarantined"}


@contextmanager
def installed(environment: Environment, folder: Path) -> Iterator[Installation]:
    """Make an installation and let nobody outlive it."""
    told = with_probes(environment, folder)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.durability.nursery"],
        cwd=ROOT,
        env=os.environ | told,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as nursery:
        made = Installation(
            environment=told, nursery=nursery, observer=Path(told["ANABRANCH_OBSERVER"])
        )
        try:
            assert nursery.stdout is not None
            ready = nursery.stdout.readline()
            assert ready == '"ready"\n', nursery.stderr and nursery.stderr.read()
            yield made
        finally:
            nursery.kill()


@contextmanager
def served(installation: Installation, **more: str) -> Iterator[Any]:
    """Serve as people do, pages and all, until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={**os.environ, **installation.environment, "PORT": "0", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            assert any("Serving on" in line for line in server.stdout)
            yield server
        finally:
            server.kill()


def with_probes(environment: Environment, folder: Path) -> dict[str, str]:
    """Give the environment of processes that find the tasks of these tests as a package's."""
    packaged = folder / "packages" / "probes-1.dist-info"
    packaged.mkdir(parents=True)
    (packaged / "entry_points.txt").write_text(ENTRY_POINT)
    (packaged / "METADATA").write_text(METADATA)
    return {
        **environment,
        "PYTHONPATH": os.pathsep.join([str(packaged.parent), str(ROOT)]),
        "ANABRANCH_OBSERVER": str(folder / "observer"),
        "DJANGO_SETTINGS_MODULE": "workflows.settings",
    }


def chance_of(claim: str, environment: Mapping[str, str]) -> random.Random:
    """Give numbers by chance that a seed gives again; say the seed, for whom the test fails."""
    kind = "postgresql" if environment["DATABASE_URL"] else "sqlite"
    seed = f"{claim} {kind} {SEED}"
    sys.stdout.write(f"ANABRANCH_SEED={SEED} replays {seed!r}\n")
    return random.Random(seed)


def pause(seconds: float) -> None:
    """Let time pass for the processes that are watched."""
    Event().wait(seconds)


def dashed(key: str) -> str:
    """Write an id as the engine does."""
    return "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))
