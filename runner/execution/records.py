"""Records: what is kept of tasks that are not over: unfoldings, decisions, saved state."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from runner.run.checkpoint import SavedState, TaskCheckpoint


class Records:
    """The latest record of each task that has one; every change gives the whole record anew."""

    def __init__(self, kept: Iterable[TaskCheckpoint]) -> None:
        self._kept = {each.path: each for each in kept}

    def decisions(self, path: str) -> dict[str, Any]:
        """Give what a task has decided by name."""
        kept = self._kept.get(path)
        return kept.decisions if kept is not None else {}

    def saved(self, path: str) -> SavedState | None:
        """Give the state a body kept; None if it kept none."""
        kept = self._kept.get(path)
        return kept.saved if kept is not None else None

    def changed(self, path: str, attempt: int, seq: int, **changes: Any) -> TaskCheckpoint:
        """Give the record of a task with these changes, to be kept with event `seq`."""
        kept = self._kept.get(path)
        if kept is None:
            kept = TaskCheckpoint(path=path, attempt=attempt, seq=seq, done=False, **changes)
        else:
            kept = replace(kept, attempt=attempt, seq=seq, **changes)
        self._kept[path] = kept
        return kept

    def ended(self, path: str, attempt: int, seq: int, **end: Any) -> TaskCheckpoint:
        """Give the last record of a task, with its end."""
        kept = self._kept.pop(path, None) if self._kept else None
        if kept is None:
            return TaskCheckpoint(path=path, attempt=attempt, seq=seq, **end)
        return replace(kept, attempt=attempt, seq=seq, done=True, saved=None, **end)
