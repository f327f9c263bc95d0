"""What a graph is: tasks with typed ports, dataflows between them, definitions and plans (pure)."""

from runner.graph.building import GraphBuilder
from runner.graph.compound import GraphAsTask, parallel, series
from runner.graph.control import Map
from runner.graph.dataflow import Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort
from runner.graph.planning import check_inputs, expand, plan
from runner.graph.ports import Chunks, Fit, Port, Ports, Stream, fit
from runner.graph.registry import TaskRegistry, default_registry
from runner.graph.task import FunctionTask, Task, task
from runner.graph.task_graph import (
    Constant,
    Expansion,
    ItemOf,
    OutputOf,
    PlannedCompound,
    PlannedTask,
    Several,
    Source,
    TaskGraph,
)

__all__ = [
    "Chunks",
    "Constant",
    "Dataflow",
    "DefinedTask",
    "Expansion",
    "Fit",
    "FunctionTask",
    "GraphAsTask",
    "GraphBuilder",
    "GraphDefinition",
    "GraphOutput",
    "GraphPort",
    "ItemOf",
    "Map",
    "OutputOf",
    "PlannedCompound",
    "PlannedTask",
    "Port",
    "Ports",
    "Several",
    "Source",
    "Stream",
    "Task",
    "TaskGraph",
    "TaskRegistry",
    "check_inputs",
    "default_registry",
    "expand",
    "fit",
    "parallel",
    "plan",
    "series",
    "task",
]
