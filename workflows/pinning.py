"""Pins of a draft: the last output of a task, or one that is typed, stands in for it in trials."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Length
from django.http import QueryDict

from runner.errors import DefinitionError, PlanError, RunnerError
from runner.graph.checking import CheckedGraph, examine
from runner.graph.trial import Trial
from runner.graph.values import bytes_of, decode, dump, encode
from workflows.large_values import whole
from workflows.models import Checkpoint, PinnedOutput, Run, Workflow
from workflows.models.drafting import draft_of
from workflows.models.team import Person
from workflows.outline import outline_for
from workflows.rows import producer_of
from workflows.sides import sides_of
from workflows.typed_json import MOST_JSON, read_object
from workflows.wording import said_size

#: So many letters may all pins of a draft have together.
ALL_LETTERS = 4 * 1024 * 1024
#: So many runs are looked through for the last output of a task.
RECENT = 20

type Outputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinForm:
    """What the panel shows about the pin of a task: what is pinned, or what was typed."""

    pin: PinnedOutput | None
    typed: str | None = None

    @property
    def outputs(self) -> str:
        """The JSON in the field."""
        if self.typed is not None:
            return self.typed
        return self.pin.shown if self.pin else ""


def pin_form(workflow: Workflow, path: str, typed: str | None = None) -> PinForm | None:
    """Give the form about a task's pin; None inside of compounds, where nothing can be pinned."""
    if not path or "/" in path:
        return None
    pin = workflow.pins.select_related("person").filter(task=path).first()
    return PinForm(pin=pin, typed=typed)


def typed_in(data: QueryDict) -> str | None:
    """Give what was typed as the output of a task; None when another form was sent."""
    return data.get("outputs") if data.get("form") == "pin" else None


def pinned_ids(workflow: Workflow) -> list[str]:
    """Name the tasks that have a pin."""
    return list(workflow.pins.order_by("task").values_list("task", flat=True))


def pinned_in(workflow: Workflow) -> dict[str, Outputs]:
    """Give what is pinned in a draft, by task and port."""
    return {task: decode(text) for task, text in workflow.pins.values_list("task", "outputs")}


def told_pin(workflow: Workflow, person: Person, task_id: str, wanted: str, typed: str = "") -> str:
    """Pin the last output of a task ("last"), or what is typed; unpin it ("no"), or "turn".

    Gives what was done, in words; raises RunnerError with one sentence when it cannot be done.
    """
    if wanted == "turn":
        wanted = "no" if workflow.pins.filter(task=task_id).exists() else "last"
    if wanted == "no":
        workflow.pins.filter(task=task_id).delete()
        return "Unpinned"
    checked = examine(draft_of(workflow).drawing.definition, workflow.registry)
    if task_id not in checked.tasks:
        raise DefinitionError(
            "Only a task that can be used, at the outermost level, can be pinned."
        )
    if wanted == "last":
        _pin(workflow, person, checked, task_id, last_outputs(workflow, checked, task_id))
        return "Pinned what the last run gave"
    outputs = read_object(typed, "What is pinned, value by port,")
    _pin(workflow, person, checked, task_id, decode(dump(outputs)))
    return "Pinned"


def last_outputs(workflow: Workflow, checked: CheckedGraph, task_id: str) -> Outputs:
    """Find what a task gave when it last gave something; raises DefinitionError when it never did."""
    for run in _runs_with(workflow, task_id):
        if found := _outputs_in(run, task_id, checked.tasks[task_id].outputs):
            return found
    raise DefinitionError(
        f"No run has an output of {_called(checked, task_id)} that could be pinned: "
        "run it first, or type one."
    )


def _called(checked: CheckedGraph, task_id: str) -> str:
    return checked.definition.task(task_id).title or task_id


def _runs_with(workflow: Workflow, task_id: str) -> Iterator[Run]:
    """Give the latest runs in which a task, or something inside of it, came to an end."""
    runs = Run.objects.filter(version__workflow=workflow, pruned="").select_related("version")
    recent = list(runs.order_by("-created_at")[:RECENT])
    ended = Q(path=task_id) | Q(path__startswith=f"{task_id}/")
    kept = Checkpoint.objects.filter(ended, run__in=recent).values_list("run", flat=True)
    known = set(kept)
    yield from (run for run in recent if run.pk in known)


def _outputs_in(run: Run, task_id: str, ports: Iterable[str]) -> Outputs:
    outline, sides = outline_for(run), sides_of(run)
    found: dict[str, Any] = {}
    for port in ports:
        path, source = producer_of(outline, None, task_id, port)
        side = sides.get(path)
        if side and side.outputs and source in side.outputs:
            found[port] = decode(whole(str(run.team_id), side.outputs[source]))
    return found


def _pin(
    workflow: Workflow, person: Person, checked: CheckedGraph, task_id: str, outputs: Outputs
) -> None:
    title = _called(checked, task_id)
    if not outputs:
        raise DefinitionError(f'{title} needs a value at one port at least: {{"port": value}}.')
    try:
        Trial(checked, pins={task_id: outputs})
    except PlanError as fault:
        raise DefinitionError(fault.sentence) from fault
    text = encode(dict(outputs))
    if (size := bytes_of(text)) > MOST_JSON:
        most = f"{MOST_JSON // 1024} KiB"
        raise DefinitionError(f"{title} gave {said_size(size)}; up to {most} can be pinned.")
    _keep(workflow, person, task_id, text)


def _keep(workflow: Workflow, person: Person, task_id: str, text: str) -> None:
    there = [task.id for task in draft_of(workflow).drawing.definition.tasks]
    with transaction.atomic():
        workflow.pins.exclude(task__in=there).delete()
        others = workflow.pins.exclude(task=task_id)
        letters = others.aggregate(all=Sum(Length("outputs")))["all"] or 0
        if letters + len(text) > ALL_LETTERS:
            most = f"{ALL_LETTERS // 1024 // 1024} MiB"
            raise RunnerError(f"All pins of a draft may have {most} together; unpin one first.")
        workflow.pins.update_or_create(
            task=task_id, defaults={"outputs": text, "person_id": person.pk}
        )
