"""What a graph is: tasks with typed ports, dataflows between them, definitions and plans (pure)."""

from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch, Fallback, FirstOf, Merge
from runner.graph.compound import GraphAsTask, parallel, series
from runner.graph.control import Control
from runner.graph.dataflow import Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort
from runner.graph.expression import Expression, expression
from runner.graph.loops import Map, Reduce, While
from runner.graph.planning import check_inputs, plan, unfold
from runner.graph.policy import Policy, Retry
from runner.graph.ports import Chunks, Fit, Port, Ports, Stream, fit
from runner.graph.registry import TaskRegistry, default_registry
from runner.graph.subgraph import SubGraph
from runner.graph.task import FunctionTask, Task, task
from runner.graph.task_graph import (
    ERROR_PORT,
    Constant,
    ItemOf,
    Otherwise,
    OutputOf,
    PlannedCompound,
    PlannedScope,
    PlannedTask,
    Several,
    Source,
    TaskGraph,
    Unfolding,
)

__all__ = [
    "ERROR_PORT",
    "Branch",
    "Chunks",
    "Constant",
    "Control",
    "Dataflow",
    "DefinedTask",
    "Expression",
    "Fallback",
    "FirstOf",
    "Fit",
    "FunctionTask",
    "GraphAsTask",
    "GraphBuilder",
    "GraphDefinition",
    "GraphOutput",
    "GraphPort",
    "ItemOf",
    "Map",
    "Merge",
    "Otherwise",
    "OutputOf",
    "PlannedCompound",
    "PlannedScope",
    "PlannedTask",
    "Policy",
    "Port",
    "Ports",
    "Reduce",
    "Retry",
    "Several",
    "Source",
    "Stream",
    "SubGraph",
    "Task",
    "TaskGraph",
    "TaskRegistry",
    "Unfolding",
    "While",
    "check_inputs",
    "default_registry",
    "expression",
    "fit",
    "parallel",
    "plan",
    "series",
    "task",
    "unfold",
]
