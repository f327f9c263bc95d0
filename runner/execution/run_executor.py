"""RunExecutor: carries out one run's commands; the only place where a task is awaited.

One inbox, one drain. `record` appends an event; the first caller drains: handle the event,
keep it, carry out what follows. Commands come before the inbox, so nothing happens between a
decision and its act. No recursion in long chains, and after 2 ms the drain gives way to the
event loop.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from typing import Any

from runner.errors import RunnerError, StreamFailed
from runner.execution.body import Body, error_of
from runner.execution.chunk_flush import ChunkFlush
from runner.execution.context import TaskContext
from runner.execution.places import Places
from runner.execution.run_log import RunLog
from runner.execution.run_values import (
    RunValues,
    check_complete,
    check_streams,
    streaming_port,
    streams_with_value,
)
from runner.execution.store import ChunkBatch, RunStore, StoredRun
from runner.execution.stream import Stream
from runner.graph.task_graph import PlannedTask, TaskGraph
from runner.run import commands, events
from runner.run.checkpoint import TaskCheckpoint
from runner.run.state import LIVE, RunState
from runner.run.status import RunStatus

SLICE_SECONDS = 0.002
CANCEL_GRACE_SECONDS = 10.0
STOP_GRACE_SECONDS = 5.0

#: What a body causes; ignored when its task is over already.
FROM_BODIES = (
    events.TaskReturned,
    events.TaskCompleted,
    events.TaskFailed,
    events.TaskCancelled,
    events.StreamOpened,
)


def _ignore(_run: str, _seq: int) -> None:
    return None


class RunExecutor:
    """Drives one run from its stored state to its end, or until it is stopped."""

    def __init__(
        self,
        graph: TaskGraph,
        store: RunStore,
        stored: StoredRun,
        *,
        places: Places | None = None,
        on_commit: Callable[[str, int], None] = _ignore,
        is_watched: Callable[[str], bool] = lambda _run: False,
    ) -> None:
        self.run_id = stored.run
        self.state = RunState(graph)
        self.log = RunLog(store, stored, lambda: self.state.progress, on_commit)
        self.values = RunValues(self.state)
        self._store = store
        self._stored = stored
        self._places = places or Places()
        self._flush = ChunkFlush(self._keep_chunks, lambda: is_watched(stored.run))
        self._bodies: dict[str, Body] = {}
        self._results: dict[str, dict[str, str]] = {}
        self._inbox: deque[tuple[events.Event, dict[str, Any]]] = deque()
        self._commands: deque[commands.Command] = deque()
        self._draining = False
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._base = contextvars.Context()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._carry: dict[type, Callable[[Any], None]] = {
            commands.StartTask: self._start_task,
            commands.ExpandTask: self._expand_task,
            commands.GatherTask: self._gather_task,
            commands.CompleteTask: lambda command: self._complete(command.path),
            commands.DropTask: self._drop_task,
            commands.CancelTask: self._cancel_task,
            commands.Record: lambda command: self._apply(command.event),
            commands.FinishRun: self._finish_run,
        }

    # ── the run ──────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Drive the run to its end.

        Raises Fenced when another owner has taken the run over.
        """
        self.state.restore(self._stored.checkpoints, self._stored.attempts)
        await self.values.restore(self._stored, self._store)
        writer = asyncio.create_task(self.log.write(), name=f"log of {self.run_id}")
        try:
            self._open()
            await asyncio.wait({writer, self._over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                self._over.result()
            await writer
        finally:
            self._flush.stop()
            writer.cancel()
            await self._end_bodies(0.0)

    def cancel(self, actor: str) -> None:
        """Stop the run as somebody asked; what ignores it is abandoned after 10 s."""
        if self.state.cancelling or self.state.ended:
            return
        self.record(events.RunCancelling(actor))
        self._loop.call_later(CANCEL_GRACE_SECONDS, self._abandon)

    async def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Checkpoint and let go: the run is interrupted and can go on elsewhere."""
        if self.state.ended or self._over.done():
            return
        self._stopping = True
        await self._end_bodies(grace)
        self._flush.all()
        for each in self.state.live():
            if not each.is_map:
                self.record(events.TaskInterrupted(each.planned.path, each.attempt))
        self.record(events.RunInterrupted("the server stopped"))
        self.log.close()
        if not self._over.done():
            self._over.set_result(None)

    def _open(self) -> None:
        stored = self._stored
        if stored.status is RunStatus.QUEUED:
            self.record(events.RunStarted())
        else:
            self.record(events.RunResumed(stored.epoch))
        for path, attempt in stored.running:
            if path in self.state.tasks and not self.state.tasks[path].is_map:
                self.log.append(events.TaskInterrupted(path, attempt))
        self._commands.extend(self.state.begin())
        if stored.status is RunStatus.CANCELLING:
            self.cancel("")
        self._drain()

    def _abandon(self) -> None:
        for path, body in list(self._bodies.items()):
            body.context.end()
            self.record(events.TaskCancelled(path, body.context.attempt))

    async def _end_bodies(self, grace: float) -> None:
        bodies = list(self._bodies.values())
        for body in bodies:
            body.stop("stop")
        if bodies:
            await asyncio.wait({body.task for body in bodies}, timeout=grace)

    # ── events in, commands out ──────────────────────────────────────────────────────────

    def record(self, event: events.Event, **kept: Any) -> None:
        """Take in what happened; the first caller carries out all that follows."""
        self._inbox.append((event, kept))
        if not self._draining:
            self._drain()

    def _drain(self) -> None:
        if self._draining or self._over.done():
            return
        self._draining = True
        until = self._loop.time() + SLICE_SECONDS
        try:
            while self._commands or self._inbox:
                if self._commands:
                    self._carry_out(self._commands.popleft())
                else:
                    event, kept = self._inbox.popleft()
                    if not self._is_stale(event):
                        self._apply(event, **kept)
                if self._loop.time() > until and not self._stopping:
                    self._loop.call_soon(self._drain)
                    return
        except Exception as fault:
            # Whoever spoke last is not to blame: the driving ends, and `run` raises.
            if not self._over.done():
                self._over.set_exception(fault)
        finally:
            self._draining = False

    def _is_stale(self, event: events.Event) -> bool:
        if not isinstance(event, FROM_BODIES):
            return False
        state = self.state.tasks[event.path]
        return state.status not in LIVE or state.attempt != event.attempt

    def _apply(self, event: events.Event, **kept: Any) -> None:
        self._commands.extend(self.state.handle(event))
        if not isinstance(event, events.TaskReturned):
            self.log.append(event, **kept)

    def _carry_out(self, command: commands.Command) -> None:
        if not self._stopping or not isinstance(command, commands.StartTask):
            self._carry[type(command)](command)

    # ── commands ─────────────────────────────────────────────────────────────────────────

    def _start_task(self, command: commands.StartTask) -> None:
        path, attempt = command.path, command.attempt
        self._apply(events.TaskStarted(path, attempt))
        planned = self.state.tasks[path].planned
        if self.state.tasks[path].is_map:
            return
        context = TaskContext(self, self.run_id, path, attempt)
        body = Body(context)
        self._bodies[path] = body
        coroutine = self._run_body(planned, body, self.log.seq if command.durable else 0)
        body.task = asyncio.Task(
            coroutine, loop=self._loop, name=path, context=self._base.copy(), eager_start=True
        )
        if body.task.done():
            self._bodies.pop(path, None)

    def _expand_task(self, command: commands.ExpandTask) -> None:
        path = command.path
        attempt = self.state.tasks[path].attempt
        try:
            width = self.values.width(path)
        except RunnerError as fault:
            self._apply(events.TaskFailed(path, attempt, error_of(fault, path, attempt)))
            return
        kept = TaskCheckpoint(
            path=path, attempt=attempt, seq=self.log.seq + 1, width=width, done=False
        )
        self._apply(events.TaskExpanded(path, 0, width), checkpoint=kept)

    def _gather_task(self, command: commands.GatherTask) -> None:
        self._results[command.path] = self.values.gather(command.path)
        self.values.outputs[command.path] = self._results[command.path]
        self._complete(command.path)

    def _complete(self, path: str) -> None:
        state = self.state.tasks[path]
        outputs = self._results.pop(path)
        streams = {
            name: len(self.values.streams[path, name].chunks)
            for name in state.planned.task.outputs
            if (path, name) in self.values.streams
        }
        self._apply(
            events.TaskCompleted(path, state.attempt, outputs, streams),
            checkpoint=TaskCheckpoint(
                path=path,
                attempt=state.attempt,
                seq=self.log.seq + 1,
                outputs=outputs,
                streams=streams,
            ),
        )

    def _drop_task(self, command: commands.DropTask) -> None:
        path = command.path
        if path in self._bodies:
            self._bodies[path].stop("drop")
        self._results.pop(path, None)
        self._supersede(path)
        self._apply(events.TaskUpstreamFailed(path, command.culprit))

    def _cancel_task(self, command: commands.CancelTask) -> None:
        body = self._bodies.get(command.path)
        if body is not None:
            body.stop("cancel")
            return
        # A body that has returned and waits for its producers has nothing left to stop.
        state = self.state.tasks[command.path]
        if state.status in LIVE and state.returned:
            self._apply(events.TaskCancelled(command.path, state.attempt))

    def _finish_run(self, command: commands.FinishRun) -> None:
        if self.state.ended:
            return
        if command.cancelled:
            self._apply(events.RunCancelled())
        elif command.error is not None:
            self._apply(events.RunFailed(command.error, command.path))
        else:
            outputs = {
                port: self.values.text(source) for port, source in self.state.graph.outputs.items()
            }
            self._apply(events.RunCompleted(outputs))
        self.log.close()
        if not self._over.done():
            self._over.set_result(None)

    # ── bodies ───────────────────────────────────────────────────────────────────────────

    async def _run_body(self, planned: PlannedTask, body: Body, durable_seq: int) -> None:
        path, attempt = planned.path, body.context.attempt
        try:
            if durable_seq:
                await self.log.until_durable(durable_seq)
            await self.log.room()
            body.inputs = self.values.inputs_for(planned)
            returned = await self._places.run(planned.task, body.inputs, body.context)
            self._returned(planned, attempt, returned)
        except asyncio.CancelledError:
            self._stopped(path, attempt, body.reason)
        except StreamFailed:
            self._supersede(path)
        except Exception as fault:
            self._failed(path, attempt, fault)
        finally:
            body.end()
            self._bodies.pop(path, None)

    def _returned(self, planned: PlannedTask, attempt: int, returned: Any) -> None:
        path, task = planned.path, planned.task
        if self._bodies[path].reason:
            self._stopped(path, attempt, self._bodies[path].reason)
            return
        collected = task.collect(returned)
        outputs = {name: task.outputs[name].encode(value) for name, value in collected.items()}
        streams = self._streams_of(path)
        for name in task.streaming():
            if name not in outputs and name not in streams:
                streams[name] = self.open_stream(path, name)
        check_streams(outputs, streams, planned.title)
        check_complete(planned, outputs.keys() | streams_with_value(streams))
        for name, stream in streams.items():
            outputs.pop(name, None)
            if not stream.closed:
                stream.close()
                self.closed(stream)
        self.values.outputs[path] = self._results[path] = outputs
        self.record(events.TaskReturned(path, attempt))

    def _failed(self, path: str, attempt: int, fault: Exception) -> None:
        self._supersede(path)
        self.record(events.TaskFailed(path, attempt, error_of(fault, path, attempt)))

    def _stopped(self, path: str, attempt: int, reason: str) -> None:
        self._supersede(path)
        if reason == "cancel":
            self.record(events.TaskCancelled(path, attempt))
        elif not reason:
            fault = RunnerError("The task's body was cancelled from inside.")
            self.record(events.TaskFailed(path, attempt, error_of(fault, path, attempt)))

    # ── streams: what a context passes on ────────────────────────────────────────────────

    def open_stream(self, path: str, port: str) -> Stream:
        """Give the stream of an output port, opening it at the first use."""
        stream = self.values.streams.get((path, port))
        if stream is None:
            state = self.state.tasks[path]
            stream = Stream(path, streaming_port(state.planned, port), state.attempt)
            self.values.streams[path, port] = stream
        return stream

    def pushed(self, stream: Stream) -> None:
        """Announce the first chunk; keep chunks in batches."""
        if len(stream.chunks) == 1:
            self.record(events.StreamOpened(stream.path, stream.port.name, stream.attempt))
        self._flush.take(stream)

    def closed(self, stream: Stream) -> None:
        """Keep what is left and announce the close."""
        self._flush.now(stream)
        count = len(stream.chunks)
        self.record(events.StreamClosed(stream.path, stream.port.name, stream.attempt, count))

    def progressed(self, path: str, attempt: int, fraction: float, message: str) -> None:
        """Record progress."""
        self.record(events.TaskProgressed(path, attempt, fraction, message))

    def logged(self, path: str, attempt: int, level: str, message: str) -> None:
        """Record a log line."""
        self.record(events.TaskLogged(path, attempt, level, message))

    def _streams_of(self, path: str) -> dict[str, Stream]:
        ports = self.state.tasks[path].planned.task.outputs
        return {
            name: self.values.streams[path, name]
            for name in ports
            if (path, name) in self.values.streams
        }

    def _supersede(self, path: str) -> None:
        for name, stream in self._streams_of(path).items():
            self._flush.forget(stream)
            stream.fail()
            del self.values.streams[path, name]
            if stream.chunks:
                self.record(events.StreamSuperseded(path, name, stream.attempt))

    def _keep_chunks(self, batch: ChunkBatch, size: int) -> None:
        last = batch.first + len(batch.items) - 1
        event = events.ChunksStored(batch.path, batch.port, batch.attempt, batch.first, last, size)
        self.record(event, chunks=batch)
