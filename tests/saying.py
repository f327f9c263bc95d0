"""Tasks that say texts, and short ways to write and plan graphs of them."""

import json
from typing import Any

from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, task
from runner.graph.task_graph import TaskGraph


class Say(Task):
    name = "say"
    effect = "none"

    class Inputs(Ports):
        text: str = "hello"

    class Outputs(Ports):
        text: str
        slow: str

    @staticmethod
    def streaming():
        return {"text": Stream(), "slow": Stream(readiness="final")}


class Echo(Say):
    name = "echo"

    class Inputs(Ports):
        text: Chunks[str]


class Store(Echo):
    name = "store"
    effect = "repeatable"  # type: ignore[assignment]


class Zip(Echo):
    name = "zip"

    class Inputs(Ports):
        left: Chunks[str]
        right: Chunks[str]


class Join(Task):
    name = "join"

    class Inputs(Ports):
        texts: list[str]
        glue: str = ", "

    class Outputs(Ports):
        text: str
        texts: list[str]


@task(name="upper", effect="none", blocking=False)
def upper(text: str, times: int = 1) -> str:
    return text.upper() * times


def graph_of(tasks, flows=(), **fields: Any):
    """Write a graph: tasks as "id: type" or documents, dataflows as "a.b > c.d"."""
    return {
        "name": "demo",
        **fields,
        "tasks": [
            dict(zip(("id", "type"), each.split(": "), strict=True))
            if isinstance(each, str)
            else each
            for each in tasks
        ],
        "dataflows": [dict(zip(("from", "to"), each.split(" > "), strict=True)) for each in flows],
    }


def planned(registry, *args, given=None, **fields) -> TaskGraph:
    document = graph_of(*args, **fields)
    return plan(read(document), given or {}, registry)


def read(document):
    return GraphDefinition.from_json(json.dumps({"v": 1, **document}))


def compound(task_id, graph, **fields):
    return {"id": task_id, "type": "flow.graph", "graph": graph, **fields}


def mapped(task_id, graph, over, limit=8):
    config = {"over": over, "limit": limit}
    return {**compound(task_id, graph), "type": "flow.map", "config": config}


def outputs(**sources):
    return [{"name": name, "from": source} for name, source in sources.items()]


TEXT = [{"name": "text", "type": "str"}]

INNER = graph_of(
    ["first: echo", "second: echo"],
    ["$inputs.text > first.text", "first.text > second.text"],
    inputs=TEXT,
    outputs=outputs(text="second.text", given="$inputs.text"),
    title="Inside",
)


def registry_of_saying():
    """Give a registry of these tasks."""
    made = TaskRegistry()
    for kind in (Say, Echo, Store, Zip, Join, upper):
        made.register(kind)
    return made
