"""The golden property, for runs with retries, choices, loops, handled errors and saved state.

Resuming gives the same outputs as never crashing, and what was committed does not execute again.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.execution import run_executor, run_log
from runner.execution.memory import MemoryRun
from runner.run.status import RunStatus
from tests import strategies
from tests.drive import outputs_of
from tests.handshake import events_of, registry_with
from tests.saving import Count, Totals, Unsteady, live


def streams_are_whole(run: MemoryRun) -> bool:
    """Whether every kept stream has as many chunks as its task's end says, without a gap."""
    kept: dict[tuple[str, str, int], int] = {}
    for each in run.chunks:
        key = (each.path, each.port, each.attempt)
        if each.first != kept.get(key, 0):
            return False
        kept[key] = each.first + len(each.items)
    return all(
        kept.get((end.path, port, end.attempt), 0) == count
        for end in events_of(run, "TaskCompleted")
        for port, count in end.streams.items()
    )


async def check(definition: str, crashes: list[int]) -> None:
    registry = registry_with(Count, Totals, Unsteady)
    whole = await live(definition, [], registry)
    resumed = await live(definition, crashes, registry)

    assert resumed.status is whole.status is RunStatus.COMPLETED
    assert outputs_of(resumed) == outputs_of(whole)
    assert [each.seq for each in resumed.entries] == list(range(1, len(resumed.entries) + 1))
    assert streams_are_whole(whole)
    assert streams_are_whole(resumed)


@pytest.mark.slow
@given(
    strategies.eventful_definitions(),
    strategies.crashes,
    strategies.batches,
    st.sampled_from([0, 1, 2, 3, 5]),
)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_eventful_runs_end_as_if_they_had_never_crashed(
    monkeypatch, definition, crashes, batch, steps
):
    """Engine 4.7, 5.5, 7.4, 7.9; also when a drain gives way after each few steps."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", batch)
    monkeypatch.setattr(run_executor, "SLICE_SECONDS", -1.0 if steps else 0.002)
    monkeypatch.setattr(run_executor, "LOOK_EVERY", steps or 8)

    asyncio.run(check(definition, crashes))
