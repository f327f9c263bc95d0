"""Retries and timeouts: how often a task is tried, how long it may take, and what then."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runner.errors import ValueFault
from runner.execution import bodies
from runner.execution.host import Host
from runner.execution.memory import MemoryRun, MemoryStore
from runner.graph.policy import Retry
from runner.graph.ports import Chunks
from runner.graph.task import Task, task
from runner.run.events import TaskError
from runner.run.policies import RETRY_AFTER_AT_MOST, retry_delay
from runner.run.status import RunStatus, TaskStatus
from tests.drive import outputs_of
from tests.handshake import drive_written, events_of, log_of, registry_with, steps_of, text_of
from tests.planned import control, written
from tests.tasks import EXECUTED, observe
from tests.under_way import UnderWay, begin, submit_and_begin
from tests.virtual_time import now, passed, virtual

ERROR = TaskError(type="ValueError", message="no such luck")


def again(attempts: int, **more: Any) -> dict[str, Any]:
    """Write a policy with so many attempts, without delay unless given."""
    return {"retry": {"attempts": attempts, "delay": 0, **more}}


class Failing:
    """A task that fails in its first so many executions, and notes when it began."""

    def __init__(self, failures: int, fault: Exception | None = None) -> None:
        self.left = failures
        self.times: list[float] = []

        @task(name="fails.first", effect="none")
        async def fails_first(context: Any, number: int = 7) -> int:
            self.times.append(passed())
            observe(context)
            if self.left:
                self.left -= 1
                raise fault or ValueError("no such luck")
            return number

        self.task = fails_first


async def under_way(
    tasks: dict[str, Any], flows: str, *more: type[Task], host: Host | None = None, **rest: Any
) -> UnderWay:
    """Set a written graph going."""
    graph = text_of(written(tasks, flows, **rest))
    return await submit_and_begin(graph, registry=registry_with(*more), host=host)


async def ended(*given: Any, **rest: Any) -> MemoryRun:
    """Run a written graph to its end, however long that takes."""
    return await (await under_way(*given, **rest)).end()


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


# ── timeouts ────────────────────────────────────────────────────────────────────────────────────


def steady(every: float, count: int, how: str = "chunk") -> type[Task]:
    """Give a task that says something every so many seconds."""

    @task(name="says.something", effect="none")
    async def says(context: Any) -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(every)
            if how == "chunk":
                yield number
            elif how == "progress":
                context.progress(number / count)
            else:
                await context.save_state(number)

    return says


@virtual
@pytest.mark.parametrize(("limit", "at_most"), [(3, 3), (20, 21.1), (0.5, 0.5)])
async def test_a_body_is_stopped_when_its_time_is_over(limit, at_most):
    """Engine 5.6: to the point for short times, within about a second for others."""
    run = await ended({"hang": {"type": "test.hang", "policy": {"timeout": limit}}}, "")
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.type == "TaskTimeout"
    assert failed.error.message == f"It ran longer than its timeout of {limit} s."
    assert limit <= passed() <= at_most


@virtual
@pytest.mark.parametrize("how", ["chunk", "progress", "state"])
@pytest.mark.parametrize("every", [2, 50])
async def test_signs_of_life_keep_a_body_from_being_idle(how, every):
    """Engine 5.6, 7.4: a chunk, progress, saved state."""
    policy = {"idle_timeout": every + 1, "timeout": None}
    run = await ended(
        {"says": {"type": "says.something", "policy": policy}}, "", steady(every, 5, how)
    )
    assert run.status is RunStatus.COMPLETED
    assert 5 * every <= passed() <= 5 * every + 1


@virtual
@pytest.mark.parametrize("idle", [3, 30])
async def test_a_body_that_says_nothing_is_stopped(idle):
    """Engine 5.6."""

    @task(name="falls.silent", effect="none")
    async def silent() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    run = await ended(
        {"silent": {"type": "falls.silent", "policy": {"idle_timeout": idle}}}, "", silent
    )
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.message == (
        f"It gave no chunk and no progress for {idle} s, its idle timeout."
    )
    assert steps_of(run, "silent")[-2:] == ["StreamSuperseded", "TaskFailed"]
    assert passed() == pytest.approx(idle, abs=0.01)


@virtual
@pytest.mark.parametrize("limit", [3, 8])
async def test_time_without_input_counts_toward_no_timeout(limit):
    """Engine 5.6: starved."""

    @task(name="reads.all", effect="none")
    async def reads(numbers: Chunks[int]) -> int:
        return sum([number async for number in numbers])

    @task(name="gets.all", effect="none")
    async def gets(numbers: Chunks[int]) -> int:
        return sum(await numbers.final())

    policy = {"timeout": limit, "idle_timeout": limit}
    run = await ended(
        {"says": "says.something", "reads": {"type": "reads.all", "policy": policy},
         "gets": {"type": "gets.all", "policy": policy}},
        "says.result > reads.numbers; says.result > gets.numbers", steady(40, 4), reads, gets,
        outputs={"read": "reads.result", "got": "gets.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"read": 6, "got": 6}


@virtual
@pytest.mark.parametrize("limit", [3, 8])
async def test_time_without_room_counts_toward_no_timeout(limit):
    """Engine 5.6: blocked in push_chunk."""

    @task(name="reads.slowly", effect="none")
    async def slowly(numbers: Chunks[int]) -> int:
        total = 0
        async for number in numbers:
            if number % 64 == 0:
                await asyncio.sleep(100)
            total += number
        return total

    policy = {"timeout": limit, "idle_timeout": limit}
    run = await ended(
        {"emit": {"type": "test.emit", "inputs": {"count": 300}, "policy": policy},
         "slowly": "reads.slowly"},
        "emit.numbers > slowly.numbers", slowly, outputs={"total": "slowly.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"total": sum(range(300))}
    assert passed() >= 300


@virtual
@pytest.mark.parametrize("limit", [3, 8])
async def test_time_spent_awaiting_counts_toward_no_timeout(limit):
    """Engine 5.6."""

    @task(name="waits.long", effect="repeatable")
    async def waits(context: Any) -> int:
        until = await context.decide("until", now() + timedelta(seconds=500))
        await context.wait_until(until)
        await asyncio.sleep(limit - 1)
        return 1

    policy = {"timeout": limit, "idle_timeout": limit}
    run = await ended(
        {"waits": {"type": "waits.long", "policy": policy}}, "", waits, host=Host(now=now)
    )
    assert run.status is RunStatus.COMPLETED


@virtual
async def test_each_attempt_has_its_own_time_and_a_timeout_may_be_tried_again():
    """Engine 5.5, 5.6."""
    policy = again(3, errors=["TaskTimeout"]) | {"timeout": 4}
    run = await ended({"hang": {"type": "test.hang", "policy": policy}}, "")
    assert steps_of(run, "hang") == [
        "TaskStarted", "TaskRetrying", "TaskStarted", "TaskRetrying", "TaskStarted", "TaskFailed",
    ]  # fmt: skip
    assert passed() == 12


@virtual
async def test_a_timeout_within_a_compound_uses_its_attempts():
    """Engine 5.5, 5.6."""
    inner = written({"hang": {"type": "test.hang", "policy": {"timeout": 1}}})
    run = await ended({"box": {**control("graph", inner), "policy": again(2)}}, "")
    assert [each.by for each in events_of(run, "TaskRetrying")] == ["box"]
    assert passed() == 2


# ── bodies that do not listen ───────────────────────────────────────────────────────────────────


class Deaf:
    """A body on the loop that goes on though it was stopped, and what it was told then."""

    def __init__(self) -> None:
        self.refusals: list[str] = []

        @task(name="deaf.loop", effect="none")
        async def deaf(context: Any) -> AsyncIterator[int]:
            yield 1
            if context.attempt > 1:
                return
            for _ in range(40):
                try:
                    await asyncio.sleep(1)
                except asyncio.CancelledError:
                    continue
            for speak in (lambda: context.push_chunk("result", 2), lambda: context.progress(1.0),
                          lambda: context.save_state(1), lambda: context.close_stream("result")):  # fmt: skip
                await self._note(speak)
            context.log.info("late")
            yield 3

        self.task = deaf

    async def _note(self, speak: Any) -> None:
        try:
            said = speak()
            if said is not None:
                await said
        except Exception as fault:
            self.refusals.append(type(fault).__name__)


@virtual
async def test_a_body_that_ignores_its_timeout_is_stuck_and_what_it_says_is_refused():
    """Engine 5.2, 5.8: the next attempt does not wait for it."""
    deaf = Deaf()
    run = await under_way(
        {"deaf": {"type": "deaf.loop", "policy": again(2) | {"timeout": 2}},
         "late": {"type": "says.something"}}, "", deaf.task, steady(60, 1),
        outputs={"numbers": "deaf.result"},
    )  # fmt: skip
    kept = await run.end()
    assert outputs_of(kept) == {"numbers": [1]}
    assert [(each.attempt) for each in events_of(kept, "TaskStuck", "deaf")] == [1]
    assert deaf.refusals == ["TaskAbandoned"] * 4
    assert not events_of(kept, "TaskLogged", "deaf")
    assert steps_of(kept, "deaf").count("TaskCompleted") == 1


@virtual
async def test_a_body_that_ignores_a_cancel_is_abandoned_after_ten_seconds():
    """Engine 5.8."""
    deaf = Deaf()
    run = await under_way({"deaf": {"type": "deaf.loop"}}, "", deaf.task)
    await run.until_event("StreamOpened", "deaf")
    run.executor.cancel("alice")
    kept = await run.end()
    assert kept.status is RunStatus.CANCELLED
    assert steps_of(kept, "deaf")[-3:] == ["TaskStuck", "StreamSuperseded", "TaskCancelled"]
    assert passed() == pytest.approx(10, abs=0.1)


class DeafThread:
    """A body in a thread that goes on until it is told, and what it was told when it spoke."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.ended = threading.Event()
        self.refusals: list[str] = []

        @task(name="deaf.thread", effect="none")
        def deaf(context: Any) -> int:
            if context.attempt > 1:
                return 2
            self.go_on.wait(10)
            for speak in (lambda: context.save_state(1), lambda: context.progress(0.5)):
                try:
                    speak()
                except Exception as fault:
                    self.refusals.append(type(fault).__name__)
            context.log.info("late")
            self.ended.set()
            return 1

        self.task = deaf


