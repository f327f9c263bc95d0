"""The stage: a server of its own with a run in every state, and browsers that are signed in."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

from tests.acceptance.conftest import ROOT, Server
from tests.durability.watching import look

ENTRY_POINT = "[anabranch.tasks]\nstage = tests.stage.tasks\n"
METADATA = "Metadata-Version: 2.1\nName: stage\nVersion: 1\n"
SECONDS = 90
#: Where the runs that do not end by themselves come to rest.
RESTING = {
    "completed": "completed",
    "earlier": "completed",
    "failed": "failed",
    "awaiting": "awaiting",
    "running": "running",
    "cancelled": "cancelled",
    "large": "running",
    "large-completed": "completed",
}


class Stage(Server):
    """A server with the tasks of the stage; `set` gives it its runs."""

    workflows: dict[str, str]
    runs: dict[str, str]
    session: str

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {
            "PYTHONPATH": str(self.data / "packages"),
            "ANABRANCH_STAGE": str(self.released),
        }

    @property
    def released(self) -> Path:
        """The file whose existence lets go on what is held."""
        return self.data / "released"

    def install(self) -> None:
        """Let the server find the tasks of the stage as it finds anybody's."""
        packaged = self.data / "packages" / "stage-1.dist-info"
        packaged.mkdir(parents=True)
        (packaged / "entry_points.txt").write_text(ENTRY_POINT)
        (packaged / "METADATA").write_text(METADATA)

    def set(self) -> None:
        """Make workflows and runs, and wait until each run is where it belongs."""
        told = json.loads(self.do("tests.stage.prepare"))
        self.workflows, self.runs, self.session = (
            told["workflows"],
            told["runs"],
            told["session"],
        )
        self.wait_until_rested()

    def wait_until_rested(self) -> None:
        """Wait until each run is where it belongs."""
        for part, status in RESTING.items():
            self.wait_for(self.runs[part], status)
        for part in ("running", "large"):
            self.wait_for_words(self.runs[part])

    def do(self, module: str, *words: str, said: str = "") -> str:
        """Run a module on the server's data; give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"},
            input=said,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database from outside."""
        return look({"DATABASE_URL": "", "ANABRANCH_DATA": str(self.data)}, query)

    def status(self, run: str) -> str:
        """Give where a run stands."""
        (row,) = self.look(f"SELECT status FROM workflows_run WHERE id = '{hexed(run)}'")  # noqa: S608
        return str(row[0])

    def wait_for(self, run: str, *statuses: str) -> None:
        """Wait until a run has one of these states."""
        self.until(lambda: self.status(run) in statuses)

    def wait_for_words(self, run: str) -> None:
        """Wait until a run has streamed something."""
        query = f"SELECT 1 FROM workflows_chunk WHERE run_id = '{hexed(run)}' LIMIT 1"  # noqa: S608
        self.until(lambda: bool(self.look(query)))

    def until(self, holds) -> None:
        """Wait until something holds."""
        pause = Event()
        for _ in range(SECONDS * 20):
            if holds():
                return
            pause.wait(0.05)
        raise AssertionError(self.output())

    def address(self, part: str, more: str = "") -> str:
        """Give the address of a run's page."""
        return f"/runs/{self.runs[part]}/{more}"

    def drawing(self, name: str, more: str = "") -> str:
        """Give the address of a workflow's page."""
        return f"/workflows/{self.workflows[name]}/{more}"

    @property
    def cookie(self) -> Any:
        """What a browser of somebody who signed in holds, as Playwright takes it."""
        return {"name": f"anabranch-session-{self.port}", "value": self.session, "url": self.url}


def hexed(run: str) -> str:
    """Write an id as SQLite has it."""
    return run.replace("-", "")
