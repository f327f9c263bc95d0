"""W7, the pages of a run: 300 and 2,000 tasks drawn by the server, from the request to the answer.

The floor reads the same rows by one query and writes a name and a status of each. It is the
processor's time, for a person on a busy machine waits for the others as well.
"""

import time
from functools import cache, partial
from html import escape
from typing import Any

from tests.benchmarks.database import own_database, run_in_database
from tests.benchmarks.measuring import FLOOR, Row, rows_of
from tests.benchmarks.shapes import definition, layers

SIZES = {300: (30, 10), 2000: (40, 50)}
VIEWS = ("tree", "graph", "timeline")
GOALS = {300: "≤ 150 ms"}


def rows(rounds: int) -> list[Row]:
    """Measure each view of each size."""
    folder = own_database()
    found: list[Row] = []
    for tasks, (depth, width) in SIZES.items():
        run = run_in_database(definition(layers(depth, width)), folder).run
        found += rows_of(
            f"W7 page of {tasks} tasks",
            {FLOOR: partial(milliseconds, names, run)}
            | {view: partial(milliseconds, page, run, view) for view in VIEWS},
            rounds,
            unit="ms",
            goals=dict.fromkeys(VIEWS, GOALS.get(tasks, "")),
        )
    return found


def milliseconds(act: Any, *given: str) -> float:
    """Give how long the processor works on it."""
    began = time.process_time()
    act(*given)
    return (time.process_time() - began) * 1e3


@cache
def _client() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username="bench"))
    return client


def page(run: str, view: str) -> str:
    """Ask for a run's page in one of its views; give its HTML."""
    answer = _client().get(f"/runs/{run}/?view={view}")
    if answer.status_code != 200:
        raise ValueError(f"{view}: {answer.status_code}")
    return str(answer.content, "utf-8")


def names(run: str) -> str:
    """Write the same tasks with nothing but their status."""
    from workflows.models import TaskRun

    kept = TaskRun.objects.filter(run_id=run).order_by("id").values_list("path", "status")
    return "".join(f'<div data-status="{status}">{escape(path)}</div>' for path, status in kept)
