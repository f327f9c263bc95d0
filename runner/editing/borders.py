"""Acts on the border of a graph: its inputs, its outputs, and what it says about itself."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from runner.editing.draft import Draft
from runner.editing.edit import End, InLevel, Name, Title, end_in_words, free_name
from runner.errors import DefinitionError
from runner.graph.building import graph_port
from runner.graph.dataflow import GRAPH_INPUTS, split_end
from runner.graph.definition import GraphDefinition, GraphOutput, GraphPort
from runner.graph.reading import check_port
from runner.graph.registry import TaskRegistry

Help = Annotated[str, StringConstraints(max_length=5000)]


class SetInput(InLevel):
    """Add an input of a graph, or change one; with `was` it is renamed and stays connected."""

    op: Literal["input"] = "input"
    port: dict[str, Any]
    was: Name = ""

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Put the port where the old one was, or at the end."""
        del registry
        check_port(self.port, "the input")
        port = GraphPort.from_document(self.port)
        port.as_port()
        return draft.changed(self.level, lambda level: _with_input(level, self.was, port))

    def words(self, draft: Draft) -> str:
        """Say whether it is new."""
        del draft
        return f"{'Change' if self.was else 'Add'} input {self.port.get('name', '')}"[:200]


class RemoveInput(InLevel):
    """Remove an input of a graph, with what flows from it."""

    op: Literal["remove-input"] = "remove-input"
    name: Name

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Take it out."""
        del registry
        return draft.changed(self.level, lambda level: level.without_input(self.name))

    def words(self, draft: Draft) -> str:
        """Name it."""
        del draft
        return f"Remove input {self.name}"


class SetOutput(InLevel):
    """Add an output of a graph, or change where one comes from, or rename it with `was`."""

    op: Literal["output"] = "output"
    name: Name
    source: End
    title: Title = ""
    help: Help = ""
    was: Name = ""

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Put it where the old one was, or at the end."""
        del registry
        output = GraphOutput(name=self.name, source=self.source, title=self.title, help=self.help)
        return draft.changed(self.level, lambda level: _with_output(level, self.was, output))

    def words(self, draft: Draft) -> str:
        """Say whether it is new."""
        del draft
        return f"{'Change' if self.was else 'Add'} output {self.name}"


class Expose(InLevel):
    """Lead a port of a task out of its graph: an input or output with a free name, joined to it."""

    op: Literal["expose"] = "expose"
    end: End
    side: Literal["input", "output"]

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Add the input that takes what the port takes, or the output that gives what it gives."""
        level = draft.level(self.level)
        task_id, name = split_end(self.end)
        task = self.checked(draft, registry).tasks.get(task_id)
        ports = {} if task is None else task.inputs if self.side == "input" else task.outputs
        if name not in ports:
            raise DefinitionError(f"There is no {self.side} '{self.end}'.")
        if self.side == "output":
            free = free_name(name, (each.name for each in level.outputs))
            return draft.changed(self.level, lambda level: level.with_output(free, self.end))
        port = graph_port(free_name(name, (each.name for each in level.inputs)), ports[name])
        source = f"{GRAPH_INPUTS}.{port.name}"
        return draft.changed(
            self.level, lambda level: level.with_input(port).with_dataflow(source, self.end)
        )

    def words(self, draft: Draft) -> str:
        """Name the port."""
        return f"Make {end_in_words(draft, self.level, self.end)} an {self.side} of the graph"


class RemoveOutput(InLevel):
    """Remove an output of a graph."""

    op: Literal["remove-output"] = "remove-output"
    name: Name

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Take it out."""
        del registry
        return draft.changed(self.level, lambda level: level.without_output(self.name))

    def words(self, draft: Draft) -> str:
        """Name it."""
        del draft
        return f"Remove output {self.name}"


class SetGraph(InLevel):
    """Change what a graph says about itself; what is not given stays."""

    op: Literal["graph"] = "graph"
    title: Title | None = None
    help: Help | None = None
    fail_fast: bool | None = None

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change the fields that are given."""
        del registry
        given = {"title": self.title, "help": self.help, "fail_fast": self.fail_fast}
        changes: dict[str, Any] = {name: each for name, each in given.items() if each is not None}
        return draft.changed(self.level, lambda level: replace(level, **changes))

    def words(self, draft: Draft) -> str:
        """Say whose."""
        return f"Change {draft.level(self.level).label}"


def _with_input(level: GraphDefinition, was: str, port: GraphPort) -> GraphDefinition:
    if not was:
        return level.with_input(port)
    if was not in {each.name for each in level.inputs}:
        raise DefinitionError(f"There is no input '{was}' in {level.label}.")
    if port.name != was and port.name in {each.name for each in level.inputs}:
        raise DefinitionError(f"There is an input '{port.name}' already; choose another name.")
    old, new = f"{GRAPH_INPUTS}.{was}", f"{GRAPH_INPUTS}.{port.name}"
    return replace(
        level,
        inputs=tuple(port if each.name == was else each for each in level.inputs),
        dataflows=tuple(
            replace(each, source=new) if each.source == old else each for each in level.dataflows
        ),
        outputs=tuple(
            replace(each, source=new) if each.source == old else each for each in level.outputs
        ),
    )


def _with_output(level: GraphDefinition, was: str, output: GraphOutput) -> GraphDefinition:
    added = level.without_output(was) if was else level
    added = added.with_output(output.name, output.source)
    places = [each.name for each in level.outputs]
    outputs = [each for each in added.outputs if each.name != output.name]
    outputs.insert(places.index(was) if was else len(outputs), output)
    return replace(added, outputs=tuple(outputs))
