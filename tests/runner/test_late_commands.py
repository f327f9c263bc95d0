"""What a run was to do next may be out of date when its turn comes: then it does nothing."""

import asyncio
from functools import partial

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.run import commands
from tests.gates import Gate
from tests.held_tasks import times
from tests.runs import Driven


def with_an_open_end() -> GraphBuilder:
    """A map that will be over, and a task that holds the run open."""
    Gate.reset()
    graph = GraphBuilder("late")
    graph.add("each", Map.of(times, over=["item"]), item=[1, 2])
    graph.output("held", graph.add("held", Gate, value=5).result)
    return graph


@pytest.mark.parametrize("path", ["each", "each[1]/times", "each[7]/times", "gone"])
@pytest.mark.parametrize(
    "late",
    [
        partial(commands.StartTask, attempt=2, durable=False),
        commands.DecideTask,
        commands.SettleTask,
        partial(commands.PushItem, index=0),
        partial(commands.DropTask, culprit="held"),
    ],
    ids=["start", "decide", "settle", "push", "drop"],
)
async def test_a_command_for_what_is_over_or_gone_does_nothing(late, path):
    """Engine 5.3, 7.1."""
    async with Driven(with_an_open_end()) as driven:
        await driven.until("TaskCompleted", "each")
        await driven.until("TaskStarted", "held")
        before = len(driven.seen().events)
        driven.executor.do(late(path))
        await asyncio.sleep(0)
        Gate.open("held")
        ran = await driven.end()
    assert ran.outputs == {"held": 5}
    assert [each.kind for each in ran.events[before:]] == ["TaskCompleted", "RunCompleted"]
