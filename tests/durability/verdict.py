"""What must hold of a database and an observer, after any death: promises P1, P2 and P3.

Nothing here asks the engine. Each check gives what it found, as sentences; none is best.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.durability.installation import Begun, Installation, dashed

type Task = tuple[str, str]

NUMBERS = "SELECT id, seq FROM workflows_run WHERE id IN :runs"
EVENTS = "SELECT run_id, seq, kind, path FROM workflows_runevent WHERE run_id IN :runs"
CHECKPOINTS = "SELECT run_id, path, seq, value FROM workflows_checkpoint WHERE run_id IN :runs"
WORKING = (
    "SELECT run_id, path FROM workflows_taskrun "
    "WHERE status IN ('running', 'streaming') AND run_id IN :runs"
)
SHOWN = "SELECT run_id, path FROM workflows_taskrun WHERE status = 'completed' AND run_id IN :runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was kept at one moment while nobody wrote: results and bodies at work, and epochs."""

    results: frozenset[Task]
    working: frozenset[Task]
    epochs: Mapping[str, int]

    @classmethod
    def of(cls, installation: Installation, runs: Collection[str] | None = None) -> "Snapshot":
        """Take it: of some runs, or of all."""
        kept = look_at(installation, CHECKPOINTS, runs)
        working = look_at(installation, WORKING, runs)
        return cls(
            results=frozenset(
                (dashed(run), path) for run, path, _, value in kept if is_result(json.loads(value))
            ),
            working=frozenset((dashed(run), path) for run, path in working),
            epochs={
                dashed(run): epoch
                for run, epoch in installation.look("SELECT id, epoch FROM workflows_run")
            },
        )

    def over(self, before: "Snapshot", runs: Collection[str] | None) -> "Snapshot":
        """Add what was known of other runs than those that this one was taken of."""
        if runs is None:
            return self
        others = {task for task in before.results if task[0] not in runs}
        return replace(self, results=self.results | others)


def look_at(
    installation: Installation, query: str, runs: Collection[str] | None
) -> list[tuple[Any, ...]]:
    """Ask about some runs, or about all: `query` says `IN :runs`."""
    every = "(SELECT id FROM workflows_run)"
    ids = ", ".join(f"'{run.replace('-', '')}'" for run in runs or ())
    return installation.look(
        query.replace(":runs", every if runs is None else f"({ids or 'NULL'})")
    )


def is_result(checkpoint: Mapping[str, Any]) -> bool:
    """Whether a checkpoint is a task's result, and not a compound's end or a state on the way."""
    return checkpoint["done"] and not checkpoint.get("ended") and not checkpoint.get("error")


def lost(before: Snapshot, after: Snapshot) -> list[str]:
    """P1. What was kept stays kept. I5: an epoch never falls."""
    gone = [f"{run} lost {path}" for run, path in before.results - after.results]
    fallen = [
        f"the epoch of {run} fell from {epoch} to {after.epochs.get(run)}"
        for run, epoch in before.epochs.items()
        if after.epochs.get(run, -1) < epoch
    ]
    return gone + fallen


def done_again(before: Snapshot, begun: Iterable[Begun]) -> list[str]:
    """P1. What had a result before a life began is not started in it."""
    return [
        f"{each.life} started {each.path} of {each.run} again"
        for each in begun
        if (each.run, each.path) in before.results
    ]


def keys_changed(begun: Iterable[Begun]) -> list[str]:
    """P2. All attempts of a task have one idempotency key."""
    keys: dict[Task, set[str]] = defaultdict(set)
    for each in begun:
        keys[each.run, each.path].add(each.key)
    return [f"{task} has the keys {found}" for task, found in keys.items() if len(found) != 1]


def torn(installation: Installation, runs: Collection[str] | None = None) -> list[str]:
    """P1. A batch is whole or absent: results and their events, and numbers without a hole."""
    numbered = look_at(installation, NUMBERS, runs)
    seqs = {dashed(run): seq for run, seq in numbered}
    told: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
    for run, seq, kind, path in look_at(installation, EVENTS, runs):
        told[dashed(run)][seq] = (kind, path)
    found = [
        f"{run} stands at {seq} and has {len(told[run])} events"
        for run, seq in seqs.items()
        if sorted(told[run]) != list(range(1, seq + 1))
    ]
    return found + _unmatched(installation, told, runs)


def _unmatched(
    installation: Installation,
    told: Mapping[str, Mapping[int, tuple[str, str]]],
    runs: Collection[str] | None,
) -> list[str]:
    results, ended = set(), set()
    for run, path, seq, value in look_at(installation, CHECKPOINTS, runs):
        checkpoint = json.loads(value)
        if is_result(checkpoint):
            results.add((dashed(run), path, seq))
        elif checkpoint.get("ended") == "compound":
            ended.add((dashed(run), path, seq))
    said = {
        (run, path, seq)
        for run, events in told.items()
        for seq, (kind, path) in events.items()
        if kind == "TaskCompleted"
    }
    shown = {(dashed(run), path) for run, path in look_at(installation, SHOWN, runs)}
    kept = {(run, path) for run, path, _ in results | ended}
    return [
        *(f"{each} has a result and no event" for each in results - said),
        *(f"{each} has an event and no result" for each in said - results - ended),
        *(f"{each} is shown as completed and has no result" for each in shown - kept),
        *(
            f"{run} has a result of {path} that is not shown"
            for run, path, _ in results
            if (run, path) not in shown
        ),
    ]


def started_after_result(installation: Installation) -> list[str]:
    """I6. No event says that a task started after it had a result."""
    rows = installation.look(
        "SELECT started.run_id, started.path FROM workflows_runevent started "
        "JOIN workflows_runevent ended ON ended.run_id = started.run_id "
        "AND ended.path = started.path AND ended.kind = 'TaskCompleted' "
        "AND started.kind = 'TaskStarted' AND started.seq > ended.seq"
    )
    return [f"{path} of {run} started after its result" for run, path in rows]


def damaged(installation: Installation) -> list[str]:
    """Whether SQLite finds its file whole; a server looks after its own."""
    if installation.environment["DATABASE_URL"]:
        return []
    found = [row[0] for row in installation.look("PRAGMA integrity_check")]
    return [] if found == ["ok"] else found


def wrong(installation: Installation, runs: Collection[str], expected: int) -> list[str]:
    """Compare what runs gave with what was worked out without the engine."""
    found = {
        dashed(run): (status, outputs)
        for run, status, outputs in installation.look(
            "SELECT id, status, outputs FROM workflows_run"
        )
    }
    right = ("completed", {"result": expected})
    return [
        f"{run} is {found[run]}"
        for run in runs
        if (found[run][0], json.loads(found[run][1])) != right
    ]


def whole(installation: Installation) -> list[str]:
    """All that must hold at any moment at which nobody writes."""
    return [
        *torn(installation),
        *started_after_result(installation),
        *damaged(installation),
        *keys_changed(installation.begun()),
    ]
