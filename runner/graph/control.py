"""Control: a task without a body; it decides what unfolds, or which way a value goes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from runner.errors import DefinitionError
from runner.graph.policy import Policy
from runner.graph.task import Task

if TYPE_CHECKING:
    from runner.graph.layout import Layout
    from runner.graph.ports import Port
    from runner.graph.registry import TaskRegistry
    from runner.graph.task_graph import PlannedTask, Source

Again = Literal["never", "success", "failure"]


class Control(Task):
    """A task that runs no body of its own: what follows from its decisions does.

    The executor asks `decide` with the values of the ports in `decides_on`, keeps the answer,
    and unfolds it into scopes (items, turns, alternatives) of tasks, at most `limit` of them at
    the same time, 0 being no limit. `again_after` says whether it is asked once more when a
    scope is over; `races`, whether the first scope to complete ends the others. A control that
    `routes` unfolds nothing: outputs take what an input brings.
    """

    effect = "none"
    policy = Policy(timeout=None, idle_timeout=None)
    again_after: ClassVar[Again] = "never"
    races: ClassVar[bool] = False
    routes: ClassVar[bool] = False
    #: How many sub-graphs deeper its scopes lie.
    nests: ClassVar[int] = 0

    decides_on: frozenset[str] = frozenset()
    limit: int = 0
    #: The list input whose items may come one by one, as the chunks of a stream.
    item_stream: str = ""
    #: Whether a failure in its scopes that nobody handles cancels the rest of them.
    fail_fast: bool = False

    def __init__(self, config: Mapping[str, Any] | None, registry: "TaskRegistry") -> None:
        """Check the settings; raises ValueFault with a sentence."""
        super().__init__(config)
        self.registry = registry

    def execute(self, inputs: Any, context: Any) -> Any:
        """Refuse: a control has no body."""
        kind = type(self).title.lower()
        raise DefinitionError(f"{self.title} is a {kind}; it has no body of its own.")

    def decide(self, values: Mapping[str, Any], turn: int) -> Any | None:
        """Decide from decoded values, the same for the same values; None: nothing more.

        `turn` counts the decisions before this one. Raises RunnerError if the values allow no
        decision; the control then fails with that sentence.
        """
        raise NotImplementedError

    def current(
        self, planned: "PlannedTask", scopes: Sequence[Mapping[str, "Source"]]
    ) -> Mapping[str, "Source"]:
        """Give the sources that the next decision reads, and the next scope begins with."""
        del scopes
        return planned.sources

    def lay_out(
        self,
        layout: "Layout",
        planned: "PlannedTask",
        decision: Any,
        scopes: Sequence[Mapping[str, "Source"]],
    ) -> None:
        """Add the scopes of a decision to a layout; `scopes` are the outputs of those before."""
        raise DefinitionError(f"{planned.path} does not unfold.")

    def settle(
        self,
        planned: "PlannedTask",
        scopes: Sequence[Mapping[str, "Source"]],
        decisions: Sequence[Any],
    ) -> Mapping[str, "Source"]:
        """Give the sources of its outputs; a port that is not there is not taken."""
        raise NotImplementedError

    def fed(self, ports: Mapping[str, Sequence["Port"]]) -> Self:
        """Give a route as it is when these ports flow into it: it takes on their types."""
        raise NotImplementedError

    def late(self) -> Self:
        """Give the control as it is when nothing flows through it early."""
        return self
