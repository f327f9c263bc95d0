"""RunExecutor: carries out one run's commands.

One inbox, one drain. `record` takes in what happened; the first caller drains: handle the event,
keep it, carry out what follows. Commands come before the inbox, so nothing happens between a
decision and its act. No recursion in long chains, and after 2 ms the drain gives way to the
event loop.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.execution.alarm import Alarm
from runner.execution.bodies import Bodies
from runner.execution.controls import Controls
from runner.execution.desk import TaskDesk
from runner.execution.failpoints import reach
from runner.execution.host import Host
from runner.execution.opening import Opening
from runner.execution.outcomes import Outcomes
from runner.execution.records import Records
from runner.execution.run_log import RunLog
from runner.execution.run_values import RunValues
from runner.execution.store import CacheEntry, ChunkBatch, RunStore, StoredRun
from runner.graph.task_graph import TaskGraph
from runner.run import commands, events
from runner.run.checkpoint import TaskCheckpoint
from runner.run.moves import ACTIVE, OVER
from runner.run.state import RunState
from runner.run.status import TaskStatus

SLICE_SECONDS = 0.002
#: The clock is looked at after so many steps of a drain.
LOOK_EVERY = 8
STOP_GRACE_SECONDS = 5.0
STOPPED = "the server stopped"

#: What bodies cause; ignored when their attempt is over already.
FROM_BODIES = frozenset(
    {
        events.TaskReturned,
        events.TaskCompleted,
        events.TaskCached,
        events.TaskFailed,
        events.TaskCancelled,
        events.TaskExpanded,
        events.TaskAwaiting,
        events.TaskAnswered,
        events.TaskRetrying,
        events.RetryDue,
        events.StreamOpened,
        events.StreamClosed,
        events.StreamResumed,
        events.ChunksStored,
        events.StateSaved,
        events.DecisionMade,
        events.TaskProgressed,
    }
)
#: What concerns a stream and whatever it passes through.
OF_STREAMS = frozenset({events.StreamOpened, events.StreamClosed, events.StreamSuperseded})
UNLOGGED = frozenset({events.TaskReturned, events.RetryDue})

type Asked = Callable[[], Awaitable[Sequence[Callable[[], None]]]]


async def _nothing() -> Sequence[Callable[[], None]]:
    return ()


class RunExecutor:
    """Drives one run from its stored state to its end, or until it is stopped."""

    def __init__(
        self, graph: TaskGraph, store: RunStore, stored: StoredRun, *, host: Host | None = None
    ) -> None:
        self.run_id = stored.run
        self.store = store
        self.stored = stored
        self.host = host or Host()
        self.state = RunState(graph)
        self.log = RunLog(
            store,
            stored,
            lambda: self.state.progress,
            self.host.on_commit,
            on_stall=self._on_stall,
            kept_seconds=self.host.kept_seconds,
            ahead_bytes=self.host.ahead_bytes,
        )
        self.values = RunValues(self.state)
        self.records = Records(stored.checkpoints)
        self.loop = asyncio.get_running_loop()
        self.bodies = Bodies(self)
        self.desk = TaskDesk(self)
        self.controls = Controls(self)
        self.outcomes = Outcomes(self)
        #: Events with what is kept with them; now and then a command that has to come after.
        self._inbox: deque[tuple[Any, dict[str, Any]]] = deque()
        self._commands: deque[commands.Command] = deque()
        self._draining = False
        self._stopping = False
        self._awaits = False
        #: Starts that wait until the storage takes something again; None while it does.
        self._held: list[commands.StartTask] | None = None
        self._over: asyncio.Future[None] = self.loop.create_future()
        #: Done once the run is taken up; before that nobody can ask anything of it.
        self.begun: asyncio.Future[None] = self.loop.create_future()
        self._carry: dict[type, Callable[[Any], None]] = {
            commands.StartTask: self._start,
            commands.DecideTask: lambda command: self.controls.decide(command.path),
            commands.SettleTask: lambda command: self.controls.settle(command.path),
            commands.PushItem: lambda command: self.controls.push_item(command.path, command.index),
            commands.CompleteTask: lambda command: self.bodies.complete(command.path),
            commands.DropTask: lambda command: self.outcomes.drop(command.path, command.culprit),
            commands.RetryTask: self._retry_task,
            commands.CancelTask: self._cancel_task,
            commands.Record: self._record_what_follows,
            commands.FinishRun: self._finish_run,
        }
        self._taken: dict[type, Callable[[Any], None]] = {
            **self.outcomes.takes,
            commands.SettleTask: self._commands.append,
        }

    # ── the run ──────────────────────────────────────────────────────────────────────────

    async def run(self, asked: Asked = _nothing) -> None:
        """Drive the run to its end.

        `asked` gives what people had asked before: it is done before anything starts. Raises
        Fenced when another owner has taken the run over.
        """
        opening = Opening(self)
        await opening.restore()
        before = await asked()
        if self._over.done():
            # It was told to stop before it began: it is as it was, and another may take it up.
            return
        writer = asyncio.create_task(self.log.write(), name=f"log of {self.run_id}")
        try:
            self._commands.extend(opening.begin())
            self._do_first(before)
            self._drain()
            self.begun.set_result(None)
            await asyncio.wait({writer, self._over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                self._over.result()
            await writer
        finally:
            self._let_go()
            if self._held is not None:
                self.host.on_stall(self.run_id, 0.0)
            self.desk.stop()
            self.controls.stop()
            writer.cancel()
            await self.bodies.end(0.0)
            self.host.slots.forget(f"run:{self.run_id}")

    def _do_first(self, acts: Sequence[Callable[[], None]]) -> None:
        """Do what was asked before; what follows from all of it is carried out afterwards."""
        self._draining = True
        for act in acts:
            act()
        self._draining = False

    def _let_go(self) -> None:
        """Do nothing further: timers and slots may still call."""
        self._commands.clear()
        self._inbox.clear()
        if not self._over.done():
            self._over.set_result(None)

    async def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Checkpoint and let go: the run is interrupted and can go on elsewhere.

        What must not be started twice gets the grace to end by itself.
        """
        if self.state.ended or self._over.done():
            return
        self._stopping = True
        await self.bodies.outlast(grace)
        unsure = self.bodies.begun_once()
        await self.bodies.end(grace)
        if self._over.done():
            return
        self.desk.flush_all()
        for each in self.state.active():
            if each.control is None and each.reason != "decision":
                self._interrupt(each.planned.path, each.attempt, unsure)
        if not self.state.paused and not self.state.cancelling:
            self.apply(events.RunInterrupted(STOPPED))
        self._end()

    def _interrupt(self, path: str, attempt: int, unsure: Collection[str]) -> None:
        """Say that the server stopped a task; of one that must not start twice a person decides."""
        if path in unsure:
            detail = {"message": f"The task had begun when {STOPPED}."}
            self.apply(events.TaskAwaiting(path, attempt, "decision", detail))
        else:
            self.apply(events.TaskInterrupted(path, attempt))

    def _end(self) -> None:
        self.log.close()
        self._let_go()

    def at(self, time: datetime, call: Callable[[], Any]) -> Alarm:
        """Call something at a UTC time, whatever the clock does meanwhile."""
        return Alarm(self.loop, self.host.now, time, call)

    # ── what people ask ──────────────────────────────────────────────────────────────────

    def cancel(self, actor: str) -> None:
        """Stop the run as somebody asked; `Bodies` abandons what ignores it."""
        if self.state.cancelling or self.state.ended:
            return
        reach("cancel_mark")
        # Ahead of all that is left to carry out: nothing that was to start does.
        self.apply(events.RunCancelling(actor))
        self._drain()

    def go_on_cancelling(self) -> list[commands.Command]:
        """Take up a run that was being cancelled: it was said, and is not said again."""
        return self.state.handle(events.RunCancelling(""))

    def pause(self, actor: str) -> None:
        """Let nothing further start; what runs goes on to its end."""
        if self.state.paused or self.state.cancelling or self.state.ended:
            return
        # Ahead of all that is left to carry out: what goes back must not begin again.
        self.apply(events.RunPaused(actor))
        self._commands.extend(
            commands.DropTask(each.planned.path, "pause")
            for each in self.state.active()
            if each.status is TaskStatus.QUEUED
        )
        self._drain()

    def go_on(self, actor: str) -> None:
        """Let a paused run go on."""
        if self.state.paused and not (self.state.ended or self.state.cancelling):
            self.apply(events.RunContinued(actor))
            self._drain()

    def answer(self, path: str, value: Any, actor: str) -> bool:
        """Give a task the answer it waits for; false when it waits for none."""
        return self.desk.waits.answer(path, value, actor)

    def will_ask(self, path: str) -> bool:
        """Whether a task had begun in an earlier process and may ask again what it asked."""
        state = self.state.tasks.get(path)
        return path in self.stored.attempts and state is not None and state.status not in OVER

    def renew(self, actor: str) -> None:
        """Let tasks that wait for a credential look again."""
        self.desk.waits.renew(actor)

    # ── events in, commands out ──────────────────────────────────────────────────────────

    def record(self, event: events.Event, **kept: Any) -> None:
        """Take in what happened; the first caller carries out all that follows.

        `kept` goes into the same transaction: see `apply`.
        """
        self._inbox.append((event, kept))
        if not self._draining:
            self._drain()

    async def record_durably(self, event: events.Event, **kept: Any) -> None:
        """Take in what happened, and wait until it is kept."""
        numbered: asyncio.Future[int] = self.loop.create_future()
        self.record(event, numbered=numbered, **kept)
        await self.log.until_durable(await numbered)

    def do(self, command: commands.Command) -> None:
        """Carry a command out, soon: for what comes from outside of the run."""
        self._commands.append(command)
        if not self._draining:
            self.loop.call_soon(self._drain)

    def later(self, command: commands.SettleTask) -> None:
        """Carry a command out once all that was recorded before it is taken in."""
        self._inbox.append((command, {}))

    def apply(
        self,
        event: events.Event,
        *,
        changes: Mapping[str, Any] | None = None,
        checkpoint: TaskCheckpoint | None = None,
        chunks: ChunkBatch | None = None,
        cache: CacheEntry | None = None,
        forgotten: tuple[TaskCheckpoint, ...] = (),
        numbered: asyncio.Future[int] | None = None,
    ) -> None:
        """Handle an event now, and keep it with what belongs to it.

        `changes` are those of the task's record; `numbered` is given the event's number.
        """
        kind = type(event)
        self._commands.extend(self.state.handle(event))
        if kind in UNLOGGED:
            return
        if changes is not None:
            path: str = event.path  # type: ignore[attr-defined] # only of tasks
            attempt = self.state.tasks[path].attempt
            checkpoint = self.records.changed(path, attempt, self.log.seq + 1, **changes)
        reach("before_event")
        seq = self.log.append(
            event, chunks=chunks, checkpoint=checkpoint, cache=cache, forgotten=forgotten
        )
        if numbered is not None and not numbered.done():
            numbered.set_result(seq)
        if kind in OF_STREAMS:
            self.controls.follow(event)  # type: ignore[arg-type] # one of the three

    def _drain(self) -> None:
        if self._draining or self._over.done():
            return
        self._draining = True
        clock, until, steps = self.loop.time, self.loop.time() + SLICE_SECONDS, 0
        commanded, inbox = self._commands, self._inbox
        try:
            while commanded or inbox:
                if commanded:
                    command = commanded.popleft()
                    self._carry[type(command)](command)
                else:
                    event, kept = inbox.popleft()
                    if type(event) not in FROM_BODIES or not self._is_stale(event):
                        self._take_in(event, **kept)
                steps += 1
                if not steps % LOOK_EVERY and clock() > until and not self._stopping:
                    self.loop.call_soon(self._drain)
                    return
            if self.state.awaiting or self._awaits:
                self._notice_waiting()
        except Exception as fault:
            # Whoever spoke last is not to blame: the driving ends, and `run` raises.
            self._over.set_exception(fault)
        finally:
            self._draining = False

    def _start(self, command: commands.StartTask) -> None:
        if self._held is not None:
            self._held.append(command)
        elif not self._stopping:
            self.bodies.start(command)

    def _on_stall(self, seconds: float | None) -> None:
        """Let nothing further start while the storage takes nothing, and say so afterwards."""
        self.host.on_stall(self.run_id, seconds)
        if seconds is None:
            self._held = []
            return
        held, self._held = self._held or [], None
        if not (self._over.done() or self.state.ended):
            self.record(events.StorageReturned(round(seconds, 1)))
            for command in held:
                self.do(command)

    def _is_stale(self, event: events.Event) -> bool:
        path: str = event.path  # type: ignore[attr-defined] # of a task
        state = self.state.tasks.get(path)
        if state is None or state.status not in ACTIVE or not self.state.may(event):
            return True
        if isinstance(event, events.TaskReturned) and state.returned:
            # What passes through a route may have ended twice before the first was taken in.
            return True
        return bool(state.attempt != event.attempt)  # type: ignore[attr-defined]

    def _take_in(self, event: events.Event, **kept: Any) -> None:
        take = self._taken.get(type(event))
        if take is None:
            self.apply(event, **kept)
        else:
            take(event)

    def _record_what_follows(self, command: commands.Record) -> None:
        """Record what follows from an event, unless the task has moved on meanwhile."""
        if self.state.may(command.event):
            self._take_in(command.event)

    def _notice_waiting(self) -> None:
        """Say when everything that still runs waits, and when it does no longer."""
        state = self.state
        if state.paused or state.ended or state.cancelling:
            self._awaits = False
            return
        reason = self._awaited() if state.awaiting and not state.busy else ""
        if bool(reason) is self._awaits:
            return
        self._awaits = bool(reason)
        self.apply(events.RunAwaiting(reason) if reason else events.RunWoke())

    def _awaited(self) -> str:
        """Say what the run waits for; nobody waits for what is being stopped, as who lost a race."""
        stopping = self.bodies.is_stopping
        for path, each in self.state.tasks.items():
            if each.status is TaskStatus.AWAITING and not stopping(path):
                return each.reason
        return ""

    # ── commands ─────────────────────────────────────────────────────────────────────────

    def _retry_task(self, command: commands.RetryTask) -> None:
        due = events.RetryDue(command.path, self.state.tasks[command.path].attempt)
        if command.delay > 0:
            self.loop.call_later(command.delay, self.record, due)
        else:
            self._inbox.append((due, {}))

    def _cancel_task(self, command: commands.CancelTask) -> None:
        state = self.state.tasks.get(command.path)
        if state is not None and not self.bodies.cancel(command.path):
            # One that waits, or has returned and waits for its producers, has nothing to stop.
            self.do(commands.Record(events.TaskCancelled(command.path, state.attempt)))

    def _finish_run(self, command: commands.FinishRun) -> None:
        reach("finalize")
        if command.cancelled:
            self.apply(events.RunCancelled())
        elif command.error is not None:
            self.apply(events.RunFailed(command.error, command.path))
        else:
            outputs = {
                port: self.values.text(source)
                for port, source in self.state.graph.outputs.items()
                if self.state.gives(source)
            }
            self.apply(events.RunCompleted(outputs, self.state.handled))
        self._end()