async def test_a_thread_that_ignores_its_timeout_is_stuck_and_its_result_is_refused(monkeypatch):
    """Engine 5.2, 5.8."""
    monkeypatch.setattr(bodies, "STUCK_SECONDS", 0.05)
    deaf = DeafThread()
    run = await under_way(
        {"deaf": {"type": "deaf.thread", "policy": again(2) | {"timeout": 0.05}},
         "hang": "test.hang"}, "", deaf.task,
    )  # fmt: skip
    await run.until_event("TaskCompleted", "deaf")
    await run.until_event("TaskStuck", "deaf")
    deaf.go_on.set()
    await asyncio.to_thread(deaf.ended.wait, 5)
    run.executor.cancel("alice")
    kept = await run.end()
    (completed,) = events_of(kept, "TaskCompleted", "deaf")
    assert (completed.attempt, completed.outputs) == (2, {"result": "2"})
    assert deaf.refusals == ["TaskAbandoned"] * 2
    assert not events_of(kept, "TaskLogged", "deaf")


async def test_a_thread_that_listens_ends_before_its_run_is_cancelled():
    """Engine 5.8: what still runs gets its time to end."""
    ended_at = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    @task(name="listens.well", effect="none")
    def listens(context: Any) -> int:
        loop.call_soon_threadsafe(begun.set)
        while not context.cancelled:
            threading.Event().wait(0.001)
        ended_at.append(True)
        return 1

    run = await under_way({"listens": "listens.well"}, "", listens)
    await begun.wait()
    run.executor.cancel("alice")
    kept = await run.end()
    assert steps_of(kept, "listens") == ["TaskStarted", "TaskCancelled"]
    assert ended_at == [True]


