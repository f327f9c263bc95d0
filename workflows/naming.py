"""What a workflow is called, who uses it by that name, and what goes when it is removed."""

from dataclasses import dataclass

from django import forms
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery

from runner.errors import DefinitionError
from runner.graph.definition import SUBGRAPH, GraphDefinition
from runner.run.rerun import workflows_in
from workflows.models import Run, Workflow, WorkflowVersion
from workflows.models.drafting import act, draft_of
from workflows.models.run import DRIVEN
from workflows.models.team import Person
from workflows.models.team_workflows import name_in


class AboutForm(forms.Form):
    """The title of a workflow, and the short name by which other workflows use it."""

    title = forms.CharField(max_length=200, help_text="As people call it.")
    name = forms.SlugField(
        max_length=100,
        label="Short name",
        help_text="As other workflows of the team and the terminal call it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What a removal means: runs that stay to be read, those cancelled, and who misses it."""

    runs: int
    cancelled: int
    used_by: tuple[Workflow, ...]


def rename(workflow: Workflow, person: Person, title: str, name: str) -> None:
    """Call a workflow otherwise, in its draft too; its versions keep what they say.

    Raises DefinitionError for one from code, for a name that is taken, and for a name by which
    other workflows use it.
    """
    if name != workflow.name and (users := used_by(workflow)):
        raise DefinitionError(f"“{users[0]}” uses this workflow as {workflow.name}: it keeps that.")
    with transaction.atomic():
        draft = draft_of(workflow)
        try:
            with transaction.atomic():
                Workflow.objects.filter(pk=workflow.pk).update(title=title, name=name)
        except IntegrityError as taken:
            raise DefinitionError(f"The team has a workflow called {name} already.") from taken
        act(workflow, person, draft.revision, {"op": "graph", "title": title})


def used_by(workflow: Workflow) -> tuple[Workflow, ...]:
    """Give the workflows of the team whose latest version runs this one as a sub-graph."""
    versions = (
        WorkflowVersion.objects.published()
        .filter(workflow=OuterRef("workflow"))
        .order_by("-number")
    )
    latest = WorkflowVersion.objects.filter(
        workflow__team=workflow.team_id,
        workflow__removed_at=None,
        number=Subquery(versions.values("number")[:1]),
        definition__contains=SUBGRAPH,
    )
    others = latest.exclude(workflow=workflow).select_related("workflow")
    return tuple(
        each.workflow
        for each in others.order_by("workflow__title")
        if workflow.name in map(name_in, workflows_in(GraphDefinition.from_json(each.definition)))
    )


def leaving_of(workflow: Workflow) -> Leaving:
    """Say what would go with a workflow, and what would stay."""
    runs = Run.objects.filter(version__workflow=workflow)
    return Leaving(
        runs=runs.count(),
        cancelled=runs.filter(status__in=DRIVEN).count(),
        used_by=used_by(workflow),
    )
