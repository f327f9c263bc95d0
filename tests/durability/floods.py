"""Tasks that stream much or long, installed for a server by an entry point, as anybody's are.

python -m tests.durability.floods COUNT prepares a person, a session and COUNT runs, read as JSON
from standard input; it prints the session's key and the runs' ids.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from runner import task
from tests.benchmarks.shapes import document

MODULE = "tests.durability.floods"
#: How many chunks are pushed before the loop has its turn.
BURST = 100


def _wait_for(gate: str) -> None:
    """Wait until the test has made a file."""
    while not Path(gate).exists():
        Event().wait(0.02)


@task(name="flood.words", effect="none")
async def words(count: int, seconds: float, gate: str) -> AsyncIterator[str]:
    """Stream so many numbered chunks over so long, each with the time at which it was made."""
    await asyncio.to_thread(_wait_for, gate)
    began = time.monotonic()
    for number in range(count):
        yield f"{number}@{time.time():.3f} "
        await asyncio.sleep(max(0.0, began + (number + 1) * seconds / count - time.monotonic()))


@task(name="flood.bytes", effect="none")
async def flood(count: int, size: int, seconds: float, gate: str) -> AsyncIterator[str]:
    """Stream so many chunks of so many characters, all at once or over so long."""
    await asyncio.to_thread(_wait_for, gate)
    began, text = time.monotonic(), "x" * size
    for number in range(count):
        yield text
        if number % BURST == 0 or seconds:
            ahead = began + (number + 1) * seconds / count - time.monotonic()
            await asyncio.sleep(max(0.0, ahead))


@task(name="flood.held", effect="none")
def held(gate: str) -> str:
    """Keep a thread at work, a little every hundredth of a second, until the test lets it go."""
    while not Path(gate).exists():
        sum(range(1000))
        Event().wait(0.01)
    return "let go"


def install(folder: Path) -> Path:
    """Write what tells Python of an installed package; give the folder to search for it."""
    info = folder / "floods-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: floods\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[anabranch.tasks]\nfloods = {MODULE}\n")
    return folder


def definition(kind: str, tasks: int, settings: dict[str, Any]) -> str:
    """Write a graph of so many tasks of one kind, side by side."""
    drawn = [{"id": f"t{each}", "type": kind, "inputs": settings} for each in range(tasks)]
    return document("flood", drawn, [], "t0.result")


def prepare(plans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make what a browser would have made, with the database that the environment names."""
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    from workflows.models import Run, Team, Workflow

    person = User.objects.get(username="demo")
    team = Team.objects.filter(memberships__user=person)[0]
    runs = []
    for plan in plans:
        name = f"flood-{time.time_ns()}"
        workflow = Workflow.objects.create(team=team, name=name, title=name, created_by=person)
        version = workflow.revise(definition(**plan), person)
        runs.append(str(Run.objects.start(version, person, {}).pk))
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return {"session": session.session_key, "runs": runs}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(prepare(json.load(sys.stdin))))
