"""Anabranch's engine: define graphs of tasks, plan them, run them; it knows no web."""

from typing import TYPE_CHECKING, Any

from runner.errors import (
    DefinitionError,
    ExpiredCredential,
    ExpressionError,
    InputsError,
    MissingCredential,
    PlanError,
    RunFault,
    RunnerError,
    ValueFault,
)
from runner.graph import (
    Branch,
    Chunks,
    Dataflow,
    DefinedTask,
    Expression,
    Fallback,
    FirstOf,
    FunctionTask,
    GraphAsTask,
    GraphBuilder,
    GraphDefinition,
    GraphOutput,
    GraphPort,
    Map,
    Merge,
    Port,
    Ports,
    Reduce,
    Stream,
    SubGraph,
    Task,
    TaskGraph,
    TaskRegistry,
    While,
    default_registry,
    expression,
    parallel,
    plan,
    series,
    task,
)
from runner.graph.artifact import Artifact
from runner.graph.needs import Need
from runner.graph.policy import Policy, Retry

if TYPE_CHECKING:
    from runner.execution.inline import TaskGraphRunner, TaskRunner

__all__ = [
    "Artifact",
    "Branch",
    "Chunks",
    "Dataflow",
    "DefinedTask",
    "DefinitionError",
    "ExpiredCredential",
    "Expression",
    "ExpressionError",
    "Fallback",
    "FirstOf",
    "FunctionTask",
    "GraphAsTask",
    "GraphBuilder",
    "GraphDefinition",
    "GraphOutput",
    "GraphPort",
    "InputsError",
    "Map",
    "Merge",
    "MissingCredential",
    "Need",
    "PlanError",
    "Policy",
    "Port",
    "Ports",
    "Reduce",
    "Retry",
    "RunFault",
    "RunnerError",
    "Stream",
    "SubGraph",
    "Task",
    "TaskGraph",
    "TaskGraphRunner",
    "TaskRegistry",
    "TaskRunner",
    "ValueFault",
    "While",
    "default_registry",
    "expression",
    "parallel",
    "plan",
    "series",
    "task",
]


def __getattr__(name: str) -> Any:
    """Load what drives runs at its first use: whoever only describes graphs needs none of it."""
    if name in {"TaskGraphRunner", "TaskRunner"}:
        from runner.execution import inline  # noqa: PLC0415

        return getattr(inline, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
