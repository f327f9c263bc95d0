"""python -m tests.durability.older_database TREE TARGET: a database as the code of TREE leaves it.

TREE is a checkout of this repository, of today or of long ago; TARGET is the fixture to write, such
as tests/durability/older/0.2.0.sqlite3.xz. A process of that code begins a run and is killed in
the middle of it; what its file holds then is the fixture. Make one at each release, before the
version is raised: python -m tests.durability.older_database . tests/durability/older/VERSION.sqlite3.xz
"""

import json
import lzma
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = "anabranch.sqlite3"
WIDTH = 3
WORDS = 4
RESULT = "7 word-0 word-1 word-2 word-3 "
#: What was kept when the process died is not executed again; what was at work, and followed, is.
LEFT = ["hold", "last"]

ITEM = {
    "name": "item",
    "inputs": [{"name": "number", "type": "int"}],
    "outputs": [{"name": "result", "from": "add.result"}],
    "tasks": [{"id": "add", "type": "older.add"}],
    "dataflows": [{"from": "$inputs.number", "to": "add.number"}],
}
DEFINITION = {
    "v": 1,
    "name": "older",
    "inputs": [],
    "outputs": [{"name": "result", "from": "last.result"}],
    "tasks": [
        {"id": "listing", "type": "older.listing", "inputs": {"width": WIDTH}},
        {"id": "each", "type": "flow.map", "config": {"over": ["number"]}, "graph": ITEM},
        {"id": "total", "type": "older.total"},
        {"id": "words", "type": "older.words", "inputs": {"count": WORDS}},
        {"id": "hold", "type": "older.hold"},
        {"id": "last", "type": "older.last"},
    ],
    "dataflows": [
        {"from": "listing.result", "to": "each.number"},
        {"from": "each.result", "to": "total.numbers"},
        {"from": "total.result", "to": "hold.number"},
        {"from": "hold.result", "to": "last.number"},
        {"from": "words.result", "to": "last.text"},
    ],
}
#: Told to a Python of that code, in its own folder.
LIFE = """
import asyncio, django, sys
from django.core.management import call_command
django.setup()
call_command("migrate", verbosity=0, interactive=False)
from django.contrib.auth.models import User
from workflows import background
from workflows.models import Membership, Run, Team, Workflow
team = Team.objects.create(name="Older", slug="older")
person = User.objects.create(username="older")
Membership.objects.create(team=team, user=person, role="owner")
workflow = Workflow.objects.create(team=team, name="older", title="Older", created_by=person)
Run.objects.start(workflow.revise(sys.argv[1], person), person, {})
async def live():
    await background.start()
    await asyncio.sleep(60)
asyncio.run(live())
"""


def environment(data: Path) -> dict[str, str]:
    """Give the environment of a process that finds the tasks, as those of a package, and its data."""
    packaged = data / "packages" / "older-1.dist-info"
    if not packaged.exists():
        packaged.mkdir(parents=True)
        (packaged / "METADATA").write_text("Metadata-Version: 2.1\nName: older\nVersion: 1\n")
        (packaged / "entry_points.txt").write_text("[anabranch.tasks]\nolder = older_tasks\n")
        source = Path(__file__).with_name("older_tasks.py")
        (packaged.parent / source.name).write_text(source.read_text())
    return {
        "ANABRANCH_DATA": str(data),
        "ANABRANCH_OBSERVER": str(data / "observer.txt"),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "workflows.settings",
        "PYTHONPATH": str(packaged.parent),
    }


def make(tree: Path, target: Path) -> None:
    """Let a process of the code of a tree die in the middle of a run; keep its database."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        died = subprocess.run(
            [sys.executable, "-c", LIFE, json.dumps(DEFINITION)],
            cwd=tree,
            env=os.environ | environment(data) | {"ANABRANCH_DIES": "yes"},
            check=False,
            capture_output=True,
            text=True,
        )
        if died.returncode != -signal.SIGKILL:
            sys.exit(died.stderr)
        with closing(sqlite3.connect(data / FILE)) as kept:
            kept.execute("VACUUM INTO ?", [str(data / "copy")])
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(lzma.compress((data / "copy").read_bytes(), preset=9))


def unpack(fixture: Path, data: Path) -> None:
    """Put a database where a server with this data directory looks for it."""
    (data / FILE).write_bytes(lzma.decompress(fixture.read_bytes()))


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
