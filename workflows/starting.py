"""What is known before a run starts: earlier inputs, the versions to choose from, what will run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from runner.graph.values import dump
from runner.run.status import RunStatus
from workflows.models import Run, Workflow, WorkflowVersion
from workflows.models.team import Person
from workflows.outline import Place, outline_of
from workflows.shown_values import Value, shown
from workflows.wording import said_duration

#: So many runs are looked at for inputs and for how long they take.
LOOKED_AT = 20
EARLIER = 5
VERSIONS = 20
TASKS = 12
LETTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Inputs of an earlier run, in few words."""

    run: Run
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a person is told before they start a run; `usual` is how long the last ones took."""

    earlier: tuple[Earlier, ...]
    versions: tuple[WorkflowVersion, ...]
    tasks: tuple[Place, ...]
    further: int
    usual: str


def before(person: Person, version: WorkflowVersion) -> Before:
    """Gather what to tell of a version that is about to run."""
    workflow = version.workflow
    runs = Run.objects.visible_to(person).filter(version__workflow=workflow, trial=False)
    runs = runs.select_related("started_by").order_by("-created_at")
    last = list(runs.only("team_id", "inputs", "status", "label", "started_at", "ended_at", "created_at",
                          "started_by__username")[:LOOKED_AT])  # fmt: skip
    places = [each for each in outline_of(version.definition).places.values() if not each.parent]
    versions = workflow.versions.published().order_by("-number").defer("definition", "layout")
    return Before(
        earlier=tuple(_earlier(last))[:EARLIER],
        versions=tuple(versions[:VERSIONS]),
        tasks=tuple(places[:TASKS]),
        further=max(0, len(places) - TASKS),
        usual=_usual(last),
    )


def version_of(workflow: Workflow, number: str) -> WorkflowVersion | None:
    """Give the version of this number, or the latest if it says none; None if there is none."""
    if not number:
        return workflow.latest
    if not (number.isascii() and number.isdigit()) or len(number) > len("2147483647"):
        return None
    return workflow.versions.published().filter(number=number).first()


def _earlier(runs: list[Run]) -> Iterator[Earlier]:
    """Give runs whose inputs differ, the newest of each."""
    seen = {"{}"}
    for run in runs:
        if run.inputs not in seen:
            seen.add(run.inputs)
            yield Earlier(run=run, words=_words(str(run.team_id), json.loads(run.inputs)))


def _words(team: str, inputs: dict[str, Any]) -> str:
    return " · ".join(
        f"{name}: {_short(shown(team, name, dump(value)))}" for name, value in inputs.items()
    )


def _short(value: Value) -> str:
    """Say a value in one short line; a file by its name."""
    text = value.text or ", ".join(each.name or "a file" for each in value.files)
    line = " ".join(text.split())
    return line if len(line) <= LETTERS else f"{line[: LETTERS - 1]}…"


def _usual(runs: list[Run]) -> str:
    took: list[timedelta] = [
        run.ended_at - run.started_at
        for run in runs
        if run.status == RunStatus.COMPLETED and run.started_at and run.ended_at
    ]
    return said_duration(median(each.total_seconds() for each in took)) if took else ""
