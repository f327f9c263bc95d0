"""What the editor shows of a draft besides its canvas: the palette, what fits, what is wrong."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from runner.editing.draft import Draft, joined
from runner.editing.joining import verdict
from runner.errors import DefinitionError, Problem, RunnerError
from runner.graph.checking import CheckedGraph, examine
from runner.graph.dataflow import split_end
from runner.graph.ports import Port, fit
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, ports_of_class
from workflows.canvas import Canvas, canvas_of, laid_out
from workflows.models.drafting import DraftAct, WorkflowDraft, draft_of, drawing_at, stack_of
from workflows.models.team import Person
from workflows.models.workflow import Workflow

OFFERED = 60
_RANKS = {"fits": 0, "checked": 1, "misfit": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A task type that can be added: what it is called, and how it fits the port in hand."""

    type: str
    title: str
    help: str
    family: str
    verdict: str = ""


def opened(workflow: Workflow, registry: TaskRegistry) -> WorkflowDraft:
    """Give the draft with a place for everything, so that nothing moves by itself later on.

    Raises DefinitionError for a workflow from code.
    """
    draft = draft_of(workflow)
    drawing = draft.drawing
    if draft.revision or drawing.sheet.positions:
        return draft
    arranged = laid_out(drawing, registry)
    with transaction.atomic():
        fresh = WorkflowDraft.objects.select_for_update().get(pk=draft.pk)
        if not fresh.revision:
            fresh.arrange(arranged)
        return fresh


def answer_to(
    draft: WorkflowDraft, person: Person, level: str, since: int, registry: TaskRegistry
) -> dict[str, Any]:
    """Say what a page that shows a level as of a revision must change to show the newest draft.

    `away` says that the level is no longer there.
    """
    drawing = draft.drawing
    problems = drawing.definition.check(registry)
    stack = stack_of(draft.workflow, person)
    answer = {
        "revision": draft.revision,
        "undo": stack.done[-1].words if stack.done else "",
        "redo": stack.undone[-1].words if stack.undone else "",
        "problems": len(problems),
        "published": draft.is_published,
    }
    try:
        now = canvas_of(drawing, level, registry, problems)
    except DefinitionError:
        return answer | {"away": True}
    before = _canvas_at(draft, level, since, registry)
    _remember(draft, now)
    return answer | {"parts": now.changed_since(before)}


#: The last canvases that were drawn, by workflow, revision and level: the next act starts there.
_drawn: OrderedDict[tuple[UUID, int, str], Canvas] = OrderedDict()
DRAWN_AT_MOST = 64


def _remember(draft: WorkflowDraft, canvas: Canvas) -> None:
    # What revision 0 looks like is settled only when the draft is opened.
    if draft.revision:
        _drawn[draft.workflow_id, draft.revision, canvas.level] = canvas
        if len(_drawn) > DRAWN_AT_MOST:
            _drawn.popitem(last=False)


def _canvas_at(draft: WorkflowDraft, level: str, revision: int, registry: TaskRegistry) -> Canvas:
    """Give the level as it was; empty when it was not there, or nobody knows how it was."""
    known = _drawn.get((draft.workflow_id, revision, level))
    if known is not None:
        return known
    try:
        before = drawing_at(draft, revision)
        return canvas_of(before, level, registry, before.definition.check(registry))
    except DefinitionError:
        return Canvas(level=level, boxes={})


def levels_of(drawing: Draft, level: str) -> list[tuple[str, str]]:
    """Give the way from the whole drawing to a level: path and title of each."""
    found = [("", drawing.definition.label)]
    path = ""
    for task_id in level.split("/") if level else ():
        path = joined(path, task_id)
        found.append((path, drawing.task(path).title or task_id))
    return found


def problems_of(drawing: Draft, registry: TaskRegistry) -> list[Problem]:
    """List all that keeps the draft from being run."""
    return drawing.definition.check(registry)


# ── what fits ───────────────────────────────────────────────────────────────────────────────────


