"""What a task may say while it runs, on the event loop and in a thread."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from runner.errors import TaskAbandoned
from runner.execution.blocking_context import BlockingContext
from runner.execution.context import TaskContext
from runner.execution.host import Host
from runner.execution.secrets import MemoryCredentials
from runner.graph.needs import Need
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task
from runner.run import events
from runner.run.status import RunStatus
from tests.drive import definition_of, drive, kinds_of, outputs_of
from tests.handshake import registry_with
from tests.tasks import registry_of_tests
from tests.under_way import submit_and_begin

SECONDS = 10


class Desk:
    """Keeps what a context passes on."""

    def __init__(self):
        self.said = []

    def close_stream(self, stream):
        self.said.append(stream)

    def take(self, stream, chunk):
        self.said.append((stream, chunk))

    def progressed(self, path, attempt, fraction, message):
        self.said.append((fraction, message))

    def mask(self, text):
        return text

    def logged(self, path, attempt, level, message):
        self.said.append((level, message))


class Talk(Task):
    """Says everything there is to say, on the event loop."""

    name = "test.talk"
    effect = "none"

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        context.progress(0.5, "half")
        context.log.warning("%s is <b>low</b>", "water")
        await context.push_chunk("numbers", 1)
        await context.attach_stream("numbers", two_and_three())


async def two_and_three():
    for number in (2, 3):
        yield number


class TalkInThread(Talk):
    """Says the same from a thread, and reads a stream there."""

    name = "test.talk-in-thread"
    blocking = True

    class Inputs(Ports):
        numbers: Chunks[int]

    def execute(self, inputs, context):
        context.progress(0.5, "half")
        context.log.warning("%s is <b>low</b>", "water")
        assert sum(inputs.numbers) == 3
        assert inputs.numbers.final() == [0, 1, 2]
        assert not context.cancelled
        context.push_chunk("numbers", 1)
        context.attach_stream("numbers", [2, 3])


class Everything(Task):
    """Asks a run for all that it gives, from a thread; `Everything.seen` is what came."""

    name = "test.everything"
    effect = "none"
    blocking = True
    needs: ClassVar = (Need("github", hosts=("api.github.com",)),)
    seen: ClassVar[dict[str, Any]] = {}

    class Outputs(Ports):
        numbers: list[int]
        drawn: int

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    def execute(self, inputs, context):
        if context.saved_state is None:
            context.push_chunk("numbers", 1)
            context.save_state({"kept": 1})
            raise ValueError("the first attempt ends here")
        kept = context.resume_stream("numbers")
        drawn = context.decide("drawn", lambda: 7)
        context.wait_until(datetime(2020, 1, 1, tzinfo=UTC))
        secret = context.auth.secret("github")
        answer = context.ask({"kind": "approval", "title": "Go on?"})
        context.attach_stream("numbers", iter([2, 3]))
        self.seen.update(
            state=context.saved_state, kept=kept, answer=answer,
            identity=context.auth.identity, secret=secret.reveal("api.github.com"),
        )  # fmt: skip
        return {"drawn": drawn}


class PushTooLate(Talk):
    """Pushes after it closed its stream."""

    name = "test.push-too-late"

    async def execute(self, inputs, context):
        context.close_stream("numbers")
        await context.push_chunk("numbers", 1)


class PushWrong(Talk):
    """Pushes what its port does not take."""

    name = "test.push-wrong"

    async def execute(self, inputs, context):
        await context.push_chunk("numbers", "many")


def registry():
    made = registry_of_tests()
    for each in (Talk, TalkInThread, PushTooLate, PushWrong):
        made.register(each)
    return made


def error_in(run):
    return run.entries[-1].event.error


def context_of(desk=None, attempt=1, path="one", run="run-1"):
    listening: Any = desk or Desk()
    return TaskContext(listening, run, path, attempt)


def test_progress_is_clamped_and_never_falls():
    """R12."""
    desk = Desk()
    context = context_of(desk)
    for fraction in (-1, 0.5, 0.25, 7):
        context.progress(fraction, "on")

    assert desk.said == [(0.0, "on"), (0.5, "on"), (0.5, "on"), (1.0, "on")]


async def test_nothing_is_taken_after_the_end():
    desk = Desk()
    context = context_of(desk)
    context.end()

    with pytest.raises(TaskAbandoned):
        context.progress(0.5)
    with pytest.raises(TaskAbandoned):
        context.close_stream("numbers")
    with pytest.raises(TaskAbandoned):
        await context.push_chunk("numbers", 1)
    context.log.warning("too late")
    assert context.cancelled
    assert desk.said == []


def test_the_idempotency_key_is_the_same_for_every_attempt_and_no_other_task():
    first, again = context_of(attempt=1), context_of(attempt=2)
    others = {context_of(path="two").idempotency_key, context_of(run="run-2").idempotency_key}

    assert first.idempotency_key == again.idempotency_key
    assert first.idempotency_key not in others
    assert len(others) == 2


def test_log_lines_are_passed_on_with_their_level():
    desk = Desk()
    context = context_of(desk)
    context.log.info("%d files", 3)
    context.log.error("no more")
    context.log.debug("noise")

    assert desk.said == [("INFO", "3 files"), ("ERROR", "no more")]


@pytest.mark.parametrize("kind", ["test.talk", "test.talk-in-thread"])
async def test_what_a_body_says_is_in_the_log_of_the_run(kind):
    tasks = [{"id": "talk", "type": kind}]
    flows = []
    if kind == "test.talk-in-thread":
        tasks.append({"id": "emit", "type": "test.emit"})
        flows.append(("emit.numbers", "talk.numbers"))
    definition = definition_of(tasks, flows, outputs={"numbers": "talk.numbers"})

    run = await drive(definition, registry=registry())
    said = [each.event for each in run.entries]

    assert events.TaskProgressed("talk", 1, 0.5, "half") in said
    assert events.TaskLogged("talk", 1, "WARNING", "water is <b>low</b>") in said
    assert events.StreamClosed("talk", "numbers", 1, 3) in said
    assert outputs_of(run) == {"numbers": [1, 2, 3]}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("test.push-too-late", "StreamClosedError"), ("test.push-wrong", "ValueFault")],
)
async def test_a_push_that_is_refused_fails_the_task(kind, fault):
    run = await drive(definition_of([{"id": "push", "type": kind}]), registry=registry())

    assert run.status is RunStatus.FAILED
    assert error_in(run).type == fault


async def test_a_push_to_a_port_that_does_not_stream_fails_the_task():
    class PushElsewhere(Talk):
        name = "test.push-elsewhere"

        async def execute(self, inputs, context):
            await context.push_chunk("nowhere", 1)

    made = registry()
    made.register(PushElsewhere)
    run = await drive(definition_of([{"id": "push", "type": "test.push-elsewhere"}]), registry=made)

    assert kinds_of(run, "push") == ["TaskStarted", "TaskFailed", "RunFailed"]
    assert "cannot push chunks to nowhere" in error_in(run).message


async def test_a_secret_learnt_between_two_chunks_is_masked_in_what_follows():
    """Engine 6.6: also where a generator's chunks are pushed without asking for each of them."""

    @task(name="test.tells", needs=(Need("bank", hosts=("bank.example",)),))
    async def tells(context: Any) -> AsyncIterator[str]:
        yield "before "
        secret = await context.auth.secret("bank")
        yield secret.reveal("bank.example")

    registry = registry_of_tests()
    registry.register(tells)
    credentials = MemoryCredentials({("ada", "bank"): "a-long-secret"})
    definition = definition_of([{"id": "say", "type": "test.tells"}], outputs={"all": "say.result"})
    run = await submit_and_begin(
        definition, registry=registry, host=Host(credentials=credentials), identity="ada"
    )
    assert outputs_of(await run.end()) == {"all": "before •••"}


