"""Trial runs of a draft: what is run of it, and which results of the last run it may take."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from runner.errors import DefinitionError, PlanError
from runner.graph.checking import CheckedGraph, examine
from runner.graph.definition import GraphDefinition
from runner.graph.loops import Map
from runner.graph.planning import plan
from runner.graph.registry import TaskRegistry
from runner.graph.values import decode
from runner.run.status import RunStatus
from workflows.large_values import reference_in
from workflows.models import Run, Workflow
from workflows.sides import sides_of

#: So many letters may the results of one task have that a trial takes instead of running it.
LETTERS = 64 * 1024
DIGITS = 6
_OVER = [status.value for status in RunStatus if status.is_over]

type Outputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialWish:
    """What a person wishes to try: one task only, all up to a task, or (neither) everything.

    `pinned` names the tasks whose results are given and not run for; None: as is best. `item` is
    the number of the one item, counted from 1, that an only map goes through, as it was typed.
    """

    only: str = ""
    until: str = ""
    item: str = ""
    pinned: tuple[str, ...] | None = None

    @classmethod
    def read(cls, given: QueryDict, *, is_sent: bool) -> "TrialWish":
        """Read what an address or a form says; only a form that was sent says what is pinned."""
        pinned = tuple(given.getlist("pin")) if is_sent else None
        return cls(
            only=given.get("only", ""),
            until=given.get("until", ""),
            item=given.get("item", "").strip(),
            pinned=pinned,
        )

    @property
    def index(self) -> int | None:
        """The item's index; None for all items. Raises DefinitionError for what is no number."""
        if not (self.only and self.item):
            return None
        number = int(self.item) if self.item.isdecimal() and len(self.item) <= DIGITS else 0
        if not number:
            raise DefinitionError("Say which item to run by its number: 1 is the first.")
        return number - 1

    @property
    def words(self) -> str:
        """Say what is tried, as a label."""
        if self.only and self.item:
            return f"only item {self.item[:DIGITS]} of {self.only}"
        if self.only:
            return f"only {self.only}"
        return f"up to {self.until}" if self.until else "the whole draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A task that need not run: the last run has its results, or a person pinned some."""

    path: str
    title: str
    is_taken: bool
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trying:
    """A trial as it is about to begin: its pins, and the options of its run.

    `over_items` says that the only task is a map, so that one item of it can be run; `label` is
    what the run is called if nobody says otherwise; `fault` what is wrong with the wish.
    """

    definition: GraphDefinition
    registry: TaskRegistry
    pins: tuple[Pin, ...]
    options: Mapping[str, Any]
    over_items: bool = False
    label: str = ""
    fault: str = ""

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Raise PlanError when it cannot run like this, InputsError when inputs do not fit."""
        if self.fault:
            raise PlanError(self.fault)
        plan(self.definition, inputs, self.registry, **self.options)


def trying(
    definition: GraphDefinition,
    registry: TaskRegistry,
    wish: TrialWish,
    last: Run | None,
    kept: Mapping[str, Outputs],
) -> Trying:
    """Work out what a trial of a draft takes as given, and what it runs.

    What a person pinned (`kept`) is taken unless they say otherwise; of the results of the last
    run only what the task to run needs.
    """
    checked = examine(definition, registry)
    known = {} if last is None else dict(results_of_tasks(last, checked))
    known |= {path: outputs for path, outputs in kept.items() if path in checked.tasks}
    known.pop(wish.only or wish.until, None)
    best = _needed(checked, wish.only) | kept.keys()
    taken = best if wish.pinned is None else set(wish.pinned)
    options, fault = _options(wish)
    if pins := {path: known[path] for path in known if path in taken}:
        options["pins"] = pins
    return Trying(
        definition=definition,
        registry=registry,
        pins=tuple(_pin(checked, path, taken, kept) for path in known),
        options=options,
        over_items=isinstance(checked.tasks.get(wish.only), Map),
        label=wish.words if wish.item else "",
        fault=fault,
    )


def _options(wish: TrialWish) -> tuple[dict[str, Any], str]:
    """Give what the plan is told, and what is wrong with the wish."""
    options: dict[str, Any] = {"draft": True}
    if wish.only or wish.until:
        options["only" if wish.only else "until"] = [wish.only or wish.until]
    try:
        index = wish.index
    except DefinitionError as fault:
        return options, fault.sentence
    if index is not None:
        options["items"] = {wish.only: index}
    return options, ""


def _pin(checked: CheckedGraph, path: str, taken: Collection[str], kept: Collection[str]) -> Pin:
    title = checked.definition.task(path).title or checked.tasks[path].title or path
    return Pin(path=path, title=title, is_taken=path in taken, is_kept=path in kept)


def last_run_of(workflow: Workflow) -> Run | None:
    """Give the newest run that is over and whose results are still there."""
    runs = Run.objects.filter(version__workflow=workflow, status__in=_OVER, pruned="")
    return runs.select_related("version").order_by("-created_at").first()


def results_of_tasks(run: Run, checked: CheckedGraph) -> dict[str, Outputs]:
    """Give what tasks of a draft gave in a run, by port; only what is whole and not too long."""
    sides = sides_of(run)
    found: dict[str, Outputs] = {}
    for each in checked.order:
        side = sides.get(each.id) if each.id in checked.tasks else None
        texts = side.outputs if side and not side.unread else None
        if texts and _is_short(texts):
            ports = checked.tasks[each.id].outputs
            found[each.id] = {port: decode(texts[port]) for port in texts if port in ports}
    return {path: outputs for path, outputs in found.items() if outputs}


def _is_short(texts: Mapping[str, str]) -> bool:
    is_whole = all(reference_in(text) is None for text in texts.values())
    return is_whole and sum(map(len, texts.values())) <= LETTERS


def _needed(checked: CheckedGraph, only: str) -> set[str]:
    """Name the tasks that the only one takes something from."""
    if only not in checked.tasks:
        return set()
    return {source for ends in checked.feeds[only].values() for source, _ in ends}
