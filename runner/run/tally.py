"""Tally: how many tasks are open, done and failed, and how far the bar is."""

from collections.abc import Collection, Iterable

from runner.run.moves import GOOD, OVER
from runner.run.progress import Progress
from runner.run.status import TaskStatus
from runner.run.task_state import TaskState


class Tally:
    """Counts the tasks of one run; what unfolds is counted by what is inside."""

    __slots__ = ("_done", "_failed", "_fraction", "_leaves", "left")

    def __init__(self) -> None:
        #: Tasks that are not over.
        self.left = 0
        self._leaves = self._done = self._failed = 0
        self._fraction = 0.0

    @property
    def progress(self) -> Progress:
        """How far the run is now; full only when nothing more can come."""
        full = not self.left and self._done == self._leaves
        return Progress(
            done=self._done,
            total=self._leaves,
            failed=self._failed,
            fraction=1.0 if full else min(1.0, self._fraction),
        )

    def add(self, tasks: int) -> None:
        """Count new tasks."""
        self.left += tasks
        self._leaves += tasks

    def unfolds(self) -> None:
        """Count a control no longer as a task of its own: what is inside counts."""
        self._leaves -= 1

    def over(self, state: TaskState, status: TaskStatus) -> None:
        """Count a task that is over."""
        self.left -= 1
        good = status in GOOD
        if state.control is None or not state.has_unfolded:
            self._done += good
            self._failed += status is TaskStatus.FAILED
            self._fraction += state.share if good else 0.0
        elif good and not state.is_filled_inside:
            self._fraction += state.share

    def forgive(self, inside: Iterable[TaskState]) -> None:
        """Count no longer what a race lost or an alternative left undone: nobody needs it."""
        for each in inside:
            if each.has_unfolded or each.forgiven or each.status in GOOD:
                continue
            each.forgiven = True
            self._leaves -= 1
            self._failed -= each.status is TaskStatus.FAILED

    def take_back(self, inside: Collection[TaskState]) -> None:
        """Count what a control had unfolded into no longer, but the control itself again."""
        self.left -= sum(each.status not in OVER for each in inside)
        leaves = [each for each in inside if not each.has_unfolded and not each.forgiven]
        self._leaves -= len(leaves) - 1
        self._done -= sum(each.status in GOOD for each in leaves)