async def test_what_might_have_begun_a_secret_comes_with_the_end_of_its_stream():
    """Engine 4.3, 6.6: nothing of what was pushed is lost."""

    @task(name="test.hints", needs=(Need("bank", hosts=("bank.example",)),))
    async def hints(context: Any) -> AsyncIterator[str]:
        await context.auth.secret("bank")
        yield "it begins with a-long"
        yield "-sec"

    credentials = MemoryCredentials({("ada", "bank"): "a-long-secret"})
    definition = definition_of([{"id": "say", "type": "test.hints"}], outputs={"all": "say.result"})
    run = await submit_and_begin(
        definition,
        registry=registry_with(hints),
        host=Host(credentials=credentials),
        identity="ada",
    )
    assert outputs_of(await run.end()) == {"all": "it begins with a-long-sec"}


async def test_a_body_in_a_thread_can_ask_for_all_that_a_run_gives():
    """Engine 6.6, 7.4."""
    Everything.seen.clear()
    policy = {"retry": {"attempts": 2, "delay": 0.0}}
    definition = definition_of(
        [{"id": "all", "type": "test.everything", "policy": policy}],
        outputs={"numbers": "all.numbers", "drawn": "all.drawn"},
    )
    made = registry_of_tests()
    made.register(Everything)
    host = Host(credentials=MemoryCredentials({("ada", "github"): "a-long-text-of-hers"}))
    run = await submit_and_begin(definition, registry=made, host=host, identity="ada")
    await run.until_event("TaskAwaiting", "all")
    run.executor.answer("all", {"approved": True}, "bob")

    assert outputs_of(await run.end()) == {"numbers": [1, 2, 3], "drawn": 7}
    assert Everything.seen == {
        "state": {"kept": 1}, "kept": 1, "answer": {"approved": True},
        "identity": "ada", "secret": "a-long-text-of-hers",
    }  # fmt: skip


async def test_a_thread_that_asks_after_it_was_given_up_is_abandoned():
    """Engine 5.8."""
    context = BlockingContext(context_of(), asyncio.get_running_loop())
    context.interrupt()

    with ThreadPoolExecutor(1) as threads:
        # The loop is held meanwhile: it takes up nothing of what is asked.
        asked = threads.submit(context.progress, 0.5)
        assert isinstance(asked.exception(SECONDS), TaskAbandoned)
