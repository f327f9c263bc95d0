"""What is inside of a task as a list: its subtasks in order, and the acts of its buttons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.editing.draft import joined
from runner.editing.strategies import ALTERNATIVES
from runner.errors import DefinitionError
from runner.graph.definition import DefinedTask
from runner.graph.registry import TaskRegistry

type Choices = Mapping[str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """One task inside: its path, its id, its title, its type."""

    path: str
    id: str
    title: str
    type: str


class StrategyForm:
    """The subtasks of a task that has an inside, and what can be added at their end."""

    def __init__(self, path: str, task: DefinedTask, registry: TaskRegistry) -> None:
        self.path = path
        self._registry = registry
        self._tasks = task.graph.tasks if task.graph else ()
        self.are_alternatives = task.type in ALTERNATIVES

    @property
    def subtasks(self) -> list[Subtask]:
        """The tasks inside, in order."""
        return [
            Subtask(
                path=joined(self.path, each.id),
                id=each.id,
                title=each.title or each.id,
                type=each.type,
            )
            for each in self._tasks
        ]

    @property
    def kinds(self) -> Choices:
        """The task types that can be added, by family."""
        found: dict[str, list[tuple[str, str]]] = {}
        for kind in self._registry:
            family = kind.name.partition(".")[0]
            found.setdefault(family, []).append((kind.name, kind.title))
        return found

    def act(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give the act that a button means; raises DefinitionError when it means nothing."""
        ids = [each.id for each in self._tasks]
        for word, by in (("earlier", -1), ("later", 1)):
            if (name := data.get(word)) in ids:
                return {"op": "order", "level": self.path, "ids": _moved(ids, str(name), by)}
        if (name := data.get("drop")) in ids:
            return {"op": "remove", "level": self.path, "ids": [name]}
        if kind := data.get("kind"):
            return {"op": "subtask", "path": self.path, "type": str(kind)[:64]}
        raise DefinitionError("Choose the type of the task to add first.")


def _moved(ids: list[str], name: str, by: int) -> list[str]:
    rest = [each for each in ids if each != name]
    rest.insert(min(max(ids.index(name) + by, 0), len(rest)), name)
    return rest
