"""Waiting for a time and for people: in runs, over crashes, with what they hold meanwhile."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from runner.execution.body import Body
from runner.execution.context import TaskContext
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.execution.slots import Slots
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.waiting import Ask, Wait
from runner.run.status import RunStatus, TaskStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.tasks import registry_of_tests
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import EPOCH, virtual

APPROVAL = definition_of(
    [{"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}}],
    outputs={"approved": "ask.approved", "note": "ask.note"},
)
FIELDS = [{"name": "age", "type": "int"}]


class Chatter(Task):
    """Streams while it asks; gives what it was told."""

    name = "test.chatter"
    effect = "none"

    class Outputs(Ports):
        numbers: list[int]
        answer: int

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        asking = asyncio.create_task(context.ask({"kind": "input"}))
        for number in range(200):
            await context.push_chunk("numbers", number)
        answer = await asking
        await context.push_chunk("numbers", 200)
        return {"answer": answer["age"]}


class Until(Task):
    """Waits for so many seconds from its first start, in its own way."""

    name = "test.until"
    effect = "repeatable"

    class Inputs(Ports):
        seconds: int = 5

    class Outputs(Ports):
        result: str

    async def execute(self, inputs, context):
        until = await context.decide("until", lambda: in_seconds(inputs.seconds))
        await context.wait_until(until)
        return until.isoformat()


def in_seconds(seconds):
    return virtual_time.now() + timedelta(seconds=seconds)


def registry_of_waits():
    registry = registry_of_tests()
    for each in (Ask, Wait, Chatter, Until):
        registry.register(each)
    return registry


def host_of(**more):
    return Host(now=virtual_time.now, **more)


async def started(definition, **more):
    host = more.pop("host", None) or host_of()
    return await submit_and_begin(definition, registry=registry_of_waits(), host=host, **more)


async def again(run, host=None):
    return await begin(run.store, run.run, registry_of_waits(), host or host_of())


# ── times ────────────────────────────────────────────────────────────────────────────────────────


UNTIL = definition_of([{"id": "until", "type": "test.until"}], outputs={"at": "until.result"})


@virtual
async def test_a_wait_says_until_when_and_goes_on_then():
    """Engine 5.6, 5.2."""
    run = await started(UNTIL)
    awaiting = await run.until_event("TaskAwaiting")
    kept = await run.end()

    due = (EPOCH + timedelta(seconds=5)).isoformat()
    assert (awaiting.reason, awaiting.until) == ("time", due)
    assert outputs_of(kept) == {"at": due}
    assert virtual_time.now().isoformat() >= due
    assert kinds_of(kept, "until")[-2:] == ["TaskAnswered", "TaskCompleted"]


@virtual
async def test_a_killed_wait_ends_when_it_would_have_ended():
    """Engine 5.6, 1.3."""
    run = await started(UNTIL)
    await run.until_event("TaskAwaiting")
    await run.kill()
    await asyncio.sleep(3)
    run = await again(run)
    kept = await run.end()

    assert virtual_time.now() - EPOCH < timedelta(seconds=5.1)
    assert outputs_of(kept) == {"at": (EPOCH + timedelta(seconds=5)).isoformat()}


@virtual
async def test_a_wait_that_is_over_when_its_run_resumes_does_not_wait():
    """Engine 5.6."""
    run = await started(UNTIL)
    await run.until_event("TaskAwaiting")
    await run.kill()
    await asyncio.sleep(100)
    run = await again(run)
    kept = await run.end()

    assert len(run.events("TaskAwaiting")) == 1
    assert kept.status is RunStatus.COMPLETED


async def test_the_library_waits_and_hands_its_value_on():
    """Engine 8.1."""
    wait = {"id": "wait", "type": "flow.wait", "config": {"seconds": 0.02}}
    definition = definition_of(
        [wait | {"inputs": {"value": "tea"}}], outputs={"value": "wait.value"}
    )
    run = await submit_and_begin(definition, registry=registry_of_waits())
    kept = await run.end()

    assert outputs_of(kept) == {"value": "tea"}
    assert run.events("TaskAwaiting")[0].reason == "time"


async def test_a_moment_without_a_zone_is_one_of_utc():
    """Engine 5.6."""
    wait = {"id": "wait", "type": "flow.wait", "inputs": {"until": "2020-01-01T12:00:00"}}
    definition = definition_of([wait], outputs={"until": "wait.until"})
    run = await submit_and_begin(definition, registry=registry_of_waits())
    kept = await run.end()

    assert outputs_of(kept)["until"].isoformat() == "2020-01-01T12:00:00+00:00"
    assert not run.events("TaskAwaiting")


@virtual
async def test_waiting_counts_toward_no_timeout():
    """Engine 5.6."""
    task = {"id": "until", "type": "test.until", "policy": {"timeout": 1, "idle_timeout": 1}}
    run = await started(definition_of([task], outputs={"at": "until.result"}))
    kept = await run.end()

    assert kept.status is RunStatus.COMPLETED


@virtual
async def test_a_clock_that_is_set_forward_ends_a_wait_within_ten_minutes():
    """Engine 5.6."""
    ahead = [timedelta()]
    host = Host(now=lambda: virtual_time.now() + ahead[0])
    task = {"id": "until", "type": "test.until", "inputs": {"seconds": 7200}}
    run = await started(definition_of([task]), host=host)
    await run.until_event("TaskAwaiting")
    ahead[0] = timedelta(hours=3)
    await run.until(lambda: run.kept.status is RunStatus.COMPLETED)
    await run.end()

    assert virtual_time.passed() <= 601


# ── people ───────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_question_waits_for_its_answer_and_says_who_answered():
    """Engine 8.1, 6.3."""
    run = await started(APPROVAL)
    awaiting = await run.until_event("TaskAwaiting", "ask")
    assert run.executor.answer("ask", {"approved": True, "note": "fine"}, "ada")
    kept = await run.end()

    assert (awaiting.reason, awaiting.detail["title"]) == ("approval", "Go on?")
    assert run.events("TaskAnswered")[0].actor == "ada"
    assert outputs_of(kept) == {"approved": True, "note": "fine"}


@virtual
async def test_a_form_gives_what_was_filled_in():
    """Engine 8.1."""
    config = {"kind": "input", "title": "How old?", "fields": FIELDS}
    definition = definition_of(
        [{"id": "ask", "type": "flow.ask", "config": config}], outputs={"answer": "ask.answer"}
    )
    run = await started(definition)
    awaiting = await run.until_event("TaskAwaiting", "ask")
    run.executor.answer("ask", {"age": 7}, "ada")
    kept = await run.end()

    assert awaiting.reason == "input"
    assert outputs_of(kept) == {"answer": {"age": 7}}


@virtual
async def test_an_answer_is_given_once_however_often_it_is_sent():
    """Engine 6.3."""
    run = await started(APPROVAL)
    await run.until_event("TaskAwaiting", "ask")
    first = run.executor.answer("ask", {"approved": True}, "ada")
    second = run.executor.answer("ask", {"approved": False}, "bob")
    kept = await run.end()
    third = run.executor.answer("ask", {"approved": False}, "bob")

    assert (first, second, third) == (True, False, False)
    assert outputs_of(kept)["approved"] is True
    assert [each.name for each in run.events("DecisionMade")] == ["answer"]


@virtual
async def test_nobody_answers_a_task_that_did_not_ask():
    """Engine 6.3."""
    run = await started(APPROVAL)
    await run.until_event("TaskAwaiting", "ask")

    assert not run.executor.answer("elsewhere", {"approved": True}, "ada")
    await run.kill()


@virtual
async def test_an_answer_counts_after_a_crash_and_is_not_asked_for_again():
    """Engine 1.3, 7.1."""
    run = await started(APPROVAL)
    await run.until_event("TaskAwaiting", "ask")
    run.executor.answer("ask", {"approved": True, "note": "once"}, "ada")
    await run.until_event("DecisionMade")
    if run.events("TaskCompleted"):
        pytest.fail("the crash came too late")
    await run.kill()
    run = await again(run)
    kept = await run.end()

    assert len(run.events("TaskAwaiting")) == 1
    assert outputs_of(kept) == {"approved": True, "note": "once"}


@virtual
async def test_a_live_body_gets_the_answer_as_a_resumed_one_would():
    """Engine 2.3."""
    seen = []

    class Keeps(Task):
        """Keeps what it was told."""

        name = "test.keeps"
        effect = "repeatable"

        class Outputs(Ports):
            result: object

        async def execute(self, inputs, context):
            seen.append(await context.ask({"kind": "input"}))
            return seen[-1]

    registry = registry_of_tests()
    registry.register(Keeps)
    definition = definition_of([{"id": "keeps", "type": "test.keeps"}])
    run = await submit_and_begin(definition, registry=registry)
    await run.until_event("TaskAwaiting")
    given = {"b": (1, 2), "a": 1.0}
    run.executor.answer("keeps", given, "ada")
    given["late"] = True
    await run.end()

    assert seen == [{"a": 1.0, "b": [1, 2]}]


@virtual
async def test_a_question_that_nobody_answers_in_time_fails():
    """Engine 5.6."""
    config = {"title": "Go on?", "deadline": 30}
    run = await started(definition_of([{"id": "ask", "type": "flow.ask", "config": config}]))
    awaiting = await run.until_event("TaskAwaiting")
    kept = await run.end()

    assert awaiting.until == (EPOCH + timedelta(seconds=30)).isoformat()
    assert kept.status is RunStatus.FAILED
    assert "before the deadline" in run.events("RunFailed")[0].error.message
    assert not run.executor.answer("ask", {"approved": True}, "ada")


@virtual
async def test_a_deadline_is_not_put_off_by_a_crash():
    """Engine 5.6, 1.3."""
    config = {"title": "Go on?", "deadline": 30}
    run = await started(definition_of([{"id": "ask", "type": "flow.ask", "config": config}]))
    await run.until_event("TaskAwaiting")
    await asyncio.sleep(20)
    await run.kill()
    run = await again(run)
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert 30 <= virtual_time.passed() < 31


@virtual
async def test_an_answer_before_the_deadline_takes_it_away():
    """Engine 5.6."""
    config = {"title": "Go on?", "deadline": 30}
    tasks = [
        {"id": "ask", "type": "flow.ask", "config": config},
        {"id": "until", "type": "test.until", "inputs": {"seconds": 60}},
    ]
    run = await started(definition_of(tasks))
    await run.until_event("TaskAwaiting", "ask")
    run.executor.answer("ask", {"approved": False}, "ada")
    kept = await run.end()

    assert kept.status is RunStatus.COMPLETED


@virtual
async def test_an_answer_that_does_not_fit_fails_the_task():
    """Engine 8.1, 5.5."""
    run = await started(APPROVAL)
    await run.until_event("TaskAwaiting", "ask")
    run.executor.answer("ask", {"approved": "perhaps so"}, "ada")
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert run.events("RunFailed")[0].error.type == "ValueFault"


@virtual
async def test_a_body_asks_and_streams_at_once_and_keeps_its_slot_right():
    """Engine 5.7, 4.5."""
    definition = definition_of(
        [{"id": "chatter", "type": "test.chatter"}, {"id": "double", "type": "test.double"}],
        [("chatter.numbers", "double.numbers")],
        outputs={"numbers": "double.numbers", "answer": "chatter.answer"},
    )
    slots = Slots({"process": 1})
    run = await started(definition, host=host_of(slots=slots))
    await run.until_event("TaskAwaiting", "chatter")
    await asyncio.sleep(1)
    run.executor.answer("chatter", {"age": 7}, "ada")
    kept = await run.end()

    assert outputs_of(kept) == {"numbers": [2 * each for each in range(201)], "answer": 7}
    assert (slots.held("process"), slots.working("process")) == (0, 0)


# ── what waiting tasks hold, and how the run stands ──────────────────────────────────────────────


@virtual
async def test_a_task_that_waits_holds_no_slot():
    """Engine 5.7."""
    slots = Slots({"process": 1})
    tasks: list[dict[str, Any]] = [
        {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}},
        {"id": "one", "type": "test.number"},
    ]
    run = await started(definition_of(tasks), host=host_of(slots=slots))
    await run.until_event("TaskCompleted", "one")

    assert run.executor.state.tasks["ask"].status is TaskStatus.AWAITING
    assert slots.held("process") == 0
    run.executor.answer("ask", {"approved": True}, "ada")
    await run.end()
    assert slots.held("process") == 0


@virtual
async def test_a_run_awaits_while_everything_in_it_waits():
    """Engine 5.1."""
    run = await started(APPROVAL)
    awaiting = await run.until_event("RunAwaiting")
    assert (awaiting.reason, run.kept.status) == ("approval", RunStatus.AWAITING)
    run.executor.answer("ask", {"approved": True}, "ada")
    kept = await run.end()

    assert kinds_of(kept).index("RunWoke") > kinds_of(kept).index("RunAwaiting")
    assert kept.status is RunStatus.COMPLETED


@virtual
async def test_a_run_in_which_something_works_does_not_await():
    """Engine 5.1."""
    tasks: list[dict[str, Any]] = [
        {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}},
        {"id": "hang", "type": "test.hang"},
    ]
    run = await started(definition_of(tasks))
    await run.until_event("TaskAwaiting", "ask")
    await asyncio.sleep(5)

    assert run.kept.status is RunStatus.RUNNING
    run.executor.cancel("ada")
    await run.end()


@virtual
async def test_a_run_that_awaits_is_taken_up_and_awaits_again():
    """Engine 5.1."""
    run = await started(APPROVAL)
    await run.until_event("RunAwaiting")
    await run.kill()
    (stored,) = await MemoryStore.claim(run.store, "test", 5)
    run.kept.owner = ""
    run = await again(run)
    await run.until_event("RunAwaiting", times=2)

    assert stored.status is RunStatus.AWAITING
    run.executor.answer("ask", {"approved": True}, "ada")
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_a_question_can_be_cancelled():
    """Engine 5.8."""
    run = await started(APPROVAL)
    await run.until_event("TaskAwaiting", "ask")
    run.executor.cancel("ada")
    kept = await run.end()

    assert kept.status is RunStatus.CANCELLED
    assert not run.executor.answer("ask", {"approved": True}, "ada")


@virtual
async def test_a_cancel_while_bodies_stand_in_line_again_ends_the_run():
    """Engine 5.7, 5.8."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    ask: dict[str, Any] = {"type": "flow.ask", "config": {"title": "Go on?"}}
    hang: dict[str, Any] = {"type": "test.hang"}
    tasks = [{"id": "h1"} | hang, {"id": "ask"} | ask, {"id": "more"} | ask, {"id": "h2"} | hang]
    slots = Slots({"process": 2})
    run = await started(definition_of(tasks), host=host_of(slots=slots))
    await run.until_event("TaskStarted", "h2")
    for path in ("ask", "more"):
        run.executor.answer(path, {"approved": True}, "ada")
    await asyncio.sleep(1)
    run.executor.cancel("ada")
    kept = await run.end()

    assert kept.status is RunStatus.CANCELLED
    assert not faults
    assert slots.held("process") == 0


