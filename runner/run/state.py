"""RunState: the table of legal moves; `handle(event)` gives commands; nothing else.

Rules of this file. Everything that decides a transition is here; who waits for whom is in
`wiring.py`, what control tasks unfold into in `scopes.py`. It knows no clock, no value of a
port, no store. An illegal event raises and changes nothing. Nothing done per event is
proportional to the graph.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from runner.errors import IllegalMove, UnreadableCheckpoint
from runner.graph.policy import Retry
from runner.graph.task_graph import Source, TaskGraph
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.commands import (
    CancelTask,
    Command,
    CompleteTask,
    DecideTask,
    DropTask,
    FinishRun,
    PushItem,
    Record,
    RetryTask,
    SettleTask,
    StartTask,
)
from runner.run.events import Event, TaskError
from runner.run.groups import end_of, worse
from runner.run.progress import Progress
from runner.run.scopes import Scopes
from runner.run.status import TaskStatus
from runner.run.task_state import Group, Scope, TaskState
from runner.run.wiring import ACTIVE, IDLE, LIVE, OVER, Wiring

S = TaskStatus
GOOD = frozenset({S.COMPLETED, S.CACHED, S.SKIPPED})

#: The table of legal moves: event -> (statuses it may come in, status it leads to; None: stays).
MOVES: dict[type[Event], tuple[frozenset[TaskStatus], TaskStatus | None]] = {
    happened.TaskQueued: (IDLE, S.QUEUED),
    happened.TaskStarted: (IDLE | {S.QUEUED}, S.RUNNING),
    happened.TaskExpanded: (LIVE, None),
    happened.TaskDecided: (LIVE, None),
    happened.StreamOpened: (LIVE | {S.AWAITING}, S.STREAMING),
    happened.TaskAwaiting: (LIVE | IDLE | {S.AWAITING}, S.AWAITING),
    happened.TaskAnswered: (LIVE | {S.AWAITING}, S.RUNNING),
    happened.TaskReturned: (LIVE, None),
    happened.TaskRetrying: (LIVE | {S.AWAITING}, S.RETRYING),
    happened.RetryDue: (frozenset({S.RETRYING}), S.PENDING),
    happened.TaskCompleted: (LIVE, S.COMPLETED),
    happened.TaskCached: (LIVE | IDLE, S.CACHED),
    happened.TaskFailed: (LIVE | {S.AWAITING}, S.FAILED),
    happened.TaskInterrupted: (ACTIVE, S.INTERRUPTED),
    happened.TaskDropped: (ACTIVE, S.PENDING),
    happened.TaskUpstreamFailed: (LIVE | IDLE, S.UPSTREAM_FAILED),
    happened.TaskCancelled: (ACTIVE | IDLE, S.CANCELLED),
    happened.TaskSkipped: (IDLE, S.SKIPPED),
}


class RunState:
    """Decides what happens next in one run."""

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        self.wiring = Wiring()
        self.tasks = self.wiring.tasks
        self.groups = self.wiring.groups
        self.scopes = Scopes(self.wiring)
        self.cancelling = False
        self.paused = False
        self.ended = False
        self.handled = 0
        self.awaiting = 0
        self._left = self._leaves = self._done = self._failed = 0
        self._fraction = 0.0
        self._first_error: tuple[TaskError, str] | None = None
        self._held: list[TaskState] = []
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
            happened.TaskExpanded: self._on_expanded,
            happened.TaskDecided: self._on_decided,
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
        self.wiring.add_groups(graph.compounds.values())
        share = 1 / max(1, len(graph.tasks))
        self._count_new(self.wiring.add(graph.tasks.values(), share))

    # ── questions ────────────────────────────────────────────────────────────────────────

    @property
    def progress(self) -> Progress:
        """How far the run is now."""
        return Progress(
            done=self._done,
            total=self._leaves,
            failed=self._failed,
            fraction=1.0 if self._done == self._leaves else min(1.0, self._fraction),
        )

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

    def active(self) -> list[TaskState]:
        """Give the tasks that are under way."""
        return [each for each in self.tasks.values() if each.status in ACTIVE]

    def may(self, event: Event) -> bool:
        """Whether a task is where this event can happen to it; true for what moves no task."""
        move = MOVES.get(type(event))
        path: str = getattr(event, "path", "")
        if move is None or (path not in self.tasks and path in self.groups):
            return True
        state = self.tasks.get(path)
        return state is not None and not self.ended and state.status in move[0]

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

    def budgets(self, path: str) -> Iterator[tuple[str, Retry, int]]:
        """Give who may grant a failed task another attempt: "" or a compound's path.

        With each its policy and the failures it has forgiven. An alternative that fails is the
        business of the control task that tries them.
        """
        state = self.tasks[path]
        yield "", state.planned.policy.retry, state.failures
        group, scope = state.group, state.scope
        while group is not None or scope is not None:
            while group is not None:
                yield group.path, group.policy.retry, group.failures
                group = group.parent
            if scope is None or _stops_failures(scope):
                return
            owner = scope.owner
            yield owner.planned.path, owner.planned.policy.retry, owner.failures
            group, scope = owner.group, owner.scope

    def check(self) -> None:
        """Raise AssertionError if an invariant does not hold; every test calls this."""
        open_tasks = sum(each.status not in OVER for each in self.tasks.values())
        assert self._left == open_tasks, (self._left, open_tasks)  # noqa: S101
        for path, each in self.tasks.items():
            assert each.waiting >= 0, path  # noqa: S101
            assert each.provisional >= 0, path  # noqa: S101
            if each.status is S.COMPLETED:
                assert each.provisional == 0, path  # noqa: S101
            if self.ended:
                assert each.status in OVER, (path, each.status)  # noqa: S101

    # ── driving ──────────────────────────────────────────────────────────────────────────

    def begin(self) -> list[Command]:
        """Give the commands that set a new or restored run going."""
        commands: list[Command] = [
            Record(happened.TaskSkipped(path, "disabled")) for path in self.graph.skipped
        ]
        for each in list(self.tasks.values()):
            if each.status in LIVE:
                commands += self._go_on(each)
            elif each.status is S.FAILED and not each.planned.handles_error:
                commands += self._lose_below(each) + self._fail_fast(each)
            else:
                commands += self._start_if_ready(each)
        return commands + self._finish_if_over()

    def restore(
        self,
        checkpoints: Iterable[TaskCheckpoint],
        attempts: Mapping[str, int],
        running: Iterable[str] = (),
    ) -> None:
        """Put back what was kept: unfoldings, outermost first, then ends, in their order."""
        known = sorted(checkpoints, key=lambda each: each.path.count("/"))
        for kept in known:
            if kept.path in self.tasks and (kept.rounds or kept.decisions):
                self._restore_control(self.tasks[kept.path], kept)
        for kept in sorted(known, key=lambda each: each.seq):
            if kept.path not in self.tasks:
                raise UnreadableCheckpoint(
                    f"{kept.path} was kept, but this graph has no such task."
                )
            if kept.done:
                self._restore_end(self.tasks[kept.path], kept)
        self._close_inside_ended()
        for path, attempt in attempts.items():
            if path in self.tasks:
                self.tasks[path].attempt = max(self.tasks[path].attempt, attempt)
        for path in running:
            state = self.tasks.get(path)
            if state is not None and state.status is S.PENDING:
                state.status = S.INTERRUPTED

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
            elif path not in self.groups and path not in self.graph.skipped:
                raise IllegalMove(event.kind, path, "unknown")
        elif self.ended:
            raise IllegalMove(event.kind, "run", "ended")
        handler = self._handlers.get(kind)
        return handler(event) if handler is not None else []

    def _move(
        self,
        state: TaskState,
        move: tuple[frozenset[TaskStatus], TaskStatus | None],
        event: Event,
    ) -> None:
        was, (legal, then) = state.status, move
        if was not in legal or self.ended:
            raise IllegalMove(event.kind, state.planned.path, was)
        if then is not None:
            state.status = then
            if self.awaiting or then is S.AWAITING:
                self.awaiting += (then is S.AWAITING) - (was is S.AWAITING)

    # ── tasks begin, stream and return ───────────────────────────────────────────────────

    def _on_started(self, event: happened.TaskStarted) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        state.attempt = event.attempt
        commands: list[Command] = []
        group = state.group
        while group is not None and not group.started:
            group.started = True
            commands.append(Record(happened.TaskStarted(group.path, 1)))
            group = group.parent
        if state.control is not None:
            commands.append(DecideTask(event.path))
        return commands

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
        return self._drop(self.wiring.superseded(self.tasks[event.path], event.port), event.path)

    def _on_returned(self, event: happened.TaskReturned) -> list[Command]:
        state = self.tasks[event.path]
        if state.returned:
            raise IllegalMove(event.kind, event.path, state.status)
        if not state.provisional:
            state.returned = True
            return self._conclude(state)
        if state.unfolds:
            # A map has seen the end of its stream, and has nothing to give before its items end.
            state.returned = True
            return []
        return self._start_all(self.wiring.returned(state))

    def _conclude(self, state: TaskState) -> list[Command]:
        """Nothing that the task read can change any more."""
        path = state.planned.path
        if state.unfolds:
            return [Record(happened.TaskDecided(path, len(state.scopes)))]
        return [CompleteTask(path) if state.control is None else SettleTask(path)]

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

    # ── control tasks ────────────────────────────────────────────────────────────────────

    def _on_expanded(self, event: happened.TaskExpanded) -> list[Command]:
        state = self.tasks[event.path]
        fresh, added, ready = self.scopes.unfold(state, event.decision)
        state.error = None
        self._leaves -= len(state.rounds) == 1
        self._count_new(added)
        commands = self._start_all(ready)
        for scope in fresh:
            if not scope.left:
                commands += self._scope_over(scope)
        if not fresh and not state.grows:
            commands += self._round_over(state)
        return commands

    def _on_decided(self, event: happened.TaskDecided) -> list[Command]:
        state = self.tasks[event.path]
        state.decided = True
        if state.unfolds:
            state.choice = event.decision
            return self._settle_decided(state)
        state.rounds = [event.decision]
        not_taken = self.scopes.not_taken(state)
        if not not_taken:
            return []
        state.not_taken = not_taken
        self.wiring.some_not_taken = True
        ready, _ = self.wiring.settled(state, not_taken)
        return self._start_all(ready)

    def _settle_decided(self, state: TaskState) -> list[Command]:
        """A race is won, or a map knows its width."""
        path = state.planned.path
        if state.control is not None and state.control.races:
            losers = [each for each in state.scopes if each.index != state.choice]
            return [*self._cancel(self.scopes.tasks_of(losers)), SettleTask(path)]
        return [] if state.scopes_left else self._round_over(state)

    def _go_on(self, state: TaskState) -> list[Command]:
        """A control task that was unfolded when the run was interrupted goes on."""
        if state.decided and state.unfolds and state.control.races:  # type: ignore[union-attr]
            return self._settle_decided(state)
        if not state.rounds or not state.unfolds:
            return [DecideTask(state.planned.path)]
        return [] if state.scopes_left else self._round_over(state)

    def _scope_over(self, scope: Scope) -> list[Command]:
        owner = scope.owner
        owner.scopes_left -= 1
        if owner.status not in LIVE:
            return []
        commands = self._start_all(self.scopes.admit(owner))
        if owner.streams_items and scope.error is None:
            commands.append(PushItem(owner.planned.path, scope.index))
        owner.error = owner.error or scope.error
        if owner.control.races:  # type: ignore[union-attr] # scopes belong to control tasks
            return commands + self._race(owner, scope)
        if owner.scopes_left or (owner.grows and not owner.decided):
            return commands
        return commands + self._round_over(owner)

    def _race(self, owner: TaskState, scope: Scope) -> list[Command]:
        if owner.decided:
            return []
        if scope.error is None and not self.cancelling:
            return [Record(happened.TaskDecided(owner.planned.path, scope.index))]
        return [] if owner.scopes_left else self._round_over(owner)

    def _round_over(self, owner: TaskState) -> list[Command]:
        path, error = owner.planned.path, owner.error
        if self.cancelling:
            return [Record(happened.TaskCancelled(path, owner.attempt))]
        outcome = "success" if error is None else "failure"
        if owner.control.again_after == outcome:  # type: ignore[union-attr]
            return [DecideTask(path)]
        if error is not None:
            return [
                Record(
                    happened.TaskFailed(
                        path, owner.attempt, error, handled=owner.planned.handles_error
                    )
                )
            ]
        return [SettleTask(path)]

    # ── tasks end ────────────────────────────────────────────────────────────────────────

    def _on_completed(self, event: happened.TaskCompleted | happened.TaskCached) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        not_taken: list[str] = getattr(event, "not_taken", [])
        if not_taken:
            state.not_taken = frozenset(not_taken)
        if not_taken or state.planned.handles_error:
            self.wiring.some_not_taken = True
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
            return self._settled(state, S.SKIPPED)
        if state.scope is None:
            self._first_error = self._first_error or (event.error, event.path)
        else:
            state.scope.error = state.scope.error or event.error
        self._count_over(state, S.FAILED)
        below = self._lose_below(state) + self._fail_fast(state)
        return below + self._after(state, S.FAILED)

    def _on_retrying(self, event: happened.TaskRetrying) -> list[Command]:
        payer = self.tasks.get(event.by or event.path) or self.groups[event.by]
        payer.failures += 1
        return [RetryTask(event.path, event.delay)]

    def _on_dropped(self, event: happened.TaskDropped) -> list[Command]:
        state = self.tasks[event.path]
        stop = self._drop(self.wiring.superseded(state), event.path)
        if state.unfolds and state.scopes:
            self._forget_inside(state)
        return stop + self._start_if_ready(state)

    def _on_lost(
        self, event: happened.TaskUpstreamFailed | happened.TaskCancelled
    ) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        self._count_over(state, state.status)
        commands: list[Command] = []
        if not self.cancelling:
            commands += self._lose(self.scopes.inside(state), event.path)
            commands += self._lose_below(state)
        return commands + self._after(state, state.status)

    def _settled(self, state: TaskState, status: TaskStatus) -> list[Command]:
        self._count_over(state, status)
        ready, final = self.wiring.settled(state)
        commands: list[Command] = []
        for each in final:
            commands += self._conclude(each)
        return commands + self._start_all(ready) + self._after(state, status)

    # ── the run ──────────────────────────────────────────────────────────────────────────

    def _on_cancelling(self, _event: happened.RunCancelling) -> list[Command]:
        self.cancelling = True
        return self._cancel(self.tasks.values())

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
        commands: list[Command] = []
        for each in ready:
            commands += self._start_if_ready(each)
        return commands

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
        effect = state.planned.task.effect
        if effect == "once" and state.status is S.INTERRUPTED:
            return [Record(happened.TaskAwaiting(path, state.attempt, "decision"))]
        return [StartTask(path, state.attempt + 1, effect != "none")]

    def _drop(self, targets: Iterable[TaskState], culprit: str) -> list[Command]:
        return [DropTask(each.planned.path, culprit) for each in targets]

    def _lose_below(self, state: TaskState) -> list[Command]:
        """Give up everything that needs a task that gave nothing."""
        return self._lose(self.wiring.below(state), state.planned.path)

    def _lose(self, tasks: Iterable[TaskState], culprit: str) -> list[Command]:
        commands: list[Command] = []
        for each in tasks:
            path = each.planned.path
            if each.status in ACTIVE and not each.unfolds:
                commands.append(DropTask(path, culprit))
            if each.status not in OVER:
                commands.append(Record(happened.TaskUpstreamFailed(path, culprit)))
        return commands

    def _cancel(self, tasks: Iterable[TaskState]) -> list[Command]:
        commands: list[Command] = []
        for each in tasks:
            if each.status in ACTIVE and each.control is None:
                commands.append(CancelTask(each.planned.path))
            elif each.status not in OVER:
                commands.append(Record(happened.TaskCancelled(each.planned.path, each.attempt)))
        return commands

    def _fail_fast(self, state: TaskState) -> list[Command]:
        """Cancel the rest of the graph that a failed task belongs to, if it asks for that."""
        group = state.group
        while group is not None:
            if group.fail_fast:
                inside = (self.tasks[path] for path in self._paths_in(group))
                return self._cancel(inside)
            group = group.parent
        if state.scope is not None:
            fail_fast = state.scope.owner.control.fail_fast  # type: ignore[union-attr]
            return self._cancel(self.scopes.tasks_of([state.scope])) if fail_fast else []
        return self._cancel(self.tasks.values()) if self.graph.fail_fast else []

    def _paths_in(self, group: Group) -> list[str]:
        return [path for path in self.tasks if path.startswith(f"{group.path}/")]

    def _count_new(self, added: list[TaskState]) -> None:
        self._left += len(added)
        self._leaves += len(added)

    def _count_over(self, state: TaskState, status: TaskStatus) -> None:
        self._left -= 1
        unfolded = state.unfolds and bool(state.rounds)
        if not unfolded:
            self._done += status in GOOD
            self._failed += status is S.FAILED
        if status in GOOD and not (unfolded and self.scopes.fills(state)):
            self._fraction += state.share

    def _after(self, state: TaskState, status: TaskStatus) -> list[Command]:
        """Tell the scope and the compounds around a task that it is over."""
        commands: list[Command] = []
        if state.group is not None:
            commands += self._group_over(state.group, status, state.error)
        scope = state.scope
        if scope is not None:
            scope.left -= 1
            if not scope.left:
                commands += self._scope_over(scope)
        return commands + self._finish_if_over()

    def _group_over(
        self, group: Group, status: TaskStatus, error: TaskError | None
    ) -> list[Command]:
        group.left -= 1
        group.error = group.error or (error if status is S.FAILED else None)
        group.worst = worse(group.worst, status)
        if group.left:
            return []
        commands: list[Command] = [Record(end_of(group))]
        if group.parent is not None:
            commands += self._group_over(group.parent, group.worst, group.error)
        return commands

    def _finish_if_over(self) -> list[Command]:
        if self._left or self.ended:
            return []
        error, path = self._first_error or (None, "")
        return [FinishRun(cancelled=self.cancelling, error=error, path=path)]

    def _forget_inside(self, state: TaskState) -> None:
        inside = self.scopes.inside(state)
        self._left -= sum(each.status not in OVER for each in inside)
        leaves = [each for each in inside if not (each.unfolds and each.rounds)]
        self._leaves -= len(leaves) - 1
        self._done -= sum(each.status in GOOD for each in leaves)
        self.scopes.forget(state, inside)

    # ── what was kept ────────────────────────────────────────────────────────────────────

    def _restore_control(self, state: TaskState, kept: TaskCheckpoint) -> None:
        state.attempt = kept.attempt
        if not state.unfolds:
            if kept.rounds and state.control is not None:
                state.rounds = list(kept.rounds)
            return
        state.status = S.RUNNING
        state.decided = state.grows
        self._leaves -= 1
        for decision in kept.rounds:
            self._count_new(self.scopes.unfold(state, decision)[1])
        if "winner" in kept.decisions:
            state.decided = True
            state.choice = kept.decisions["winner"]

    def _restore_end(self, state: TaskState, kept: TaskCheckpoint) -> None:
        path, attempt = kept.path, kept.attempt
        state.attempt = attempt
        state.status = S.RUNNING
        if kept.error is not None:
            self.handle(happened.TaskFailed(path, attempt, kept.error, handled=kept.handled))
            return
        self.handle(happened.TaskCompleted(path, attempt, not_taken=list(kept.not_taken)))
        if kept.cached:
            state.status = S.CACHED

    def _close_inside_ended(self) -> None:
        """What a race or an alternative left unfinished does not begin again."""
        for state in list(self.tasks.values()):
            if state.unfolds and state.status in OVER:
                for each in self.scopes.inside(state):
                    if each.status not in OVER:
                        each.status = S.CANCELLED
                        self._count_over(each, S.CANCELLED)


def _stops_failures(scope: Scope) -> bool:
    """Whether a failure in a scope is for its control to see: it has other ways to try."""
    control = scope.owner.control
    return control is not None and (control.again_after == "failure" or control.races)