def fits_of(
    drawing: Draft, level: str, registry: TaskRegistry, *, source: str = "", target: str = ""
) -> dict[str, tuple[str, str]]:
    """Say of every port at the other side how it fits the one in hand: verdict and reason.

    Raises DefinitionError when there is no such port.
    """
    checked = examine(drawing.level(level), registry)
    if source:
        given = _source_port(checked, source)
        return {
            f"{task_id}.{port.name}": _judged(given, port)
            for task_id, task in checked.tasks.items()
            if task_id != split_end(source)[0]
            for port in task.inputs.values()
        }
    wanted = _target_port(checked, target)
    found = {
        f"{task_id}.{port.name}": _judged(port, wanted)
        for task_id, task in checked.tasks.items()
        if task_id != split_end(target)[0]
        for port in task.outputs.values()
    }
    return found | {
        f"$inputs.{name}": _judged(port, wanted) for name, port in checked.inputs.items()
    }


def _judged(source: Port, target: Port) -> tuple[str, str]:
    found = fit(source, target)
    waits = source.streams and not target.reads_stream and found.verdict != "misfit"
    return found.verdict, found.reason or ("Waits for the end of the stream." if waits else "")


def _source_port(checked: CheckedGraph, end: str) -> Port:
    try:
        return checked.port_of(split_end(end))
    except KeyError as fault:
        raise DefinitionError(f"There is no port '{end}'.") from fault


def _target_port(checked: CheckedGraph, end: str) -> Port:
    task_id, name = split_end(end)
    task = checked.tasks.get(task_id)
    if task is None or name not in task.inputs:
        raise DefinitionError(f"There is no port '{end}'.")
    return task.inputs[name]


# ── the palette ─────────────────────────────────────────────────────────────────────────────────


def offers(
    registry: TaskRegistry,
    words: str = "",
    *,
    source: Port | None = None,
    target: Port | None = None,
) -> list[Offer]:
    """Give the task types that match some words: those that fit the port in hand first.

    Of these one whose name was typed in full comes before the others.
    """
    found = [
        Offer(
            type=kind.name,
            title=kind.title,
            help=kind.help,
            family=kind.name.partition(".")[0],
            verdict=_best(kind, source, target),
        )
        for kind in registry
        if _matches(kind, words)
    ]
    wanted = words.casefold()
    found = [each for each in found if each.verdict != "misfit"]
    found.sort(
        key=lambda each: (
            _RANKS.get(each.verdict, 0),
            each.type != wanted,
            not each.title.casefold().startswith(wanted),
            each.family,
            each.title,
        )
    )
    return found[:OFFERED]


def port_in_hand(
    drawing: Draft, level: str, registry: TaskRegistry, source: str, target: str
) -> Mapping[str, Port]:
    """Find the port that a new task should fit; empty when there is none in hand."""
    checked = examine(drawing.level(level), registry)
    if source:
        return {"source": _source_port(checked, source)}
    return {"target": _target_port(checked, target)} if target else {}


def _matches(kind: type[Task], words: str) -> bool:
    text = f"{kind.name} {kind.title} {kind.help}".casefold()
    return all(word in text for word in words.casefold().split())


def _best(kind: type[Task], source: Port | None, target: Port | None) -> str:
    if source is None and target is None:
        return ""
    try:
        ports = list(_ports(kind, inputs=source is not None))
    except RunnerError:
        return "checked"
    pairs = [(source or port, target or port) for port in ports]
    verdicts = [verdict(given, wanted) for given, wanted in pairs]
    return min(verdicts, key=_RANKS.__getitem__, default="misfit")


def _ports(kind: type[Task], *, inputs: bool) -> Iterator[Port]:
    yield from ports_of_class(kind)[0 if inputs else 1].values()


def history_of(workflow: Workflow, count: int = 50) -> list[DraftAct]:
    """Give the last acts on the draft, newest first."""
    return list(workflow.acts.select_related("person").order_by("-revision")[:count])
