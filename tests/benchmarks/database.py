"""The product's database store on a SQLite file of its own; Django is set up on demand."""

import asyncio
import atexit
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from runner.graph.values import decode
from tests.benchmarks.driving import Beside, Ran, planned, timed


@cache
def own_database() -> Path:
    """Set Django up on a data directory of this process, with all migrations; give the folder."""
    home = tempfile.TemporaryDirectory(prefix="anabranch-bench-")
    atexit.register(home.cleanup)
    folder = Path(home.name)
    set_up(folder)
    add_people()
    _close()
    shutil.copy(_file(), _template())
    return folder


def set_up(folder: Path, *, migrated: bool = False) -> None:
    """Set Django up on a data directory."""
    os.environ |= {"ANABRANCH_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "workflows.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    if not migrated:
        call_command("migrate", verbosity=0, interactive=False)


def fresh_database(synchronous: str) -> None:
    """Begin with an empty file again, and with FULL or NORMAL as its `synchronous`."""
    from django.conf import settings

    _close()
    for each in _file().parent.glob(f"{_file().name}*"):
        if each != _template():
            each.unlink()
    shutil.copy(_template(), _file())
    database: dict[str, Any] = settings.DATABASES["default"]
    options = database["OPTIONS"]
    for other in ("FULL", "NORMAL"):
        options["init_command"] = options["init_command"].replace(
            f"synchronous={other}", f"synchronous={synchronous}"
        )


def _file() -> Path:
    from django.conf import settings

    return Path(str(settings.DATABASES["default"]["NAME"]))


def _template() -> Path:
    return _file().with_name(f"{_file().name}.empty")


def _close() -> None:
    from django.db import connection

    connection.close()


def add_people() -> None:
    """Add whose workflows are run."""
    from django.contrib.auth.models import User

    from workflows.models import Membership, Team

    team = Team.objects.create(name="Bench", slug="bench")
    user = User.objects.create(username="bench")
    Membership.objects.create(team=team, user=user, role="owner")


def queue_run(definition: str) -> str:
    """Queue a run of a definition; give its id."""
    from django.contrib.auth.models import User

    from workflows.models import Run, Team, Workflow

    user = User.objects.get(username="bench")
    name = json.loads(definition)["name"]
    workflow, _ = Workflow.objects.get_or_create(
        team=Team.objects.get(slug="bench"), name=name, defaults={"created_by": user}
    )
    version: Any = workflow.revise(definition, user)
    return str(Run.objects.start(version, user, {}).pk)


def run_in_database(definition: str, folder: Path, *, beside: Beside | None = None) -> Ran:
    """Drive a run on the database store; planned and claimed before the clock starts."""
    run = queue_run(definition)
    _close()
    graph = planned(definition)

    async def drive() -> float:
        from workflows.store import DatabaseStore

        store = DatabaseStore(folder)
        (stored,) = await store.claim("bench", 1)
        seconds = await timed(graph, store, stored, beside)
        await store.close()
        return seconds

    return kept_in_database(run, asyncio.run(drive()))


def kept_in_database(run: str, seconds: float = 0.0) -> Ran:
    """Read back what the database kept of a run that completed."""
    from workflows.models import Run

    row = Run.objects.get(pk=run)
    if row.status != "completed":
        raise ValueError(f"the run is {row.status}: {row.error}")
    outcome = Ran(
        run=run,
        seconds=seconds,
        outputs=decode(row.outputs),
        seqs=list(row.events.order_by("seq").values_list("seq", flat=True)),
        values={
            path: decode(outputs["result"])
            for path, outputs in checkpoints_of(run).items()
            if "result" in outputs
        },
    )
    _close()
    return outcome


def checkpoints_of(run: str) -> dict[str, dict[str, str]]:
    """Give the encoded outputs of the finished tasks by path."""
    from runner.run.checkpoint import TaskCheckpoint
    from workflows.models import Checkpoint

    rows = Checkpoint.objects.filter(run_id=run)
    return {row.path: dict(TaskCheckpoint.from_json(row.value).outputs) for row in rows}


def statuses_of(run: str) -> dict[str, str]:
    """Give the statuses that pages show, by path."""
    from workflows.models import TaskRun

    return dict(TaskRun.objects.filter(run_id=run).values_list("path", "status"))


def chunks_of(run: str) -> set[tuple[str, int]]:
    """Give how many chunks are kept of each task that streamed."""
    from workflows.models import Chunk

    counts: dict[str, int] = {}
    for path, first, last in Chunk.objects.filter(run_id=run).values_list("path", "first", "last"):
        counts[path] = counts.get(path, 0) + last - first + 1
    return set(counts.items())
