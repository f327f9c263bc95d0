"""QueuePlace: posts a body to the job queue and passes on what its worker says of it.

A worker of any process carries it out. A post is an upsert by run, path and attempt: a run that
is taken up again finds the job that its last owner had posted, and hears all of it again. About
0.1 s until the body begins and for each batch of chunks; so it is for bodies that work for long,
that need another machine, or whose number must be limited for all runs together.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from runner.errors import BodyLost, RunnerError
from runner.execution.context import TaskContext
from runner.execution.job_tail import POLL_SECONDS, JobTail
from runner.execution.jobs import JobQueue, JobSpec, Message, News
from runner.execution.process_messages import fault_of
from runner.execution.process_place import returned_by
from runner.execution.store import patiently
from runner.execution.stream import ChunkReader
from runner.graph.policy import Policy
from runner.graph.task import Task
from runner.graph.values import decode, encode
from runner.run.status import JobState

#: The server stops: the job goes on, and whoever takes the run up hears of it.
STOPPED = "stop"


class QueuePlace:
    """Runs each body in a worker of the job queue."""

    def __init__(self, queue: JobQueue, seconds: float = POLL_SECONDS) -> None:
        """Look for news of all its jobs at once, every so many seconds."""
        self._queue = queue
        self._tail = JobTail(queue, seconds)

    async def run(
        self, task: Task, inputs: Mapping[str, Any], context: TaskContext, policy: Policy
    ) -> Any:
        """Run a body to its end and give what it returned.

        A cancel stops the job, but not that of a server which stops. Raises what the body
        raised, and BodyLost when its worker died after it had said something that counts.
        """
        spec = await spec_of(task, inputs, context, policy)
        job = await self._post(spec, context)
        try:
            outcome = await self._outcome(job, task, context)
        except asyncio.CancelledError:
            await self._give_up(job, context)
            raise
        except BodyLost:
            raise
        except Exception:
            await self._queue.spoil(job)
            raise
        return _returned(task, outcome)

    async def _post(self, spec: JobSpec, context: TaskContext) -> int:
        """Post; a cancel meanwhile stops what was posted all the same."""
        posting = asyncio.ensure_future(patiently(lambda: self._queue.post(spec)))
        try:
            return await asyncio.shield(posting)
        except asyncio.CancelledError:
            await asyncio.wait([posting])
            if not posting.cancelled() and posting.exception() is None:
                await self._give_up(posting.result(), context)
            raise

    async def _give_up(self, job: int, context: TaskContext) -> None:
        if context.ended_by != STOPPED:
            await patiently(lambda: self._queue.cancel(job, context.attempt))

    async def _outcome(self, job: int, task: Task, context: TaskContext) -> Message:
        hearing = _Hearing(task, context)
        following = self._tail.follow(job)
        try:
            async for news in following:
                await hearing.take(news)
                if news.outcome is not None:
                    return news.outcome
        finally:
            await following.aclose()  # type: ignore[attr-defined] # a generator
        raise BodyLost(task.title)


class _Hearing:
    """What one attempt has heard of its job."""

    def __init__(self, task: Task, context: TaskContext) -> None:
        self._task = task
        self._context = context
        self._epoch = 0
        #: What it was last said to wait for.
        self._why = ""
        #: Whether anything was passed on that another body would say again.
        self._counts = False

    async def take(self, news: News) -> None:
        """Pass on what is new; raises BodyLost when another worker begins anew."""
        if news.epoch != self._epoch:
            if self._counts:
                raise BodyLost(self._task.title)
            self._epoch = news.epoch
        if news.state is JobState.WAITING:
            if news.why != self._why:
                self._context.queued(news.why)
            self._why = news.why
            return
        self._context.taken()
        self._why = ""
        for message in news.messages:
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        context = self._context
        if "log" in message:
            context.note(message["level"], message["log"])
        elif "progress" in message:
            context.progress(message["progress"], message["message"])
        elif "decide" in message:
            await context.decide(message["decide"], decode(message["value"]))
        else:
            self._counts = True
            await self._pass_on_stream(message)

    async def _pass_on_stream(self, message: Message) -> None:
        context = self._context
        if "chunks" in message:
            for text in message["chunks"]:
                await context.push_chunk(message["port"], decode(text))
        elif "close" in message:
            context.close_stream(message["close"])
        elif "resume" in message:
            context.resume_stream(message["resume"])
        elif "state" in message:
            await context.save_state(decode(message["state"]))


async def spec_of(
    task: Task, inputs: Mapping[str, Any], context: TaskContext, policy: Policy
) -> JobSpec:
    """Describe what a worker has to do, once all streams it reads have ended; no credential is in it."""
    plain = {name: each for name, each in inputs.items() if not _reads(each)}
    saved, kept = context.saved_state, context.kept
    return JobSpec(
        run=context.run,
        path=context.path,
        attempt=context.attempt,
        type=task.name,
        version=task.version,
        title=task.title,
        config=encode(task.config.model_dump(exclude_unset=True)),
        inputs={name: task.inputs[name].encode(value) for name, value in plain.items()},
        streams={
            name: [await _chunks(reader) for reader in _readers(each)]
            for name, each in inputs.items()
            if name not in plain
        },
        saved_state=encode(saved),
        decisions=kept.decisions,
        kept=kept.chunks if saved is not None else {},
        once=task.effect == "once",
        policy=policy,
    )


def _reads(value: Any) -> bool:
    return bool(_readers(value))


def _readers(value: Any) -> list[ChunkReader]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, ChunkReader)]


async def _chunks(reader: ChunkReader) -> list[str]:
    """Read a stream to its end: a worker is given all of it at once."""
    await reader.final()
    return list(reader.stream.chunks)


def _returned(task: Task, outcome: Message) -> Any:
    """Give what the body returned; raises what it raised."""
    if "lost" in outcome:
        raise BodyLost(task.title)
    if "cancelled" in outcome:
        raise RunnerError(f"The job of {task.title} was stopped from outside of its run.")
    if "failed" in outcome:
        raise fault_of(outcome["failed"])
    return returned_by(task, outcome["outputs"])
