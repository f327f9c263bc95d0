"""What is not taken: the flat plan agrees with the nested drawing, whatever is not taken."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.graph.building import GraphBuilder
from runner.graph.checking import examine
from runner.graph.choices import Branch
from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan, unfold
from runner.graph.ports import Ports
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_graph import (
    ERROR_PORT,
    Computed,
    Constant,
    ItemOf,
    Otherwise,
    OutputOf,
    PlannedTask,
    Several,
    Source,
)
from tests.planned import read
from tests.runs import run
from tests.tasks import Number


class Box(Task):
    """Something that needs one input, and may have others."""

    name = "test.box"
    effect = "none"

    class Inputs(Ports):
        need: Any
        maybe: Any = 0
        many: list[Any] = []

    class Outputs(Ports):
        out: Any


REGISTRY = TaskRegistry()
REGISTRY.register(Box)
PORTS = [{"name": "need"}, {"name": "maybe", "default": 0}]


@st.composite
def drawings(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """Draw boxes and graphs of boxes, fed by whatever comes before them."""
    ends = ["$inputs.need", "$inputs.maybe"]
    tasks: list[dict[str, Any]] = []
    flows: list[dict[str, str]] = []
    for index in range(draw(st.integers(1, 4))):
        name = f"t{index}"
        graph = draw(drawings(depth - 1)) if depth and draw(st.booleans()) else None
        tasks.append({"id": name, "type": "flow.graph" if graph else "test.box"}
                     | ({"graph": graph} if graph else {}))  # fmt: skip
        flows.append({"from": draw(st.sampled_from(ends)), "to": f"{name}.need"})
        if draw(st.booleans()):
            flows.append({"from": draw(st.sampled_from(ends)), "to": f"{name}.maybe"})
        if not graph:
            flows += [{"from": end, "to": f"{name}.many"}
                      for end in draw(st.lists(st.sampled_from(ends), max_size=2, unique=True))]  # fmt: skip
        ends += [f"{name}.out", f"{name}.{ERROR_PORT}"]
    output = {"name": "out", "from": draw(st.sampled_from(ends))}
    return {"inputs": PORTS, "tasks": tasks, "dataflows": flows, "outputs": [output]}


class Drawn:
    """What the drawing means: a task is skipped if a required input is not taken. Engine 3.4."""

    def __init__(self, failing: set[str]) -> None:
        self.failing = failing
        self.ran: set[str] = set()

    def outputs(
        self, definition: GraphDefinition, given: Mapping[str, bool], prefix: str = ""
    ) -> dict[str, bool]:
        checked = examine(definition, REGISTRY)
        taken = {("$inputs", name): each for name, each in given.items()}
        for defined in checked.order:
            inputs = {}
            for name, port in checked.tasks[defined.id].inputs.items():
                feeds = [taken[end] for end in checked.feeds[defined.id].get(name, ())]
                inputs[name] = any(feeds) or not port.required
            skipped = not all(inputs.values())
            path = prefix + defined.id
            out, error = False, False
            if not skipped and defined.graph is not None:
                out = self.outputs(defined.graph, inputs, f"{path}/")["out"]
            elif not skipped:
                self.ran.add(path)
                error = path in self.failing and defined.id in checked.handled
                out = not error
            taken[defined.id, "out"], taken[defined.id, ERROR_PORT] = out, error
        return {name: taken[end] for name, end in checked.outputs.items()}


class Planned:
    """What the plan says of the same: gates, required sources, and what else to take."""

    def __init__(self, failing: set[str]) -> None:
        self.failing = failing
        self.ran: set[str] = set()
        self.taken: dict[OutputOf, bool] = {}
        self.tasks: dict[str, PlannedTask] = {}

    def is_taken(self, source: Source) -> bool:
        if isinstance(source, Constant | Otherwise | ItemOf):
            return True
        if isinstance(source, Several | Computed):
            return any(map(self.is_taken, source.sources))
        return self.taken[source]

    def run(self, tasks: Mapping[str, PlannedTask]) -> None:
        self.tasks.update(tasks)
        for path, each in tasks.items():
            needed = [source for name, source in each.sources.items()
                      if each.task.inputs[name].required]  # fmt: skip
            runs = all(map(self.is_taken, (*each.gates, *needed)))
            out, error = False, False
            if runs and isinstance(each.task, Control):
                out = self.unfold(each)
            elif runs:
                self.ran.add(path)
                error = path in self.failing and each.handles_error
                out = not error
            self.taken[OutputOf(path, "out")] = out
            self.taken[OutputOf(path, ERROR_PORT)] = error

    def unfold(self, planned: PlannedTask) -> bool:
        found = unfold(planned, 0, (), self.tasks.get)
        self.run(found.tasks)
        outputs = found.scopes[0].outputs
        return "out" in outputs and self.is_taken(outputs["out"])


@settings(max_examples=100, deadline=None)
@given(drawings(), st.data())
def test_what_runs_by_the_plan_is_what_runs_by_the_drawing(drawing, data):
    """Engine 3.3, 3.4."""
    definition = read(drawing)
    graph = plan(definition, {"need": 1}, REGISTRY)
    leaves = Drawn(set())
    leaves.outputs(definition, {"need": True, "maybe": True})
    failing = data.draw(st.sets(st.sampled_from(sorted(leaves.ran) or ["none"])))
    drawn, planned = Drawn(failing), Planned(failing)
    outputs = drawn.outputs(definition, {"need": True, "maybe": True})
    planned.run(graph.tasks)
    assert planned.ran == drawn.ran
    assert {"out": planned.is_taken(graph.outputs["out"])} == outputs


class Lenient(Task):
    """A number, or whether there was none; its default is no value of the port's type."""

    name = "test.lenient"
    effect = "none"

    class Inputs(Ports):
        number: int = None  # type: ignore[assignment]

    class Outputs(Ports):
        result: str

    async def execute(self, inputs, context):
        return repr(inputs.number)


async def test_an_input_that_is_not_taken_keeps_a_default_that_no_value_could_be():
    """Engine 3.4."""
    graph = GraphBuilder("lenient")
    never = {"port": "value", "is": "<", "value": 0}
    number = graph.add("one", Number, value=1).result
    way = graph.add("way", Branch({"branches": [{"name": "low", "if": never}]}), value=number)
    graph.output("said", graph.add("lenient", Lenient, number=way.low).result)
    ran = await run(graph)
    assert ran.outputs == {"said": "None"}
