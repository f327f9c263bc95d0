"""Witness: an observer outside of engine and store, who counts and checks I1 to I6 as it goes.

It believes nothing that the engine says of itself: what was kept it hears from the store's line,
what ran from the bodies.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from runner.execution.store import Batch, StoredRun
from runner.graph.task_graph import OutputOf, paths_in
from runner.run import events as happened
from runner.run.status import TaskStatus
from tests.simulation.world import Process, World

#: Events of a task after which it is over, until a person has the run resumed.
TASK_ENDS = {
    "TaskCompleted", "TaskCached", "TaskFailed", "TaskUpstreamFailed", "TaskCancelled",
    "TaskSkipped",
}  # fmt: skip
#: Statuses that a task keeps.
OVER = {
    TaskStatus.COMPLETED, TaskStatus.CACHED, TaskStatus.FAILED, TaskStatus.UPSTREAM_FAILED,
    TaskStatus.CANCELLED, TaskStatus.SKIPPED,
}  # fmt: skip
#: Events after which an attempt is over, though its task is not.
TASK_RESTS = {"TaskInterrupted", "TaskDropped", "TaskRetrying"}
KEPT_RESULTS = {"TaskCompleted", "TaskCached"}
#: Within so many virtual seconds of a cancel or a pause, no further body begins.
CANCEL_SECONDS = 1.0
RUN_ENDS = {"RunCompleted", "RunFailed", "RunCancelled"}
#: What may still be said of a task that is over: late news of its streams, and log lines.
AFTERWORDS = {
    "ChunksStored", "StreamClosed", "StreamSuperseded", "DataflowClosed", "DataflowStreaming",
    "TaskLogged", "TaskProgressed", "TaskStuck",
}  # fmt: skip


class RunRecord:
    """What the witness knows of one run."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.epoch = 0
        self.owner: Process | None = None
        self.log: list[Any] = []
        self.epochs: list[int] = []
        self.results: dict[str, int] = {}
        self.decided: set[str] = set()
        self.awaiting: set[str] = set()
        self.begun_once: set[str] = set()
        self.paused = False
        self.paused_at = 0.0
        self.over: dict[str, str] = {}
        self.started: dict[str, int] = {}
        self.open: dict[str, int] = {}
        self.status = ""
        self.cancelling = 0
        self.cancelled_at = 0.0
        self.executions: Counter[str] = Counter()

    def kinds(self) -> list[str]:
        """Give the kinds of its events in order."""
        return [event.kind for event in self.log]


