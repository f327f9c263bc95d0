"""Definitions written short, and what is planned and unfolded of them."""

import json
from typing import Any

from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan, unfold
from runner.graph.registry import TaskRegistry
from runner.graph.task_graph import PlannedTask, TaskGraph, Unfolding
from tests.tasks import registry_of_tests


def written(tasks: dict[str, Any], flows: str = "", **rest: Any) -> dict[str, Any]:
    """Write a graph: tasks as id: type or document, dataflows as "a.b > c.d; …".

    `inputs` and `outputs` are dicts from names to types and to ends.
    """
    inputs = [{"name": name, "type": kind} for name, kind in rest.pop("inputs", {}).items()]
    outputs = [{"name": name, "from": end} for name, end in rest.pop("outputs", {}).items()]
    pairs = [each.split(" > ") for each in flows.split("; ") if each]
    return {
        "name": "test", "inputs": inputs, "outputs": outputs, **rest,
        "tasks": [
            {"id": task, **(kind if isinstance(kind, dict) else {"type": kind})}
            for task, kind in tasks.items()
        ],
        "dataflows": [{"from": source, "to": target} for source, target in pairs],
    }  # fmt: skip


def control(kind: str, graph: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    """Write a control or a compound."""
    found = {"type": f"flow.{kind}"} | ({"config": config} if config else {})
    return found | ({"graph": graph} if graph is not None else {})


def read(graph: dict[str, Any]) -> GraphDefinition:
    """Read a written graph."""
    return GraphDefinition.from_json(json.dumps({"v": 1, **graph}))


def planned(
    graph: dict[str, Any],
    given: dict[str, Any] | None = None,
    *,
    registry: TaskRegistry | None = None,
    **trial: Any,
) -> TaskGraph:
    """Plan a written graph with the tasks of the tests."""
    return plan(read(graph), given or {}, registry or registry_of_tests(), **trial)


def problems(graph: dict[str, Any], registry: TaskRegistry | None = None) -> list[str]:
    """Give what is wrong with a written graph, in sentences."""
    return [each.sentence for each in read(graph).check(registry or registry_of_tests())]


def unfolded(graph: TaskGraph, path: str, decision: Any, scopes: Any = ()) -> Unfolding:
    """Unfold a control of a plan."""
    return unfold(graph.tasks[path], decision, scopes, graph.tasks.get)


def control_of(task: PlannedTask) -> Control:
    """Give the control of a planned task."""
    assert isinstance(task.task, Control)
    return task.task
