"""W9, an act in the editor: a drawing of 500 tasks, from the request to the answer.

The floor keeps the same texts and does no more: it reads the drawing's JSON, changes one thing in
it, writes it, and keeps it with the act in a SQLite file, one transaction each. The clock on the
wall says what a person waits, that of the processor what it costs where others work as well.
"""

import itertools
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.benchmarks.database import fresh_database, own_database
from tests.benchmarks.measuring import FLOOR, Row, percentile, rows_of

TASKS = 500
ACTS = 60
#: So many tasks stand in one column; each is fed by its neighbour on the left.
COLUMN = 10
TYPES = ("text.answer", "text.answer", "text.keywords")

type Act = dict[str, Any]
type Clock = Callable[[], float]


def rows(rounds: int) -> list[Row]:
    """Measure acts of all kinds, by the clock on the wall and by the processor's."""
    folder = own_database()
    clocks = {"wall": time.perf_counter, "processor": time.process_time}
    found: list[Row] = []
    for (what, clock), share in itertools.product(clocks.items(), (0.5, 0.95)):
        found += rows_of(
            f"W9 an act of {TASKS} tasks, {what}, p{share * 100:.0f}",
            {
                FLOOR: partial(_share, partial(bare_acts, drawing(), folder, ACTS), clock, share),
                "ours": partial(_share, _fresh_acts, clock, share),
            },
            rounds,
            unit="ms",
            goals={"ours": "≤ 100 ms"} if share > 0.5 else {},
        )
    return found


def _fresh_acts(clock: Clock) -> list[float]:
    fresh_database("NORMAL")
    return acts(drawing(), ACTS, clock)


def _share(measured: Callable[[Clock], list[float]], clock: Clock, share: float) -> float:
    return percentile(measured(clock), share) * 1e3


# ── the drawing, and what is done to it ─────────────────────────────────────────────────────────


@cache
def drawing(tasks: int = TASKS) -> str:
    """Give a drawing as JSON."""
    kinds = [TYPES[number // COLUMN % len(TYPES)] for number in range(tasks)]
    flows = [
        {"from": f"t{number - COLUMN}.text", "to": f"t{number}.question"}
        for number in range(COLUMN, tasks)
        if kinds[number - COLUMN] == "text.answer"
    ]
    fed = {flow["to"].partition(".")[0] for flow in flows}
    drawn = []
    for number, kind in enumerate(kinds):
        given: dict[str, Any] = {"hits": []} if kind == "text.answer" else {}
        given |= {} if f"t{number}" in fed else {"question": "What is it?"}
        drawn.append({"id": f"t{number}", "type": kind, "title": f"Step {number}", "inputs": given})
    spots = {
        f"t{number}": [320 * (number // COLUMN), 160 * (number % COLUMN)] for number in range(tasks)
    }
    return json.dumps(
        {"v": 1, "tasks": drawn, "dataflows": flows, "layout": {"positions": spots}}
    )  # fmt: skip


def sequence() -> Iterator[Act]:
    """Give acts as somebody does them, over and over; an empty one takes the last one back."""
    for number in itertools.count():
        name, other = f"t{number % COLUMN}", f"t{COLUMN + number % COLUMN}"
        yield {"op": "move", "positions": {name: [16 * (number % 50), 16]}}
        yield {"op": "title", "path": name, "title": f"Renamed {number}"}
        yield {"op": "disconnect", "source": f"{name}.text", "target": f"{other}.question"}
        yield {"op": "connect", "source": f"{name}.text", "target": f"{other}.question"}
        yield {"op": "add", "type": "text.keywords", "at": [0, -160], "source": f"{name}.text"}
        yield {}


# ── ours ────────────────────────────────────────────────────────────────────────────────────────


def acts(text: str, count: int, clock: Clock) -> list[float]:
    """Do acts on a new draft, each by one request; give the seconds of each."""
    client, url = _opened(text)
    page: dict[str, Any] = {"revision": 0}
    found = []
    for edit in itertools.islice(sequence(), count):
        body = json.dumps({"base": page["revision"], "level": "", "edit": edit})
        began = clock()
        answer = client.post(f"{url}{'do/' if edit else 'undo/'}", body, "application/json")
        found.append(clock() - began)
        page = answer.json()
        if answer.status_code != 200 or not page["parts"]:
            raise ValueError(f"{edit}: {page}")
    return found


def _opened(text: str) -> tuple[Any, str]:
    """Give somebody's browser with the drawing open."""
    from django.contrib.auth.models import User
    from django.test import Client

    from runner.editing.draft import Draft
    from workflows.beginning import begin
    from workflows.models import Team

    user = User.objects.get(username="bench")
    made = begin(Team.objects.get(slug="bench"), "Large", Draft.from_json(text), user)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    url = f"/workflows/{made.pk}/edit/"
    if client.get(url).status_code != 200:
        raise ValueError("the drawing does not open")
    return client, url


# ── the floor ───────────────────────────────────────────────────────────────────────────────────


def bare_acts(text: str, folder: Path, count: int, clock: Clock) -> list[float]:
    """Change one title after the other in the JSON of the drawing; give the seconds of each."""
    path = folder / "editor.sqlite3"
    for each in folder.glob("editor.sqlite3*"):
        each.unlink()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE draft (text TEXT)")
    connection.execute("CREATE TABLE act (number INTEGER PRIMARY KEY, changes TEXT)")
    connection.execute("INSERT INTO draft VALUES (?)", [text])
    found = []
    for number in range(count):
        began = clock()
        _bare_act(connection, number)
        found.append(clock() - began)
    connection.close()
    return found


def _bare_act(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (text,) = connection.execute("SELECT text FROM draft").fetchone()
    read = json.loads(text)
    task = read["tasks"][number % len(read["tasks"])]
    before = dict(task)
    task["title"] = f"Renamed {number}"
    connection.execute("UPDATE draft SET text = ?", [json.dumps(read)])
    changes = json.dumps([before, task])
    connection.execute("INSERT INTO act VALUES (?, ?)", [number, changes])
    connection.execute("COMMIT")
