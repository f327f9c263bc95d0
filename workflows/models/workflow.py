"""A team's workflow and its versions; a version never changes."""

import hashlib
import itertools
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from runner.errors import DefinitionError
from runner.graph.checking import check_nesting
from runner.graph.definition import SUBGRAPH, GraphDefinition
from runner.graph.registry import TaskRegistry, default_registry
from runner.graph.type_versions import signature_of
from runner.run.rerun import workflows_in
from workflows.models.drawings import EXAMINED
from workflows.models.team import Person, Right, Team
from workflows.models.team_workflows import TeamWorkflows

#: The number of a version that nobody published: the draft, kept as it was tried.
DRAFT = 0
#: So long a tried draft stays without a run: one may be about to begin.
TRIED_KEPT = timedelta(hours=1)


def registry_with(workflows: Mapping[str, str]) -> TaskRegistry:
    """Give the registry in which sub-graphs find these definitions (JSON texts by name)."""
    registry = default_registry()
    if not workflows:
        return registry
    return registry.with_workflows(
        {name: GraphDefinition.from_json(text) for name, text in workflows.items()}
    )


def versions_of(definitions: Iterable[str]) -> dict[str, str]:
    """Give the signatures, by name, that the task types of definitions (JSON texts) have now."""
    registry = default_registry()
    used = {name for text in definitions for name in _types_in(json.loads(text))}
    return {name: signature_of(registry.get(name)) for name in sorted(used) if name in registry}


def _types_in(graph: Mapping[str, Any]) -> Iterator[str]:
    for task in graph.get("tasks", ()):
        yield str(task.get("type", ""))
        yield from _types_in(task.get("graph") or {})


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    """Workflows, as a person may see them."""

    def visible_to(self, person: Person, right: Right = Right.VIEW) -> Self:
        """The workflows for which a person has a right."""
        return self.filter(team__in=Team.objects.visible_to(person, right), removed_at=None)

    def pinned(self, version: "WorkflowVersion", person: Person) -> dict[str, str]:
        """Give the latest definitions of all workflows that a version uses, by name.

        It looks in the version's team, at what the person may run; what is not found there is
        left out, and a plan says so.
        """
        return self.pinned_in(version.definition, version.workflow.team_id, person)

    def pinned_in(self, definition: str, team: Any, person: Person) -> dict[str, str]:
        """Give the same for a definition (JSON) that is no version yet, in a team.

        A name with a version after it, such as "rivers@3", means that one version for good.
        """
        known = TeamWorkflows(self.visible_to(person, Right.RUN).filter(team=team))
        found: dict[str, str] = {}
        ahead = [definition]
        while ahead:
            text = ahead.pop()
            if SUBGRAPH not in text:
                continue
            used = set(workflows_in(GraphDefinition.from_json(text))) - found.keys()
            for each in used:
                version = known.version(each)
                if version is not None:
                    found[each] = version.definition
                    ahead.append(version.definition)
        return found


class Origin(models.TextChoices):
    """Where a workflow comes from."""

    DRAWN = "drawn"
    CODE = "code"


