"""The workflows that a sub-graph may name: a team's own, read only when one is named."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from runner.graph.definition import GraphDefinition

if TYPE_CHECKING:
    from workflows.models.workflow import WorkflowQuerySet, WorkflowVersion

BETWEEN = "@"
DIGITS = 9
#: So many versions of each workflow are listed.
LISTED = 10


def name_in(reference: str) -> str:
    """Give the name that a sub-graph means; after it there may be a version: "rivers@3"."""
    return reference.partition(BETWEEN)[0]


class TeamWorkflows(Mapping[str, GraphDefinition]):
    """Definitions by what a sub-graph calls them: the latest version, or one for good.

    "rivers" means whatever is published last, "rivers@3" version 3. It lists the names alone.
    """

    def __init__(self, workflows: "WorkflowQuerySet") -> None:
        """Look in `workflows`, whose names differ."""
        self._workflows = workflows
        self._read: dict[str, WorkflowVersion | None] = {}

    def version(self, reference: str) -> "WorkflowVersion | None":
        """Find the version that is meant; None when there is none."""
        if reference not in self._read:
            self._read[reference] = self._found(reference)
        return self._read[reference]

    def _found(self, reference: str) -> "WorkflowVersion | None":
        name, between, number = reference.partition(BETWEEN)
        workflow = self._workflows.filter(name=name).first()
        if workflow is None:
            return None
        if not between:
            return workflow.latest
        if not (number.isascii() and number.isdecimal() and len(number) <= DIGITS):
            return None
        return workflow.versions.published().filter(number=int(number)).first()

    def references(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Give what may be named, by the title of the workflow: reference and words of each."""
        named = self._workflows.exclude(versions=None).order_by("title", "name").distinct()
        for workflow in named.prefetch_related("versions"):
            numbers = sorted((each.number for each in workflow.versions.all()), reverse=True)
            kept = [each for each in numbers if each][:LISTED]
            latest = (workflow.name, f"{workflow}: the latest version")
            versions = [
                (f"{workflow.name}{BETWEEN}{number}", f"{workflow}: version {number} for good")
                for number in kept
            ]
            if kept:
                yield str(workflow), [latest, *versions]

    def __getitem__(self, reference: str) -> GraphDefinition:
        """Read a definition; raises KeyError."""
        version = self.version(reference)
        if version is None:
            raise KeyError(reference)
        return GraphDefinition.from_json(version.definition)

    def __iter__(self) -> Iterator[str]:
        """Give the names of those that have a version."""
        published = self._workflows.exclude(versions=None).order_by("name")
        return iter(published.values_list("name", flat=True).distinct())

    def __len__(self) -> int:
        """Count them."""
        return sum(1 for _ in self)
