"""What was decided or saved on a stream that counts no longer is forgotten, whatever dies."""

from typing import Any

import pytest

from runner.execution import run_log
from runner.graph.building import GraphBuilder
from runner.graph.choices import Merge
from runner.graph.ports import Chunks
from runner.graph.task import task
from tests.held_tasks import Flaky
from tests.runs import Driven, crash_everywhere, run
from tests.tasks import Emit, observe

TWICE = {"retry": {"attempts": 2, "delay": 0}}


@task(name="lost.told", effect="none")
async def told(error: Any, context: Any) -> str:
    """What the failure said."""
    observe(context)
    return str(error["message"])


@task(name="lost.saves", effect="none")
async def saves(numbers: list[Chunks[int]], context: Any) -> list[int]:
    """How many streams it read when it began, now or before, and how many it reads."""
    observe(context)
    before = context.saved_state
    found = []
    for stream in numbers:
        async for number in stream:
            found.append(number)
            break
    if before is None:
        before = len(numbers)
        await context.save_state(before)
    for stream in numbers:
        await stream.final()
    return [before, len(numbers)]


@task(name="lost.decides", effect="none")
async def decides(numbers: list[Chunks[int]], context: Any) -> int:
    """How many streams it read when it decided so."""
    observe(context)
    count: int = await context.decide("count", len(numbers))
    for stream in numbers:
        await stream.final()
    return count


def graph(reader: Any) -> GraphBuilder:
    """Two streams into one reader; the second fails twice, which is handled."""
    drawn = GraphBuilder("lost")
    whole = drawn.add("whole", Emit, count=2)
    fails = drawn.add("fails", Flaky({"fails": 9, "after": 1}), policy=TWICE)
    drawn.output("said", drawn.add("told", told, error=fails.error).result)
    drawn.output("found", drawn.add("reads", reader, numbers=[whole.numbers, fails.numbers]).result)
    return drawn


@pytest.mark.parametrize(("reader", "found"), [(saves, [1, 1]), (decides, 1)])
async def test_what_a_body_kept_of_a_stream_that_failed_is_gone(reader, found, monkeypatch):
    """Engine 1.3, 4.7, 7.4: its next attempt reads one stream only, and knows of no other."""
    ran = await run(graph(reader))
    assert ran.outputs == {"said": "not yet", "found": found}
    await crash_everywhere(graph(reader), monkeypatch)


@pytest.mark.parametrize("batch", [1, 2, 3, 5])
async def test_a_merge_takes_another_way_when_its_stream_failed_as_the_process_died(
    batch, monkeypatch
):
    """Engine 4.7, 7.9: also when the failure is kept and what follows from it is not."""
    drawn = GraphBuilder("merged")
    whole = drawn.add("whole", Emit, count=1)
    fails = drawn.add("fails", Flaky({"fails": 9, "after": 1}), policy=TWICE)
    drawn.output("said", drawn.add("told", told, error=fails.error).result)
    merged = drawn.add("merge", Merge(), values=[fails.numbers, whole.numbers])
    drawn.output("taken", merged.value)
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", batch)
    for commits in range(len((await run(drawn)).kept.entries)):
        driven = Driven(drawn)
        for each in (commits, 10**6):
            if not driven.store.runs[driven.run].status.is_over:
                assert await driven.crash(each) == set()
        assert driven.seen().outputs == {"said": "not yet", "taken": [0]}, commits
