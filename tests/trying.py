"""Tasks that fail at first or take their time, and runs of them in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from runner.execution.host import Host
from runner.execution.memory import MemoryRun
from runner.graph.task import Task, task
from tests.handshake import registry_with, text_of
from tests.planned import written
from tests.tasks import observe
from tests.under_way import UnderWay, submit_and_begin
from tests.virtual_time import passed


def again(attempts: int, **more: Any) -> dict[str, Any]:
    """Write a policy with so many attempts, without delay unless given."""
    return {"retry": {"attempts": attempts, "delay": 0, **more}}


class Failing:
    """A task that fails in its first so many executions, and notes when it began."""

    def __init__(self, failures: int, fault: Exception | None = None) -> None:
        self.left = failures
        self.times: list[float] = []

        @task(name="fails.first", effect="none")
        async def fails_first(context: Any, number: int = 7) -> int:
            self.times.append(passed())
            observe(context)
            if self.left:
                self.left -= 1
                raise fault or ValueError("no such luck")
            return number

        self.task = fails_first


async def under_way(
    tasks: dict[str, Any], flows: str, *more: type[Task], host: Host | None = None, **rest: Any
) -> UnderWay:
    """Set a written graph going."""
    graph = text_of(written(tasks, flows, **rest))
    return await submit_and_begin(graph, registry=registry_with(*more), host=host)


async def ended(*given: Any, **rest: Any) -> MemoryRun:
    """Run a written graph to its end, however long that takes."""
    return await (await under_way(*given, **rest)).end()


def steady(every: float, count: int, how: str = "chunk") -> type[Task]:
    """Give a task that says something every so many seconds."""

    @task(name="says.something", effect="none")
    async def says(context: Any) -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(every)
            if how == "chunk":
                yield number
            elif how == "progress":
                context.progress(number / count)
            else:
                await context.save_state(number)

    return says
