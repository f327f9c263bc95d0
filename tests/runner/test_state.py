"""The table of legal moves, and what a run's state says must be done next."""

import dataclasses
from typing import Any

import pytest

from runner.errors import IllegalMove
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.run import commands
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event, TaskError
from runner.run.moves import LIVE, MOVES, OVER
from runner.run.state import RunState
from runner.run.status import TaskStatus
from runner.run.task_state import TaskState
from tests.drive import definition_of
from tests.strategies import BODY
from tests.tasks import registry_of_tests

ERROR = TaskError(type="ValueError", message="no such luck", task="one")
FIELDS: dict[str, Any] = {
    "path": "one",
    "attempt": 1,
    "port": "result",
    "turn": 0,
    "decision": 2,
    "reason": "time",
    "delay": 0.0,
    "error": ERROR,
    "culprit": "two",
}
OF_CONTROLS = {happened.TaskExpanded, happened.TaskDecided}
CASES = [(kind, status) for kind, (legal, _) in MOVES.items() for status in TaskStatus]
LEGAL = [(kind, status) for kind, status in CASES if status in MOVES[kind][0]]
ILLEGAL = [(kind, status) for kind, status in CASES if status not in MOVES[kind][0]]
PAIR = definition_of(
    [
        {"id": "one", "type": "test.number"},
        {"id": "two", "type": "test.add"},
        {"id": "note", "type": "test.note"},
    ],
    [("one.result", "two.values"), ("two.result", "note.values")],
)


def state_of(definition: str) -> RunState:
    return RunState(plan(GraphDefinition.from_json(definition), {}, registry_of_tests()))


def event_of(kind: type[Event]) -> Event:
    return kind(**{name: FIELDS[name] for name in kind.names if name in FIELDS})


def picture(state: RunState) -> dict[str, tuple[Any, ...]]:
    """Everything that is known of each task, and of the run."""
    slots = [name for name in TaskState.__slots__ if name != "planned"]
    seen = {
        path: tuple(getattr(t, name, None) for name in slots) for path, t in state.tasks.items()
    }
    return seen | {"": (state.progress, state.ended, state.cancelling)}


def ids(case: Any) -> str:
    return case.__name__ if isinstance(case, type) else str(case)


@pytest.mark.parametrize(("kind", "status"), ILLEGAL, ids=ids)
def test_an_illegal_event_raises_and_changes_nothing(kind, status):
    state = state_of(PAIR)
    state.tasks["one"].status = status
    before = picture(state)

    with pytest.raises(IllegalMove, match=kind.__name__):
        state.handle(event_of(kind))

    assert picture(state) == before


@pytest.mark.parametrize(
    ("kind", "status"), [each for each in LEGAL if each[0] not in OF_CONTROLS], ids=ids
)
def test_a_legal_event_leads_to_the_status_of_the_table(kind, status):
    state = state_of(PAIR)
    state.tasks["one"].status = status

    state.handle(event_of(kind))

    assert state.tasks["one"].status is (MOVES[kind][1] or status)


@pytest.mark.parametrize("kind", MOVES, ids=ids)
def test_nothing_moves_once_the_run_has_ended(kind):
    state = state_of(PAIR)
    legal = next(iter(MOVES[kind][0]))
    state.tasks["one"].status = legal
    state.handle(happened.RunCancelled())
    before = picture(state)

    with pytest.raises(IllegalMove):
        state.handle(event_of(kind))

    assert picture(state) == before


def test_no_move_leads_out_of_a_task_that_is_over():
    assert not [kind for kind, (legal, _) in MOVES.items() if legal & OVER]


def test_an_event_of_a_task_nobody_knows_is_illegal():
    with pytest.raises(IllegalMove, match="unknown"):
        state_of(PAIR).handle(happened.TaskStarted("ghost", 1))


def test_a_body_returns_once():
    state = state_of(PAIR)
    state.handle(happened.TaskStarted("one", 1))
    state.handle(happened.TaskReturned("one", 1))

    with pytest.raises(IllegalMove):
        state.handle(happened.TaskReturned("one", 1))


def test_a_run_begins_with_the_tasks_that_wait_for_nothing():
    assert state_of(PAIR).begin() == [commands.StartTask("one", 1, durable=False)]


def test_a_task_with_an_effect_asks_for_a_durable_start():
    state = state_of(PAIR)
    for path in ("one", "two"):
        state.handle(happened.TaskStarted(path, 1))
        following = state.handle(happened.TaskCompleted(path, 1))

    assert following == [commands.StartTask("note", 1, durable=True)]


def test_a_failure_is_upstream_of_everything_below_it():
    state = state_of(PAIR)
    state.handle(happened.TaskStarted("one", 1))
    lost = [
        each.event
        for each in state.handle(happened.TaskFailed("one", 1, ERROR))
        if isinstance(each, commands.Record)
    ]

    assert lost == [happened.TaskUpstreamFailed(path, "one") for path in ("two", "note")]
    for each in lost:
        ending = state.handle(each)
    assert ending == [commands.FinishRun(error=ERROR, path="one")]
    state.check()


def test_a_map_admits_no_more_items_than_its_limit():
    state = state_of(
        definition_of(
            [
                {"id": "emit", "type": "test.emit"},
                {
                    "id": "each",
                    "type": "flow.map",
                    "config": {"over": ["item"], "limit": 2},
                    "graph": BODY,
                },
            ],
            [("emit.numbers", "each.item")],
        )
    )
    state.restore([TaskCheckpoint(path="emit", attempt=1, seq=1)], {})
    state.handle(happened.TaskStarted("each", 1))

    begun: list[Any] = state.handle(happened.TaskExpanded("each", 0, 5))

    assert [each.path for each in begun] == ["each[0]/add", "each[1]/add"]


def test_a_map_without_items_is_gathered_at_once():
    state = state_of(
        definition_of(
            [
                {"id": "emit", "type": "test.emit"},
                {
                    "id": "each",
                    "type": "flow.map",
                    "config": {"over": ["item"]},
                    "graph": BODY,
                },
            ],
            [("emit.numbers", "each.item")],
        )
    )
    state.restore([TaskCheckpoint(path="emit", attempt=1, seq=1)], {})
    state.handle(happened.TaskStarted("each", 1))

    assert state.handle(happened.TaskExpanded("each", 0, 0)) == []
    assert state.handle(happened.TaskDecided("each", 0)) == [commands.SettleTask("each")]


def test_a_restored_run_starts_only_what_was_not_done_and_counts_on():
    state = state_of(PAIR)
    state.restore([TaskCheckpoint(path="one", attempt=3, seq=4)], {"two": 2})

    assert state.begin() == [commands.StartTask("two", 3, durable=False)]
    state.check()


def test_a_cancelled_run_stops_what_is_live_and_records_the_rest():
    state = state_of(PAIR)
    state.handle(happened.TaskStarted("one", 1))

    following: list[Any] = state.handle(happened.RunCancelling("alice"))

    assert following[0] == commands.CancelTask("one")
    assert [each.event.path for each in following[1:]] == ["two", "note"]


def test_every_live_status_may_fail_be_interrupted_and_be_cancelled():
    for kind in (happened.TaskFailed, happened.TaskInterrupted, happened.TaskCancelled):
        assert MOVES[kind][0] >= LIVE


def test_commands_are_frozen():
    command: Any = commands.CancelTask("one")
    with pytest.raises(dataclasses.FrozenInstanceError):
        command.path = "two"
