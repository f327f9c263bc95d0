"""Remembered: what was made of tasks and found in graphs, for whom examines them again and again."""

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.graph.checking import CheckedGraph
    from runner.graph.definition import DefinedTask, GraphDefinition
    from runner.graph.task import Task

#: So many tasks are remembered, and the graphs of so many.
MOST_TASKS = 20_000


class ByIdentity[S, V]:
    """Values by the very object they come from, which never changes; the oldest go first."""

    def __init__(self, most: int) -> None:
        """Hold values of this weight together."""
        self._most = most
        self._weight = 0
        # The source is held too, so that no other object gets its identity.
        self._kept: OrderedDict[int, tuple[S, V, int]] = OrderedDict()

    def get(self, source: S) -> V | None:
        """Give what was kept for this object; None if nothing was."""
        found = self._kept.get(id(source))
        return None if found is None else found[1]

    def put(self, source: S, value: V, weight: int = 1) -> None:
        """Keep a value, and forget the oldest ones beyond the weight."""
        before = self._kept.pop(id(source), None)
        self._weight += weight - (before[2] if before else 0)
        self._kept[id(source)] = source, value, weight
        while self._weight > self._most and len(self._kept) > 1:
            self._weight -= self._kept.popitem(last=False)[1][2]


class Remembered:
    """Of a graph that differs in one task from an earlier one, the other tasks are known.

    A registry has one when it is asked to; its task types must then stay as they are.
    """

    def __init__(self, most: int = MOST_TASKS) -> None:
        """Begin with nothing."""
        self.tasks: ByIdentity[DefinedTask, tuple[Task, dict[str, Any]]] = ByIdentity(most)
        self.graphs: ByIdentity[GraphDefinition, CheckedGraph] = ByIdentity(most)