@virtual
async def test_a_body_that_ignores_that_its_stream_failed_is_stuck_and_holds_nobody_up():
    """Engine 4.7, 5.8."""

    @task(name="keeps.on", effect="none")
    async def keeps_on(numbers: Chunks[int], context: Any) -> int:
        while context.attempt == 1:
            try:
                await asyncio.sleep(30)
                break
            except asyncio.CancelledError:
                continue
        return sum([number async for number in numbers])

    run = await ended(
        {"fail": {"type": "test.fail", "inputs": {"chunks": 2}}, "keeps": "keeps.on",
         "says": "says.something"},
        "fail.numbers > keeps.numbers", keeps_on, steady(20, 1),
    )  # fmt: skip
    assert events_of(run, "TaskStuck", "keeps")
    assert passed() == 20


# ── what must not start twice ───────────────────────────────────────────────────────────────────


def once_only() -> type[Task]:
    """Give a task that streams a little, then hangs; its second attempt ends."""

    @task(name="once.only", effect="once")
    async def once(context: Any) -> AsyncIterator[int]:
        yield 10 * context.attempt
        if context.attempt == 1:
            await asyncio.Event().wait()

    return once


async def timed_out() -> tuple[UnderWay, Any]:
    """Run a task that must not start twice into its timeout; a reader has begun."""
    run = await under_way(
        {"once": {"type": "once.only", "policy": {"timeout": 2}}, "double": "test.double"},
        "once.result > double.numbers", once_only(), outputs={"doubled": "double.numbers"},
    )  # fmt: skip
    return run, await run.until_event("TaskAwaiting", "once")


