"""Bodies in the job queue: the same words as anywhere; workers that die are replaced."""

import asyncio
from typing import Any, ClassVar

import pytest

from runner.execution.deciding import settle_decision
from runner.execution.host import Host
from runner.execution.secrets import MemoryCredentials
from runner.graph.building import GraphBuilder
from runner.graph.needs import Need
from runner.graph.ports import Ports, Stream
from runner.graph.task import Effect, Task, task
from runner.run.status import JobState, RunStatus
from tests import saving
from tests.queued_jobs import QUEUE, MemoryJobs
from tests.runs import Driven, run
from tests.tasks import Double, Emit, Fail, Total

TEXT = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


class Gated(Task):
    """Streams a number, waits for the gate of its life, and gives how often it began."""

    name = "queue.gated"
    effect: ClassVar[Effect] = "repeatable"
    gate: ClassVar[asyncio.Event]
    lives: ClassVar[int]

    class Outputs(Ports):
        numbers: list[int]
        lives: int

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        Gated.lives += 1
        for number in (Gated.lives, 0):
            await context.push_chunk("numbers", number)
        await Gated.gate.wait()
        return {"lives": Gated.lives}


class Once(Gated):
    """The same, and it must not run twice."""

    name = "queue.once"
    effect = "once"


@pytest.fixture(autouse=True)
def closed_gate():
    Gated.gate, Gated.lives = asyncio.Event(), 0


def queued(kind, policy=QUEUE, *, outputs=(), config=None, **inputs):
    """Draw one task in the queue; give the graph and the queue in which it is carried out."""
    graph = GraphBuilder("queued")
    added: Any = graph.add("it", kind(config), policy=policy, **inputs)
    for port in outputs or kind(config).outputs:
        graph.output(port, added[port])
    return graph


def queue_for(graph, **more):
    return MemoryJobs(graph.registry, **more)


async def until(true):
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a worker of the test's own
            await asyncio.sleep(0.001)


async def ran(graph, **more):
    jobs = queue_for(graph, **more)
    return jobs, await run(graph, host=jobs.host())


async def test_a_body_in_the_queue_streams_says_and_gives_as_anywhere():
    """Engine 8.2."""

    @task(name="queue.said", effect="none")
    async def said(text: str, context: Any) -> str:
        context.progress(0.5, "half")
        context.log.warning("a line")
        return text.upper()

    jobs, done = await ran(queued(said, text="abc"))

    assert done.outputs == {"result": "ABC"}
    (progress,) = done.of("it", "TaskProgressed")
    (line,) = done.of("it", "TaskLogged")
    assert (progress.fraction, progress.message) == (0.5, "half")
    assert (line.level, line.message) == ("WARNING", "a line")
    assert [each.spec.type for each in jobs.rows] == ["queue.said"]


async def test_chunks_arrive_in_order_and_reach_whoever_reads_them():
    """Engine 4.1."""
    graph = GraphBuilder("streams")
    numbers = graph.add("emit", Emit, policy=QUEUE, count=200).numbers
    doubled = graph.add("double", Double, numbers=numbers).numbers
    graph.output("numbers", doubled)
    graph.output("total", graph.add("total", Total, policy=QUEUE, numbers=doubled).result)

    jobs, done = await ran(graph)

    assert done.outputs == {"numbers": [2 * each for each in range(200)], "total": 200 * 199}
    assert len(jobs.rows) == 2


async def test_a_blocking_body_runs_in_a_thread_of_its_worker():
    @task(name="queue.blocking", effect="none")
    def blocking(numbers: list[int], context: Any) -> int:
        context.progress(0.1)
        return sum(numbers)

    _, done = await ran(queued(blocking, numbers=[1, 2, 3]))

    assert done.outputs == {"result": 6}


async def test_in_a_script_without_a_queue_the_body_runs_where_its_type_says():
    done = await run(queued(Emit, count=3))

    assert done.outputs == {"numbers": [0, 1, 2]}


async def test_a_failure_comes_back_and_each_retry_is_a_job():
    """Engine 5.5, 6.4."""
    policy = QUEUE | {"retry": {"attempts": 3, "delay": 0.0}}

    jobs, done = await ran(queued(Fail, policy))

    (failed,) = done.of("it", "TaskFailed")
    assert (failed.attempt, len(jobs.rows)) == (3, 3)
    assert failed.error.trace


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda context: context.ask({"kind": "input"}), "asks a person: take it out of the job queue."),
        (lambda context: context.wait_until(None), "waits for a time: take it out of the job queue."),
        (lambda context: context.push_chunk("result", 1), "cannot push chunks to result"),
    ],
)  # fmt: skip
async def test_what_only_the_owner_of_a_run_can_do_is_refused_in_a_sentence(act, sentence):
    @task(name="queue.asks", effect="none")
    async def asks(context: Any) -> int:
        await act(context)
        return 1

    _, done = await ran(queued(asks))

    assert sentence in done.error


async def test_a_job_that_takes_too_long_is_a_timeout():
    """P7."""

    @task(name="queue.long", effect="none", timeout=0.05)
    async def long() -> int:
        await asyncio.sleep(60)
        return 1

    _, done = await ran(queued(long))

    (failed,) = done.of("it", "TaskFailed")
    assert failed.error.type == "TaskTimeout"


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_whose_job_waits_is_queued_and_its_clocks_stand_still():
    """Engine 5.2, 5.6, 5.7."""
    graph = queued(Emit, QUEUE | {"timeout": 0.05}, count=2)
    jobs = queue_for(graph, works=False)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("TaskQueued", "it")
        await asyncio.sleep(0.1)
        jobs.work(jobs.rows[0])
        done = await driven.end()

    assert done.outputs == {"numbers": [0, 1]}
    assert [each.reason for each in done.of("it", "TaskQueued")] == ["nobody works"]
    kinds = [each for each in done.kinds("it") if each in {"TaskQueued", "TaskStarted"}]
    assert kinds == ["TaskStarted", "TaskQueued", "TaskStarted"]
    assert {each.attempt for each in done.of("it", "TaskStarted")} == {1}


