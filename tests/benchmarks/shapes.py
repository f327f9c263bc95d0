"""The graphs of W1, W2 and W3: as shapes for the floors, as definitions for the engine."""

import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from runner import Chunks, FunctionTask, TaskRegistry, task
from runner.graph.task import Effect

SEED = 42
PARENTS = 3
MODULUS = 1_000_003

#: When the source began and when the sink had its first chunk; one run at a time.
MOMENTS: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Shape:
    """A graph of numbered tasks in topological order: whose values each one takes."""

    name: str
    parents: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.parents)

    def path(self, number: int) -> str:
        """Name a task."""
        return f"t{number}"

    def expected(self) -> dict[str, int]:
        """Say what every task must give."""
        values: list[int] = []
        for parents in self.parents:
            values.append(1 + sum(values[each] for each in parents) % MODULUS)
        return {self.path(number): value for number, value in enumerate(values)}


@cache
def chain(length: int = 1000) -> Shape:
    """W1: one after the other."""
    return Shape("chain", tuple((number - 1,) if number else () for number in range(length)))


@cache
def fan(width: int = 1000) -> Shape:
    """W2: one, then all at once, then one that joins them."""
    leaves = ((0,),) * width
    return Shape("fan", ((), *leaves, tuple(range(1, width + 1))))


@cache
def layers(depth: int = 100, width: int = 100) -> Shape:
    """W3: every task takes three of the layer before."""
    choose = random.Random(SEED)
    parents: list[tuple[int, ...]] = [()] * width
    for layer in range(1, depth):
        before = range((layer - 1) * width, layer * width)
        parents += [tuple(choose.sample(before, PARENTS)) for _ in range(width)]
    return Shape("layers", tuple(parents))


# ── for the engine ───────────────────────────────────────────────────────────────────────────────


def _steps(effect: Effect) -> tuple[type[FunctionTask], ...]:
    @task(name=f"bench.{effect}.one", effect=effect)
    async def one(n: int) -> int:
        return 1 + n % MODULUS

    @task(name=f"bench.{effect}.three", effect=effect)
    async def three(a: int, b: int, c: int) -> int:
        return 1 + (a + b + c) % MODULUS

    @task(name=f"bench.{effect}.many", effect=effect)
    async def many(numbers: list[int]) -> int:
        return 1 + sum(numbers) % MODULUS

    return one, three, many


@task(name="bench.source", effect="none")
async def source(chunks: int, size: int) -> AsyncIterator[str]:
    """So many texts of one size."""
    MOMENTS["began"] = time.perf_counter()
    for number in range(chunks):
        yield f"{number:0{size}}"


@task(name="bench.pass", effect="none")
async def pass_on(text: Chunks[str]) -> AsyncIterator[str]:
    """Every chunk as it comes."""
    async for chunk in text:
        yield chunk


@task(name="bench.sink", effect="none")
async def sink(text: Chunks[str]) -> int:
    """How many chunks came, once the last one is the right one."""
    count, last = 0, ""
    async for chunk in text:
        count, last = count + 1, chunk
        if count == 1:
            MOMENTS["first"] = time.perf_counter()
    if int(last or -1) != count - 1:
        raise ValueError("chunks came in a wrong order")
    return count


@cache
def registry() -> TaskRegistry:
    """Know the tasks of all workloads."""
    known = TaskRegistry()
    effects: tuple[Effect, ...] = ("none", "repeatable")
    steps = [each for effect in effects for each in _steps(effect)]
    for each in (*steps, source, pass_on, sink):
        known.register(each)
    return known


def definition(shape: Shape, effect: Effect = "none") -> str:
    """Give a shape as the JSON of a definition; the last task's value is its output."""
    tasks: list[dict[str, Any]] = []
    dataflows: list[dict[str, str]] = []
    for number, parents in enumerate(shape.parents):
        path = shape.path(number)
        kind, ports = _type_and_ports(len(parents))
        tasks.append(
            {
                "id": path,
                "type": f"bench.{effect}.{kind}",
                "inputs": {} if parents else {"n": 0},
            }
        )
        dataflows += [
            {"from": f"{shape.path(parent)}.result", "to": f"{path}.{port}"}
            for parent, port in zip(parents, ports, strict=False)
        ]
    last = f"{shape.path(len(shape) - 1)}.result"
    return document(shape.name, tasks, dataflows, last)


def _type_and_ports(parents: int) -> tuple[str, tuple[str, ...]]:
    if parents <= 1:
        return "one", ("n",)
    if parents == PARENTS:
        return "three", ("a", "b", "c")
    return "many", ("numbers",) * parents


def streaming_definition(chunks: int, size: int = 100, hops: int = 3) -> str:
    """W5: a source, so many tasks that pass its chunks on, and a sink."""
    names = ["source", *(f"pass{hop}" for hop in range(hops)), "sink"]
    tasks: list[dict[str, Any]] = [
        {"id": name, "type": f"bench.{name.rstrip('0123456789')}", "inputs": {}} for name in names
    ]
    tasks[0]["inputs"] = {"chunks": chunks, "size": size}
    dataflows = [
        {"from": f"{before}.result", "to": f"{after}.text"} for before, after in pairwise(names)
    ]
    return document("stream", tasks, dataflows, "sink.result")


def document(
    name: str,
    tasks: list[dict[str, Any]],
    dataflows: list[dict[str, str]],
    result: str,
) -> str:
    """Write a definition with one output."""
    return json.dumps(
        {
            "v": 1,
            "name": name,
            "tasks": tasks,
            "dataflows": dataflows,
            "outputs": [{"name": "result", "from": result}],
        }
    )
