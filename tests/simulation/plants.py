"""Bugs to plant, by name: each must be caught, or the simulation has no teeth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from runner.execution.bodies import Bodies
from runner.execution.chunk_reader import ChunkReader
from runner.execution.memory import MemoryStore
from runner.execution.outcomes import Outcomes
from runner.run.events import TaskRetrying
from runner.run.state import RunState

Patched = list[tuple[type, str, Callable[..., Any]]]


def _resume() -> Patched:
    """The last result that was kept is forgotten at the resume."""
    restore = RunState.restore

    def planted(self, checkpoints, *rest, **more):
        return restore(self, list(checkpoints)[:-1], *rest, **more)

    return [(RunState, "restore", planted)]


def _replay() -> Patched:
    """A reader that comes late misses the first chunks."""
    begin = ChunkReader.__aiter__

    def planted(self):
        cursor: Any = begin(self)
        cursor.index = len(self._stream.chunks) // 2
        return cursor

    return [(ChunkReader, "__aiter__", planted)]


def _provisional() -> Patched:
    """What was read of an attempt under way counts as if it had completed."""
    returned = RunState._on_returned

    def planted(self, event):
        self.tasks[event.path].provisional = 0
        return returned(self, event)

    return [
        (RunState, "_on_returned", planted),
        (RunState, "is_provisional", lambda _self, _path: False),
    ]


def _fencing() -> Patched:
    """A late owner's batch is kept, whatever its epoch and the number of the event before it."""
    commit = MemoryStore.commit

    async def planted(self, batch):
        run = self.runs[batch.run]
        await commit(self, replace(batch, epoch=run.epoch, before=run.seq))

    return [(MemoryStore, "commit", planted)]


def _cancel() -> Patched:
    """Who waits when a run is cancelled is not told."""

    def planted(self, _event):
        self.cancelling = True
        return []

    return [(RunState, "_on_cancelling", planted)]


def _retry() -> Patched:
    """What a failed attempt streamed is not taken back when it is tried again."""
    end = Outcomes._take_end_of_attempt

    def planted(self, event):
        if isinstance(event, TaskRetrying):
            self._executor.apply(event)
        else:
            end(self, event)

    return [(Outcomes, "_take_end_of_attempt", planted)]


def _torn() -> Patched:
    """Events are kept without the results they tell of."""
    commit = MemoryStore.commit

    async def planted(self, batch):
        await commit(self, replace(batch, checkpoints=batch.checkpoints[:-1]))

    return [(MemoryStore, "commit", planted)]


def _early() -> Patched:
    """A task with an effect begins before its start is kept."""
    start = Bodies.start

    def planted(self, command):
        start(self, replace(command, durable=False))

    return [(Bodies, "start", planted)]


PLANTS: dict[str, Callable[[], Patched]] = {
    "resume": _resume,
    "replay": _replay,
    "provisional": _provisional,
    "fencing": _fencing,
    "cancel": _cancel,
    "retry": _retry,
    "torn": _torn,
    "early": _early,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a bug for a while; an empty name plants none."""
    if not name:
        yield
        return
    patched = PLANTS[name]()
    sound = [getattr(owner, attribute) for owner, attribute, _ in patched]
    for owner, attribute, bug in patched:
        setattr(owner, attribute, bug)
    try:
        yield
    finally:
        for (owner, attribute, _), before in zip(patched, sound, strict=True):
            setattr(owner, attribute, before)
