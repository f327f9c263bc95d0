"""Outcomes: what ends an attempt or decides about it, with all that must be kept of that."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runner.graph.task_graph import ERROR_PORT
from runner.graph.values import encode
from runner.run import events
from runner.run.checkpoint import COMPOUND, TaskCheckpoint
from runner.run.events import TaskError
from runner.run.moves import ACTIVE, MOVES, OVER

if TYPE_CHECKING:
    from runner.execution.run_executor import RunExecutor


class Outcomes:
    """How the attempts of one run end: what is kept with it, and what counts no longer.

    `takes` has what to do with each kind of event that brings more with it than itself.
    """

    def __init__(self, executor: "RunExecutor") -> None:
        self._executor = executor
        self._state = executor.state
        self._values = executor.values
        self._records = executor.records
        self.takes: Mapping[type, Callable[[Any], None]] = {
            events.TaskCompleted: self._take_completion,
            events.TaskFailed: self._take_failure,
            events.TaskCached: self._take_cached,
            events.TaskDecided: self._take_decision,
            events.TaskRetrying: self._take_retry,
            events.TaskCancelled: self._take_end_without_result,
            events.TaskUpstreamFailed: self._take_end_without_result,
            events.TaskSkipped: self._take_end_without_result,
        }

    @property
    def _next_seq(self) -> int:
        return self._executor.log.seq + 1

    def give_error(self, path: str, error: TaskError) -> None:
        """Let the port `[error]` of a failed task give its error."""
        said = {"type": error.type, "message": error.message, "task": error.task}
        self._values.outputs[path] = {ERROR_PORT: encode(said)}

    def drop(self, path: str, culprit: str) -> None:
        """Let a task count no longer, with all that unfolded inside it."""
        state = self._state.tasks.get(path)
        if state is None or state.status not in ACTIVE:
            return
        inside = self._state.scopes.inside(state)
        for each in inside:
            self.drop(each.planned.path, culprit)
        seq = self._next_seq
        gone = tuple(
            TaskCheckpoint(path=each.planned.path, attempt=each.attempt, seq=seq, done=False)
            for each in inside
            if each.status in OVER
        )
        decided = self._records.decisions(path) or (state.control is not None and state.rounds)
        self._take_back(path)
        if state.scope is not None and state.scope.owner.streams_items:
            self._executor.controls.take_back_items(state.scope.owner)
        self._executor.apply(
            events.TaskDropped(path, state.attempt, culprit),
            changes={"rounds": (), "decisions": {}} if decided else None,
            forgotten=gone,
        )

    # ── events that bring more with them ─────────────────────────────────────────────────────

    def _take_completion(self, event: events.TaskCompleted) -> None:
        if event.path in self._state.tasks:
            self._executor.bodies.finish(event.path, event.outputs)
        else:
            self._take_end_of_compound(event)

    def _take_failure(self, event: events.TaskFailed) -> None:
        path = event.path
        if path not in self._state.tasks:
            self._take_end_of_compound(event)
            return
        self._take_back(path)
        if event.handled:
            self.give_error(path, event.error)
        checkpoint = self._records.ended(
            path, event.attempt, self._next_seq, error=event.error, handled=event.handled
        )
        self._executor.apply(event, checkpoint=checkpoint)

    def _take_cached(self, event: events.TaskCached) -> None:
        checkpoint = self._records.ended(
            event.path,
            event.attempt,
            self._next_seq,
            outputs=event.outputs,
            streams=event.streams,
            cached=True,
        )
        self._executor.apply(event, checkpoint=checkpoint)

    def _take_decision(self, event: events.TaskDecided) -> None:
        control = self._state.tasks[event.path].control
        if control is not None and control.races:
            self._executor.apply(event, changes={"decisions": {"winner": event.decision}})
        else:
            self._executor.apply(event, changes={"rounds": (event.decision,)})

    def _take_retry(self, event: events.TaskRetrying) -> None:
        found = self._executor.bodies.still_granted(event) if event.by else event
        if isinstance(found, events.TaskFailed):
            self._take_failure(found)
        else:
            self._take_end_of_attempt(found)

    def _take_end_of_attempt(self, event: events.TaskRetrying) -> None:
        self._take_back(event.path)
        self._executor.apply(event, checkpoint=self._charged(event))

    def _charged(self, event: events.TaskRetrying) -> TaskCheckpoint | None:
        """Keep what a failure costs whoever forgives it; None if a person does."""
        if event.actor:
            return None
        path, payer = event.by or event.path, self._state.payer(event)
        return self._records.changed(
            path,
            payer.attempt,
            self._next_seq,
            failures=payer.failures + 1,
            last_error=event.error.short(),
        )

    def _take_end_without_result(
        self, event: events.TaskCancelled | events.TaskUpstreamFailed | events.TaskSkipped
    ) -> None:
        """Keep that a task ended so: whoever takes the run up does not decide it again."""
        path = event.path
        state = self._state.tasks.get(path)
        if state is None:
            self._take_end_of_compound(event)
            return
        self._take_back(path)
        ended = MOVES[type(event)][1] or ""
        kept = self._records.ended(path, state.attempt, self._next_seq, ended=ended)
        self._executor.apply(event, checkpoint=kept)

    def _take_end_of_compound(self, event: events.Event) -> None:
        path: str = event.path  # type: ignore[attr-defined] # of a compound, or left out
        if path in self._state.groups:
            kept = self._records.ended(path, 1, self._next_seq, ended=COMPOUND)
            self._executor.apply(event, checkpoint=kept)
        else:
            self._executor.apply(event)

    def _take_back(self, path: str) -> None:
        """What an attempt gave counts no longer: it ended without a result."""
        self._executor.bodies.forget(path)
        self._executor.desk.waits.forget(path)
        self._executor.controls.drop(path)
        self._executor.desk.supersede(path)
        self._values.forget(path)
