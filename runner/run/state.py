"""RunState: the table of legal moves; `handle(event)` gives commands; nothing else.

Rules of this file. Everything that decides a transition is here. It knows no clock, no value of
a port, no store. An illegal event raises and changes nothing. Nothing done per event is
proportional to the graph: what a task still waits for is a counter.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from runner.errors import IllegalMove
from runner.graph.planning import expand
from runner.graph.task_graph import (
    PlannedCompound,
    PlannedTask,
    Source,
    TaskGraph,
    producers,
)
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.commands import (
    CancelTask,
    Command,
    CompleteTask,
    DropTask,
    ExpandTask,
    FinishRun,
    GatherTask,
    Record,
    StartTask,
)
from runner.run.events import Event, TaskError
from runner.run.progress import Progress
from runner.run.status import TaskStatus
from runner.run.task_state import Group, Item, TaskState

S = TaskStatus
LIVE = frozenset({S.RUNNING, S.STREAMING})
OVER = frozenset({S.COMPLETED, S.CACHED, S.FAILED, S.UPSTREAM_FAILED, S.CANCELLED, S.SKIPPED})

#: The table of legal moves: event -> (statuses it may come in, status it leads to).
MOVES: dict[type[Event], tuple[frozenset[TaskStatus], TaskStatus]] = {
    happened.TaskStarted: (frozenset({S.PENDING, S.INTERRUPTED}), S.RUNNING),
    happened.TaskExpanded: (LIVE, S.RUNNING),
    happened.StreamOpened: (LIVE, S.STREAMING),
    happened.TaskCompleted: (LIVE, S.COMPLETED),
    happened.TaskFailed: (LIVE, S.FAILED),
    happened.TaskInterrupted: (LIVE, S.INTERRUPTED),
    happened.TaskUpstreamFailed: (LIVE | {S.PENDING, S.INTERRUPTED}, S.UPSTREAM_FAILED),
    happened.TaskCancelled: (LIVE | {S.PENDING, S.INTERRUPTED}, S.CANCELLED),
    happened.TaskSkipped: (frozenset({S.PENDING, S.INTERRUPTED}), S.SKIPPED),
}


class RunState:
    """Decides what happens next in one run."""

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        self.tasks: dict[str, TaskState] = {}
        self.groups: dict[str, Group] = {}
        self.item_outputs: dict[str, tuple[Mapping[str, Source], ...]] = {}
        self.cancelling = False
        self.ended = False
        self._left = 0
        self._leaves = self._done = self._failed = 0
        self._fraction = 0.0
        self._first_error: tuple[TaskError, str] | None = None
        self._strict: dict[str, list[TaskState]] = {}
        self._ahead: dict[str, list[TaskState]] = {}
        self._readers: dict[tuple[str, str], list[TaskState]] = {}
        self._touched: dict[str, list[TaskState]] = {}
        self._handlers: dict[type[Event], Callable[..., list[Command]]] = {
            happened.RunCancelling: self._on_cancelling,
            happened.RunCompleted: self._on_end,
            happened.RunFailed: self._on_end,
            happened.RunCancelled: self._on_end,
            happened.TaskStarted: self._on_started,
            happened.StreamOpened: self._on_stream_opened,
            happened.StreamClosed: self._on_stream_closed,
            happened.TaskExpanded: self._on_expanded,
            happened.TaskReturned: self._on_returned,
            happened.TaskCompleted: self._on_completed,
            happened.TaskFailed: self._on_failed,
            happened.TaskInterrupted: self._on_interrupted,
            happened.TaskUpstreamFailed: self._on_lost,
            happened.TaskCancelled: self._on_lost,
            happened.TaskSkipped: self._on_lost,
        }
        self._add_groups(graph.compounds.values())
        self._add_tasks(list(graph.tasks.values()), 1 / max(1, len(graph.tasks)))

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

    def live(self) -> list[TaskState]:
        """Give the tasks whose bodies run, or whose items do."""
        return [each for each in self.tasks.values() if each.status in LIVE]

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
        commands: list[Command] = []
        for each in list(self.tasks.values()):
            commands += self._start_if_ready(each)
            if each.width is not None and each.status in LIVE and not each.items_left:
                commands.append(GatherTask(each.planned.path))
        return commands + self._finish_if_over()

    def restore(self, checkpoints: Iterable[TaskCheckpoint], attempts: Mapping[str, int]) -> None:
        """Put back what was kept: recorded expansions and finished tasks, in their order."""
        for kept in sorted(checkpoints, key=lambda each: each.seq):
            state = self.tasks[kept.path]
            state.attempt = kept.attempt
            if kept.width is not None and state.width is None:
                state.status = S.RUNNING
                self._unfold(state, kept.width)
            if kept.done:
                state.status = S.RUNNING
                self.handle(happened.TaskCompleted(kept.path, kept.attempt))
        for path, attempt in attempts.items():
            if path in self.tasks:
                self.tasks[path].attempt = max(self.tasks[path].attempt, attempt)

    def handle(self, event: Event) -> list[Command]:
        """Take in what happened, and give what must be done next.

        Raises IllegalMove, and changes nothing, when the event cannot happen now.
        """
        move = MOVES.get(type(event))
        if move is not None:
            self._move(event.path, move, event)  # type: ignore[attr-defined] # of a task
        elif self.ended:
            raise IllegalMove(event.kind, "run", "ended")
        handler = self._handlers.get(type(event))
        return handler(event) if handler is not None else []

    def _move(
        self, path: str, move: tuple[frozenset[TaskStatus], TaskStatus], event: Event
    ) -> None:
        state = self.tasks.get(path)
        if state is None:
            if path not in self.groups:
                raise IllegalMove(event.kind, path, "unknown")
            return
        if state.status not in move[0] or self.ended:
            raise IllegalMove(event.kind, path, state.status)
        state.status = move[1]

    # ── what happened to tasks ───────────────────────────────────────────────────────────

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
        if state.is_map:
            commands.append(ExpandTask(event.path))
        return commands

    def _on_stream_opened(self, event: happened.StreamOpened) -> list[Command]:
        readers = self._readers.get((event.path, event.port), ())
        commands: list[Command] = [
            Record(happened.DataflowStreaming(event.path, event.port, each.planned.path, port))
            for each in readers
            for port in _reading(each.planned, event.path, event.port)
        ]
        for each in readers:
            commands += self._release(each)
        self._readers.pop((event.path, event.port), None)
        return commands

    def _on_stream_closed(self, event: happened.StreamClosed) -> list[Command]:
        commands: list[Command] = []
        for each in self._readers.pop((event.path, event.port), ()):
            commands += self._release(each)
        for each in self._touched.get(event.path, ()):
            commands += [
                Record(happened.DataflowClosed(event.path, event.port, each.planned.path, port))
                for port in _reading(each.planned, event.path, event.port)
            ]
        return commands

    def _on_expanded(self, event: happened.TaskExpanded) -> list[Command]:
        state = self.tasks[event.path]
        added = self._unfold(state, event.decision)
        if not added:
            return [GatherTask(event.path)]
        commands: list[Command] = []
        for each in added:
            commands += self._start_if_ready(each)
        return commands

    def _on_returned(self, event: happened.TaskReturned) -> list[Command]:
        state = self.tasks[event.path]
        if state.status not in LIVE or state.returned:
            raise IllegalMove(event.kind, event.path, state.status)
        state.returned = True
        if state.provisional == 0:
            return [CompleteTask(event.path)]
        return self._release_all(self._ahead.pop(event.path, ()))

    def _on_completed(self, event: happened.TaskCompleted) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        path = event.path
        self._count_over(state, S.COMPLETED)
        commands: list[Command] = []
        for each in self._touched.pop(path, ()):
            each.provisional -= 1
            if each.provisional == 0 and each.returned and each.status in LIVE:
                commands.append(CompleteTask(each.planned.path))
        ready = (*self._ahead.pop(path, ()), *self._strict.pop(path, ()))
        commands += self._release_all(ready)
        for port in state.planned.task.outputs:
            commands += self._release_all(self._readers.pop((path, port), ()))
        return commands + self._after(state)

    def _on_failed(self, event: happened.TaskFailed) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        state.error = event.error
        self._first_error = self._first_error or (event.error, event.path)
        self._count_over(state, S.FAILED)
        return self._fail_below(event.path, event.path) + self._after(state)

    def _on_interrupted(self, event: happened.TaskInterrupted) -> list[Command]:
        self.tasks[event.path].attempt = event.attempt
        return []

    def _on_lost(
        self, event: happened.TaskUpstreamFailed | happened.TaskCancelled | happened.TaskSkipped
    ) -> list[Command]:
        state = self.tasks.get(event.path)
        if state is None:
            return []
        self._count_over(state, state.status)
        return self._after(state)

    # ── what happened to the run ─────────────────────────────────────────────────────────

    def _on_cancelling(self, _event: happened.RunCancelling) -> list[Command]:
        self.cancelling = True
        commands: list[Command] = []
        for each in self.tasks.values():
            if each.status in LIVE and not each.is_map:
                commands.append(CancelTask(each.planned.path))
            elif each.status not in OVER:
                commands.append(Record(happened.TaskCancelled(each.planned.path, each.attempt)))
        return commands

    def _on_end(self, _event: Event) -> list[Command]:
        self.ended = True
        return []

    # ── the counters ─────────────────────────────────────────────────────────────────────

    def _add_groups(self, compounds: Iterable[PlannedCompound]) -> None:
        for each in compounds:
            parent = self.groups.get(each.parent) if each.parent else None
            self.groups[each.path] = Group(each.path, parent)
            if parent is not None:
                parent.left += 1

    def _add_tasks(self, planned: list[PlannedTask], share: float) -> list[TaskState]:
        added = [TaskState(each, share) for each in planned]
        self.tasks.update((each.planned.path, each) for each in added)
        self._left += len(added)
        self._leaves += len(added)
        for each in added:
            each.group = self.groups.get(each.planned.parent or "")
            if each.group is not None:
                each.group.left += 1
            self._wait(each)
        return added

    def _wait(self, state: TaskState) -> None:
        """Count what the task must see before it starts, and before it can be final."""
        final: set[str] = set()
        streams: set[tuple[str, str]] = set()
        for port, source in state.planned.sources.items():
            for output in producers((source,)):
                if port in state.planned.first_chunk:
                    streams.add((output.path, output.port))
                else:
                    final.add(output.path)
        line = self._ahead if state.is_pure and not state.is_map else self._strict
        for path in final:
            self._count(state, line.setdefault(path, []), path)
        for key in streams:
            if key[0] not in final:
                self._count(state, self._readers.setdefault(key, []), key[0])
        for path in final | {key[0] for key in streams}:
            if self.tasks[path].status is not S.COMPLETED:
                state.provisional += 1
                self._touched.setdefault(path, []).append(state)

    def _count(self, state: TaskState, line: list[TaskState], path: str) -> None:
        if self.tasks[path].status is not S.COMPLETED:
            state.waiting += 1
            line.append(state)

    def _release_all(self, line: Iterable[TaskState]) -> list[Command]:
        commands: list[Command] = []
        for each in line:
            commands += self._release(each)
        return commands

    def _release(self, state: TaskState) -> list[Command]:
        state.waiting -= 1
        return self._start_if_ready(state)

    def _start_if_ready(self, state: TaskState) -> list[Command]:
        startable = state.status is S.PENDING or state.status is S.INTERRUPTED
        if state.waiting or not startable or self.cancelling:
            return []
        durable = not (state.is_pure or state.is_map)
        return [StartTask(state.planned.path, state.attempt + 1, durable)]

    def _unfold(self, state: TaskState, width: int) -> list[TaskState]:
        path = state.planned.path
        expansion = expand(state.planned, width)
        self.item_outputs[path] = expansion.items
        state.width = state.items_left = width
        self._add_groups(expansion.compounds.values())
        share = state.share / max(1, len(expansion.tasks))
        self._leaves -= 1
        added = self._add_tasks(list(expansion.tasks.values()), share)
        self._admit_under_limit(state, added, width)
        return added

    def _admit_under_limit(self, state: TaskState, added: list[TaskState], width: int) -> None:
        """Hold back all items beyond the map's limit, each as one thing more to wait for."""
        items = [Item(state) for _ in range(width)]
        prefix = len(state.planned.path) + 1
        for each in added:
            path = each.planned.path
            item = items[int(path[prefix : path.index("]", prefix)])]
            each.item = item
            each.waiting += 1
            item.paths.append(path)
            item.left += 1
        state.pending_items = deque(items)
        for _ in range(min(width, state.limit)):
            for path in state.pending_items.popleft().paths:
                self.tasks[path].waiting -= 1

    def _count_over(self, state: TaskState, status: TaskStatus) -> None:
        self._left -= 1
        if state.width is None:
            self._done += status in {S.COMPLETED, S.CACHED, S.SKIPPED}
            self._failed += status is S.FAILED
        if status is S.COMPLETED and not state.width:
            self._fraction += state.share

    def _after(self, state: TaskState) -> list[Command]:
        """Tell the item, the map and the compounds around a task that it is over."""
        commands: list[Command] = []
        if state.item is not None:
            commands += self._item_over(state.item, state)
        if state.group is not None:
            commands += self._group_over(state.group, state.status, state.error)
        return commands + self._finish_if_over()

    def _item_over(self, item: Item, state: TaskState) -> list[Command]:
        item.left -= 1
        owner = item.of
        owner.error = owner.error or state.error
        if item.left:
            return []
        owner.items_left -= 1
        commands: list[Command] = []
        if owner.pending_items:
            commands += self._release_all(
                self.tasks[path] for path in owner.pending_items.popleft().paths
            )
        if not owner.items_left and owner.status in LIVE:
            commands += self._close_map(owner)
        return commands

    def _close_map(self, owner: TaskState) -> list[Command]:
        path = owner.planned.path
        if self.cancelling:
            return [Record(happened.TaskCancelled(path, owner.attempt))]
        if owner.error is not None:
            return [Record(happened.TaskFailed(path, owner.attempt, owner.error))]
        return [GatherTask(path)]

    def _group_over(
        self, group: Group, status: TaskStatus, error: TaskError | None
    ) -> list[Command]:
        group.left -= 1
        group.error = group.error or error
        group.worst = _worse(group.worst, status)
        if group.left:
            return []
        commands: list[Command] = [Record(_group_end(group))]
        if group.parent is not None:
            commands += self._group_over(group.parent, group.worst, group.error)
        return commands

    def _fail_below(self, path: str, culprit: str) -> list[Command]:
        """Lose everything that needs this task, running ahead or not begun."""
        commands: list[Command] = []
        seen = {path}
        line = deque(self._touched.get(path, ()))
        while line:
            each = line.popleft()
            name = each.planned.path
            if name in seen:
                continue
            seen.add(name)
            line.extend(self._touched.get(name, ()))
            if each.status in LIVE:
                commands.append(DropTask(name, culprit))
            elif each.status not in OVER:
                commands.append(Record(happened.TaskUpstreamFailed(name, culprit)))
        return commands

    def _finish_if_over(self) -> list[Command]:
        if self._left or self.ended:
            return []
        error, path = self._first_error or (None, "")
        return [FinishRun(cancelled=self.cancelling, error=error, path=path)]


_ORDER = (S.COMPLETED, S.SKIPPED, S.CANCELLED, S.UPSTREAM_FAILED, S.FAILED)


def _worse(one: TaskStatus, other: TaskStatus) -> TaskStatus:
    return max(one, other, key=_ORDER.index)


def _group_end(group: Group) -> Event:
    if group.error is not None:
        return happened.TaskFailed(group.path, 1, group.error)
    if group.worst is S.UPSTREAM_FAILED:
        return happened.TaskUpstreamFailed(group.path, "")
    if group.worst is S.CANCELLED:
        return happened.TaskCancelled(group.path, 1)
    return happened.TaskCompleted(group.path, 1)


def _reading(planned: PlannedTask, path: str, port: str) -> list[str]:
    """Name the input ports of a task that read this output as a stream."""
    return [
        into
        for into in planned.first_chunk
        for output in producers((planned.sources[into],))
        if (output.path, output.port) == (path, port)
    ]