@virtual
async def test_a_timeout_of_what_must_not_start_twice_waits_for_a_decision():
    """Engine 5.6, 7.3."""
    run, awaiting = await timed_out()
    await asyncio.sleep(1000)
    assert awaiting.reason == "decision"
    assert awaiting.detail == {"message": "It ran longer than its timeout of 2 s."}
    assert run.executor.state.tasks["once"].status is TaskStatus.AWAITING
    run.executor.cancel("alice")
    assert (await run.end()).status is RunStatus.CANCELLED


@virtual
@pytest.mark.parametrize(
    ("decision", "doubled"),
    [
        ({"action": "retry"}, [40]),
        ({"action": "complete", "outputs": {"result": [7, 8]}}, [14, 16]),
    ],
)
async def test_a_person_has_it_tried_again_or_says_what_it_gave(decision, doubled):
    """Engine 4.7, 7.3: what was read of the attempt that hung no longer counts."""
    run, _ = await timed_out()
    assert run.executor.settle_decision("once", "alice", decision)
    kept = await run.end()
    assert outputs_of(kept) == {"doubled": doubled}
    assert steps_of(kept, "double").count("TaskStarted") == 2


@virtual
async def test_a_person_says_that_it_failed():
    """Engine 7.3."""
    run, _ = await timed_out()
    assert run.executor.settle_decision("once", "alice", {"action": "fail"})
    kept = await run.end()
    (failed,) = events_of(kept, "TaskFailed")
    assert failed.error.message == "alice decided that it failed."
    assert steps_of(kept, "double")[-1] == "TaskUpstreamFailed"


@virtual
async def test_a_value_that_does_not_fit_decides_nothing():
    """Engine 7.3."""
    run, _ = await timed_out()
    with pytest.raises(ValueFault):
        run.executor.settle_decision(
            "once", "alice", {"action": "complete", "outputs": {"result": "seven"}}
        )
    assert run.executor.settle_decision("double", "alice", {"action": "retry"}) is False
    assert run.executor.state.tasks["once"].status is TaskStatus.AWAITING
    run.executor.cancel("alice")
    await run.end()


@virtual
async def test_a_lost_process_leaves_the_decision_to_a_person_too():
    """Engine 7.3: never started twice by the system."""
    registry = registry_with(once_only())
    run = await under_way({"once": "once.only"}, "", once_only(), outputs={"all": "once.result"})
    await run.until_event("TaskStarted", "once")
    await run.kill()
    later = await begin(run.store, run.run, registry)
    awaiting = await later.until_event("TaskAwaiting", "once")
    assert awaiting.reason == "decision"
    assert later.executor.settle_decision("once", "alice", {"action": "retry"})
    kept = await later.end()
    assert outputs_of(kept) == {"all": [20]}
    assert [each.attempt for each in events_of(kept, "TaskStarted", "once")] == [1, 2]
    assert ("TaskRetrying", "once") in log_of(kept)
    assert isinstance(run.store, MemoryStore)