class Witness:
    """Sees all processes of one world; `broken` has a sentence for each violated invariant."""

    def __init__(self, world: World) -> None:
        self.broken: list[str] = []
        self.trace: list[tuple[float, str, Any]] = []
        self.records: dict[str, RunRecord] = {}
        self.executor_of: Callable[[Process, str], Any] = lambda _process, _run: None
        self._world = world
        self._pushed: Counter[tuple[str, str, str, int, str]] = Counter()
        self._finished: set[tuple[str, str, str]] = set()
        self._decisions: dict[tuple[str, str], Any] = {}
        self._keys: dict[tuple[str, str], str] = {}

    def say(self, who: str, what: Any) -> None:
        """Write a line of the trace."""
        self.trace.append((self._world.now, who, what))

    def blame(self, rule: str, run: str, sentence: str) -> None:
        """Note a violated invariant."""
        self.broken.append(f"{rule} {run}: {sentence}")

    # ── what bodies do ───────────────────────────────────────────────────────────────────

    def began(self, context: Any) -> None:
        """A body began: check that it may."""
        process = self._here()
        if process is None:
            return
        record = self.records[context.run]
        record.executions[context.path] += 1
        self.say(process.name, f"body {context.path} attempt {context.attempt} begins")
        key = self._keys.setdefault((context.run, context.path), context.idempotency_key)
        if key != context.idempotency_key:
            self.blame("P2", context.run, f"{context.path} has two idempotency keys")
        executor = self.executor_of(process, context.run)
        if executor is not owner_of(context):
            self.blame("P3", context.run, f"{context.path} begins for an executor that is over")
        elif executor is not None and epoch_of(executor) == record.epoch:
            self._check_start(executor, process, record, context)

    def pushed(self, context: Any, port: str) -> None:
        """A body pushed a chunk."""
        process = self._here()
        if process is not None:
            key = (process.name, context.run, context.path, context.attempt, port)
            self._pushed[key] += 1

    def finished(self, context: Any) -> None:
        """A body is about to return."""
        process = self._here()
        if process is not None:
            self._finished.add((process.name, context.run, context.path))

    def decided(self, context: Any, value: Any) -> None:
        """A body was told what it decided: the same, unless what it had read was taken back."""
        if self._here() is None:
            return
        executor = context._desk._executor
        if context.path in {getattr(each, "path", "") for each in _dropped_in(executor)}:
            self._decisions.pop((context.run, context.path), None)
        known = self._decisions.setdefault((context.run, context.path), value)
        if known != value:
            self.blame("1.3", context.run, f"{context.path} decided {value} after {known}")

    def _here(self) -> Process | None:
        from asyncio import get_running_loop

        try:
            loop = get_running_loop()
        except RuntimeError:
            return None
        return next((each for each in self._world.processes if each.loop is loop), None)

    def _check_start(
        self, executor: Any, process: Process, record: RunRecord, context: Any
    ) -> None:
        path = context.path
        if path in record.results:
            self.blame("I6", record.run, f"{path} begins although its result is kept")
        if record.cancelling and self._world.now > record.cancelled_at + CANCEL_SECONDS:
            who = "it" if record.cancelling == record.epoch else "an earlier owner"
            self.blame("P8", record.run, f"{path} begins although {who} was told to cancel")
        if record.status in RUN_ENDS:
            self.blame("I3", record.run, f"{path} begins although the run has ended")
        late = self._world.now > record.paused_at + CANCEL_SECONDS
        if record.paused and executor.state.paused and late:
            self.blame("5.1", record.run, f"{path} begins although the run is paused")
        planned = executor.state.tasks[path].planned
        if planned.task.effect == "once":
            if path in record.begun_once:
                self.blame("P2", record.run, f"{path} begins again although it may only once")
            record.begun_once.add(path)
        if planned.task.effect != "none":
            self._check_effect(executor, record, context.attempt, planned)
        else:
            self._check_pure(executor, process, record, planned)

    def _check_effect(self, executor: Any, record: RunRecord, attempt: int, planned: Any) -> None:
        path = planned.path
        for source in planned.sources.values():
            for producer in paths_in((source,)):
                known = producer in record.over or producer in record.decided
                # What follows from kept decisions need not be kept itself.
                if not known and executor.state.tasks[producer].status is not TaskStatus.SKIPPED:
                    self.blame("I2", record.run, f"{path} begins before {producer} is kept")
        if record.started.get(path) != attempt:
            self.blame("I2", record.run, f"the start of {path}, which has an effect, is not kept")

    def _check_pure(self, executor: Any, process: Process, record: RunRecord, planned: Any) -> None:
        for name, source in planned.sources.items():
            early = planned.task.inputs[name].reads_stream and isinstance(source, OutputOf)
            for producer in paths_in((source,)):
                if producer in record.results or self._is_ready(
                    executor, process, record, producer
                ):
                    continue
                if early and self._has_chunk(executor, process, record, producer, source):
                    continue
                self.blame("I2", record.run, f"{planned.path} begins before {producer} gave {name}")

    def _is_ready(self, executor: Any, process: Process, record: RunRecord, path: str) -> bool:
        if (process.name, record.run, path) in self._finished:
            return True
        state = executor.state.tasks[path]
        routes = getattr(state.planned.task, "routes", False)  # what passes it is another's
        return routes or state.status in OVER or (state.control is not None and state.returned)

    def _has_chunk(
        self, executor: Any, process: Process, record: RunRecord, path: str, source: Any
    ) -> bool:
        """Whether a first chunk was pushed, or the stream was closed, by the attempt under way."""
        producer = executor.state.tasks[path].planned.task.outputs[source.port]
        stream = executor.values.stream(source)  # of the task that it passes through from, too
        return (
            producer.readiness == "first-chunk"
            and stream is not None
            and (bool(stream.chunks) or stream.closed)
        )

    # ── what the store keeps ─────────────────────────────────────────────────────────────

    def claimed(self, process: Process, stored: StoredRun) -> None:
        """A process was given a run."""
        record = self.records[stored.run]
        self.say(process.name, f"claims {stored.run}, epoch {stored.epoch}")
        if stored.epoch <= record.epoch:
            self.blame("I5", stored.run, f"epoch {stored.epoch} after {record.epoch}")
        record.epoch, record.owner = stored.epoch, process

    def kept(self, process: Process, batch: Batch) -> None:
        """The store kept a batch: check what it says against all that was kept before."""
        record = self.records[batch.run]
        if batch.epoch != record.epoch or process is not record.owner:
            sentence = (
                f"{process.name} writes in epoch {batch.epoch}, the owner's is {record.epoch}"
            )
            self.blame("P3", batch.run, sentence)
        for entry in batch.entries:
            self.say(process.name, (batch.run, entry.seq, entry.event))
            if entry.seq != len(record.log) + 1:
                self.blame("I4", batch.run, f"event {entry.seq} follows {len(record.log)}")
            record.log.append(entry.event)
            record.epochs.append(batch.epoch)
            self._keep_event(record, entry.event)
        checkpointed = {each.path for each in batch.checkpoints if each.has_result}
        results = {path_of(each.event) for each in batch.entries if each.event.kind in KEPT_RESULTS}
        for path in results - checkpointed:
            if not self._is_compound(record, process, path):
                self.blame("P1", batch.run, f"{path} completes without checkpoint")

    def _is_compound(self, record: RunRecord, process: Process, path: str) -> bool:
        executor = self.executor_of(process, record.run)
        return executor is not None and path in executor.state.groups

    def reopened(self, run: str) -> None:
        """A person asked for a run that had ended to go on."""
        record = self.records[run]
        record.over = {p: kind for p, kind in record.over.items() if kind in KEPT_RESULTS}
        record.status = "reopened"
        record.paused = False
        record.begun_once.clear()
        record.cancelling = 0

    def _keep_event(self, record: RunRecord, event: Any) -> None:
        if record.status in RUN_ENDS:
            self.blame("I3", record.run, f"{event.kind} after {record.status}")
        if event.kind.startswith("Run"):
            self._keep_run_event(record, event)
            return
        path = path_of(event)
        if path in record.over and event.kind not in AFTERWORDS:
            self._keep_after_end(record, path, event)
        if event.kind == "TaskAwaiting":
            record.awaiting.add(path)
        else:
            record.awaiting.discard(path)
        if event.kind == "TaskStarted":
            self._keep_start(record, path, event.attempt)
        elif event.kind == "TaskDecided":
            record.decided.add(path)
        elif event.kind in TASK_RESTS:
            record.open.pop(path, None)
            self._forget_decision(record, path, event)
        elif event.kind in TASK_ENDS:
            record.over[path] = event.kind
            record.open.pop(path, None)
            if event.kind in KEPT_RESULTS:
                record.results[path] = getattr(event, "attempt", 1)

    def _forget_decision(self, record: RunRecord, path: str, event: Any) -> None:
        """What was decided on something that was taken back is decided again."""
        if isinstance(event, happened.TaskDropped):
            self._decisions.pop((record.run, path), None)

    def _keep_start(self, record: RunRecord, path: str, attempt: int) -> None:
        if record.cancelling == record.epoch:
            self.blame("P8", record.run, f"{path} is started after the run was cancelled")
        if attempt <= record.started.get(path, 0) and path in record.executions:
            self.blame("5.5", record.run, f"attempt {attempt} of {path} starts twice")
        record.started[path] = record.open[path] = attempt

    def _keep_run_event(self, record: RunRecord, event: Any) -> None:
        if event.kind in RUN_ENDS:
            record.status = event.kind
            record.awaiting.clear()
        elif event.kind in {"RunPaused", "RunContinued"}:
            record.paused, record.paused_at = event.kind == "RunPaused", self._world.now
        elif isinstance(event, happened.RunCancelling):
            record.cancelling, record.cancelled_at = record.epoch, self._world.now
        elif isinstance(event, happened.RunResumed):
            record.status = "RunResumed"
            if event.epoch != record.epoch:
                self.blame("I5", record.run, f"resumed in epoch {event.epoch}")

    def _keep_after_end(self, record: RunRecord, path: str, event: Any) -> None:
        before = record.over[path]
        if event.kind == before and before not in KEPT_RESULTS:
            return  # the next owner says again how it stands
        if before in KEPT_RESULTS:
            rule = {"TaskStarted": "I6", "TaskCompleted": "I1"}.get(event.kind, "I3")
            self.blame(rule, record.run, f"{event.kind} of {path} after {before}")
        else:
            what = path if path in record.executions else f"compound {path}"
            self.blame("I3", record.run, f"{event.kind} of {what} after {before}")


def path_of(event: Any) -> str:
    """Give the path of the task that an event is about; empty for one about the run."""
    return getattr(event, "path", "")


def owner_of(context: Any) -> Any:
    """Give the executor that a body runs for."""
    return context._desk._executor


def epoch_of(executor: Any) -> int:
    """Give the epoch that an executor was made for."""
    return int(executor.stored.epoch)


def _dropped_in(executor: Any) -> list[Any]:
    """Give the drops that an executor has recorded, and that are not kept yet."""
    entries = [each[0].event for each in executor.log._entries]
    return [each for each in entries if isinstance(each, happened.TaskDropped)]
