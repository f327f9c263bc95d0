"""Workflow pattern 21, structured loop: go on while a condition holds, tested first."""

import pytest

from runner import GraphBuilder, task
from runner.graph.loops import While
from tests.runs import run


@task(effect="none")
async def half(number: int) -> int:
    """Half of a number."""
    return number // 2


@task(effect="none")
async def one_more(steps: int) -> int:
    """One step more."""
    return steps + 1


def halving(limit: int = 100) -> GraphBuilder:
    turn = GraphBuilder("turn")
    turn.output("number", turn.add("half", half, number=turn.input("number", "int")).result)
    turn.output("steps", turn.add("count", one_more, steps=turn.input("steps", "int")).result)
    graph = GraphBuilder("halving")
    condition = {"port": "number", "is": ">", "value": 1}
    body = While.of(turn.as_task(), condition=condition, limit=limit)
    loop = graph.add("loop", body, number=graph.input("number", "int"), steps=0)
    graph.output("steps", loop.steps)
    return graph


@pytest.mark.parametrize(("number", "steps"), [(1, 0), (2, 1), (1000, 9)])
async def test_a_loop_takes_as_many_turns_as_its_condition_holds(number, steps):
    """Engine 8.1."""
    ran = await run(halving(), {"number": number})
    assert ran.outputs == {"steps": steps}


async def test_a_loop_that_would_not_end_fails_loudly():
    """Engine 8.1."""
    ran = await run(halving(limit=3), {"number": 1000})
    assert "would go on after 3 turns" in ran.error
