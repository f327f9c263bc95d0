"""What a person says in a form about a draft: the acts that it means, all of them or none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import QueryDict

from runner.editing.draft import Draft
from runner.errors import DefinitionError, RunnerError
from workflows.border_panel import GraphPanel
from workflows.models import Workflow
from workflows.models.drafting import DraftAct, act, draft_of
from workflows.models.team import Person
from workflows.panel import TaskPanel
from workflows.panel_acts import acts_of
from workflows.pinning import told_pin

type Panel = TaskPanel | GraphPanel
DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a form: the forms to show, and why it was refused, or what was done.

    `forms` is None when what they are about is gone; `said` is what was done besides acts.
    """

    forms: Panel | None
    sentence: str = ""
    refused: bool = False
    done: tuple[DraftAct, ...] = ()
    said: str = ""


def panel_of(
    workflow: Workflow, drawing: Draft, level: str, path: str, data: QueryDict | None = None
) -> Panel:
    """Give the forms about a task, or about a level; raises DefinitionError when it is gone."""
    registry = workflow.registry
    if path:
        return TaskPanel(drawing, path, registry, data)
    return GraphPanel(drawing, level, registry, data)


def tell(workflow: Workflow, person: Person, level: str, path: str, data: QueryDict) -> Told:
    """Do what a form of the panel says; what is refused comes back as it was sent."""
    drawing = draft_of(workflow).drawing
    try:
        forms = panel_of(workflow, drawing, level, path, data)
    except DefinitionError as gone:
        return Told(forms=None, sentence=gone.sentence, refused=True)
    try:
        if data.get("form") == "pin":
            wanted, typed = data.get("pin", ""), data.get("outputs", "")
            said = told_pin(workflow, person, path, wanted, typed)
            return Told(forms=panel_of(workflow, drawing, level, path), said=said)
        acts = acts_of(forms) if isinstance(forms, TaskPanel) else forms.acts()
        if acts is None:
            return Told(forms=forms, refused=True)
        done = carry_out_all(workflow, person, revision_in(data), acts)
    except RunnerError as fault:
        return Told(forms=forms, sentence=fault.sentence, refused=True)
    asks_on = isinstance(forms, TaskPanel) and forms.waits_for_expression
    again = panel_of(workflow, draft_of(workflow).drawing, level, path, data if asks_on else None)
    return Told(forms=again, done=tuple(done))


def carry_out_all(
    workflow: Workflow, person: Person, base: int, acts: Iterable[Mapping[str, Any]]
) -> list[DraftAct]:
    """Do acts that were meant for revision `base`; give those that changed something.

    Raises RunnerError with one sentence for the first that cannot be done; then none is.
    """
    done: list[DraftAct] = []
    with transaction.atomic():
        for asked in acts:
            made = act(workflow, person, base, asked)
            if made is not None:
                base = made.revision
                done.append(made)
    return done


def revision_in(data: QueryDict) -> int:
    """Read the revision that a form was drawn from; -1 for what is none."""
    text = data.get("base", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else -1
