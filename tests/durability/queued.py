"""Graphs whose tasks are posted to the job queue, and what is seen of their jobs from outside."""

import json
from collections import Counter
from typing import Any

from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from tests.durability import probes
from tests.durability.installation import OVER, Begun, Installation
from tests.durability.watching import wait_until

QUEUE = {"place": "queue"}


def counted(count: int = 20, most: float = 0.0, **policy: Any) -> GraphBuilder:
    """A stream of numbers from a job, and its sum outside of the queue."""
    graph = GraphBuilder("counted")
    numbers = graph.add(
        "numbers", probes.Counting, policy=QUEUE | policy, count=count, most=most
    ).numbers
    graph.output("result", graph.add("total", probes.Totalling, numbers=numbers).result)
    return graph


def many(jobs: int, most: float, **policy: Any) -> GraphBuilder:
    """So many jobs side by side, each with an effect, and their sum."""
    inner = GraphBuilder("job")
    number = inner.input("number", "int")
    job = inner.add("job", probes.acting, policy=QUEUE | policy, values=[number], most=most)
    inner.output("result", job.result)
    graph = GraphBuilder("many")
    width = graph.add("width", probes.listing, width=jobs)
    each = Map({"over": ["number"], "limit": 1000}, inner.definition, inner.registry)
    results = graph.add("each", each, number=width.result)["result"]
    graph.output("result", graph.add("sum", probes.pure, values=results, most=0.0).result)
    return graph


def held(file: str, **policy: Any) -> GraphBuilder:
    """A job that works until a file is made."""
    graph = GraphBuilder("held")
    held = graph.add("held", probes.until_released, policy=QUEUE | policy, file=file)
    graph.output("result", held.result)
    return graph


class Seen:
    """A run of such a graph, as it is seen from outside."""

    def __init__(self, installation: Installation, graph: GraphBuilder) -> None:
        """Queue it."""
        (self.id,) = installation.queue(graph)
        self._installation = installation

    def look(self, columns: str, table: str, where: str = "1 = 1") -> list[tuple[Any, ...]]:
        """Ask the database about rows of the run."""
        keeps_dashes = bool(self._installation.environment["DATABASE_URL"])
        run = self.id if keeps_dashes else self.id.replace("-", "")
        column = "id" if table == "run" else "run_id"
        query = f"SELECT {columns} FROM workflows_{table} WHERE {column} = '{run}' AND {where}"  # noqa: S608 - ours
        return self._installation.look(query)

    def jobs(self) -> list[str]:
        """Give the states of its jobs."""
        return [state for (state,) in self.look("state", "job")]

    def begun(self) -> list[Begun]:
        """Give its bodies that began."""
        return [each for each in self._installation.begun() if each.run == self.id]

    def until_begun(self, count: int = 1) -> None:
        """Wait until so many bodies have begun."""
        assert wait_until(lambda: len(self.begun()) >= count), self._installation.log()

    def bodies(self) -> Counter[str]:
        """Count how often the bodies of its jobs began, by path."""
        return Counter(each.path for each in self.begun() if each.path.endswith("/job"))

    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.look("status", "run")[0][0] in OVER

    def result(self, seconds: float = 120.0) -> Any:
        """Give its output, once it has completed."""
        self._installation.until_over([self.id], seconds)
        ((status, outputs),) = self.look("status, outputs", "run")
        assert status == "completed", self._installation.log()
        return json.loads(outputs)["result"]
