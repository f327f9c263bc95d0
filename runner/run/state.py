"""RunState: what happened goes in, what must be done comes out; nothing else.

Rules of this file. Every transition of a task is decided here, by the table of `moves.py`. Who
waits for whom is in `wiring.py`, what control tasks unfold into in `scopes.py` and what they do
next in `rounds.py`, what is counted in `tally.py`. It knows no clock, no value of a port, no
store. An illegal event raises and changes nothing. Nothing done per event is proportional to the
graph.
"""

from collections.abc import Callable, Iterable, Mapping

from runner.errors import IllegalMove
from runner.graph.task_graph import Source, TaskGraph
from runner.run import events as happened
from runner.run import groups
from runner.run.checkpoint import TaskCheckpoint
from runner.run.commands import (
    Command,
    DecideTask,
    FinishRun,
    PushItem,
    Record,
    RetryTask,
    StartTask,
)
from runner.run.events import Event, TaskError
from runner.run.giving_up import cancel, drop, graphs_around, lose
from runner.run.moves import ACTIVE, BUSY, IDLE, LIVE, MOVES, OVER, Move
from runner.run.progress import Progress
from runner.run.restoring import restore
from runner.run.rounds import DISABLED, Rounds, conclude
from runner.run.scopes import Scopes
from runner.run.status import TaskStatus
from runner.run.tally import Tally
from runner.run.task_state import Group, TaskState
from runner.run.wiring import Wiring

S = TaskStatus
NOTHING: list[Command] = []


