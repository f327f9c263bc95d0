"""What a guest may see of a run: made anew from named fields, so that nothing else can be in it.

Whatever a page of the team shows besides (inputs, errors, logs, words of progress, who, why) is
not taken out here: it is never taken in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.models import Run, ShareLink
from workflows.models.kept import HANDLED
from workflows.outline import Outline, outline_for
from workflows.ports import public_ports
from workflows.reading import rows_of
from workflows.rows import AWAITED, Row
from workflows.stalls import as_shown

#: The reasons that are words of ours; any other may hold what a task said.
_SAID = frozenset({*AWAITED, HANDLED, "cache"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of a run a link shows: one task or all (an empty path), and the values of `ports`."""

    task: str = ""
    ports: frozenset[tuple[str, str]] = frozenset()

    def has(self, path: str) -> bool:
        """Whether a task is shown: the one, or what is inside of it."""
        return not self.task or path == self.task or path.startswith(f"{self.task}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRun:
    """All that a guest's page knows of the run as a whole, or of the one task that it shows."""

    title: str
    status: str
    is_over: bool
    seq: int
    done: int
    total: int
    started_at: datetime | None
    ended_at: datetime | None
    waits: str = ""

    @property
    def permille(self) -> int:
        """How far it is."""
        return round(1000 * self.done / self.total) if self.total else 0


def scope_of(link: ShareLink) -> Scope:
    """Give what a link shows; a port that has become secret meanwhile is no longer among it."""
    return scope_in(outline_for(link.run), link.task, link.port_pairs)


def scope_in(outline: Outline, task: str, ports: frozenset[tuple[str, str]]) -> Scope:
    """Give a scope with those of the ports that may be shown and that stand in it."""
    whole = Scope(task=task)
    shown = (pair for pair in shareable_ports(outline) if whole.has(pair[0]))
    return replace(whole, ports=ports & frozenset(shown))


def shareable_ports(outline: Outline) -> list[tuple[str, str]]:
    """Give the outputs that may be allowed to guests, as path and port: none that is secret."""
    return [(place.path, port) for place in outline.places.values() for port in public_ports(place)]


def guest_rows(run: Run, scope: Scope) -> dict[str, Row]:
    """Give the rows that a guest may see, each with no more than a guest may see of it."""
    rows = rows_of(run, {path for path, _ in scope.ports})
    lifted = rows[scope.task].depth if scope.task in rows else 0
    return {
        path: guest_row(row, scope, depth=row.depth - lifted)
        for path, row in rows.items()
        if scope.has(path)
    }


def guest_row(row: Row, scope: Scope, *, depth: int) -> Row:
    """Give a row made of what a guest may see: names, states, times, counts, allowed streams."""
    return Row(
        path=row.path,
        title=row.title,
        kind=row.kind,
        depth=depth,
        number=row.number,
        status=row.status,
        attempt=row.attempt,
        started_at=row.started_at,
        first_chunk_at=row.first_chunk_at,
        ended_at=row.ended_at,
        fraction=row.fraction,
        reason=row.reason if row.reason in _SAID else "",
        taken=row.taken,
        width=row.width,
        shape=f"×{row.width}" if row.kind == "map" and row.width is not None else "",
        done=row.done,
        total=row.total,
        counts=row.counts,
        streams={
            port: stream for port, stream in row.streams.items() if (row.path, port) in scope.ports
        },
    )


def guest_run(run: Run, scope: Scope, rows: Mapping[str, Row]) -> GuestRun:
    """Give what a guest may see of the run as a whole, or of the one task that is shown."""
    run = as_shown(run)
    row = rows.get(scope.task)
    facts: dict[str, Any] = {"is_over": run.is_over, "seq": run.seq}
    if row is None:
        return GuestRun(
            title=run.version.workflow.title,
            status=run.status,
            done=run.done,
            total=run.total,
            started_at=run.started_at,
            ended_at=run.ended_at,
            waits=AWAITED.get(run.reason, "") if run.status == "awaiting" else "",
            **facts,
        )
    return GuestRun(
        title=row.title,
        status=row.status,
        done=row.done if row.is_group else int(row.status in _DONE),
        total=row.total if row.is_group else 1,
        started_at=row.started_at,
        ended_at=row.ended_at,
        waits=row.why,
        **facts,
    )


_DONE = frozenset({"completed", "cached", "skipped"})
