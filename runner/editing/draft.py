"""Draft: a definition with its sheet, as it is being edited; levels within it by path."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from runner.editing.sheet import Sheet
from runner.errors import DefinitionError
from runner.graph.checking import check_nesting
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.reading import read_document
from runner.graph.values import dump


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is being drawn, and where it stands; every act gives a new one.

    A *level* is the definition itself (path "") or the graph inside of a compound task or a
    control, named by that task's path, such as "clean/hash".
    """

    definition: GraphDefinition
    sheet: Sheet = field(default_factory=Sheet)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Draft":
        """Read a file; raises DefinitionError with one sentence for all that is none."""
        document = read_document(text)
        sheet = Sheet.from_document(document.get("layout", {}))
        draft = cls(definition=GraphDefinition.from_document(document), sheet=sheet)
        check_nesting(draft.definition)
        return draft.tidied()

    def to_json(self) -> str:
        """Write both as a file: the definition's own JSON, with `layout` beside it."""
        layout = self.sheet.to_document()
        return dump(self.definition.to_document() | ({"layout": layout} if layout else {}))

    def level(self, path: str) -> GraphDefinition:
        """Find a level; raises DefinitionError."""
        found = self.definition
        for number, task_id in enumerate(path.split("/") if path else ()):
            inner = found.task(task_id).graph
            if inner is None:
                outer = "/".join(path.split("/")[: number + 1])
                raise DefinitionError(f"There is nothing inside of '{outer[:140]}'.")
            found = inner
        return found

    def task(self, path: str) -> DefinedTask:
        """Find a task by its path; raises DefinitionError."""
        outer, task_id = parted(path)
        return self.level(outer).task(task_id)

    def changed(self, path: str, change: Callable[[GraphDefinition], GraphDefinition]) -> "Draft":
        """Change one level, whatever it is inside of."""
        return replace(self, definition=_changed(self.definition, path, change))

    def on(self, **changes: Any) -> "Draft":
        """Change sections of the sheet."""
        return replace(self, sheet=replace(self.sheet, **changes))

    def walk(self) -> Iterator[tuple[str, GraphDefinition]]:
        """Give every level with its path, outer ones first."""
        waiting = [("", self.definition)]
        while waiting:
            path, level = waiting.pop()
            yield path, level
            waiting += [
                (joined(path, task.id), task.graph)
                for task in reversed(level.tasks)
                if task.graph is not None
            ]

    def tidied(self) -> "Draft":
        """Take off the sheet what belongs to tasks that are gone."""
        paths = {
            joined(level, name)
            for level, graph in self.walk()
            for name in (*BORDERS, *(task.id for task in graph.tasks))
        }
        levels = {level for level, _ in self.walk()}
        sheet = self.sheet
        return self.on(
            positions={path: spot for path, spot in sheet.positions.items() if path in paths},
            notes={name: note for name, note in sheet.notes.items() if note.inside in levels},
            frames={name: each for name, each in sheet.frames.items() if each.inside in levels},
        )


#: The borders of a level stand on its canvas like tasks: where values come in, and go out.
BORDERS = ("$inputs", "$outputs")


def parted(path: str) -> tuple[str, str]:
    """Part a task's path into its level and its id."""
    outer, _, task_id = path.rpartition("/")
    return outer, task_id


def joined(level: str, task_id: str) -> str:
    """Join a level and an id to a task's path."""
    return f"{level}/{task_id}" if level else task_id


def _changed(
    definition: GraphDefinition, path: str, change: Callable[[GraphDefinition], GraphDefinition]
) -> GraphDefinition:
    if not path:
        return change(definition)
    task_id, _, rest = path.partition("/")
    inner = definition.task(task_id).graph
    if inner is None:
        raise DefinitionError(f"There is nothing inside of '{task_id[:140]}'.")
    return definition.with_changed_task(task_id, graph=_changed(inner, rest, change))
