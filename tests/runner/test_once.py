"""What must not happen twice: crashes, stops and timeouts lead to a person's decision."""

import asyncio

import pytest

from runner.errors import ExpiredCredential, ValueFault
from runner.execution.deciding import settle_decision
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.execution.secrets import MemoryCredentials
from runner.graph.needs import Need
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.run.status import RunStatus, TaskStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.gates import Gate, OnceGate
from tests.tasks import registry_of_tests
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import virtual

ONCE = {"id": "once", "type": "test.once_gate"}
CHAIN = definition_of(
    [ONCE, {"id": "after", "type": "test.add"}],
    [("once.result", "after.values")],
    outputs={"n": "after.result"},
)


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()


class OnceStream(Task):
    """Streams, once."""

    name = "test.once_stream"
    effect = "once"

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        Gate.begun.append(context.path)
        await context.push_chunk("numbers", 1)
        await asyncio.Event().wait()


class OnceExpired(Task):
    """Finds, once it has begun, that its credential is not taken."""

    name = "test.once_expired"
    effect = "once"
    needs = (Need("bank", hosts=("bank.example",)),)

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        Gate.begun.append(context.path)
        raise ExpiredCredential("bank")


class Length(Task):
    """How many chunks a stream had."""

    name = "test.length"
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: list[int]

    async def execute(self, inputs, context):
        return [number async for number in inputs.numbers]


def registry_of_once():
    registry = registry_of_tests()
    for each in (Gate, OnceGate, OnceStream, OnceExpired, Length):
        registry.register(each)
    return registry


def host_of(**more):
    return Host(now=virtual_time.now, **more)


async def started(definition=CHAIN, host=None, **more):
    return await submit_and_begin(
        definition, registry=registry_of_once(), host=host or host_of(), **more
    )


async def again(run, host=None):
    return await begin(run.store, run.run, registry_of_once(), host or host_of())


async def begun(definition=CHAIN, **more):
    run = await started(definition, **more)
    await run.until(lambda: Gate.begun)
    return run


async def crashed(definition=CHAIN, end="kill"):
    """Give a run whose task had begun when its process ended, taken up again."""
    run = await begun(definition)
    await getattr(run, end)()
    run = await again(run)
    await run.until_event("RunAwaiting")
    return run


# ── never twice by itself ────────────────────────────────────────────────────────────────────────


@virtual
@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_lost_process_leads_to_a_decision(end):
    """Engine 7.3."""
    run = await crashed(end=end)
    await asyncio.sleep(100)

    assert Gate.begun == ["once"]
    assert run.events("TaskAwaiting", "once")[-1].reason == "decision"
    assert run.kept.status is RunStatus.AWAITING
    run.executor.cancel("ada")
    assert (await run.end()).status is RunStatus.CANCELLED


@virtual
@pytest.mark.parametrize("ends", [("kill", "kill"), ("stop", "stop"), ("kill", "stop", "kill")])
async def test_a_decision_outlives_further_ends(ends):
    """Engine 7.3."""
    run = await begun()
    for end in ends:
        await getattr(run, end)()
        run = await again(run)
        await run.until(lambda run=run: run.executor.state.tasks["once"].reason == "decision")
    settle_decision(run.executor, "once", "ada", {"action": "complete", "outputs": {"result": 5}})

    assert outputs_of(await run.end()) == {"n": 5}
    assert Gate.begun == ["once"]


@virtual
async def test_no_prefix_of_what_was_kept_starts_it_twice():
    """Engine 7.3, 7.9."""
    run = await begun()
    await run.kill()
    run = await again(run)
    await run.until_event("TaskAwaiting", "once")
    await run.kill()
    entries = list(run.kept.entries)
    first = next(n for n, each in enumerate(entries) if each.event.kind == "TaskStarted") + 1
    for length in range(first, len(entries) + 1):
        store = MemoryStore()
        copy = store.submit(CHAIN, run.kept.inputs)
        for entry in entries[:length]:
            store.runs[copy].keep(entry)
        store.runs[copy].epoch = 5
        resumed = await begin(store, copy, registry_of_once(), host_of())
        await resumed.until_event("RunAwaiting")
        await resumed.kill()

    assert Gate.begun == ["once"]


