"""Waiting for a time and for people: in runs, over crashes, with what they hold meanwhile."""

import asyncio
from datetime import timedelta

import pytest

from runner.errors import TaskAbandoned
from runner.execution.host import Host
from runner.execution.slots import Slots
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.run.status import RunStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.tasks import registry_of_tests
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import EPOCH, virtual
from tests.waiting import (
    APPROVAL,
    FIELDS,
    again,
    host_of,
    registry_of_waits,
    started,
)

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


@pytest.mark.parametrize(("at", "end"), [(29, "TaskCompleted"), (31, "TaskFailed")])
@virtual
async def test_an_answer_and_a_deadline_in_one_moment_give_one_outcome(at, end):
    """Engine 5.6, 5.3: that of the one which came first."""
    config = {"title": "Go on?", "deadline": 30}
    run = await started(definition_of([{"id": "ask", "type": "flow.ask", "config": config}]))
    await run.until_event("TaskAwaiting")
    loop = asyncio.get_running_loop()
    loop.call_at(virtual_time.START + 20, virtual_time.stand_still, 20)
    loop.call_at(virtual_time.START + at, run.executor.answer, "ask", {"approved": True}, "ada")
    kept = await run.end()

    ends = [kind for kind in kinds_of(kept, "ask") if kind in {"TaskCompleted", "TaskFailed"}]
    assert ends == [end]


@virtual
async def test_a_cancel_and_the_end_of_a_wait_in_one_moment_end_the_task():
    """Engine 5.8."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    task = {"id": "until", "type": "test.until", "inputs": {"seconds": 30}}
    run = await started(definition_of([task]))
    await run.until_event("TaskAwaiting")
    loop = asyncio.get_running_loop()
    loop.call_at(virtual_time.START + 20, virtual_time.stand_still, 20)
    loop.call_at(virtual_time.START + 29, run.executor.cancel, "ada")
    kept = await run.end()

    assert kept.status is RunStatus.CANCELLED
    assert kinds_of(kept, "until")[-1] == "TaskCancelled"
    assert not faults


class AsksAndLeaves(Task):
    """Asks somebody, and returns before the question is put."""

    name = "test.asks-and-leaves"
    effect = "none"
    asking: asyncio.Task

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        AsksAndLeaves.asking = asyncio.create_task(context.ask({"kind": "input", "deadline": 5}))
        await asyncio.sleep(0)
        return 1


@virtual
async def test_a_question_is_not_put_once_its_body_has_ended():
    """Engine 5.8: whatever a body that is over still says is refused."""
    registry = registry_of_waits()
    registry.register(AsksAndLeaves)
    definition = definition_of([{"id": "leaves", "type": "test.asks-and-leaves"}])
    run = await submit_and_begin(definition, registry=registry, host=host_of())
    kept = await run.end()

    assert kept.status is RunStatus.COMPLETED
    assert "TaskAwaiting" not in kinds_of(kept)
    with pytest.raises(TaskAbandoned):
        await AsksAndLeaves.asking