class Workflow(models.Model):
    """A named drawing of a team; what it draws is in its versions.

    One from code follows the graph of its name in `module`, and is copied, not edited; without a
    module, that graph is gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="workflows")
    name = models.SlugField(max_length=120)
    title = models.CharField(max_length=200)
    help = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.DRAWN)
    module = models.CharField(max_length=255, blank=True, default="")
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=models.Q(removed_at=None),
                name="one_workflow_a_name",
            ),
            models.CheckConstraint(
                condition=models.Q(origin=Origin.CODE) | models.Q(origin=Origin.DRAWN, module=""),
                name="workflow_origin",
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    @cached_property
    def registry(self) -> TaskRegistry:
        """The task types, with the workflows of its team for sub-graphs to name."""
        own = Workflow.objects.filter(team=self.team_id, removed_at=None)
        return default_registry().with_workflows(TeamWorkflows(own)).remembering(EXAMINED)

    @property
    def latest(self) -> "WorkflowVersion | None":
        """The newest version; None as long as nothing was saved."""
        return self.versions.published().order_by("-number").first()

    @property
    def is_from_code(self) -> bool:
        """Whether it follows a graph in a module, so that nobody edits it here."""
        return self.origin == Origin.CODE

    def revise(
        self, definition: str, person: Person | None = None, note: str = "", layout: str = ""
    ) -> "WorkflowVersion":
        """Save a definition as the next version, unless it is what the latest says already.

        Raises DefinitionError for a text that is no definition, for graphs nested too deep, and
        for a workflow from code.
        """
        if self.is_from_code:
            raise DefinitionError(f"{self} is written in code; copy it, and change the copy.")
        return self._add(definition, person, note, layout)

    def follow(self, graph: GraphDefinition, module: str) -> bool:
        """Say what a graph in code says now; give whether that is a new version."""
        self.title, self.help, self.module = graph.label[:200], graph.help, module
        self.save(update_fields=["title", "help", "module"])
        before = self.latest
        return self._add(graph.to_json(), None, f"from {module}"[:500]) != before

    def tried(self, definition: str, layout: str, person: Person) -> "WorkflowVersion":
        """Keep the draft as it is, for a trial run of it; what no run needs any more goes."""
        check_nesting(GraphDefinition.from_json(definition))
        digest = hashlib.sha256(definition.encode()).hexdigest()
        with transaction.atomic():
            kept = self.versions.filter(number=DRAFT)
            kept.filter(runs=None, created_at__lt=timezone.now() - TRIED_KEPT).delete()
            same = kept.filter(digest=digest, layout=layout).first()
            return same or self.versions.create(
                number=DRAFT,
                definition=definition,
                digest=digest,
                layout=layout,
                created_by_id=person.pk,
            )

    def copy(self, version: "WorkflowVersion", person: Person) -> "Workflow":
        """Make a drawing of the same team that says what a version of this one says."""
        names = _copy_names(self.name)
        while True:
            try:
                return self._copied(next(names), version, person)
            except IntegrityError:
                continue

    def _copied(self, name: str, version: "WorkflowVersion", person: Person) -> "Workflow":
        with transaction.atomic():
            made = Workflow.objects.create(
                team=self.team,
                name=name,
                title=f"{self.title[:190]} (copy)",
                help=self.help,
                created_by_id=person.pk,
            )
            made.revise(version.definition, person, f"copy of {version}"[:500], version.layout)
        return made

    def _add(
        self, definition: str, person: Person | None, note: str, layout: str = ""
    ) -> "WorkflowVersion":
        check_nesting(GraphDefinition.from_json(definition))
        digest = hashlib.sha256(definition.encode()).hexdigest()
        with transaction.atomic():
            published = self.versions.published().select_for_update()
            latest = published.order_by("-number").first()
            if latest and latest.digest == digest and layout in {"", latest.layout}:
                return latest
            return self.versions.create(
                number=latest.number + 1 if latest else 1,
                definition=definition,
                digest=digest,
                created_by_id=person.pk if person else None,
                note=note,
                layout=layout,
            )


def _copy_names(name: str) -> Iterator[str]:
    """Give names for a copy, one after the other."""
    base = name[:100]
    yield f"{base}-copy"
    yield from (f"{base}-copy-{count}" for count in itertools.count(2))


class WorkflowVersionQuerySet(models.QuerySet["WorkflowVersion"]):
    """Versions, as a person may see them."""

    def visible_to(self, person: Person, right: Right = Right.VIEW) -> Self:
        """The versions of workflows for which a person has a right."""
        return self.filter(workflow__team__in=Team.objects.visible_to(person, right))

    def published(self) -> Self:
        """Those that a person published; not what was only tried."""
        return self.exclude(number=DRAFT)


class WorkflowVersion(models.Model):
    """One saved state of a workflow: canonical JSON that never changes.

    `layout` is what a person arranged around it (JSON, or empty); the digest leaves it out.
    Number 0 is a draft as it was tried: it is never the latest, and there may be several.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.TextField()
    digest = models.CharField(max_length=64, db_index=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(max_length=500, blank=True, default="")
    layout = models.TextField(blank=True, default="")

    objects = WorkflowVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "number"],
                condition=~models.Q(number=DRAFT),
                name="one_version_a_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.short}"

    @property
    def is_draft(self) -> bool:
        """Whether it was only tried."""
        return self.number == DRAFT

    @property
    def short(self) -> str:
        """Say which one, in a line: v3, or draft."""
        return "draft" if self.is_draft else f"v{self.number}"

    @property
    def words(self) -> str:
        """Say which one, in a sentence: version 3, or the draft."""
        return "the draft" if self.is_draft else f"version {self.number}"
