"""Scopes: what control tasks unfold into: items, turns, alternatives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.graph.planning import unfold
from runner.graph.task_graph import PlannedTask, Source
from runner.run.task_state import Group, Scope, TaskState
from runner.run.wiring import ITEMS, Wiring


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """What one decision of a control task added.

    `empty` are the compounds that are over with nothing in them, `ready` the tasks that may
    start, and `skipped` the paths of those that never do.
    """

    scopes: list[Scope]
    tasks: list[TaskState]
    empty: list[Group]
    ready: list[TaskState]
    skipped: tuple[str, ...]


class Scopes:
    """Unfolds control tasks, admits their scopes under a limit, finds what is inside."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def outputs(self, state: TaskState) -> tuple[Mapping[str, Source], ...]:
        """Give the sources of each scope's outputs."""
        return tuple(scope.planned.outputs for scope in state.scopes)

    def settle(self, state: TaskState) -> Mapping[str, Source]:
        """Give the sources of a control task's outputs; what is missing was not taken."""
        chosen = state.unfolds and state.decided
        decisions = [*state.rounds, *([state.choice] if chosen else [])]
        return state.control.settle(  # type: ignore[union-attr] # of control tasks only
            state.planned, self.outputs(state), decisions
        )

    def not_taken(self, state: TaskState) -> frozenset[str]:
        """Name the output ports of a branch that its decision leaves out."""
        return frozenset(state.planned.task.outputs) - self.settle(state).keys()

    def unfold(self, state: TaskState, decision: Any) -> Unfolded:
        """Unfold once more."""
        unfolding = unfold(state.planned, decision, self.outputs(state), self._planned)
        state.rounds.append(decision)
        first = len(state.scopes)
        fresh = [
            Scope(state, first + index, planned) for index, planned in enumerate(unfolding.scopes)
        ]
        state.scopes += fresh
        state.scopes_left += len(fresh)
        compounds = self._wiring.add_groups(unfolding.compounds.values())
        filled = bool(unfolding.tasks) and state.is_filled_inside
        share = state.share / len(unfolding.tasks) if filled else 0.0
        added = self._wiring.add(unfolding.tasks.values(), share)
        empty = [each for each in compounds if not each.left]
        holder = _undecided(state)
        if holder is not None:
            self._wiring.hold(holder, added)
            holder.empty += empty
            empty = []
        for scope in fresh:
            for path in scope.planned.paths:
                task = self._wiring.tasks[path]
                task.scope = scope
                task.waiting += 1
        state.scopes_waiting.extend(fresh)
        self._wiring.skipped.update(unfolding.skipped)
        return Unfolded(
            scopes=fresh,
            tasks=added,
            empty=empty,
            ready=self.admit(state),
            skipped=unfolding.skipped,
        )

    def admit(self, state: TaskState) -> list[TaskState]:
        """Let scopes begin as far as the limit allows; give the tasks that may start."""
        limit = state.control.limit or len(state.scopes)  # type: ignore[union-attr]
        ready = []
        while state.scopes_waiting and state.scopes_left - len(state.scopes_waiting) < limit:
            for path in state.scopes_waiting.popleft().planned.paths:
                task = self._wiring.tasks[path]
                task.waiting -= 1
                if not task.waiting:
                    ready.append(task)
        return ready

    def empty(self, state: TaskState) -> list[Group]:
        """Give the empty compounds inside a map along a stream, now that its items are known."""
        held, state.empty = state.empty, []
        return [each for each in held if self._wiring.groups.get(each.path) is each]

    def tasks_of(self, scopes: Iterable[Scope]) -> list[TaskState]:
        """Give all tasks in these scopes, those inside control tasks included."""
        found = []
        for scope in scopes:
            for path in scope.planned.paths:
                task = self._wiring.tasks[path]
                found.append(task)
                found += self.inside(task)
        return found

    def inside(self, state: TaskState) -> list[TaskState]:
        """Give all tasks inside a control task, however deep."""
        return self.tasks_of(state.scopes) if state.unfolds else []

    def forget(self, state: TaskState, inside: Iterable[TaskState]) -> None:
        """Take back what a control task unfolded into."""
        self._wiring.forget(inside, f"{state.planned.path}[")
        state.links = [link for link in state.links if link.port != ITEMS]
        state.rounds = []
        state.scopes = []
        state.scopes_left = 0
        state.scopes_waiting.clear()
        state.empty = []

    def _planned(self, path: str) -> PlannedTask | None:
        state = self._wiring.tasks.get(path)
        return None if state is None else state.planned


def _undecided(state: TaskState) -> TaskState | None:
    """Find the map along a stream, around a task or itself, that may still be unfolded anew."""
    around: TaskState | None = state
    while around is not None and (not around.grows or around.decided):
        around = around.scope.owner if around.scope is not None else None
    return around
