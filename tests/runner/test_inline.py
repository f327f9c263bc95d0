"""Runs in a script or a test: what whoever started them gets, and how they can be stopped."""

import asyncio

import pytest

from runner.errors import PlanError, RunFault
from runner.execution.inline import InlineRun, TaskGraphRunner, TaskRunner
from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch
from runner.graph.definition import GraphDefinition
from tests.drive import definition_of
from tests.gates import Gate
from tests.tasks import Emit, Fail, Number, Total, registry_of_tests

SECONDS = 10


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()


def numbers() -> GraphBuilder:
    graph = GraphBuilder("numbers")
    emit = graph.add("emit", Emit, count=3)
    graph.output("numbers", emit.numbers)
    graph.output("sum", graph.add("sum", Total, numbers=emit.numbers).result)
    return graph


def gated() -> InlineRun:
    graph = GraphBuilder("gated")
    graph.output("result", graph.add("gate", Gate, value=5).result)
    return TaskGraphRunner().start(graph.as_task())


async def chunks_of(run, port):
    return [each async for each in run.stream(port)]


async def test_one_task_gives_its_outputs():
    assert await TaskRunner().run(Number, {"value": 4}) == {"result": 4}


async def test_a_graph_gives_its_outputs_and_all_that_happened():
    run = TaskGraphRunner().start(numbers().as_task())
    kinds = [each.kind async for each in run.events()]

    assert await run.outputs() == {"numbers": [0, 1, 2], "sum": 3}
    assert (kinds[0], kinds[-1]) == ("RunStarted", "RunCompleted")


async def test_a_definition_runs_with_the_types_it_is_given():
    text = definition_of([{"id": "n", "type": "test.number"}], outputs={"n": "n.result"})
    runner = TaskGraphRunner(registry_of_tests())

    assert await runner.start(GraphDefinition.from_json(text)).outputs() == {"n": 1}


async def test_an_output_can_be_read_chunk_by_chunk_and_a_plain_one_is_a_single_chunk():
    """Engine 4.1."""
    run = TaskGraphRunner().start(numbers().as_task())

    assert await chunks_of(run, "numbers") == [0, 1, 2]
    assert await chunks_of(run, "sum") == [3]


async def test_a_plain_output_is_waited_for():
    run = gated()
    reading = asyncio.create_task(chunks_of(run, "result"))
    await asyncio.sleep(0)
    Gate.open("gate")

    assert await asyncio.wait_for(reading, SECONDS) == [5]


async def test_an_output_that_was_not_taken_has_no_chunks():
    """Engine 1.4."""
    graph = GraphBuilder("ways")
    case = {"name": "big", "if": {"port": "value", "is": ">", "value": 9}}
    way = graph.add("way", Branch({"branches": [case], "otherwise": "small"}), value=1)
    graph.output("big", way.big)
    run = TaskGraphRunner().start(graph.as_task())

    assert await chunks_of(run, "big") == []
    assert await run.outputs() == {}


async def test_an_output_that_is_not_there_is_named():
    run = gated()
    with pytest.raises(PlanError, match="has no output 'nowhere'"):
        await anext(run.stream("nowhere"))
    run.cancel()


async def test_a_run_that_fails_says_which_task_did_and_why():
    """Engine 6.4."""
    with pytest.raises(RunFault, match=r"fail failed: .+"):
        await TaskRunner().run(Fail, {})


async def test_a_run_that_is_cancelled_has_no_outputs():
    """Engine 5.8."""
    run = gated()
    await asyncio.sleep(0)
    run.cancel()

    with pytest.raises(RunFault, match="The run was cancelled"):
        await asyncio.wait_for(run.outputs(), SECONDS)
