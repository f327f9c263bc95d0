"""What a task type says about its ports, for the pages that show them."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from runner.errors import RunnerError
from runner.graph.compound import GraphAsTask
from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.ports import Port
from runner.graph.registry import default_registry
from runner.graph.task import Task
from workflows.outline import Place


def input_port(place: Place, name: str) -> Port | None:
    """Find a task's input port; None where its type is not installed or has no such port."""
    task = _task_of(place)
    return task.inputs.get(name) if task else None


def output_port(place: Place, name: str) -> Port | None:
    """Find a task's output port; None where its type is not installed or has no such port."""
    task = _task_of(place)
    return task.outputs.get(name) if task else None


def output_ports(place: Place) -> Mapping[str, Port] | None:
    """Give a task's output ports by name; None where its type is not installed."""
    task = _task_of(place)
    return task.outputs if task else None


def public_ports(place: Place) -> list[str]:
    """Name the outputs that may be shown outside of the team: a task's own that are not secret.

    None of a control's or a compound's, which pass on what others made, and none where the type is
    not installed: what a port is cannot be known there.
    """
    task = _task_of(place)
    if place.kind != "task" or task is None or isinstance(task, Control):
        return []
    return [name for name, port in task.outputs.items() if not port.secret]


def streaming_ports(place: Place) -> list[str]:
    """Name the output ports that a task says it streams from; a control only passes on."""
    task = _task_of(place)
    if task is None or isinstance(task, Control):
        return []
    return [name for name, port in task.outputs.items() if port.streams]


def reads_stream(place: Place | None, name: str) -> bool:
    """Whether what arrives at this port may be used from its first chunk on."""
    if place is None:
        return False
    if place.kind == "compound" and place.body is not None:
        inside = {each.path: each for each in place.body.places}
        return any(
            reads_stream(inside.get(flow.target), flow.target_port)
            for flow in place.body.flows
            if not flow.source and flow.source_port == name
        )
    port = input_port(place, name)
    return bool(port and port.reads_stream)


def _task_of(place: Place) -> Task | None:
    if place.type == GraphAsTask.name or place.kind == "workflow":
        return None
    task: dict[str, Any] = {"id": "task", "type": place.type, "config": dict(place.config or {})}
    if place.graph is not None:
        task["graph"] = place.graph
    return _made(json.dumps({"v": 1, "tasks": [task]}, sort_keys=True))


@lru_cache(maxsize=512)
def _made(definition: str) -> Task | None:
    try:
        (task,) = GraphDefinition.from_json(definition).tasks
        registry = default_registry()
        return registry.get(task.type).build(task.config, task.graph, registry)
    except (RunnerError, ValueError, TypeError):
        return None
