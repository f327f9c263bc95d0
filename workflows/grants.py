"""Grants: which task of a version is given which credential, for which hosts, and whether one must ask.

A run acts with the credentials of who starts it, so they are told before, and asked when somebody
else has changed who gets what.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.errors import ValueFault
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.needs import Need
from runner.graph.registry import TaskRegistry, default_registry
from workflows.credentials import why_unfit
from workflows.models import Credential, Run, Workflow, WorkflowDraft, WorkflowVersion

UNAGREED = "Its tasks would be given your credentials: say below that you let them, then run it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A task (by its path in the drawing), the credential it is given, and where that may go."""

    path: str
    title: str
    need: Need
    #: What the task is set to do with it, as JSON.
    settings: str = ""

    @property
    def key(self) -> tuple[str, str, tuple[str, ...], str]:
        """What has to stay the same for nobody to be asked again."""
        return self.path, self.need.name, self.need.hosts, self.settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGrant:
    """A grant as a page says it; `fault` is what keeps the credential from being given."""

    grant: Grant
    fault: str


def grants_of(version: WorkflowVersion, person: Any) -> tuple[Grant, ...]:
    """Give the grants of a version, those of the workflows it runs as sub-graphs too."""
    return grants_in(version.definition, Workflow.objects.pinned(version, person))


def grants_in(definition: str, workflows: Mapping[str, str]) -> tuple[Grant, ...]:
    """Give the grants of a definition (JSON), with the workflows it uses by name."""
    found = list(_in(GraphDefinition.from_json(definition), ""))
    for name, text in sorted(workflows.items()):
        found += _in(GraphDefinition.from_json(text), f"{name}: ")
    return tuple(found)


def _in(definition: GraphDefinition, before: str) -> Iterator[Grant]:
    registry = default_registry()
    for task in definition.tasks:
        path = f"{before}{task.id}"
        for need in _needs(registry, task):
            said = json.dumps(task.to_document().get("config", {}), sort_keys=True)
            yield Grant(path=path, title=task.title or task.id, need=need, settings=said)
        if task.graph is not None:
            yield from _in(task.graph, f"{path}/")


def _needs(registry: TaskRegistry, task: DefinedTask) -> tuple[Need, ...]:
    if task.type not in registry:
        return ()
    try:
        return registry.get(task.type).needs_for(task.config)
    except ValueFault:
        # Such a task cannot be made, and is given nothing.
        return ()


def told(grants: tuple[Grant, ...], person: Any) -> tuple[ToldGrant, ...]:
    """Say of each grant whether the person has what it needs."""
    own = {each.name: each for each in Credential.objects.filter(person=person.pk)}
    return tuple(ToldGrant(grant=each, fault=_fault(own.get(each.need.name), each.need)) for each in grants)  # fmt: skip


def _fault(credential: Credential | None, need: Need) -> str:
    if credential is None:
        return "missing"
    return why_unfit(credential, need) or ("expired" if credential.is_expired else "")


def refusal_of(version: WorkflowVersion, person: Any) -> str:
    """Say why nothing but the start page may run a version for a person; empty when anything may."""
    if not must_ask(version, grants_of(version, person), person):
        return ""
    return (
        f"Version {version.number} would give tasks your credentials in a way that you have not "
        "agreed to; start it once from its own page, and agree there."
    )


def must_ask(version: WorkflowVersion, grants: tuple[Grant, ...], person: Any) -> bool:
    """Whether tasks would be given credentials in a way that the person has not agreed to yet.

    What they published themselves, and what they ran before, they have agreed to.
    """
    if not grants or version.created_by_id == person.pk:
        return False
    return not _ran_before(version.workflow_id, grants, person)


def must_ask_of_draft(draft: WorkflowDraft, grants: tuple[Grant, ...], person: Any) -> bool:
    """Whether a trial would give credentials in a way that the person has not agreed to yet.

    What nobody else had a hand in they have agreed to, and what they ran before.
    """
    others = draft.workflow.acts.exclude(person=person.pk)
    is_own = not others.exists() and (draft.base is None or draft.base.created_by_id == person.pk)
    return bool(grants) and not is_own and not _ran_before(draft.workflow_id, grants, person)


def _ran_before(workflow: Any, grants: tuple[Grant, ...], person: Any) -> bool:
    runs = Run.objects.filter(version__workflow=workflow, started_by=person.pk)
    last = runs.select_related("version").order_by("-created_at").first()
    if last is None:
        return False
    before = {each.key for each in grants_of(last.version, person)}
    return {each.key for each in grants} <= before
