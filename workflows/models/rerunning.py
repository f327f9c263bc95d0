"""Reruns: what a person wishes of an earlier run, and what would run and be kept then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import PlanError, RunnerError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.registry import default_registry
from runner.graph.task_graph import TaskGraph
from runner.graph.type_versions import changes_since
from runner.graph.values import decode, encode
from runner.run.rerun import Rerun, RerunMode, changed_workflows, rerun_of
from runner.run.status import TaskStatus
from workflows.large_values import inputs_whole
from workflows.models.team import Person
from workflows.models.workflow import Workflow, WorkflowVersion, registry_with

if TYPE_CHECKING:
    from workflows.models.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunWish:
    """Where to begin, with which version, and the inputs to change, by port.

    `task` is the path where mode "task" begins.
    """

    mode: RerunMode
    task: str = ""
    latest: bool = False
    inputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRerun:
    """What a rerun would start from, and its preview."""

    version: WorkflowVersion
    workflows: Mapping[str, str]
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    preview: Rerun


def planned_rerun(run: "Run", person: Person, wish: RerunWish) -> PlannedRerun:
    """Work out what a rerun would do.

    Raises PlanError when the version or the inputs make no plan, or the task is not in it.
    """
    version, pins = _version_of(run, person, wish)
    definition = GraphDefinition.from_json(version.definition)
    before, options = decode(inputs_whole(str(run.team_id), run.inputs)), decode(run.options)
    inputs = _inputs(definition, before, wish)
    old_pins, types = json.loads(run.workflows), _changed_types(run)
    preview = rerun_of(
        _old_plan(run, old_pins),
        plan(definition, inputs, registry_with(pins), **options),
        mode=wish.mode,
        completed=_completed(run),
        chosen=wish.task,
        edited=encode(inputs) != encode(before) or pins != old_pins,
        workflows=changed_workflows(old_pins, pins, types),
        types=types,
    )
    return PlannedRerun(
        version=version, workflows=pins, inputs=inputs, options=options, preview=preview
    )


def _version_of(
    run: "Run", person: Person, wish: RerunWish
) -> tuple[WorkflowVersion, dict[str, str]]:
    if not wish.latest:
        return run.version, json.loads(run.workflows)
    version = run.version.workflow.latest
    if version is None:
        raise PlanError(f"{run.version.workflow} has no version.")
    return version, Workflow.objects.pinned(version, person)


def _inputs(
    definition: GraphDefinition, before: Mapping[str, Any], wish: RerunWish
) -> dict[str, Any]:
    """Give the inputs: as before, but for what is changed and what no longer exists."""
    known = {port.name for port in definition.inputs}
    return {name: value for name, value in before.items() if name in known} | dict(
        wish.inputs or {}
    )


def _old_plan(run: "Run", pins: Mapping[str, str]) -> TaskGraph | None:
    """Plan the run as it was; None when that cannot be done any more."""
    try:
        definition = GraphDefinition.from_json(run.version.definition)
        return plan(
            definition,
            decode(inputs_whole(str(run.team_id), run.inputs)),
            registry_with(pins),
            **decode(run.options),
        )
    except RunnerError:
        return None


def _changed_types(run: "Run") -> frozenset[str]:
    """Name the task types that have another version than when the run began, or are gone."""
    return frozenset(each.name for each in changes_since(json.loads(run.types), default_registry()))


def _completed(run: "Run") -> frozenset[str]:
    if run.pruned:
        return frozenset()  # there is nothing left to keep
    done = run.task_runs.filter(status__in=[TaskStatus.COMPLETED, TaskStatus.CACHED])
    return frozenset(done.values_list("path", flat=True))
