"""TaskRegistry: type name -> Task class, and the graphs written in code; entry points."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Self

from runner.errors import DefinitionError, UnknownTaskType, ValueFault
from runner.graph.plug_ins import PlugIn, bring, installed
from runner.graph.remembered import Remembered
from runner.graph.task import Task

if TYPE_CHECKING:
    from runner.graph.checking import CheckedGraph
    from runner.graph.compound import GraphAsTask
    from runner.graph.definition import GraphDefinition

LIBRARY = "runner.library"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
#: What `series` and `parallel` call a graph that was given no name: a part of other graphs.
_UNNAMED = frozenset({"series", "parallel"})


class TaskRegistry:
    """The task types that a definition may name; the types that hold a graph are always in it.

    `workflows` are the definitions that a sub-graph may name. `remembered` is what was examined
    with it before, if it remembers that; `plug_ins` are the modules that were asked for
    types besides the library, usable or not.
    """

    _always: ClassVar[dict[str, type[Task]]] = {}

    def __init__(self) -> None:
        self.workflows: Mapping[str, GraphDefinition] = {}
        self._types: dict[str, type[Task]] = dict(self._always)
        self._graphs: dict[str, tuple[GraphDefinition, str]] = {}
        self._examined: dict[str, CheckedGraph | None] = {}
        self.remembered: Remembered | None = None
        self.plug_ins: tuple[PlugIn, ...] = ()

    @classmethod
    def everywhere[T: type[Task]](cls, kind: T) -> T:
        """Put a type into every registry made from now on."""
        cls._always[kind.name] = kind
        return kind

    def register[T: type[Task]](self, kind: T) -> T:
        """Add a task type; raises DefinitionError if another one has its name."""
        known = self._types.get(kind.name)
        if not _NAME.fullmatch(kind.name):
            raise DefinitionError(f"'{kind.name}' is no name for a task type.")
        if known is not None and known is not kind:
            raise DefinitionError(f"Two task types are called '{kind.name}'; rename one.")
        self._types[kind.name] = kind
        return kind

    def register_module(self, module: ModuleType) -> None:
        """Add the public task types that a module defines, and the graphs that it holds.

        A graph is a GraphBuilder or a GraphAsTask; one that was given no name is a part of
        others and left out. Raises DefinitionError for a graph with faults.
        """
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            if _is_defined_in(value, module):
                self.register(value)
            elif (graph := _as_graph(value, module)) is not None:
                self.update(graph.registry)
                self.register_graph(graph.definition, module.__name__)

    def register_graph(self, definition: "GraphDefinition", module: str = "") -> None:
        """Add a graph written in a module; raises DefinitionError if another one has its name."""
        name = definition.name
        if not _NAME.fullmatch(name):
            raise DefinitionError(f"'{name[:64]}' is no name for a graph.")
        known, first = self._graphs.get(name, (definition, module))
        if known is not definition and known.to_json() != definition.to_json():
            places = " and ".join(dict.fromkeys(each or "this program" for each in (first, module)))
            raise DefinitionError(f"Two graphs are called '{name}' (in {places}); rename one.")
        self._graphs.setdefault(name, (definition, module))

    @property
    def graphs(self) -> "Mapping[str, GraphDefinition]":
        """The graphs written in code, by name, in alphabetical order."""
        return {name: self._graphs[name][0] for name in sorted(self._graphs)}

    def module_of(self, graph: str) -> str:
        """Name the module that a registered graph is written in; raises KeyError."""
        return self._graphs[graph][1]

    def get(self, name: str) -> type[Task]:
        """Find a task type; raises UnknownTaskType."""
        try:
            return self._types[name]
        except KeyError:
            near = get_close_matches(name[:64], self._types, n=1)
            raise UnknownTaskType(name[:64], near[0] if near else None) from None

    def names(self) -> list[str]:
        """Name the registered types in alphabetical order."""
        return sorted(self._types)

    def copy(self) -> "TaskRegistry":
        """Give a registry of its own with the same types, graphs and workflows."""
        twin = TaskRegistry()
        twin.update(self)
        twin.plug_ins = self.plug_ins
        return twin

    def remembering(self, memory: Remembered) -> Self:
        """Remember what is examined with it; give itself.

        A memory may be shared by registries of the same types: what depends on the workflows
        they know is not remembered.
        """
        self.remembered = memory
        return self

    def with_workflows(self, workflows: "Mapping[str, GraphDefinition]") -> "TaskRegistry":
        """Give a registry of the same types whose sub-graphs may name these workflows.

        They are looked up when a sub-graph names one: the mapping may read them then.
        """
        twin = TaskRegistry()
        twin._types = dict(self._types)
        twin._graphs = dict(self._graphs)
        twin.workflows = workflows
        return twin

    def examined(self, workflow: str) -> "CheckedGraph | None":
        """Give a workflow as it was examined, once; None while it is: it is inside itself.

        Raises KeyError for a workflow it does not know, ValueFault for one that nests too deep.
        """
        from runner.graph.checking import examine  # noqa: PLC0415 - checking makes tasks

        if workflow not in self._examined:
            self._examined[workflow] = None
            try:
                self._examined[workflow] = examine(self.workflows[workflow], self)
            except RecursionError:
                raise ValueFault(f"The workflow '{workflow}' nests others too deep.") from None
            finally:
                if self._examined[workflow] is None:
                    del self._examined[workflow]
        return self._examined[workflow]

    def update(self, other: "TaskRegistry") -> None:
        """Add all types and graphs of another registry, and the workflows not there yet."""
        for kind in other:
            self.register(kind)
        for name, definition in other.graphs.items():
            self.register_graph(definition, other.module_of(name))
        if other.workflows:
            self.workflows = {**other.workflows, **self.workflows}
            self._examined = {}

    def __iter__(self) -> Iterator[type[Task]]:
        """Give the registered types in alphabetical order of their names."""
        return iter([self._types[name] for name in self.names()])

    def __contains__(self, name: object) -> bool:
        """Whether a type of this name is registered."""
        return name in self._types


def _is_defined_in(kind: object, module: ModuleType) -> bool:
    return isinstance(kind, type) and issubclass(kind, Task) and kind.__module__ == module.__name__


def _as_graph(value: object, module: ModuleType) -> "GraphAsTask | None":
    """Give a graph that stands in a module; None for anything else, and for a part of graphs."""
    from runner.graph.building import GraphBuilder  # noqa: PLC0415 - both make registries
    from runner.graph.compound import GraphAsTask  # noqa: PLC0415

    if not isinstance(value, GraphBuilder | GraphAsTask) or value.definition.name in _UNNAMED:
        return None
    if isinstance(value, GraphAsTask):
        return value
    try:
        return value.as_task()
    except DefinitionError as fault:
        said = f"The graph '{value.definition.name[:64]}' in {module.__name__} has a fault: {fault}"
        raise DefinitionError(said) from fault


def default_registry() -> TaskRegistry:
    """Give a registry with the library's task types and graphs, and those of plug-ins."""
    return _loaded().copy()


def also_from(module: str, origin: str) -> None:
    """Let a module, found in `origin`, be one of the plug-ins of every default registry."""
    found = PlugIn(module=module, origin=origin)
    if found not in _also:
        _also.append(found)
        _loaded.cache_clear()


_also: list[PlugIn] = []


@cache
def _loaded() -> TaskRegistry:
    registry = TaskRegistry()
    library = importlib.import_module(LIBRARY)
    for found in pkgutil.walk_packages(library.__path__, f"{LIBRARY}."):
        registry.register_module(importlib.import_module(found.name))
    registry.plug_ins = tuple(bring(registry, found) for found in (*installed(), *_also))
    return registry