@virtual
async def test_a_stop_waits_for_it_as_long_as_the_grace():
    """Engine 7.3."""
    run = await begun()
    asyncio.get_running_loop().call_later(4, Gate.open, "once")
    await run.stop(grace=5)

    assert virtual_time.passed() < 4.1
    assert run.kept.checkpoints["once"].outputs == {"result": "1"}
    run = await again(run)
    assert outputs_of(await run.end()) == {"n": 1}
    assert Gate.begun == ["once"]


@virtual
async def test_a_stop_waits_no_longer_than_the_grace():
    """Engine 7.3."""
    run = await begun()
    await run.stop(grace=5)

    assert 5 <= virtual_time.passed() < 6
    assert run.events("TaskAwaiting", "once")[-1].reason == "decision"


@virtual
async def test_a_stop_does_not_wait_for_what_can_be_had_again():
    """Engine 7.3."""
    run = await begun(definition_of([{"id": "gate", "type": "test.gate"}]))
    await run.stop(grace=5)

    assert virtual_time.passed() < 1
    assert run.kept.status is RunStatus.INTERRUPTED


@virtual
async def test_a_timeout_leads_to_a_decision():
    """Engine 7.3, 5.6."""
    task = ONCE | {"policy": {"timeout": 2}}
    run = await begun(definition_of([task], outputs={"n": "once.result"}))
    await run.until_event("RunAwaiting")
    Gate.open("once")
    await asyncio.sleep(10)

    assert "timeout" in run.events("TaskAwaiting")[0].detail["message"]
    assert run.executor.state.tasks["once"].status is TaskStatus.AWAITING
    assert settle_decision(run.executor, "once", "ada", {"action": "retry"})
    assert outputs_of(await run.end()) == {"n": 1}
    assert Gate.begun == ["once", "once"]


@virtual
async def test_a_credential_found_expired_midway_leads_to_a_decision():
    """Engine 7.3, 6.6."""
    credentials = MemoryCredentials({("ada", "bank"): "a-long-secret"})
    definition = definition_of([{"id": "once", "type": "test.once_expired"}])
    run = await begun(definition, host=host_of(credentials=credentials), identity="ada")
    await run.until_event("RunAwaiting")
    run.executor.renew("ada")
    await asyncio.sleep(10)

    assert Gate.begun == ["once"]
    assert run.events("TaskAwaiting")[-1].reason == "decision"
    assert "bank" in run.events("TaskAwaiting")[-1].detail["message"]
    await run.kill()


@virtual
async def test_one_that_never_began_starts_by_itself():
    """Engine 7.3."""
    definition = definition_of([{"id": "once", "type": "test.once_expired"}])
    run = await started(definition, host=host_of(credentials=MemoryCredentials()), identity="ada")
    await run.until_event("TaskAwaiting")
    await run.stop()
    credentials = MemoryCredentials({("ada", "bank"): "a-long-secret"})
    run = await again(run, host_of(credentials=credentials))
    await run.until(lambda: Gate.begun)

    assert Gate.begun == ["once"]
    await run.kill()


@virtual
async def test_one_that_has_completed_is_not_asked_about():
    """Engine 7.1."""
    definition = definition_of(
        [ONCE, {"id": "gate", "type": "test.gate"}], [("once.result", "gate.value")]
    )
    Gate.open("once")
    run = await begun(definition)
    await run.until_event("TaskStarted", "gate")
    await run.kill()
    Gate.open("gate")
    run = await again(run)
    kept = await run.end()

    assert kept.status is RunStatus.COMPLETED
    assert Gate.begun == ["once", "gate", "gate"]


# ── what a person may decide ─────────────────────────────────────────────────────────────────────


