"""Bodies: starts, stops and times the bodies of a run; the only place where a task is awaited."""

import asyncio
import contextvars
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from runner.errors import (
    BodyLost,
    MissingCredential,
    RunnerError,
    SizeLimit,
    StreamFailed,
    TaskTimeout,
)
from runner.execution.artifacts import RunArtifacts
from runner.execution.body import Body, error_of
from runner.execution.computing import computed
from runner.execution.context import TaskContext
from runner.execution.failpoints import reach
from runner.execution.process_messages import retry_after_of
from runner.execution.slots import Ticket
from runner.execution.store import CacheEntry, patiently
from runner.execution.stream import Stream, kept_stream
from runner.execution.waits import wake
from runner.graph.artifact import CONTENTS
from runner.graph.task_graph import PlannedTask
from runner.graph.values import bytes_of
from runner.run import commands, events
from runner.run.events import TaskError
from runner.run.policies import budgets, cache_key, retry_delay

if TYPE_CHECKING:
    from runner.execution.run_executor import RunExecutor

SWEEP_SECONDS = 1.0
#: A body that waits inside the engine near a limit of its time is looked at no more often.
SLACK_SECONDS = 0.25
STUCK_SECONDS = 10.0
#: Who grants another attempt to a body whose worker died.
QUEUE_ACTOR = "the job queue"
_NO_STREAMS: Mapping[str, Stream] = {}


