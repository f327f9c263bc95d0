"""The panel of a level: what its graph says about itself, its inputs and its outputs."""

from collections.abc import Mapping
from typing import Any

from runner.editing.draft import Draft
from runner.errors import DefinitionError
from runner.graph.checking import examine
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry
from workflows.border_forms import TYPES, GraphForm, InputForm, OutputForm
from workflows.panel import Act
from workflows.sources import ends_of

type AnyForm = GraphForm | InputForm | OutputForm


class GraphPanel:
    """One form for the graph, one for each input and output, and one for each to be added.

    With `data` the form that was sent shows what was sent. Raises DefinitionError when there is
    no such level.
    """

    types = TYPES
    path = ""

    def __init__(
        self,
        drawing: Draft,
        level: str,
        registry: TaskRegistry,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.level = level
        self.definition: GraphDefinition = drawing.level(level)
        self.problems = drawing.definition.check(registry)
        ends = [
            (end, words)
            for end, words, _ in ends_of(drawing, level, examine(self.definition, registry))
        ]
        self._data = data
        self.about = GraphForm(self.definition, self._of("graph"))
        self.inputs = [
            InputForm(each, self._of("input", each.name)) for each in self.definition.inputs
        ]
        self.outputs = [
            OutputForm(ends, each, self._of("output", each.name))
            for each in self.definition.outputs
        ]
        self.new_input = InputForm(None, self._of("input", ""))
        self.new_output = OutputForm(ends, None, self._of("output", ""))

    def acts(self) -> list[Act] | None:
        """Give the act that was asked for; None when a field is wrong, which then is marked.

        Raises DefinitionError for a form that the page does not have.
        """
        data = self._data or {}
        form, name = data.get("form", ""), data.get("of", "")
        if form in {"remove-input", "remove-output"}:
            return [{"op": form, "level": self.level, "name": name}]
        sent = self._sent()
        if sent is None:
            raise DefinitionError(f"There is no {form} '{name[:64]}' any more.".replace("  ", " "))
        return [sent.act(self.level)] if sent.is_valid() else None

    def _sent(self) -> AnyForm | None:
        """Find the form that was sent."""
        every: list[AnyForm] = [
            self.about, self.new_input, self.new_output, *self.inputs, *self.outputs,
        ]  # fmt: skip
        return next((each for each in every if each.is_bound), None)

    def _of(self, form: str, name: str = "") -> Mapping[str, Any] | None:
        data = self._data
        if data is None or data.get("form") != form or data.get("of", "") != name:
            return None
        return data
