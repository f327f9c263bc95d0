"""Rounds: what a control task does next: unfold, take a way, try again, settle."""

from collections.abc import Callable, Iterable

from runner.run import events as happened
from runner.run import groups
from runner.run.commands import (
    Command,
    CompleteTask,
    DecideTask,
    PushItem,
    Record,
    SettleTask,
)
from runner.run.giving_up import cancel
from runner.run.moves import LIVE
from runner.run.scopes import Scopes
from runner.run.tally import Tally
from runner.run.task_state import Scope, TaskState
from runner.run.wiring import ITEMS, Wiring

#: Why a task is skipped that was disabled, or that cannot be without one that was.
DISABLED = "disabled"

type Start = Callable[[Iterable[TaskState]], list[Command]]


def conclude(state: TaskState) -> list[Command]:
    """Nothing that a task read can change any more, and it has returned: it is to complete."""
    path = state.planned.path
    if state.grows:
        return [Record(happened.TaskDecided(path, len(state.scopes)))]
    return [CompleteTask(path) if state.control is None else SettleTask(path)]


class Rounds:
    """The control tasks of one run; `start` gives the commands for tasks that may begin."""

    def __init__(self, wiring: Wiring, scopes: Scopes, tally: Tally, start: Start) -> None:
        self._wiring = wiring
        self._scopes = scopes
        self._tally = tally
        self._start = start

    def on_expanded(self, event: happened.TaskExpanded) -> list[Command]:
        """Add what a control unfolded into."""
        state = self._wiring.tasks[event.path]
        unfolded = self._scopes.unfold(state, event.decision)
        state.error = None
        if len(state.rounds) == 1:
            self._tally.unfolds()
        self._tally.add(len(unfolded.tasks))
        commands: list[Command] = [
            Record(happened.TaskSkipped(path, DISABLED)) for path in unfolded.skipped
        ]
        commands += map(Record, groups.unsaid(unfolded.empty))
        commands += self._start(unfolded.ready)
        for scope in unfolded.scopes:
            if not scope.left:
                commands += self.over(scope)
        if not unfolded.scopes and not state.grows:
            commands += self._round_over(state)
        return commands

    def on_decided(self, event: happened.TaskDecided) -> list[Command]:
        """Take in which way a branch goes, who won a race, or how wide a map along a stream is."""
        state = self._wiring.tasks[event.path]
        state.decided = True
        if state.unfolds:
            state.choice = event.decision
            ready, final = self._wiring.settled(state, (ITEMS,))
            concluded = [command for each in final for command in conclude(each)]
            concluded += map(Record, groups.unsaid(self._scopes.empty(state)))
            return concluded + self._start(ready) + self._settle_decided(state)
        state.rounds = [event.decision]
        not_taken = self._scopes.not_taken(state)
        if not not_taken:
            return []
        state.not_taken = not_taken
        self._wiring.some_not_taken = True
        ready, _ = self._wiring.settled(state, not_taken)
        return self._start(ready)

    def go_on(self, state: TaskState) -> list[Command]:
        """Let a control go on that was unfolded when its run was interrupted."""
        if state.races and state.scopes:
            return self._race_on(state)
        return [] if state.scopes_left else self._round_over(state)

    def over(self, scope: Scope) -> list[Command]:
        """Take in that all tasks of an item, a turn or an alternative are over."""
        owner = scope.owner
        owner.scopes_left -= 1
        if owner.status not in LIVE:
            return []
        commands = self._start(self._scopes.admit(owner))
        if owner.streams_items and scope.error is None:
            commands.append(PushItem(owner.planned.path, scope.index))
        # A failed alternative is past once there is another one.
        told = owner.scopes[-1] if owner.goes_again_after("failure") else scope
        owner.error = owner.error or told.error
        if owner.races:
            return commands + self._race(owner, scope)
        if owner.scopes_left or (owner.grows and not owner.decided):
            return commands
        return commands + self._round_over(owner)

    def _settle_decided(self, state: TaskState) -> list[Command]:
        if state.races:
            losers = [each for each in state.scopes if each.index != state.choice]
            return [*cancel(self._scopes.tasks_of(losers)), SettleTask(state.planned.path)]
        return [] if state.scopes_left else self._round_over(state)

    def _race(self, owner: TaskState, scope: Scope) -> list[Command]:
        if owner.decided:
            return []
        if scope.error is None:
            return [Record(happened.TaskDecided(owner.planned.path, scope.index))]
        return [] if owner.scopes_left else self._round_over(owner)

    def _race_on(self, owner: TaskState) -> list[Command]:
        """Let a race go on, which may have been won with nobody left to say so."""
        if owner.decided:
            return self._settle_decided(owner)
        ended = [each for each in owner.scopes if not each.left]
        won = [each for each in ended if each.error is None]
        return self._race(owner, won[0]) if won else self._race(owner, ended[0]) if ended else []

    def _round_over(self, owner: TaskState) -> list[Command]:
        path, error = owner.planned.path, owner.error
        if owner.goes_again_after("success" if error is None else "failure"):
            return [DecideTask(path)]
        if error is None:
            return [SettleTask(path)]
        handled = owner.planned.handles_error
        return [Record(happened.TaskFailed(path, owner.attempt, error, handled))]
