"""`manage.py run_workflow NAME --input k=v --as USER`: run a workflow and watch it."""

import asyncio
import json
import logging
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from runner.console import USAGE, Renderer, exit_code_of, read_inputs, with_signals
from runner.errors import RunnerError
from runner.execution.store import Entry
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.run.events import ChunksStored, event_from_json
from runner.run.status import RunStatus
from workflows import background
from workflows.artifacts import keep_file_for
from workflows.beside import whole_event, whole_items
from workflows.forms import LONGEST_LABEL
from workflows.models import Chunk, Right, Run, RunEvent, Workflow
from workflows.models.workflow import registry_with
from workflows.owners import OwnerLocks

POLL_SECONDS = 0.2
EVENTS_AT_ONCE = 2000


class Command(BaseCommand):
    """Run a workflow in a person's name and show what happens.

    A server that uses the same data drives the run; without one, this process does.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which workflow, with what, in whose name."""
        parser.add_argument("name", help="a workflow's name, or team/name")
        parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--label", default="", help="what the run is called in lists")
        parser.add_argument("--as", dest="person", required=True, help="username")
        parser.add_argument("--json", action="store_true", help="one JSON object an event")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the run, follow it to its end, leave with the exit code that says how it went."""
        person = User.objects.filter(username=options["person"], is_active=True).first()
        if person is None:
            raise CommandError(f"There is no user {options['person']!r}.", returncode=USAGE)
        workflow = _workflow_of(person, options["name"])
        # A line in the log would tear the tree apart.
        logging.getLogger("workflows.background").setLevel(logging.WARNING)
        run, definition = _start(workflow, person, options["input"], options["label"])
        renderer = Renderer(definition, sys.stdout, as_json=options["json"])
        try:
            status = asyncio.run(_Watch(run, person, renderer).follow())
        except KeyboardInterrupt:
            status = RunStatus.CANCELLED.value
        finally:
            renderer.close()
        if code := exit_code_of(status):
            sys.exit(code)


def _workflow_of(person: User, name: str) -> Workflow:
    team, _, last = name.rpartition("/")
    found = Workflow.objects.visible_to(person, Right.RUN).filter(name=last)
    if team:
        found = found.filter(team__slug=team)
    workflows = list(found.select_related("team")[:2])
    if len(workflows) > 1:
        raise CommandError(
            f"Several teams have a workflow {last!r}; write TEAM/{last}.", returncode=USAGE
        )
    if not workflows:
        raise CommandError(f"{person} has no workflow {name!r} to run.", returncode=USAGE)
    return workflows[0]


def _start(
    workflow: Workflow, person: User, pairs: list[str], label: str
) -> tuple[Run, GraphDefinition]:
    if len(label) > LONGEST_LABEL:
        raise CommandError(f"A label has at most {LONGEST_LABEL} characters.", returncode=USAGE)
    version = workflow.latest
    if version is None:
        raise CommandError(f"{workflow} has no version yet.", returncode=USAGE)
    try:
        definition = GraphDefinition.from_json(version.definition)
        inputs = read_inputs(definition, pairs, keep_file_for(str(workflow.team_id)))
        pinned = Workflow.objects.pinned(version, person)
        plan(definition, inputs, registry_with(pinned))
        return Run.objects.start(version, person, inputs, label=label, workflows=pinned), definition
    except RunnerError as fault:
        raise CommandError(str(fault), returncode=USAGE) from fault


class _Watch:
    """Follows one run to its end; drives it here for as long as no other process would."""

    def __init__(self, run: Run, person: User, renderer: Renderer) -> None:
        self._run = run
        self._person = person
        self._renderer = renderer
        self._cursor = 0
        self._is_driving = False
        self._cancelled = False

    async def follow(self) -> str:
        """Show the run's events until it is over; give its status."""
        with_signals(self._cancel)
        try:
            while True:
                status, shown = await asyncio.to_thread(_read, self._run.pk, self._cursor)
                self._show(shown)
                if not shown and RunStatus(status).is_over:
                    return status
                await self._act()
                await asyncio.sleep(0 if len(shown) == EVENTS_AT_ONCE else POLL_SECONDS)
        finally:
            await background.stop()

    def _cancel(self) -> None:
        self._cancelled = True

    def _show(self, shown: list[tuple[Entry, tuple[str, ...]]]) -> None:
        for entry, items in shown:
            self._renderer.show(entry, items)
            self._cursor = entry.seq

    async def _act(self) -> None:
        if not self._is_driving and not await asyncio.to_thread(_is_served):
            self._is_driving = True
            await background.start()
        if self._cancelled:
            self._cancelled = False
            await asyncio.to_thread(_ask_to_cancel, self._run, self._person)
            background.wake()


def _ask_to_cancel(run: Run, person: User) -> None:
    try:
        run.request("cancel", person)
    finally:
        connections.close_all()


def _is_served() -> bool:
    """Whether a process that drives runs uses this data directory."""
    locks = OwnerLocks(settings.DATA_DIR / "owners")
    return any(not locks.is_dead(owner) for owner in locks.known())


def _read(run: UUID, cursor: int) -> tuple[str, list[tuple[Entry, tuple[str, ...]]]]:
    """Read the status first: what a run that is over said last is then among the events."""
    try:
        status = Run.objects.values_list("status", flat=True).get(pk=run)
        rows = (
            RunEvent.objects.filter(run=run, seq__gt=cursor)
            .select_related("run")
            .order_by("seq")[:EVENTS_AT_ONCE]
        )
        return status, [_shown(run, row) for row in rows]
    finally:
        connections.close_all()


def _shown(run: UUID, row: RunEvent) -> tuple[Entry, tuple[str, ...]]:
    team = str(row.run.team_id)
    event = whole_event(team, event_from_json(row.kind, json.loads(row.payload)))
    items: tuple[str, ...] = ()
    if isinstance(event, ChunksStored):
        chunk = Chunk.objects.filter(
            run=run, path=event.path, port=event.port, attempt=event.attempt, first=event.first
        ).first()
        items = whole_items(team, chunk.items) if chunk else ()
    return Entry(row.seq, row.at, event), items
