"""Following a run in a terminal: its kept events, in their order, however many processes there are."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import Exists, OuterRef

from runner.console import Renderer, exit_code_of, with_signals
from runner.errors import RunnerError
from runner.execution.store import Entry
from runner.graph.definition import GraphDefinition
from runner.run.events import ChunksStored, event_from_json
from runner.run.status import RunStatus
from workflows import background
from workflows.beside import whole_event, whole_items
from workflows.models import Chunk, Run, RunEvent, RunRequest
from workflows.owners import OwnerLocks

POLL_SECONDS = 0.2
EVENTS_AT_ONCE = 2000
#: A run awaits nothing for a moment while what lost a race is being cancelled.
GRACE_SECONDS = 2.0
#: What a run waits for that comes by itself.
BY_ITSELF = frozenset({"time", "storage"})
STANDING_STILL = frozenset({RunStatus.AWAITING, RunStatus.PAUSED})


def follow(run: Run, follower: "Follower", *, as_json: bool) -> int:
    """Show a run until it is over or stands still; give the exit code that says how it is."""
    renderer = Renderer(
        GraphDefinition.from_json(run.version.definition),
        sys.stdout,
        as_json=as_json,
        workflows=_pinned(run),
    )
    try:
        status = asyncio.run(follower.follow(run.pk, renderer))
    except KeyboardInterrupt:
        status = RunStatus.CANCELLED.value
    finally:
        renderer.close()
    return exit_code_of(status)


def _pinned(run: Run) -> dict[str, GraphDefinition]:
    """Give the workflows that the run is made of, as far as they can still be read."""
    found = {}
    for name, text in json.loads(run.workflows).items():
        try:
            found[name] = GraphDefinition.from_json(text)
        except RunnerError:
            continue
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands: its status, what it awaits, and whether its owner has yet to hear."""

    status: str
    reason: str
    is_asked: bool

    @property
    def needs_a_person(self) -> bool:
        """Whether nothing goes on before somebody does something."""
        return self.status in STANDING_STILL and self.reason not in BY_ITSELF


class Follower:
    """Follows one run to its end.

    `stay` keeps it there while the run needs a person. `interrupt` is what Ctrl+C does first;
    without one it ends the following, and the run goes on. One that may drive drives the run in
    this process for as long as no other would.
    """

    def __init__(
        self,
        *,
        stay: bool = False,
        may_drive: bool = False,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        self._stay = stay
        self._may_drive = may_drive
        self._interrupt = interrupt
        self._cursor = 0
        self._is_driving = False
        self._is_interrupted = False
        self._stood = 0.0

    async def follow(self, run: UUID, renderer: Renderer) -> str:
        """Show the run's events until it is over or needs a person; give its status."""
        if self._interrupt is not None:
            with_signals(self._note_interrupt, close=renderer.close)
        try:
            while True:
                standing, shown = await asyncio.to_thread(_read, run, self._cursor)
                for entry, items in shown:
                    renderer.show(entry, items)
                    self._cursor = entry.seq
                if not shown and self._is_done(standing):
                    return standing.status
                await self._act()
                await asyncio.sleep(0 if len(shown) == EVENTS_AT_ONCE else POLL_SECONDS)
        finally:
            await background.stop()

    def _note_interrupt(self) -> None:
        self._is_interrupted = True

    def _is_done(self, standing: Standing) -> bool:
        if standing.is_asked:
            return False
        if RunStatus(standing.status).is_over:
            return True
        self._stood = self._stood + POLL_SECONDS if standing.needs_a_person else 0.0
        return not self._stay and self._stood >= GRACE_SECONDS

    async def _act(self) -> None:
        if self._may_drive and not self._is_driving and not await asyncio.to_thread(_is_served):
            self._is_driving = True
            await background.start()
        if self._is_interrupted and self._interrupt is not None:
            self._is_interrupted = False
            await asyncio.to_thread(self._interrupt)
            background.wake()


def cancelling(run: Run, person: User) -> Callable[[], None]:
    """Give what asks for a run's end in a person's name, from any thread."""

    def cancel() -> None:
        try:
            run.request("cancel", person)
        finally:
            connections.close_all()

    return cancel


def _is_served() -> bool:
    """Whether a process that drives runs uses this data directory."""
    locks = OwnerLocks(settings.DATA_DIR / "owners")
    return any(not locks.is_dead(owner) for owner in locks.known())


type Shown = tuple[Entry, tuple[str, ...]]


def _read(run: UUID, cursor: int) -> tuple[Standing, Sequence[Shown]]:
    """Read the status first: what a run that is over said last is then among the events."""
    try:
        asked = Exists(RunRequest.objects.filter(run=OuterRef("pk"), handled_at=None))
        found = Run.objects.annotate(is_asked=asked).values("status", "reason", "is_asked")
        standing = Standing(**found.get(pk=run))
        rows = (
            RunEvent.objects.filter(run=run, seq__gt=cursor)
            .select_related("run")
            .order_by("seq")[:EVENTS_AT_ONCE]
        )
        return standing, [_shown(run, row) for row in rows]
    finally:
        connections.close_all()


def _shown(run: UUID, row: RunEvent) -> Shown:
    team = str(row.run.team_id)
    event: Any = whole_event(team, event_from_json(row.kind, json.loads(row.payload)))
    items: tuple[str, ...] = ()
    if isinstance(event, ChunksStored):
        chunk = Chunk.objects.filter(
            run=run, path=event.path, port=event.port, attempt=event.attempt, first=event.first
        ).first()
        items = whole_items(team, chunk.items) if chunk else ()
    return Entry(row.seq, row.at, event), items
