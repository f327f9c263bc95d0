"""Retries: how often a task is tried, when, and what is never tried again."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runner.errors import ValueFault
from runner.execution.host import Host
from runner.graph.policy import Retry
from runner.graph.task import task
from runner.run.events import TaskError
from runner.run.policies import RETRY_AFTER_AT_MOST, retry_delay
from runner.run.status import RunStatus
from tests.drive import outputs_of
from tests.handshake import drive_written, events_of, registry_with, steps_of
from tests.planned import control, written
from tests.tasks import EXECUTED, observe
from tests.trying import Failing, again, ended, under_way
from tests.under_way import begin
from tests.virtual_time import passed, virtual

ERROR = TaskError(type="ValueError", message="no such luck")


# ── the delay before the next attempt ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("failures", "delay"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 5.0), (4, None), (5, None)]
)
def test_delays_grow_by_the_factor_up_to_the_cap_while_attempts_are_left(failures, delay):
    """Engine 5.5."""
    retry = Retry(attempts=5, delay=1, factor=2, cap=5, jitter=False)
    assert retry_delay(retry, failures, ERROR, chance=0.5) == delay


@given(st.integers(0, 8), st.floats(0, 1))
def test_jitter_takes_anything_from_nothing_to_the_whole_delay(failures, chance):
    """Engine 5.5."""
    retry = Retry(attempts=10, delay=1, factor=3, cap=60)
    whole = retry_delay(Retry(attempts=10, factor=3, jitter=False), failures, ERROR, chance=chance)
    found = retry_delay(retry, failures, ERROR, chance=chance)
    assert found is not None
    assert whole is not None
    assert 0 <= found <= whole <= 60
    assert retry_delay(retry, failures, ERROR, chance=1) == whole


@pytest.mark.parametrize(
    ("asked", "delay"), [(7, 7), (0, 0), (-3, 0), (10_000, RETRY_AFTER_AT_MOST), (None, 1)]
)
def test_what_the_other_side_asks_for_is_honoured_within_reason(asked, delay):
    """Engine 5.5: Retry-After."""
    retry = Retry(attempts=2, jitter=False)
    assert retry_delay(retry, 0, ERROR, chance=1, retry_after=asked) == delay


@pytest.mark.parametrize(("errors", "retried"), [((), True), (("ValueError",), True),
                                                 (("KeyError", "OSError"), False)])  # fmt: skip
def test_only_the_errors_that_a_policy_names_are_tried_again(errors, retried):
    """Engine 5.5."""
    retry = Retry(attempts=2, errors=errors)
    assert (retry_delay(retry, 0, ERROR, chance=1) is not None) is retried


@virtual
async def test_a_task_waits_before_each_attempt_as_its_policy_says():
    """Engine 5.5."""
    failing = Failing(3)
    run = await ended(
        {"one": {"type": "fails.first", "policy": again(4, delay=10, factor=3, jitter=False)}},
        "", failing.task, outputs={"number": "one.result"},
    )  # fmt: skip
    assert failing.times == [0, 10, 40, 100]
    assert [each.delay for each in events_of(run, "TaskRetrying")] == [10, 30, 60]
    assert outputs_of(run) == {"number": 7}


@virtual
async def test_chance_comes_from_the_host():
    """Engine 5.5: jitter."""
    failing = Failing(2)
    await ended({"one": {"type": "fails.first", "policy": again(3, delay=10)}}, "",
                failing.task, host=Host(chance=lambda: 0.25))  # fmt: skip
    assert failing.times == [0, 2.5, 7.5]


class TooMany(Exception):
    """What a client raises that was told when to come back."""

    retry_after = 33.0


@virtual
async def test_an_error_that_says_when_to_come_back_is_taken_at_its_word():
    """Engine 5.5: Retry-After."""
    failing = Failing(1, TooMany("slow down"))
    await ended({"one": {"type": "fails.first", "policy": again(2)}}, "", failing.task)
    assert failing.times == [0, 33]


# ── what is never tried again ───────────────────────────────────────────────────────────────────


class Wanted(BaseModel):
    """Something that a body checks itself."""

    number: int


@pytest.mark.parametrize("kind", ["ValueFault", "ValidationError"])
async def test_what_was_refused_is_not_tried_again(kind):
    """Engine 5.5: validation is never retried."""

    @task(name="refuses.it", effect="none")
    async def refuses() -> int:
        if kind == "ValueFault":
            raise ValueFault("does not fit")
        return Wanted.model_validate({"number": "seven"}).number

    run = await drive_written({"no": {"type": "refuses.it", "policy": again(5)}}, "", refuses)
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.type == kind
    assert steps_of(run, "no") == ["TaskStarted", "TaskFailed"]


@virtual
async def test_a_cancelled_run_tries_nothing_again():
    """Engine 5.5, 5.8: not what runs, and not what waits for its next attempt."""
    run = await under_way(
        {"hang": {"type": "test.hang", "policy": again(5)},
         "fail": {"type": "test.fail", "policy": again(5, delay=50, jitter=False)}}, "",
    )  # fmt: skip
    await run.until_event("TaskRetrying", "fail")
    run.executor.cancel("alice")
    kept = await run.end()
    assert kept.status is RunStatus.CANCELLED
    assert steps_of(kept, "hang") == ["TaskStarted", "TaskCancelled"]
    assert steps_of(kept, "fail") == ["TaskStarted", "TaskRetrying", "TaskCancelled"]
    assert passed() < 1


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────

PAIR = written(
    {"note": "test.note", "flaky": "fails.first"}, "note.result > flaky.number",
    outputs={"number": "flaky.result"},
)  # fmt: skip


def executed(path: str) -> int:
    """Count how often a body began."""
    return [each for _, each in EXECUTED].count(path)


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_a_compound_tries_again_and_keeps_what_is_done_inside(failures):
    """Engine 5.5."""
    EXECUTED.clear()
    run = await drive_written(
        {"box": {**control("graph", PAIR), "policy": again(3)}}, "", Failing(failures).task,
        outputs={"number": "box.number"},
    )  # fmt: skip
    assert outputs_of(run) == {"number": 0}
    assert (executed("box/note"), executed("box/flaky")) == (1, failures + 1)
    assert [each.by for each in events_of(run, "TaskRetrying", "box/flaky")] == ["box"] * failures


async def test_a_task_uses_its_own_attempts_before_those_of_what_is_around_it():
    """Engine 5.5."""
    inner = written({"flaky": {"type": "fails.first", "policy": again(2)}},
                    outputs={"number": "flaky.result"})  # fmt: skip
    outer = written({"in": {**control("graph", inner), "policy": again(2)}},
                    outputs={"number": "in.number"})  # fmt: skip
    run = await drive_written(
        {"out": {**control("graph", outer), "policy": again(2)}}, "", Failing(3).task,
        outputs={"number": "out.number"},
    )  # fmt: skip
    paid = [each.by for each in events_of(run, "TaskRetrying")]
    assert paid == ["", "out/in", "out"]
    assert outputs_of(run) == {"number": 7}


async def test_the_tasks_of_a_compound_share_its_attempts():
    """Engine 5.5."""
    inner = written({"one": "test.fail", "two": "test.fail"})
    run = await drive_written({"box": {**control("graph", inner), "policy": again(2)}})
    assert len(events_of(run, "TaskRetrying")) == 1
    assert len(events_of(run, "TaskFailed")) == 3  # both, and the compound
    assert run.status is RunStatus.FAILED


async def test_the_items_of_a_map_share_its_attempts_and_keep_what_is_done():
    """Engine 5.5: a map over a stream; only what failed runs again."""
    EXECUTED.clear()
    failed: set[int] = set()

    @task(name="fails.odd", effect="repeatable")
    async def fails_odd(number: int, context: Any) -> int:
        observe(context)
        if number % 2 and number not in failed:
            failed.add(number)
            raise ValueError("odd")
        return 10 * number

    item = written({"odd": "fails.odd"}, "$inputs.item > odd.number",
                   inputs={"item": "int"}, outputs={"number": "odd.result"})  # fmt: skip
    run = await drive_written(
        {"emit": {"type": "test.emit", "inputs": {"count": 5}},
         "map": {**control("map", item, over=["item"]), "policy": again(3)}},
        "emit.numbers > map.item", fails_odd, outputs={"all": "map.number"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [0, 10, 20, 30, 40]}
    assert [executed(f"map[{index}]/odd") for index in range(5)] == [1, 2, 1, 2, 1]
    assert {each.by for each in events_of(run, "TaskRetrying")} == {"map"}


async def test_the_failure_of_an_alternative_is_for_the_next_one_and_no_retry():
    """Engine 5.5, 8.1: what is around a fallback pays only when all alternatives failed."""
    choice = written({"bad": "test.fail", "good": "test.emit"})
    inner = written({"try": control("fallback", choice)}, outputs={"numbers": "try.numbers"})
    run = await drive_written(
        {"box": {**control("graph", inner), "policy": again(3)}}, outputs={"all": "box.numbers"}
    )
    assert outputs_of(run) == {"all": [0, 1, 2]}
    assert not events_of(run, "TaskRetrying")


# ── retries and what people do meanwhile ────────────────────────────────────────────────────────


@virtual
async def test_a_paused_run_begins_no_attempt_until_it_goes_on():
    """Engine 5.1, 5.5."""
    failing = Failing(1)
    run = await under_way(
        {"one": {"type": "fails.first", "policy": again(2, delay=5, jitter=False)},
         "hang": "test.hang"}, "", failing.task,
    )  # fmt: skip
    await run.until_event("TaskRetrying", "one")
    run.executor.pause("alice")
    await asyncio.sleep(100)
    assert failing.times == [0]
    run.executor.go_on("alice")
    await run.until_event("TaskCompleted", "one")
    assert failing.times == [0, 100]
    run.executor.cancel("alice")
    await run.end()


@virtual
async def test_a_task_that_waits_for_its_next_attempt_begins_it_after_a_stop():
    """Engine 5.2, 5.5: retrying, interrupted, then the next attempt."""
    failing = Failing(1)
    run = await under_way(
        {"one": {"type": "fails.first", "policy": again(2, delay=50, jitter=False)}}, "",
        failing.task,
    )  # fmt: skip
    await run.until_event("TaskRetrying", "one")
    await run.stop()
    kept = await (await begin(run.store, run.run, registry_with(failing.task))).end()
    assert [each.attempt for each in events_of(kept, "TaskStarted", "one")] == [1, 2]
    assert kept.status is RunStatus.COMPLETED
