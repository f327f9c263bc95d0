"""Each run has a log of its own, in one vocabulary; lines of tasks are in it and in Python's."""

import asyncio
import logging
from typing import Any

import pytest

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.task import task
from runner.graph.values import encode
from runner.run import events
from runner.run.events import Event
from tests.drive import definition_of, drive
from tests.handshake import drive_written, events_of, log_of, registry_with, text_of
from tests.planned import written
from tests.tasks import registry_of_tests

SECONDS = 20
SUM = definition_of(
    [{"id": "one", "type": "test.number"}, {"id": "sum", "type": "test.add"}],
    [("one.result", "sum.values")],
)


async def test_runs_side_by_side_have_logs_of_their_own_each_numbered_without_a_gap():
    """Engine 6.1."""
    store = MemoryStore()
    runs = [store.submit(SUM, encode({})) for _ in range(5)]
    ended = asyncio.Event()

    def look(_run: str, _seq: int) -> None:
        if all(store.runs[run].status.is_over for run in runs):
            ended.set()

    runner = BackgroundRunner(store, registry_of_tests(), "me", host=Host(on_commit=look))
    runner.start()
    await asyncio.wait_for(ended.wait(), SECONDS)
    await runner.stop()
    for run in runs:
        kept = store.runs[run]
        assert [each.seq for each in kept.entries] == list(range(1, kept.seq + 1))
        assert log_of(kept) == log_of(store.runs[runs[0]])
        assert log_of(kept)[-1][0] == "RunCompleted"


def vocabulary() -> list[Any]:
    """Give all kinds of events."""
    found = [each for each in vars(events).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, Event) and each is not Event]


@pytest.mark.parametrize("kind", vocabulary(), ids=lambda kind: str(kind.__name__))
def test_every_event_is_frozen_and_says_what_has_happened(kind):
    """Engine 6.1."""
    assert kind.__dataclass_params__.frozen
    assert kind.kind == kind.__name__
    assert kind.__doc__


def test_every_kind_of_event_is_known_by_its_name():
    """Engine 6.1."""
    assert events.kinds() == {each.__name__ for each in vocabulary()}


async def test_a_dataflow_that_streams_says_once_that_it_does_and_once_that_it_is_closed():
    """Engine 3.5: derived from the events of its stream."""
    run = await drive_written(
        {"emit": "test.emit", "double": "test.double", "total": "test.total"},
        "emit.numbers > double.numbers; double.numbers > total.numbers",
    )
    for kind in ("DataflowStreaming", "DataflowClosed"):
        (said,) = events_of(run, kind)
        ends = (said.source, said.port, said.target, said.into)
        assert ends == ("emit", "numbers", "double", "numbers")
    log = log_of(run)
    assert log.index(("StreamOpened", "emit")) < log.index(("DataflowStreaming", ""))
    assert log.index(("StreamClosed", "emit")) < log.index(("DataflowClosed", ""))


def saying(blocking: bool) -> Any:
    """A task that says something, on the loop or in a thread."""
    if blocking:

        @task(name="says.so", effect="none")
        def say(context: Any) -> int:
            context.log.warning("%s is low", "water")
            return 1

        return say

    @task(name="says.so", effect="none")
    async def say_on_loop(context: Any) -> int:
        context.log.warning("%s is low", "water")
        return 1

    return say_on_loop


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_line_is_in_the_log_of_the_run_and_in_python_s_with_run_path_and_attempt(
    blocking, caplog
):
    """Engine 6.5."""
    graph = text_of(written({"one": "says.so"}))
    with caplog.at_level(logging.INFO, "runner.task"):
        run = await drive(graph, registry=registry_with(saying(blocking)))
    (kept,) = events_of(run, "TaskLogged", "one")
    assert (kept.attempt, kept.level, kept.message) == (1, "WARNING", "water is low")
    (line,) = [each for each in caplog.records if each.getMessage() == "water is low"]
    assert (line.run, line.path, line.attempt) == (run.id, "one", 1)
