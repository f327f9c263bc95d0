"""Where a path leads in what was drawn, through compounds, control tasks and workflows."""

import re
from collections.abc import Mapping

from runner.graph.definition import SUBGRAPH, DefinedTask, GraphDefinition

COMPOUND = "flow.graph"
MAP, REDUCE, WHILE = "flow.map", "flow.reduce", "flow.while"
FALLBACK, FIRST_OF = "flow.fallback", "flow.first_of"
BRANCH, MERGE = "flow.branch", "flow.merge"
#: What counts items; the others of these have turns or alternatives.
GOES_OVER_ITEMS = frozenset({MAP, REDUCE})
_INDEX = re.compile(r"\[\d+\]$")


class Drawn:
    """A definition, and the workflows that its tasks may name."""

    def __init__(
        self, definition: GraphDefinition, workflows: Mapping[str, GraphDefinition]
    ) -> None:
        self.definition = definition
        self._workflows = workflows

    def find(self, path: str) -> DefinedTask | None:
        """Give the task that was drawn at a path of a run, such as `each[3]/fetch`, if any."""
        graph: GraphDefinition | None = self.definition
        found: DefinedTask | None = None
        for segment in path.split("/"):
            name = _INDEX.sub("", segment)
            tasks = graph.tasks if graph is not None else ()
            found = next((each for each in tasks if each.id == name), None)
            graph = self.inside(found)
        return found

    def inside(self, drawn: DefinedTask | None) -> GraphDefinition | None:
        """Give the graph inside a task; None for one that has none, or whose workflow is unknown."""
        if drawn is None:
            return None
        if drawn.type == SUBGRAPH:
            return self._workflows.get(str(drawn.config.get("workflow", "")))
        return drawn.graph


def alternatives_of(drawn: DefinedTask | None) -> list[str]:
    """Name the alternatives inside a fallback or a race, in order."""
    graph = drawn.graph if drawn is not None else None
    return [each.title or each.id for each in graph.tasks if not each.disabled] if graph else []
