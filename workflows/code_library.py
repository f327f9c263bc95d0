"""The graphs that installed modules bring along, as workflows of every team."""

from collections.abc import Iterator
from dataclasses import dataclass

from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry, default_registry
from workflows.models import Origin, Team, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of loading: the graphs with a new version, and sentences about what is amiss."""

    changed: tuple[str, ...]
    notices: tuple[str, ...]


def load_code_workflows(registry: TaskRegistry | None = None) -> Loaded:
    """Let every team have each graph written in code, as a new version where it changed.

    A team's own workflow keeps its name. The workflow of a graph that is gone keeps its versions
    and its runs, and is marked.
    """
    found = registry or default_registry()
    changed: set[str] = set()
    notices: list[str] = []
    for team in Team.objects.filter(removed_at=None).order_by("name"):
        for name, graph in found.graphs.items():
            workflow = _row(team, graph)
            if not workflow.is_from_code:
                notices.append(
                    f"{team} has a workflow '{name}' of its own; "
                    f"the one in {found.module_of(name)} is not shown there."
                )
            elif workflow.follow(graph, found.module_of(name)):
                changed.add(name)
    notices += _mark_gone(found)
    return Loaded(changed=tuple(sorted(changed)), notices=tuple(notices))


def _row(team: Team, graph: GraphDefinition) -> Workflow:
    told = {"title": graph.label[:200], "origin": Origin.CODE}
    there = Workflow.objects.filter(removed_at=None)
    workflow, _ = there.get_or_create(team=team, name=graph.name, defaults=told)
    return workflow


def _mark_gone(registry: TaskRegistry) -> Iterator[str]:
    left = Workflow.objects.filter(origin=Origin.CODE, removed_at=None).exclude(module="")
    for workflow in left.exclude(name__in=list(registry.graphs)).select_related("team"):
        yield f"The graph '{workflow.name}' of {workflow.team} is gone from {workflow.module}."
        workflow.module = ""
        workflow.save(update_fields=["module"])
