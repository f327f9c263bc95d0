"""An expression waits for the tasks whose values it reads."""

from typing import Any

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.expression import expression
from runner.graph.ports import Ports
from runner.graph.task import Task
from tests.gates import Gate
from tests.runs import Driven


class Times(Task):
    """A number, so many times."""

    name = "source.times"
    effect = "none"

    class Inputs(Ports):
        number: int
        plus: int = 0

    class Outputs(Ports):
        result: int

    class Config(Ports):
        factor: int = 1

    async def execute(self, inputs, context):
        return inputs.number * self.config.factor + inputs.plus


@pytest.mark.parametrize(
    ("config", "inputs", "result"),
    [
        ({"factor": expression("number + 1")}, {}, 30),
        ({}, {"plus": expression("number * 100")}, 505),
        ({"factor": expression("number")}, {"plus": expression("number")}, 30),
    ],
)
async def test_an_expression_is_worked_out_of_what_another_task_gives(config, inputs, result):
    """Engine 8.3."""
    Gate.reset()
    graph = GraphBuilder("over-a-dataflow")
    number = graph.add("gate", Gate, value=5).result
    given: dict[str, Any] = {"number": number, **inputs}
    graph.output("out", graph.add("times", Times(config), **given).result)
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "gate")
        assert "TaskStarted" not in driven.seen().kinds("times")
        Gate.open("gate")
        ran = await driven.end()
    assert ran.outputs == {"out": result}
