"""Acts on dataflows: connect and disconnect."""

from dataclasses import replace
from typing import Literal

from runner.editing.draft import Draft
from runner.editing.edit import End, InLevel, end_in_words
from runner.graph.checking import takes_several
from runner.graph.dataflow import split_end
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry


class Connect(InLevel):
    """Draw a dataflow; a port that takes one gives up the one it had."""

    op: Literal["connect"] = "connect"
    source: End
    target: End
    must_fit = True

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Add the dataflow, and drop the constant that stood in its place."""
        checked = self.checked(draft, registry)
        task_id, port = split_end(self.target)
        task = checked.tasks.get(task_id)
        known = task.inputs.get(port) if task else None
        alone = known is not None and not takes_several(known)

        def drawn(level: GraphDefinition) -> GraphDefinition:
            if alone:
                rest = tuple(each for each in level.dataflows if each.target != self.target)
                level = replace(level, dataflows=rest)
            return _without_constant(level.with_dataflow(self.source, self.target), task_id, port)

        return draft.changed(self.level, drawn)

    def words(self, draft: Draft) -> str:
        """Say both ends."""
        source = end_in_words(draft, self.level, self.source)
        return f"Connect {source} → {end_in_words(draft, self.level, self.target)}"


class Disconnect(InLevel):
    """Take a dataflow away."""

    op: Literal["disconnect"] = "disconnect"
    source: End
    target: End

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Drop the dataflow."""
        del registry
        return draft.changed(
            self.level, lambda level: level.without_dataflow(self.source, self.target)
        )

    def words(self, draft: Draft) -> str:
        """Say both ends."""
        source = end_in_words(draft, self.level, self.source)
        return f"Disconnect {source} → {end_in_words(draft, self.level, self.target)}"


def _without_constant(level: GraphDefinition, task_id: str, port: str) -> GraphDefinition:
    inputs = dict(level.task(task_id).inputs)
    if inputs.pop(port, None) is None:
        return level
    return level.with_changed_task(task_id, inputs=inputs)