class RunState:
    """Decides what happens next in one run."""

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        self.wiring = Wiring()
        self.tasks = self.wiring.tasks
        self.groups = self.wiring.groups
        self.scopes = Scopes(self.wiring)
        self.tally = Tally()
        self.rounds = Rounds(self.wiring, self.scopes, self.tally, self._start_all)
        self.cancelling = False
        self.paused = False
        self.ended = False
        self.handled = 0
        #: How many tasks with a body wait, and how many others are under way.
        self.awaiting = 0
        self.busy = 0
        self._first_error: tuple[TaskError | None, str] | None = None
        self._held: list[TaskState] = []
        #: What was closed when the run was taken up again, as no longer wanted.
        self.closed: list[TaskState] = []
        self._handlers: dict[type[Event], Callable[..., list[Command]]] = {
            happened.RunCancelling: self._on_cancelling,
            happened.RunPaused: self._on_paused,
            happened.RunContinued: self._on_continued,
            happened.RunCompleted: self._on_end,
            happened.RunFailed: self._on_end,
            happened.RunCancelled: self._on_end,
            happened.TaskStarted: self._on_started,
            happened.StreamOpened: self._on_stream_opened,
            happened.StreamClosed: self._on_stream_closed,
            happened.StreamSuperseded: self._on_stream_superseded,
            happened.TaskExpanded: self.rounds.on_expanded,
            happened.TaskDecided: self.rounds.on_decided,
            happened.TaskAwaiting: self._on_awaiting,
            happened.TaskAnswered: self._on_answered,
            happened.TaskReturned: self._on_returned,
            happened.TaskRetrying: self._on_retrying,
            happened.RetryDue: self._on_idle_again,
            happened.TaskCompleted: self._on_completed,
            happened.TaskCached: self._on_completed,
            happened.TaskFailed: self._on_failed,
            happened.TaskInterrupted: self._on_interrupted,
            happened.TaskDropped: self._on_dropped,
            happened.TaskUpstreamFailed: self._on_lost,
            happened.TaskCancelled: self._on_lost,
            happened.TaskSkipped: self._on_skipped,
        }
        self.wiring.skipped.update(graph.skipped)
        self.wiring.add_groups(graph.compounds.values())
        share = 1 / max(1, len(graph.tasks))
        self.tally.add(len(self.wiring.add(graph.tasks.values(), share)))

    # ── questions ────────────────────────────────────────────────────────────────────────

    @property
    def progress(self) -> Progress:
        """How far the run is now."""
        return self.tally.progress

    def is_provisional(self, path: str) -> bool:
        """Whether the task read from something that is not final yet."""
        return self.tasks[path].provisional > 0

    @property
    def some_not_taken(self) -> bool:
        """Whether anything in this run was not taken."""
        return self.wiring.some_not_taken

    def gives(self, source: Source) -> bool:
        """Whether a source carries something; what was not taken does not."""
        return self.wiring.gives(source)

    def payer(self, event: happened.TaskRetrying) -> TaskState | Group:
        """Give whose policy grants an attempt: the task's own, a control's or a compound's."""
        return self.tasks.get(event.by or event.path) or self.groups[event.by]

    def active(self) -> list[TaskState]:
        """Give the tasks that are under way."""
        return [each for each in self.tasks.values() if each.status in ACTIVE]

    def may(self, event: Event) -> bool:
        """Whether a task is where this event can happen to it; true for what moves no task."""
        move = MOVES.get(type(event))
        path: str = getattr(event, "path", "")
        if move is None or (path not in self.tasks and self._is_apart(path)):
            return True
        state = self.tasks.get(path)
        return state is not None and not self.ended and state.status in move[0]

    def _is_apart(self, path: str) -> bool:
        """Whether events name it though it is no task of its own: a compound, or never begun."""
        return path in self.groups or path in self.wiring.skipped

    def startable(self, path: str) -> bool:
        """Whether a task that was to start still may; a pause holds it back."""
        state = self.tasks.get(path)
        if state is None or state.waiting or self.cancelling:
            return False
        if state.status not in IDLE and state.status is not S.QUEUED:
            return False
        if self.paused:
            self._held.append(state)
        return not self.paused

    def check(self) -> None:
        """Raise AssertionError if an invariant does not hold; every test calls this."""
        open_tasks = sum(each.status not in OVER for each in self.tasks.values())
        assert self.tally.left == open_tasks, (self.tally.left, open_tasks)  # noqa: S101
        for path, each in self.tasks.items():
            assert each.waiting >= 0, path  # noqa: S101
            assert each.provisional >= 0, path  # noqa: S101
            if each.status is S.COMPLETED:
                assert each.provisional == 0, path  # noqa: S101
            if self.ended:
                assert each.status in OVER, (path, each.status)  # noqa: S101
        leaves = [each.status for each in self.tasks.values() if each.control is None]
        counted = (leaves.count(S.AWAITING), sum(status in BUSY for status in leaves))
        assert (self.awaiting, self.busy) == counted  # noqa: S101

    # ── driving ──────────────────────────────────────────────────────────────────────────

    def begin(self) -> list[Command]:
        """Give the commands that set a new or restored run going."""
        commands: list[Command] = [
            Record(happened.TaskSkipped(path, DISABLED)) for path in self.graph.skipped
        ]
        commands += map(Record, groups.unsaid(self.groups.values()))
        # What stops others comes before they could begin.
        for each in list(self.tasks.values()):
            if each.status is S.FAILED and not each.planned.handles_error:
                commands += self._lose_below(each) + self._fail_fast(each)
            elif each.status in {S.UPSTREAM_FAILED, S.CANCELLED}:
                commands += self._lose_below(each)
            elif each.status in LIVE:
                commands += self.rounds.go_on(each)
        return commands + self._start_all(self.tasks.values()) + self._finish_if_over()

    def restore(
        self,
        checkpoints: Iterable[TaskCheckpoint],
        attempts: Mapping[str, int],
        running: Iterable[str] = (),
    ) -> None:
        """Put back what was kept; `running` are the paths of tasks that had no result yet.

        Raises UnreadableCheckpoint for a task that the graph does not have.
        """
        restore(self, checkpoints, attempts, running)
        self.awaiting = self.busy = 0

    def handle(self, event: Event) -> list[Command]:
        """Take in what happened, and give what must be done next.

        Raises IllegalMove, and changes nothing, when the event cannot happen now.
        """
        kind = type(event)
        move = MOVES.get(kind)
        if move is not None:
            path: str = event.path  # type: ignore[attr-defined] # of a task
            state = self.tasks.get(path)
            if state is not None:
                self._move(state, move, event)
            elif not self._is_apart(path):
                raise IllegalMove(event.kind, path, "unknown")
        elif self.ended:
            raise IllegalMove(event.kind, "run", "ended")
        handler = self._handlers.get(kind)
        return handler(event) if handler is not None else []

    def _move(self, state: TaskState, move: Move, event: Event) -> None:
        was, (legal, then) = state.status, move
        if was not in legal or self.ended:
            raise IllegalMove(event.kind, state.planned.path, was)
        if then is not None:
            state.status = then
            if state.control is None:
                self.busy += (then in BUSY) - (was in BUSY)
                if self.awaiting or then is S.AWAITING:
                    self.awaiting += (then is S.AWAITING) - (was is S.AWAITING)

    # ── tasks begin, stream and return ───────────────────────────────────────────────────

    def _on_started(self, event: happened.TaskStarted) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        state.attempt = event.attempt
        if state.control is not None:
            return [*map(Record, groups.begun(state.group)), DecideTask(event.path)]
        return NOTHING if state.group is None else [*map(Record, groups.begun(state.group))]

    def _on_stream_opened(self, event: happened.StreamOpened) -> list[Command]:
        streaming, ready = self.wiring.first_chunk(self.tasks[event.path], event.port)
        commands: list[Command] = [
            Record(
                happened.DataflowStreaming(
                    event.path, event.port, link.target.planned.path, link.into
                )
            )
            for link in streaming
            if link.into
        ]
        return commands + self._start_all(ready)

    def _on_stream_closed(self, event: happened.StreamClosed) -> list[Command]:
        streaming, ready = self.wiring.first_chunk(self.tasks[event.path], event.port)
        commands: list[Command] = [
            Record(
                happened.DataflowClosed(event.path, event.port, link.target.planned.path, link.into)
            )
            for link in streaming
            if link.into
        ]
        return commands + self._start_all(ready)

    def _on_stream_superseded(self, event: happened.StreamSuperseded) -> list[Command]:
        return drop(self.wiring.superseded(self.tasks[event.path], event.port), event.path)

    def _on_returned(self, event: happened.TaskReturned) -> list[Command]:
        state = self.tasks[event.path]
        if state.returned:
            raise IllegalMove(event.kind, event.path, state.status)
        if not state.provisional:
            state.returned = True
            return conclude(state)
        if state.unfolds or event.failed:
            # A map has seen the end of its stream, and has nothing to give before its items end.
            state.returned = True
            return []
        commands = self._start_all(self.wiring.returned(state))
        scope = state.scope
        if scope is not None and scope.owner.streams_items:
            commands.append(PushItem(scope.owner.planned.path, scope.index))
        return commands

    def _on_awaiting(self, event: happened.TaskAwaiting) -> list[Command]:
        self.tasks[event.path].reason = event.reason
        return []

    def _on_answered(self, event: happened.TaskAnswered) -> list[Command]:
        self.tasks[event.path].reason = ""
        return []

    def _on_interrupted(self, event: happened.TaskInterrupted) -> list[Command]:
        self.tasks[event.path].attempt = event.attempt
        return []

    def _on_idle_again(self, event: happened.RetryDue) -> list[Command]:
        return self._start_if_ready(self.tasks[event.path])

    # ── tasks end ────────────────────────────────────────────────────────────────────────

    def _on_completed(self, event: happened.TaskCompleted | happened.TaskCached) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        if isinstance(event, happened.TaskCompleted) and event.not_taken:
            state.not_taken = frozenset(event.not_taken)
            self.wiring.some_not_taken = True
        elif state.planned.handles_error:
            # There was no error to take.
            self.wiring.some_not_taken = True
        if state.races or state.goes_again_after("failure"):
            self.tally.forgive(self.scopes.inside(state))
        return self._settled(state, state.status)

    def _on_skipped(self, event: happened.TaskSkipped) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        state.not_taken = None
        self.wiring.some_not_taken = True
        return self._settled(state, S.SKIPPED)

    def _on_failed(self, event: happened.TaskFailed) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        state.error = event.error
        if state.planned.handles_error:
            state.not_taken = None
            self.wiring.some_not_taken = True
            self.handled += 1
            self.tally.forgive(self.scopes.inside(state))
            return self._settled(state, S.SKIPPED)
        if state.scope is None:
            self._first_error = self._first_error or (event.error, event.path)
        else:
            state.scope.error = state.scope.error or event.error
        self.tally.over(state, S.FAILED)
        below = self._lose_below(state) + self._fail_fast(state)
        return below + self._after(state, S.FAILED)

    def _on_retrying(self, event: happened.TaskRetrying) -> list[Command]:
        if not event.actor:
            self.payer(event).failures += 1
        self.tasks[event.path].returned = False
        return [RetryTask(event.path, event.delay)]

    def _on_dropped(self, event: happened.TaskDropped) -> list[Command]:
        state = self.tasks[event.path]
        stop = drop(self.wiring.superseded(state), event.path)
        if state.unfolds and state.scopes:
            inside = self.scopes.inside(state)
            self.tally.take_back(inside)
            self.scopes.forget(state, inside)
        elif state.control is not None and not state.unfolds:
            state.rounds = []
        if self.cancelling:
            return [*stop, Record(happened.TaskCancelled(event.path, state.attempt))]
        return stop + self._start_if_ready(state)

    def _on_lost(
        self, event: happened.TaskUpstreamFailed | happened.TaskCancelled
    ) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        self.tally.over(state, state.status)
        commands: list[Command] = []
        if not self.cancelling:
            if state.status is S.UPSTREAM_FAILED:
                commands += lose(self.scopes.inside(state), event.path)
            commands += self._lose_below(state)
        return commands + self._after(state, state.status)

    def _settled(self, state: TaskState, status: TaskStatus) -> list[Command]:
        self.tally.over(state, status)
        ready, final = self.wiring.settled(state)
        commands = self._start_all(ready)
        if final:
            concluded = [command for each in final for command in conclude(each)]
            commands = concluded + commands
        if state.group is None and state.scope is None and self.tally.left:
            return commands
        return commands + self._after(state, status)

    # ── the run ──────────────────────────────────────────────────────────────────────────

    def _on_cancelling(self, _event: happened.RunCancelling) -> list[Command]:
        self.cancelling = True
        return cancel(self.tasks.values()) + self._finish_if_over()

    def _on_paused(self, _event: happened.RunPaused) -> list[Command]:
        self.paused = True
        return []

    def _on_continued(self, _event: happened.RunContinued) -> list[Command]:
        self.paused = False
        held, self._held = self._held, []
        return self._start_all(held)

    def _on_end(self, _event: Event) -> list[Command]:
        self.ended = True
        return []

    # ── what follows ─────────────────────────────────────────────────────────────────────

    def _start_all(self, ready: Iterable[TaskState]) -> list[Command]:
        return [command for each in ready for command in self._start_if_ready(each)]

    def _start_if_ready(self, state: TaskState) -> list[Command]:
        if state.waiting or state.status not in IDLE or self.cancelling:
            return []
        if self.paused:
            self._held.append(state)
            return []
        path = state.planned.path
        missing = self.wiring.missing(state) if self.wiring.some_not_taken else ""
        if missing:
            return [Record(happened.TaskSkipped(path, missing))]
        if state.status is S.INTERRUPTED and state.planned.asks_when_lost:
            return [Record(happened.TaskAwaiting(path, state.attempt, "decision"))]
        return [StartTask(path, state.attempt + 1, state.planned.task.effect != "none")]

    def _lose_below(self, state: TaskState) -> list[Command]:
        """Give up everything that needs a task that gave nothing."""
        return lose(self.wiring.below(state), state.planned.path)

    def _fail_fast(self, state: TaskState) -> list[Command]:
        """Cancel the rest of the innermost graph around a failed task that asks for that."""
        for path, fail_fast in graphs_around(state, fail_fast=self.graph.fail_fast):
            if not fail_fast:
                continue
            if path:
                ways = (f"{path}/", f"{path}[")
                return cancel(each for name, each in self.tasks.items() if name.startswith(ways))
            self._first_error = self._first_error or (state.error, state.planned.path)
            return cancel(self.tasks.values())
        return []

    def _after(self, state: TaskState, status: TaskStatus) -> list[Command]:
        """Tell the compounds and the scope around a task that it is over."""
        commands: list[Command] = []
        if state.group is not None:
            skipped = state.status is S.SKIPPED
            commands += map(Record, groups.over(state.group, status, state.error, skipped=skipped))
        scope = state.scope
        if scope is not None:
            scope.left -= 1
            if not scope.left:
                commands += self.rounds.over(scope)
        return commands + self._finish_if_over()

    def _finish_if_over(self) -> list[Command]:
        if self.tally.left or self.ended:
            return []
        error, path = self._first_error or (None, "")
        return [FinishRun(cancelled=self.cancelling, error=error, path=path)]
