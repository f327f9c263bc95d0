"""A producer that goes on only once its first chunk was heard, and tasks to stand in between.

That a run of it ends at all proves that the first chunk came through before the producer ended.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

from runner.execution.memory import MemoryRun
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, task
from tests.drive import drive
from tests.planned import written
from tests.tasks import registry_of_tests

FIRST = Stream(readiness="first-chunk", mode="append")
MORE = [1, 2, 3]


class Handshake:
    """Tasks around one event, in a registry: `shake.talk`, `shake.pass`, `shake.hear`."""

    def __init__(self, *more: type[Task]) -> None:
        self.heard = asyncio.Event()
        self.registry = registry_with(
            self._talk(), self._talk_after(), self._hear(), passing, *more
        )

    def _talk(self) -> type[Task]:
        heard = self.heard

        @task(name="shake.talk", effect="none")
        async def talk(after: int = 0) -> AsyncIterator[int]:
            """Number 0; the others once somebody has heard it."""
            yield after
            await heard.wait()
            for number in MORE:
                yield number

        return talk

    def _talk_after(self) -> type[Task]:
        heard = self.heard

        @task(name="shake.talk-after", effect="none")
        async def talk_after(after: int) -> AsyncIterator[int]:
            """The same, for an input that must be there."""
            yield after
            await heard.wait()
            for number in MORE:
                yield number

        return talk_after

    def _hear(self) -> type[Task]:
        heard = self.heard

        class Hear(Task):
            """All numbers of a stream; it says when it has the first."""

            name = "shake.hear"
            effect = "none"

            class Inputs(Ports):
                numbers: Chunks[int]

            class Outputs(Ports):
                result: list[int]

            async def execute(self, inputs: Any, context: Any) -> Any:
                found = []
                async for number in inputs.numbers:
                    heard.set()
                    found.append(number)
                return found

        return Hear

    async def drive(self, graph: dict[str, Any], inputs: Any = None) -> MemoryRun:
        """Run a written graph with these tasks to its end."""
        return await drive(text_of(graph), inputs, registry=self.registry)


@task(name="shake.pass", effect="none")
async def passing(numbers: Chunks[int]) -> AsyncIterator[int]:
    """Each number of a stream, as it comes."""
    async for number in numbers:
        yield number


def registry_with(*more: type[Task]) -> TaskRegistry:
    """Give the registry of the tests with more tasks."""
    registry = registry_of_tests()
    for each in more:
        registry.register(each)
    return registry


def text_of(graph: dict[str, Any]) -> str:
    """Give a written graph as JSON."""
    return json.dumps({"v": 1, **graph})


def chain(*ids: str, output: str = "result") -> str:
    """Join tasks in a row, each `result` to the next one's `numbers`."""
    return "; ".join(f"{one}.{output} > {other}.numbers" for one, other in pairwise(ids))


async def drive_written(
    tasks: dict[str, Any], flows: str = "", *more: type[Task], inputs: Any = None, **rest: Any
) -> MemoryRun:
    """Run a written graph, with more tasks than those of the tests, to its end."""
    graph = text_of(written(tasks, flows, **rest))
    return await drive(graph, inputs, registry=registry_with(*more))


def log_of(run: MemoryRun) -> list[tuple[str, str]]:
    """Give the kinds and paths of a run's events, in order."""
    return [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]


def events_of(run: MemoryRun, kind: str, path: str | None = None) -> list[Any]:
    """Give the events of a kind, of one task if a path is named."""
    return [
        each.event
        for each in run.entries
        if each.event.kind == kind and path in (None, getattr(each.event, "path", ""))
    ]


def steps_of(run: MemoryRun, path: str) -> list[str]:
    """Give the kinds of what happened to one task, without the end of its run."""
    return [kind for kind, of in log_of(run) if of == path and not kind.startswith("Run")]
