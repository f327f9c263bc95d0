"""Graphs inside graphs, to any depth: of compounds, and of maps."""

from runner.graph.dataflow import Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort


def nested(depth: int, kind: str = "flow.graph") -> GraphDefinition:
    """Add 1 to 1 in the inmost of so many graphs; `kind` is what holds each of them."""
    inside = _body(DefinedTask(id="sum", type="test.add"), "values", "result")
    for level in range(depth):
        config = {"over": ["value"]} if kind == "flow.map" and level == 0 else {}
        held = DefinedTask(id="in", type=kind if level == 0 else "flow.graph", config=config,
                           graph=inside)  # fmt: skip
        inside = _body(held, "value", "sum", "list[int]" if kind == "flow.map" else "any")
    return inside


def _body(task: DefinedTask, port: str, output: str, kind: str = "any") -> GraphDefinition:
    return GraphDefinition(
        name="nest",
        inputs=(GraphPort(name="value", type="int" if kind == "any" else kind),),
        outputs=(GraphOutput(name="sum", source=f"{task.id}.{output}"),),
        tasks=(task,),
        dataflows=(Dataflow("$inputs.value", f"{task.id}.{port}"),),
    )