async def test_a_cancel_stops_the_job_and_a_stop_of_the_server_does_not():
    """P8."""
    graph = queued(Gated)
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("StreamOpened", "it")
        await driven.stop()
        assert jobs.states() == ["running"]
        await driven.take_up()
        await driven.until("StreamOpened", "it", times=2)
        driven.executor.cancel("ada")
        done = await driven.end()

    assert (done.status("it"), Gated.lives, len(jobs.rows)) == ("cancelled", 1, 1)
    assert jobs.states() == ["cancelled"]


# ── deaths ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [Gated, Once])
async def test_a_run_that_is_taken_up_hears_its_job_again_from_the_first_chunk(kind):
    """P2, P9: nothing runs twice, and nobody has to decide."""
    graph = queued(kind)
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("StreamOpened", "it")
        await driven.stop()
        Gated.gate.set()
        await until(lambda: jobs.rows[0].state is JobState.DONE)
        await driven.take_up()
        done = await driven.end()

    assert done.outputs == {"numbers": [1, 0], "lives": 1}
    assert (jobs.posts, len(jobs.rows)) == (2, 1)


async def test_what_a_dead_worker_streamed_is_not_mixed_with_what_the_next_one_does():
    """Engine 4.7, P9."""
    graph = queued(Gated)
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("StreamOpened", "it")
        jobs.die(jobs.rows[0])
        await driven.until("StreamOpened", "it", times=2)
        Gated.gate.set()
        done = await driven.end()

    assert done.outputs == {"numbers": [2, 0], "lives": 2}
    (again,) = done.of("it", "TaskRetrying")
    assert (again.error.type, again.actor) == ("BodyLost", "the job queue")
    assert done.executor.state.tasks["it"].failures == 0


async def test_a_worker_that_had_said_nothing_is_replaced_within_the_attempt():
    @task(name="queue.silent", effect="repeatable")
    async def silent(context: Any) -> int:
        Gated.lives += 1
        await Gated.gate.wait()
        return Gated.lives

    graph = queued(silent)
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await until(lambda: Gated.lives == 1)
        jobs.die(jobs.rows[0])
        await until(lambda: Gated.lives == 2)
        Gated.gate.set()
        done = await driven.end()

    assert done.outputs == {"result": 2}
    assert {each.attempt for each in done.of("it", "TaskStarted")} == {1}


async def test_a_task_that_must_not_run_twice_waits_for_a_person_when_its_worker_died():
    """Engine 7.3."""
    graph = queued(Once)
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("StreamOpened", "it")
        jobs.die(jobs.rows[0], takes_over=False)
        await driven.until("TaskAwaiting", "it")
        Gated.gate.set()
        assert settle_decision(driven.executor, "it", "ada", {"action": "retry"})
        done = await driven.end()

    assert (done.outputs["lives"], len(jobs.rows)) == (2, 2)


# ── what is kept ────────────────────────────────────────────────────────────────────────────────


async def test_a_saved_state_goes_on_in_the_next_worker_with_its_chunks():
    """Engine 7.4."""
    saving.PUSHED.clear()
    graph = queued(saving.Count, config={"every": 2, "yields": 3})
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("StateSaved", "it")
        jobs.die(jobs.rows[0])
        done = await driven.end()

    assert done.outputs == {"numbers": [0, 1, 2, 3, 4, 5]}
    assert done.kept.status is RunStatus.COMPLETED


async def test_a_decision_is_made_once_however_many_workers_there_are():
    """Engine 7.9."""

    @task(name="queue.decides", effect="repeatable")
    async def decides(context: Any) -> int:
        Gated.lives += 1
        chosen: int = await context.decide("which", Gated.lives)
        await Gated.gate.wait()
        return chosen

    graph = queued(decides)
    jobs = queue_for(graph)
    async with Driven(graph, host=jobs.host()) as driven:
        await driven.until("DecisionMade", "it")
        jobs.die(jobs.rows[0])
        await until(lambda: Gated.lives == 2)
        Gated.gate.set()
        done = await driven.end()

    assert done.outputs == {"result": 1}


async def test_a_secret_is_looked_up_by_the_worker_and_never_in_the_queue():
    """Engine 6.6."""

    class Asking(Task):
        """Tells its secret to everybody."""

        name = "queue.secret"
        effect = "repeatable"
        needs = (Need("github", hosts=("api.github.com",)),)

        class Outputs(Ports):
            text: str

        async def execute(self, inputs, context):
            secret = await context.auth.secret("github")
            text = secret.reveal("api.github.com")
            context.progress(0.5, text)
            context.log.info("it is %s", text)
            return {"text": f"{context.auth.identity}: {text}"}

    credentials = MemoryCredentials({("", "github"): TEXT})
    graph = queued(Asking)
    jobs = queue_for(graph, host=Host(credentials=credentials))
    done = await run(graph, host=jobs.host(credentials=credentials))

    assert done.outputs == {"text": ": •••"}
    assert TEXT not in str(jobs.rows)