class Bodies:
    """The bodies of one run that are under way, by path, and what they gave."""

    def __init__(self, executor: "RunExecutor") -> None:
        self._executor = executor
        self._by_path: dict[str, Body] = {}
        self._left: set[Body] = set()
        self._tickets: dict[str, Ticket] = {}
        self._limits: dict[str, tuple[str, ...]] = {}
        self._results: dict[str, dict[str, str]] = {}
        self._keys: dict[str, str] = {}
        #: Failures that count once what the task read is final: attempt, error, retry-after.
        self._failures: dict[str, tuple[int, TaskError, float | None]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._base = contextvars.Context()
        self._base.run(CONTENTS.set, RunArtifacts(executor.host.artifacts, executor.stored.scope))

    def get(self, path: str) -> Body | None:
        """Give the body of a task; None if none is under way."""
        return self._by_path.get(path)

    def speaking(self, path: str) -> Body:
        """Give the body of a task that says something: its context lets it while it is here."""
        return self._by_path[path]

    def has_failed(self, path: str) -> bool:
        """Whether a task's body failed, which counts once what it read is final."""
        return path in self._failures

    def is_stopping(self, path: str) -> bool:
        """Whether a task has a body that was told to stop and has not ended yet."""
        body = self._by_path.get(path)
        return body is not None and bool(body.reason)

    # ── beginning ────────────────────────────────────────────────────────────────────────────

    def start(self, command: commands.StartTask) -> None:
        """Start a task, or let it stand in line for its slots."""
        executor, path = self._executor, command.path
        if not executor.state.startable(path):
            return
        state = executor.state.tasks[path]
        if state.control is not None:
            executor.apply(events.TaskStarted(path, command.attempt))
            return
        waiting = self._tickets.get(path)
        if waiting is not None and not waiting.held:
            return
        ticket = self._tickets.pop(path, None) or self._take_slots(state.planned, command)
        if ticket is not None and not ticket.held:
            self._tickets[path] = ticket
            executor.apply(events.TaskQueued(path, ticket.why))
            return
        executor.apply(events.TaskStarted(path, command.attempt))
        self._begin(state.planned, command, ticket)

    def _take_slots(self, planned: PlannedTask, command: commands.StartTask) -> Ticket | None:
        slots = self._executor.host.slots
        if slots.is_free:
            return None
        names = self._names(planned)
        if not slots.limited(names):
            return None
        return slots.acquire(names, lambda: self._executor.do(command))

    def _names(self, planned: PlannedTask) -> tuple[str, ...]:
        group = planned.policy.group
        names = self._limits.get(group)
        if names is None:
            stored = self._executor.stored
            names = ("process", f"run:{stored.run}", f"user:{stored.identity}")
            names = self._limits[group] = (*names, f"group:{group}") if group else names
        return names

    async def stand_in_line(self, path: str, body: Body) -> None:
        """Take slots again for a body that had given them back."""
        came: asyncio.Future[None] = self._executor.loop.create_future()
        names = self._names(self._executor.state.tasks[path].planned)
        # A body that was cancelled in line may be told before it has left.
        ticket = self._executor.host.slots.acquire(names, lambda: wake(came))
        body.hold(ticket)
        if not ticket.held:
            body.waits()
            try:
                await came
            finally:
                body.works()

    def _begin(
        self, planned: PlannedTask, command: commands.StartTask, ticket: Ticket | None
    ) -> None:
        executor, path = self._executor, planned.path
        context = TaskContext(executor.desk, executor.run_id, path, command.attempt)
        body = self._by_path[path] = Body(context, ticket, executor.loop.time)
        durable_seq = executor.log.seq if command.durable else 0
        body.task = asyncio.Task(
            self._run(planned, body, durable_seq),
            loop=executor.loop,
            name=path,
            context=self._base.copy(),
            eager_start=True,
        )
        if not body.task.done():
            # One that is cancelled before its first step has no end of its own.
            body.task.add_done_callback(lambda _: body.end())
            self._watch_time(planned, body)

    async def _run(self, planned: PlannedTask, body: Body, durable_seq: int) -> None:
        path, executor = planned.path, self._executor
        try:
            if durable_seq:
                await executor.log.until_durable(durable_seq)
            if executor.log.is_far_ahead:
                await executor.log.room()
            if planned.computes:
                planned = await computed(planned, executor.values, executor.host.expressions)
            cached = planned.policy.cache and not executor.state.graph.trial
            if cached and await self._take_from_cache(planned, body):
                return
            body.inputs = executor.values.inputs_for(planned)
            if planned.task.needs or planned.first_chunk or executor.records.saved(path):
                await self._prepare(planned, body)
            body.run()
            reach("before_execute")
            returned = await self._place(planned, body)
            reach("after_execute")
            self._returned(planned, body, returned)
        except asyncio.CancelledError:
            self._stopped(path, body)
        except StreamFailed as fault:
            self._lost_its_stream(path, body, fault)
        except Exception as fault:
            self._failed(path, body, fault)
        finally:
            body.end()
            self._left.discard(body)
            if self._by_path.get(path) is body:
                del self._by_path[path]

    def _place(self, planned: PlannedTask, body: Body) -> Awaitable[Any]:
        """Let a body run where its policy and its type say."""
        places, policy = self._executor.host.places, planned.policy
        if policy.is_queued:
            return places.post(planned.task, body.inputs, body.context, policy)
        return places.run(planned.task, body.inputs, body.context)

    async def _prepare(self, planned: PlannedTask, body: Body) -> None:
        """Count the waits of its readers, find what it saved, and see that credentials are there."""
        path, executor = planned.path, self._executor
        for reader in body.readers():
            reader.meter = body
        if executor.records.saved(path) is not None:
            await executor.desk.find_saved(path)
        for need in planned.task.needs:
            await executor.desk.secret(path, need.name)

    async def _take_from_cache(self, planned: PlannedTask, body: Body) -> bool:
        executor, path = self._executor, planned.path
        key = cache_key(planned.task, executor.values.texts_for(planned))
        scope = executor.stored.scope
        found = await patiently(lambda: executor.store.read_cache(scope, key))
        ports = planned.task.outputs
        if found is None or found.outputs.keys() | found.streams.keys() != ports.keys():
            self._keys[path] = key
            return False
        attempt = body.context.attempt
        for port, chunks in found.streams.items():
            stream = kept_stream(path, ports[port], attempt, list(chunks))
            executor.values.streams[path, port] = stream
            executor.desk.keep(stream)
        executor.values.outputs[path] = found.outputs
        counts = {port: len(chunks) for port, chunks in found.streams.items()}
        executor.record(events.TaskCached(path, attempt, found.outputs, counts))
        return True

    # ── the end of an attempt ────────────────────────────────────────────────────────────────

    def _returned(self, planned: PlannedTask, body: Body, returned: Any) -> None:
        path, task, executor = planned.path, planned.task, self._executor
        if body.reason:
            self._stopped(path, body)
            return
        ports = task.outputs
        outputs = {
            name: ports[name].encode(value) for name, value in task.collect(returned).items()
        }
        if executor.desk.masker.finder is not None:
            outputs = _masked(executor, planned, outputs)
        streams: Mapping[str, Stream] = _NO_STREAMS
        if task.streaming() or len(outputs) != len(ports):
            streams = executor.desk.close_streams(planned, outputs)
        for name in streams:
            outputs.pop(name, None)
        most = executor.host.output_bytes
        for name, text in outputs.items():
            if bytes_of(text) > most:
                raise SizeLimit(
                    f"Port {name} of {planned.title} gave more than {most / (1 << 20):g} MiB; "
                    "give less, or write a file."
                )
        attempt = body.context.attempt
        if streams or self._keys or executor.state.is_provisional(path):
            self.give(path, outputs)
            executor.record(events.TaskReturned(path, attempt))
        else:
            # Nothing that it read can change any more: to return is to complete.
            executor.record(events.TaskCompleted(path, attempt, outputs))

    def give(self, path: str, outputs: dict[str, str]) -> None:
        """Take what a task gave; it counts once the task has completed."""
        self._executor.values.outputs[path] = self._results[path] = outputs

    def _stopped(self, path: str, body: Body) -> None:
        if body.reason == "cancel":
            self._executor.record(events.TaskCancelled(path, body.context.attempt))
        elif not body.reason:
            fault = RunnerError("The task's body was cancelled from inside.")
            self._attempt_failed(path, body, error_of(fault, path, body.context.attempt))

    def _lost_its_stream(self, path: str, body: Body, fault: StreamFailed) -> None:
        """The producer's end drops the task; a body that hears of it first says nothing."""
        if body.reason or not any(reader.is_broken for reader in body.readers()):
            self._failed(path, body, fault)

    def _failed(self, path: str, body: Body, fault: Exception) -> None:
        executor, attempt = self._executor, body.context.attempt
        if body.reason:
            self._stopped(path, body)
        elif isinstance(fault, BodyLost):
            self._lost(path, body, fault)
        elif isinstance(fault, MissingCredential):
            executor.desk.waits.park(path, attempt, fault)
        else:
            error = error_of(fault, path, attempt, executor.desk.masker.mask)
            self._attempt_failed(path, body, error, retry_after_of(fault))

    def _lost(self, path: str, body: Body, fault: BodyLost) -> None:
        """Begin again what ended with its worker: no policy pays for it, but `once` asks."""
        executor, attempt = self._executor, body.context.attempt
        if executor.state.tasks[path].planned.task.effect == "once":
            detail = {"message": fault.sentence}
            executor.record(events.TaskAwaiting(path, attempt, "decision", detail))
            return
        error = error_of(fault, path, attempt)
        executor.record(events.TaskRetrying(path, attempt, error, 0.0, actor=QUEUE_ACTOR))

    def _attempt_failed(
        self, path: str, body: Body, error: TaskError, retry_after: float | None = None
    ) -> None:
        attempt = body.context.attempt
        if self._executor.state.is_provisional(path):
            # What it read may yet be taken back; then it has not failed.
            self._failures[path] = (attempt, error, retry_after)
            self._executor.record(events.TaskReturned(path, attempt, failed=True))
        else:
            self._executor.record(self._after_failure(path, attempt, error, retry_after))

    def _after_failure(
        self, path: str, attempt: int, error: TaskError, retry_after: float | None = None
    ) -> events.TaskRetrying | events.TaskFailed:
        """Say what a failed attempt leads to: another one, if somebody grants it."""
        executor = self._executor
        for by, policy, failures in budgets(executor.state.tasks[path]):
            chance = executor.host.chance()
            delay = retry_delay(policy, failures, error, chance=chance, retry_after=retry_after)
            if delay is not None:
                return events.TaskRetrying(path, attempt, error, delay, by)
        handled = executor.state.tasks[path].planned.handles_error
        return events.TaskFailed(path, attempt, error, handled)

    def still_granted(self, event: events.TaskRetrying) -> events.TaskRetrying | events.TaskFailed:
        """Look again at an attempt that something around the task granted.

        It may have granted its last one to a task that failed in the same moment.
        """
        for by, policy, failures in budgets(self._executor.state.tasks[event.path]):
            if by == event.by and failures + 1 < policy.attempts:
                return event
        return self._after_failure(event.path, event.attempt, event.error)

    def complete(self, path: str) -> None:
        """Record how a task ended whose body has, now that what it read is final."""
        failure = self._failures.pop(path, None)
        if failure is not None:
            self._executor.record(self._after_failure(path, *failure))
            return
        key = self._keys.pop(path, "")
        self.finish(path, self._results.pop(path), key=key)

    def finish(
        self, path: str, outputs: dict[str, str], not_taken: tuple[str, ...] = (), key: str = ""
    ) -> None:
        """Record a completion with all that must be kept of it."""
        executor = self._executor
        state = executor.state.tasks[path]
        executor.values.outputs[path] = outputs
        chunks = executor.desk.streams_of(path) if executor.values.streams else {}
        streams = {name: len(stream.chunks) for name, stream in chunks.items()}
        checkpoint = executor.records.ended(
            path,
            state.attempt,
            executor.log.seq + 1,
            outputs=outputs,
            streams=streams,
            not_taken=not_taken,
        )
        cache = None
        if key:
            texts = {name: tuple(stream.chunks) for name, stream in chunks.items()}
            cache = CacheEntry(scope=executor.stored.scope, key=key, outputs=outputs, streams=texts)
        executor.apply(
            events.TaskCompleted(path, state.attempt, outputs, streams, list(not_taken)),
            checkpoint=checkpoint,
            cache=cache,
        )

    # ── stopping ─────────────────────────────────────────────────────────────────────────────

    def cancel(self, path: str) -> bool:
        """Stop a body as somebody asked; false if none is under way."""
        body = self._by_path.get(path)
        if body is None:
            return False
        body.stop("cancel")
        self._executor.loop.call_later(STUCK_SECONDS, self._abandon, path, body)
        return True

    def forget(self, path: str) -> None:
        """End whatever a task has: its body, its place in line, what it gave."""
        body = self._by_path.pop(path, None)
        if body is not None and not body.task.done():
            self._let_go(body, "drop")
        ticket = self._tickets.pop(path, None)
        if ticket is not None:
            ticket.release()
        self._results.pop(path, None)
        self._failures.pop(path, None)
        self._keys.pop(path, None)

    def _let_go(self, body: Body, reason: str) -> None:
        body.stop(reason)
        body.end()
        self._left.add(body)
        if body.task is not asyncio.current_task():
            self._executor.loop.call_later(STUCK_SECONDS, self._report_stuck, body)

    def _abandon(self, path: str, body: Body) -> None:
        """Give up a body that ignores that it was cancelled."""
        if self._by_path.get(path) is body and not self._executor.state.ended:
            attempt = body.context.attempt
            self._executor.record(events.TaskStuck(path, attempt))
            self._executor.record(events.TaskCancelled(path, attempt))

    async def outlast(self, grace: float) -> None:
        """Wait for the bodies that must not be started twice."""
        once = {self._by_path[path].task for path in self.begun_once()}
        if once:
            await asyncio.wait(once, timeout=grace)

    def begun_once(self) -> set[str]:
        """Give the tasks under way that must not be started twice and whose code has begun."""
        tasks = self._executor.state.tasks
        return {
            path
            for path, body in self._by_path.items()
            if body.runs and tasks[path].planned.asks_when_lost
        }

    async def end(self, grace: float) -> None:
        """Stop all bodies, and wait for them at most `grace` seconds."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for ticket in self._tickets.values():
            ticket.release()
        bodies = [*self._by_path.values(), *self._left]
        for body in bodies:
            body.stop("stop")
        if bodies:
            await asyncio.wait({body.task for body in bodies}, timeout=grace)

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def _watch_time(self, planned: PlannedTask, body: Body) -> None:
        """Look at all bodies once a second, and to the point at those with less time left."""
        body.is_late = not body.runs
        if body.runs:
            body.begin()
        left = body.time_left(planned.policy)
        if left is None:
            return
        if left <= SWEEP_SECONDS:
            self._look_at(planned, body)
        elif self._sweeper is None:
            self._sweeper = self._executor.loop.call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        tasks = self._executor.state.tasks
        for path, body in list(self._by_path.items()):
            if not body.is_timed:
                self._look_at(tasks[path].planned, body)
        if self._by_path:
            self._sweeper = self._executor.loop.call_later(SWEEP_SECONDS, self._sweep)

    def _look_at(self, planned: PlannedTask, body: Body) -> None:
        """Stop a body whose time is over; look again at the moment when it may be."""
        if self._by_path.get(planned.path) is not body:
            return
        sentence = body.overdue(planned.policy)
        if sentence:
            self._time_out(planned, body, sentence)
            return
        left = body.time_left(planned.policy)
        body.is_timed = left is not None and left <= SWEEP_SECONDS
        if left is not None and body.is_timed:
            wait = left if body.works_now else max(left, SLACK_SECONDS)
            self._executor.loop.call_later(wait, self._look_at, planned, body)

    def _time_out(self, planned: PlannedTask, body: Body, sentence: str) -> None:
        executor, path, attempt = self._executor, planned.path, body.context.attempt
        del self._by_path[path]
        self._let_go(body, "timeout")
        if planned.task.effect == "once":
            detail = {"message": sentence}
            executor.record(events.TaskAwaiting(path, attempt, "decision", detail))
            return
        error = error_of(TaskTimeout(sentence), path, attempt)
        self._attempt_failed(path, body, error)

    def _report_stuck(self, body: Body) -> None:
        if body in self._left and not self._executor.state.ended:
            context = body.context
            self._executor.record(events.TaskStuck(context.path, context.attempt))
            # A thread cannot be ended, but its place can be given to others.
            body.task.cancel()


def _masked(
    executor: "RunExecutor", planned: PlannedTask, outputs: dict[str, str]
) -> dict[str, str]:
    masked = {name: executor.desk.masker.mask_json(text) for name, text in outputs.items()}
    for name, text in masked.items():
        if text != outputs[name]:
            # A number or a date that showed a secret is refused here, not by whoever reads it.
            planned.task.outputs[name].decode(text)
    return masked