@virtual
async def test_a_person_may_let_it_run_again():
    """Engine 7.3."""
    run = await crashed()
    assert settle_decision(run.executor, "once", "ada", {"action": "retry"})
    Gate.open("once")
    kept = await run.end()

    assert outputs_of(kept) == {"n": 1}
    assert Gate.begun == ["once", "once"]
    assert run.events("TaskAnswered")[0].actor == "ada"
    assert [each.attempt for each in run.events("TaskStarted", "once")] == [1, 2]


@virtual
async def test_a_person_may_give_the_value_it_had():
    """Engine 7.3."""
    run = await crashed()
    given = {"action": "complete", "outputs": {"result": 41}}
    assert settle_decision(run.executor, "once", "ada", given)
    kept = await run.end()

    assert outputs_of(kept) == {"n": 41}
    assert kept.checkpoints["once"].outputs == {"result": "41"}
    assert not settle_decision(run.executor, "once", "ada", given)


@virtual
@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"result": "many"}, "result"),
        ({}, "result"),
        (None, "by port"),
        ([1], "by port"),
        ({"result": 1, "other": 2}, "other"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_and_the_task_waits_on(outputs, said):
    """Engine 7.3, 2.3."""
    run = await crashed()
    before = len(run.kept.entries)
    with pytest.raises(ValueFault, match=said):
        settle_decision(run.executor, "once", "ada", {"action": "complete", "outputs": outputs})
    await asyncio.sleep(1)

    assert len(run.kept.entries) == before
    assert settle_decision(run.executor, "once", "ada", {"action": "fail"})
    await run.end()


@virtual
async def test_a_person_may_say_that_it_failed():
    """Engine 7.3, 6.4."""
    run = await crashed()
    decision = {"action": "fail", "message": "The bank has no such payment."}
    assert settle_decision(run.executor, "once", "ada", decision)
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert run.events("RunFailed")[0].error.message == "The bank has no such payment."
    assert kinds_of(kept, "after") == ["TaskUpstreamFailed"]


@virtual
async def test_a_failure_that_a_person_states_can_be_handled():
    """Engine 7.3, 3.3."""
    definition = definition_of(
        [ONCE, {"id": "say", "type": "test.fault"}],
        [("once.[error]", "say.fault")],
        outputs={"said": "say.result"},
    )
    run = await crashed(definition)
    settle_decision(run.executor, "once", "ada", {"action": "fail", "message": "No."})
    kept = await run.end()

    assert outputs_of(kept) == {"said": "No."}
    assert run.events("RunCompleted")[0].handled == 1


@virtual
async def test_a_stated_value_of_a_stream_reaches_its_readers():
    """Engine 7.3, 4.3."""
    definition = definition_of(
        [{"id": "once", "type": "test.once_stream"}, {"id": "length", "type": "test.length"}],
        [("once.numbers", "length.numbers")],
        outputs={"numbers": "length.result", "all": "once.numbers"},
    )
    run = await crashed(definition)
    settle_decision(
        run.executor, "once", "ada", {"action": "complete", "outputs": {"numbers": [4, 5]}}
    )
    kept = await run.end()

    assert outputs_of(kept) == {"numbers": [4, 5], "all": [4, 5]}


@virtual
async def test_nobody_decides_about_a_task_that_is_under_way():
    """Engine 7.3."""
    run = await begun()
    assert not settle_decision(run.executor, "once", "ada", {"action": "fail"})
    assert not settle_decision(run.executor, "nowhere", "ada", {"action": "fail"})
    Gate.open("once")
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_a_stated_value_outlives_a_crash():
    """Engine 7.1, 7.3."""
    definition = definition_of(
        [ONCE, {"id": "gate", "type": "test.gate"}],
        [("once.result", "gate.value")],
        outputs={"n": "gate.result"},
    )
    run = await crashed(definition)
    settle_decision(run.executor, "once", "ada", {"action": "complete", "outputs": {"result": 9}})
    await run.until_event("TaskStarted", "gate")
    await run.kill()
    Gate.open("gate")
    run = await again(run)

    assert outputs_of(await run.end()) == {"n": 9}
