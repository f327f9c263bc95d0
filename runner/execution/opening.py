"""Opening: how an executor takes a run up: what was kept is put back, and said."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.execution.run_values import kept_chunks
from runner.execution.store import ChunkBatch, StoredRun
from runner.run import commands, events, groups
from runner.run.checkpoint import TaskCheckpoint
from runner.run.moves import LIVE, OVER
from runner.run.status import RunStatus, TaskStatus
from runner.run.task_state import TaskState

if TYPE_CHECKING:
    from runner.execution.run_executor import RunExecutor

#: What a run stays when another process takes it up.
_STAYS = frozenset({RunStatus.PAUSED, RunStatus.CANCELLING})


class Opening:
    """Takes up one run: new, interrupted, reopened, or with results of another one."""

    def __init__(self, executor: "RunExecutor") -> None:
        self._executor = executor
        stored = executor.stored
        self._kept = tuple(_not_taken_over_yet(stored))
        self._chunks: dict[str, list[ChunkBatch]] = {}
        #: By path, when tasks ended whose streams count no longer, though the run goes on.
        self._without_result = {
            each.path: each.seq
            for each in stored.checkpoints
            if each.handled or each.ended == TaskStatus.SKIPPED
        }

    async def restore(self) -> None:
        """Put back what was kept, of this run and of the one it came from."""
        executor, stored = self._executor, self._executor.stored
        running = [path for path, _ in stored.running]
        executor.state.restore((*stored.checkpoints, *self._kept), stored.attempts, running)
        await executor.values.restore(stored.checkpoints, executor.store, stored.run)
        await executor.values.restore(self._kept, executor.store, stored.parent)
        for kept in self._kept:
            self._chunks[kept.path] = [
                await self._chunks_of(kept, port, count)
                for port, count in kept.streams.items()
                if not await self._has_copied(kept, port)
            ]

    async def _has_copied(self, kept: TaskCheckpoint, port: str) -> bool:
        """Whether an earlier process had copied a stream, and died before it said so."""
        stored, store = self._executor.stored, self._executor.store
        if stored.status is RunStatus.QUEUED:
            return False
        return bool(await store.read_chunks(stored.run, kept.path, port, kept.attempt))

    async def _chunks_of(self, kept: TaskCheckpoint, port: str, count: int) -> ChunkBatch:
        executor = self._executor
        chunks = await kept_chunks(
            executor.store, executor.stored.parent, kept.path, port, kept.attempt
        )
        items = tuple(chunks[:count])
        return ChunkBatch(path=kept.path, port=port, attempt=kept.attempt, first=0, items=items)

    def begin(self) -> list[commands.Command]:
        """Say how the run stands now, and give the commands that set it going."""
        executor, stored = self._executor, self._executor.stored
        if stored.status is RunStatus.QUEUED:
            executor.apply(events.RunStarted())
        else:
            stays = stored.status if stored.status in _STAYS else RunStatus.RUNNING
            executor.apply(events.RunResumed(stored.epoch, stored.reopened, stays))
        executor.state.paused = stored.status is RunStatus.PAUSED
        for kept in self._kept:
            self._log_kept(kept)
        self._log_interrupted()
        self._forget_provisional()
        begun: list[commands.Command] = []
        for state in executor.state.tasks.values():
            begun += self._log_state(state)
        for closed in executor.state.closed:
            event = events.TaskCancelled(closed.planned.path, closed.attempt)
            executor.log.append(event, checkpoint=self._cancelled(closed))
        if stored.status is RunStatus.CANCELLING:
            begun += map(commands.Record, groups.unsaid(executor.state.groups.values()))
            return begun + executor.go_on_cancelling()
        return begun + executor.state.begin()

    def _cancelled(self, closed: TaskState) -> TaskCheckpoint:
        """Keep that what a race or an earlier alternative left unfinished does not begin again."""
        records, seq = self._executor.records, self._executor.log.seq + 1
        ended = TaskStatus.CANCELLED
        return records.ended(closed.planned.path, closed.attempt, seq, ended=ended)

    def _log_kept(self, kept: TaskCheckpoint) -> None:
        log = self._executor.log
        for batch in filter(_has_items, self._chunks[kept.path]):
            last = len(batch.items) - 1
            size = sum(map(len, batch.items))
            stored = events.ChunksStored(kept.path, batch.port, kept.attempt, 0, last, size)
            log.append(stored, chunks=batch)
        cached = events.TaskCached(kept.path, kept.attempt, kept.outputs, kept.streams, "run")
        ended = self._executor.records.ended(
            kept.path,
            kept.attempt,
            log.seq + 1,
            outputs=kept.outputs,
            streams=kept.streams,
            rounds=kept.rounds,
            decisions=kept.decisions,
            not_taken=kept.not_taken,
            cached=True,
        )
        log.append(cached, checkpoint=ended)

    def _log_interrupted(self) -> None:
        state = self._executor.state
        for path, attempt in self._executor.stored.running:
            task = state.tasks.get(path)
            gone = task is None and path not in state.groups
            if task is not None and task.planned.asks_when_lost:
                # It goes from under way to awaiting a decision in one step: were the process to
                # die in between, nobody would know any more that it had begun.
                continue
            if gone or (task is not None and task.status is TaskStatus.INTERRUPTED):
                self._executor.log.append(events.TaskInterrupted(path, attempt))

    def _forget_provisional(self) -> None:
        """Take back what was decided on results that were lost with the process."""
        executor = self._executor
        for kept in executor.stored.checkpoints:
            state = executor.state.tasks.get(kept.path)
            if kept.done or state is None or state.unfolds:
                continue
            if not (state.provisional or self._has_read_what_ended_later(state, kept)):
                continue
            if kept.rounds or kept.decisions:
                if state.control is not None:
                    state.rounds = []
                executor.log.append(
                    events.TaskDropped(kept.path, state.attempt, self._lost(state)),
                    checkpoint=executor.records.changed(
                        kept.path, state.attempt, executor.log.seq + 1, rounds=(), decisions={}
                    ),
                )

    def _has_read_what_ended_later(self, state: TaskState, kept: TaskCheckpoint) -> bool:
        """Whether a producer ended without a result that the task had decided on by then.

        Its process died between that end and the drop that follows.
        """
        behind = self._executor.values.outputs_behind(state.planned)
        return any(self._without_result.get(each.path, 0) > kept.seq for each in behind)

    def _lost(self, state: TaskState) -> str:
        """Name a task that has to run again before this one can be sure of what it reads."""
        tasks = self._executor.state.tasks
        behind = self._executor.values.outputs_behind(state.planned)
        return next((each.path for each in behind if tasks[each.path].status not in OVER), "")

    def _log_state(self, state: TaskState) -> list[commands.Command]:
        """Say of a task that failed for good that it did; let a control go on as a new attempt."""
        path, log = state.planned.path, self._executor.log
        if state.status is TaskStatus.FAILED and state.error is not None:
            handled = state.planned.handles_error
            if handled:
                self._executor.outcomes.give_error(path, state.error)
            if self._executor.stored.reopened:
                log.append(events.TaskFailed(path, state.attempt, state.error, handled))
        elif state.status in LIVE:
            log.append(events.TaskInterrupted(path, state.attempt))
            state.attempt += 1
            log.append(events.TaskStarted(path, state.attempt))
            return self._executor.controls.take_up(state)
        return []


def _not_taken_over_yet(stored: StoredRun) -> Iterator[TaskCheckpoint]:
    """Give what the run has still to take over: its process may die while it does.

    All of it is older than what the run did itself.
    """
    own = {each.path for each in stored.checkpoints}
    newest = max((each.seq for each in stored.kept), default=0)
    for each in stored.kept:
        if each.path not in own:
            yield replace(each, seq=each.seq - newest)


def _has_items(batch: ChunkBatch) -> bool:
    return bool(batch.items)