async def test_slots_that_come_while_a_body_waits_elsewhere_count_as_waiting():
    """Engine 5.7, 4.5."""
    slots = Slots({"process": 1})
    desk: Any = None
    body = Body(TaskContext(desk, "run", "path", 1), None, lambda: 0.0)
    body.waits()
    body.hold(slots.acquire(("process",), lambda: None))
    assert slots.working("process") == 0
    body.works()
    assert slots.working("process") == 1
    body.waits()
    body.waits()
    assert slots.working("process") == 0
    body.works()
    body.works()
    assert slots.working("process") == 1


@virtual
async def test_a_long_wait_looks_at_the_clock_again_and_again():
    """Engine 5.6."""
    task = {"id": "until", "type": "test.until", "inputs": {"seconds": 7200}}
    run = await started(definition_of([task]))
    await run.end()

    assert 7200 <= virtual_time.passed() < 7201


@virtual
async def test_a_question_answered_before_a_crash_is_not_put_again():
    """Engine 1.3, 6.3."""

    class Twice(Task):
        """Does something after it was answered, and again after a crash."""

        name = "test.twice"
        effect = "repeatable"

        class Outputs(Ports):
            result: int

        async def execute(self, inputs, context):
            answer = await context.ask({"kind": "input", "deadline": 60})
            await context.save_state(answer)
            await asyncio.sleep(5)
            return answer

    registry = registry_of_waits()
    registry.register(Twice)
    definition = definition_of([{"id": "t", "type": "test.twice"}], outputs={"n": "t.result"})
    run = await submit_and_begin(definition, registry=registry, host=host_of())
    await run.until_event("TaskAwaiting")
    run.executor.answer("t", 7, "ada")
    await run.until_event("StateSaved")
    await run.kill()
    run = await begin(run.store, run.run, registry, host_of())

    assert outputs_of(await run.end()) == {"n": 7}
    assert len(run.events("TaskAwaiting")) == 1


@virtual
async def test_an_answer_and_a_deadline_in_one_moment_give_one_outcome():
    """Engine 5.6, 5.3."""
    config = {"title": "Go on?", "deadline": 30}
    run = await started(definition_of([{"id": "ask", "type": "flow.ask", "config": config}]))
    await run.until_event("TaskAwaiting")
    loop = asyncio.get_running_loop()
    loop.call_at(virtual_time.START + 30, run.executor.answer, "ask", {"approved": True}, "ada")
    kept = await run.end()

    ends = [kind for kind in kinds_of(kept, "ask") if kind in {"TaskCompleted", "TaskFailed"}]
    assert len(ends) == 1
