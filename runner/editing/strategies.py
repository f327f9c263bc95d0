"""Acts on the inside of a task by what it is for: one subtask after the other, or alternatives."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from runner.editing.draft import Draft, joined
from runner.editing.edit import Edit, Name, Path, Title, free_name, plain_inside, title_of
from runner.editing.joining import ports_of, takes
from runner.editing.tasks import (
    new_task,
    placed,
)
from runner.graph.building import graph_port
from runner.graph.dataflow import GRAPH_INPUTS
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry

#: Whose tasks are alternatives, and whose outputs are handed on to the next turn.
ALTERNATIVES = frozenset({"flow.fallback", "flow.first_of"})
LOOPS = frozenset({"flow.while", "flow.reduce"})


class AddSubtask(Edit):
    """Add a task inside of another one, and join it as that one needs it.

    In a series it takes what the last task gives, or what comes in; what else it needs becomes
    an input of the graph, and what it gives are the graph's outputs. Alternatives all take the
    same inputs. A loop hands its first output on under the name of an input.
    """

    op: Literal["subtask"] = "subtask"
    path: Path
    type: Name
    title: Title = ""

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Add it at the end."""
        holder = draft.task(self.path)
        inside = plain_inside(holder)
        task = new_task(inside, self.type, self.title, registry)
        last = inside.tasks[-1].id if inside.tasks else ""
        level = inside.with_task(task)
        inputs, outputs = ports_of(level, task, registry) or ({}, {})
        level = _fed(level, holder, task.id, inputs, last, registry)
        if holder.type not in ALTERNATIVES:
            level = _giving(level, holder, task.id, list(outputs), last)
        added = draft.changed(self.path, lambda _: level)
        return placed(added, joined(self.path, task.id), None)

    def words(self, draft: Draft) -> str:
        """Say what is added to what."""
        return f"Add {self.title or self.type} to {title_of(draft, self.path)}"


def _fed(
    level: GraphDefinition,
    holder: DefinedTask,
    task_id: str,
    inputs: Mapping[str, Port],
    last: str,
    registry: TaskRegistry,
) -> GraphDefinition:
    """Join each input that needs a value to the first free source that fits, or to a new input."""
    is_series = holder.type not in ALTERNATIVES
    taken: set[str] = set()
    for name in _needed(inputs):
        target = f"{task_id}.{name}"
        sources = [f"{GRAPH_INPUTS}.{each.name}" for each in level.inputs]
        if is_series and last:
            given = [f"{last}.{each}" for each in _outputs(level, last, registry)]
            # Further inputs of the graph are for what the last task does not give.
            sources = [
                *_alike_first(given, name),
                *(each for each in sources if each.endswith(f".{name}")),
            ]
        elif not is_series:
            sources = [each for each in sources if each.endswith(f".{name}")]
        else:
            sources = _alike_first(sources, name)
        free = [each for each in sources if each not in taken]
        source = next((each for each in free if takes(level, each, inputs[name], registry)), "")
        if not source:
            port = graph_port(free_name(name, (p.name for p in level.inputs)), inputs[name])
            level, source = level.with_input(port), f"{GRAPH_INPUTS}.{port.name}"
        taken.add(source)
        level = level.with_dataflow(source, target)
    return level


def _needed(inputs: Mapping[str, Port]) -> list[str]:
    """Name the inputs to join: those that need a value, else the first one."""
    needed = [name for name, port in inputs.items() if port.required]
    return needed or list(inputs)[:1]


def _alike_first(sources: Iterable[str], name: str) -> list[str]:
    return sorted(sources, key=lambda each: not each.endswith(f".{name}"))


def _giving(
    level: GraphDefinition, holder: DefinedTask, task_id: str, names: list[str], last: str
) -> GraphDefinition:
    """Let the graph give what the new task gives, unless a person chose otherwise."""
    if any(each.source.partition(".")[0] != last for each in level.outputs):
        return level
    if holder.type not in LOOPS:
        outputs = [GraphOutput(name=each, source=f"{task_id}.{each}") for each in names]
        return replace(level, outputs=tuple(outputs))
    over = holder.config.get("over") or ()
    handed = [port.name for port in level.inputs if port.name not in over]
    kept = level.outputs[0].name if level.outputs else next(iter(handed), "")
    if not kept or not names:
        return level
    output = GraphOutput(name=kept, source=f"{task_id}.{names[0]}")
    return replace(level, outputs=(output, *level.outputs[1:]))


def _outputs(level: GraphDefinition, task_id: str, registry: TaskRegistry) -> Iterable[str]:
    ports = ports_of(level, level.task(task_id), registry)
    return ports[1] if ports else ()
