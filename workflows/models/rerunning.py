"""Reruns: what a person wishes of an earlier run, and what would run and be kept then."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.errors import PlanError, RunnerError, UnreadableCheckpoint
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.registry import default_registry
from runner.graph.task_graph import TaskGraph
from runner.graph.type_versions import changes_since
from runner.graph.values import decode, encode
from runner.run.checkpoint import TaskCheckpoint
from runner.run.rerun import GoneOnStream, Rerun, RerunMode, changed_workflows, rerun_of
from runner.run.status import TaskStatus
from workflows.large_values import inputs_whole
from workflows.models.team import Person
from workflows.models.workflow import Workflow, WorkflowVersion, registry_with

if TYPE_CHECKING:
    from workflows.models.run import Run

ITS_OWN = "This run's version is the latest."
#: So many streams are looked up for a preview.
STREAMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunWish:
    """Where to begin, with which version, and the inputs to change or leave out, by port.

    `task` is the path where mode "task" begins.
    """

    mode: RerunMode
    task: str = ""
    latest: bool = False
    inputs: Mapping[str, Any] | None = None
    left_out: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRerun:
    """What a rerun would start from, and its preview."""

    version: WorkflowVersion
    workflows: Mapping[str, str]
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    preview: Rerun


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One wish of the matrix: what it would do, or why it cannot be had."""

    wish: RerunWish
    planned: PlannedRerun | None = None
    refusal: str = ""

    @property
    def sentence(self) -> str:
        """What would happen, or why nothing can."""
        return self.planned.preview.sentence if self.planned else self.refusal


def planned_rerun(run: "Run", person: Person, wish: RerunWish) -> PlannedRerun:
    """Work out what a rerun would do.

    Raises PlanError when the version or the inputs make no plan, or the task is not in it.
    """
    return Rerunning(run, person).planned(wish)


class Rerunning:
    """What may be done again of one run; what all wishes have in common is worked out once."""

    def __init__(self, run: "Run", person: Person) -> None:
        self._run, self._person = run, person
        self._definitions: dict[int, GraphDefinition] = {}
        self._graphs: dict[tuple[bool, str], TaskGraph] = {}

    def matrix(self, wish: RerunWish) -> list[Cell]:
        """Give every cell of the matrix, mode by mode, each with the run's version first.

        The task and the inputs are those of the wish.
        """
        wishes = (
            replace(wish, mode=mode, latest=latest)
            for mode in RerunMode
            for latest in (False, True)
        )
        return [
            Cell(wish=each, refusal=ITS_OWN) if each.latest and self.is_latest else self.cell(each)
            for each in wishes
        ]

    def cell(self, wish: RerunWish) -> Cell:
        """Say what a wish would do, or why it cannot be had."""
        try:
            planned = self.planned(wish)
        except RunnerError as fault:
            return Cell(wish=wish, refusal=str(fault))
        refusal = "" if planned.preview.new_run else self._refusal_to_go_on
        return Cell(wish=wish, planned=None if refusal else planned, refusal=refusal)

    def planned(self, wish: RerunWish) -> PlannedRerun:
        """Work out what a rerun would do; raises as `planned_rerun` does."""
        version, pins = self.source(latest=wish.latest)
        inputs = self.inputs_for(version, wish)
        old_pins, types = self._old_pins, self._changed_types
        preview = rerun_of(
            self._old_plan,
            self._graph(inputs, latest=wish.latest),
            mode=wish.mode,
            completed=self._completed,
            chosen=wish.task,
            edited=encode(inputs) != encode(self.inputs) or pins != old_pins,
            workflows=changed_workflows(old_pins, pins, types),
            types=types,
        )
        if not preview.new_run:
            preview = replace(preview, streams=self._streams)
        elif version.workflow.removed_at is not None:
            raise PlanError(f"{version.workflow} was removed, so it cannot run again.")
        return PlannedRerun(
            version=version, workflows=pins, inputs=inputs, options=self._options, preview=preview
        )

    def source(self, *, latest: bool) -> tuple[WorkflowVersion, dict[str, str]]:
        """Give the version to run and the workflows it is made of; raises PlanError without one."""
        return self._latest if latest else (self._run.version, self._old_pins)

    def definition_of(self, version: WorkflowVersion) -> GraphDefinition:
        """Read a version's definition, once."""
        if version.pk not in self._definitions:
            self._definitions[version.pk] = GraphDefinition.from_json(version.definition)
        return self._definitions[version.pk]

    @property
    def is_latest(self) -> bool:
        """Whether the run was started from what is the latest still."""
        version, pins = self._latest
        return version.pk == self._run.version_id and pins == self._old_pins

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What the run was started with, by port."""
        return dict(decode(inputs_whole(str(self._run.team_id), self._run.inputs)))

    @cached_property
    def _options(self) -> Mapping[str, Any]:
        return dict(decode(self._run.options))

    @cached_property
    def _old_pins(self) -> dict[str, str]:
        return dict(json.loads(self._run.workflows))

    @cached_property
    def _latest(self) -> tuple[WorkflowVersion, dict[str, str]]:
        workflow = self._run.version.workflow
        version = workflow.latest
        if version is None:
            raise PlanError(f"{workflow} has no version.")
        return version, Workflow.objects.pinned(version, self._person)

    def inputs_for(self, version: WorkflowVersion, wish: RerunWish) -> dict[str, Any]:
        """Give the inputs: as before, but for what is changed and what no longer exists."""
        definition = self.definition_of(version)
        known = {port.name for port in definition.inputs}.difference(wish.left_out)
        before = {name: value for name, value in self.inputs.items() if name in known}
        return before | dict(wish.inputs or {})

    def _graph(self, inputs: Mapping[str, Any], *, latest: bool) -> TaskGraph:
        """Plan one of the two versions, once for the same inputs."""
        key = (latest, encode(dict(inputs)))
        if key not in self._graphs:
            version, pins = self.source(latest=latest)
            definition = self.definition_of(version)
            self._graphs[key] = plan(definition, inputs, registry_with(pins), **self._options)
        return self._graphs[key]

    @cached_property
    def _old_plan(self) -> TaskGraph | None:
        """Plan the run as it was; None when that cannot be done any more."""
        try:
            return self._graph(self.inputs, latest=False)
        except RunnerError:
            return None

    @cached_property
    def _changed_types(self) -> frozenset[str]:
        """Name the task types that have another version than when the run began, or are gone."""
        changes = changes_since(json.loads(self._run.types), default_registry())
        return frozenset(each.name for each in changes)

    @cached_property
    def _completed(self) -> frozenset[str]:
        if self._run.pruned:
            return frozenset()  # there is nothing left to keep
        done = self._run.task_runs.filter(status__in=[TaskStatus.COMPLETED, TaskStatus.CACHED])
        return frozenset(done.values_list("path", flat=True))

    @cached_property
    def _refusal_to_go_on(self) -> str:
        return self._run.refusal_of("resume")

    @cached_property
    def _streams(self) -> tuple[GoneOnStream, ...]:
        """Find where unfinished tasks that saved their state go on with what they stream."""
        saved = self._run.checkpoints.filter(value__contains='"saved":{').order_by("id")
        return tuple(
            GoneOnStream(path=kept.path, port=port, chunk=chunk)
            for kept in _readable(saved.values_list("value", flat=True)[:STREAMS])
            if kept.saved is not None and not kept.has_result
            for port, chunk in kept.saved.outputs.items()
        )


def _readable(records: Collection[str]) -> Iterator[TaskCheckpoint]:
    for text in records:
        try:
            yield TaskCheckpoint.from_json(text)
        except UnreadableCheckpoint:
            continue
