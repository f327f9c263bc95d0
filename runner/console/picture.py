"""Picture: what the tree of a run shows: its status, and a row for each task that is there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from runner.console.drawn import (
    BRANCH,
    COMPOUND,
    FALLBACK,
    FIRST_OF,
    GOES_OVER_ITEMS,
    MERGE,
    WHILE,
    Drawn,
)
from runner.console.lines import TASK_STATUS
from runner.console.words import beside_status, count_of, decided, one_line, unfolded
from runner.execution.memory import STATUS_OF
from runner.execution.store import Entry
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.values import decode
from runner.run import events as happened
from runner.run.moves import OVER

BAR, TAIL, ITEMS = 24, 60, 8
_ENDS = frozenset(status.value for status in OVER)
_GOOD = frozenset({"completed", "cached", "skipped"})
_OPEN_AT_ONCE = frozenset({COMPOUND, FALLBACK, FIRST_OF})
_CHOICES = frozenset({BRANCH, MERGE, FIRST_OF})
#: Control tasks whose unfolding says more than what is drawn inside of them does.
_TELLING = frozenset({WHILE, FALLBACK, FIRST_OF})


@dataclass(slots=True)
class Row:
    """One task in the tree, or one item or turn of a control task, as the events left it.

    `note` is what is said beside the status, `decision` how a control task decided; `width`
    counts the items of a map, `done` the items or turns that are through.
    """

    path: str
    title: str
    drawn: DefinedTask | None = None
    graph: GraphDefinition | None = None
    status: str = "pending"
    fraction: float = 0.0
    message: str = ""
    note: str = ""
    decision: str = ""
    tail: str = ""
    width: int | None = None
    done: int = 0
    rows: "dict[str, Row]" = field(default_factory=dict)

    @property
    def is_scope(self) -> bool:
        """Whether it is an item or a turn, and no task."""
        return self.path.endswith("]")

    @property
    def tasks_inside(self) -> int:
        """How many tasks have to end before an item or a turn is over."""
        return sum(not each.disabled for each in self.graph.tasks) if self.graph else 0


class Shown(NamedTuple):
    """A row at its place in the tree."""

    row: Row
    depth: int
    title: str


class Picture:
    """What a terminal shows of a run."""

    def __init__(
        self, definition: GraphDefinition, workflows: Mapping[str, GraphDefinition] | None = None
    ) -> None:
        self.title = definition.label
        self.status = "queued"
        self.note = ""
        self.drawn = Drawn(definition, workflows or {})
        self.rows: dict[str, Row] = {}
        self._top: dict[str, Row] = {}
        self._add_all(definition, "")

    def take(self, entry: Entry, items: Sequence[str] = ()) -> None:
        """Follow one event; `items` are the encoded chunks that it says are kept."""
        event = entry.event
        status = STATUS_OF.get(type(event))
        path = getattr(event, "path", "")
        if status is not None:
            self.status, self.note = status.value, beside_status(event)
        else:
            self._take_in_row(self._row(path), event, items)

    def visible(self) -> list[Shown]:
        """Give the rows to draw, parents first; of many items, a few that are under way or failed."""
        return list(self._walk(self._top.values(), 0))

    def _walk(self, rows: Iterable[Row], depth: int) -> Iterator[Shown]:
        scopes = 0
        for row in list(rows):
            inside = list(row.rows.values())
            scopes += row.is_scope
            if row.is_scope and scopes > ITEMS:
                continue
            if row.is_scope and row.tasks_inside == 1 and inside:
                yield Shown(inside[0], depth, f"{row.title} {inside[0].title}")
                yield from self._walk(inside[0].rows.values(), depth + 1)
            else:
                yield Shown(row, depth, row.title)
                yield from self._walk(inside, depth + 1)

    # ── growing ──────────────────────────────────────────────────────────────────────────────

    def _add_all(self, graph: GraphDefinition, above: str) -> None:
        for each in graph.tasks:
            self._add(f"{above}{each.id}", each)

    def _row(self, path: str) -> Row:
        return self.rows.get(path) or self._add(path, self.drawn.find(path))

    def _add(self, path: str, drawn: DefinedTask | None) -> Row:
        above = _above(path)
        parent = self._row(above) if above else None
        inside = self.drawn.inside(drawn)
        row = self.rows[path] = Row(path, _title(path, drawn), drawn, inside)
        (self._top if parent is None else parent.rows)[path] = row
        if row.is_scope:
            row.status = "running"
        elif inside is not None and drawn is not None and drawn.type in _OPEN_AT_ONCE:
            self._add_all(inside, f"{path}/")
        return row

    def _forget(self, row: Row) -> None:
        """Take a row away, with all inside."""
        self.rows.pop(row.path, None)
        above = self.rows.get(_above(row.path))
        (self._top if above is None else above.rows).pop(row.path, None)
        self._empty(row)

    def _empty(self, row: Row) -> None:
        for each in list(row.rows.values()):
            self._forget(each)

    # ── what events change ───────────────────────────────────────────────────────────────────

    def _take_in_row(self, row: Row, event: happened.Event, items: Sequence[str]) -> None:
        status = TASK_STATUS.get(type(event))
        if status is not None:
            row.status, row.note = status, beside_status(event).lstrip(",: ")
        if isinstance(event, happened.ChunksStored):
            row.tail = _tail(row.tail, items)
        elif (change := _CHANGES.get(type(event))) is not None:
            change(row, event)
        if isinstance(event, happened.TaskDropped):
            row.width, row.done, row.decision = None, 0, ""
            self._close_scopes(row)
        if status in _ENDS:
            self._close_scopes(row, but_failed=True)
            self._count_over(row)

    def _close_scopes(self, row: Row, *, but_failed: bool = False) -> None:
        for each in list(row.rows.values()):
            if each.is_scope and not (but_failed and each.status == "failed"):
                self._forget(each)

    def _count_over(self, row: Row) -> None:
        """An item or a turn is over with the last of its tasks; what went well is not drawn on."""
        scope = self.rows.get(_above(row.path))
        if scope is None or not scope.is_scope:
            return
        if row.status not in _GOOD:
            scope.status = "failed"
        ended = sum(each.status in _ENDS for each in scope.rows.values())
        if ended >= scope.tasks_inside and scope.status != "failed":
            self.rows[_above(scope.path)].done += 1
            self._forget(scope)


def _begin(row: Row, _event: happened.TaskStarted) -> None:
    row.fraction, row.message, row.tail = 0.0, "", ""


def _progress(row: Row, event: happened.TaskProgressed) -> None:
    row.fraction, row.message = event.fraction, event.message


def _expand(row: Row, event: happened.TaskExpanded) -> None:
    kind = row.drawn.type if row.drawn is not None else ""
    if kind in GOES_OVER_ITEMS:
        row.width = event.decision
    elif kind in _TELLING:
        row.decision = unfolded(event, row.drawn)


def _decide(row: Row, event: happened.TaskDecided) -> None:
    row.decision = decided(event, row.drawn)


def _answered(row: Row, _event: happened.TaskAnswered) -> None:
    row.note = ""


def _stuck(row: Row, _event: happened.TaskStuck) -> None:
    row.note = "stuck"


_CHANGES: dict[type[happened.Event], Callable[[Row, Any], None]] = {
    happened.TaskStarted: _begin,
    happened.TaskProgressed: _progress,
    happened.TaskExpanded: _expand,
    happened.TaskDecided: _decide,
    happened.TaskAnswered: _answered,
    happened.TaskStuck: _stuck,
}


def _above(path: str) -> str:
    """Give the path of the row above: of `each[3]/fetch` it is `each[3]`, of that `each`."""
    return path[: path.rindex("[")] if path.endswith("]") else path.rpartition("/")[0]


def _title(path: str, drawn: DefinedTask | None) -> str:
    if path.endswith("]"):
        index = path[path.rindex("[") :]
        is_turn = drawn is not None and drawn.type == WHILE
        return f"turn {int(index[1:-1]) + 1}" if is_turn else index
    if drawn is not None:
        return drawn.title or drawn.id
    return path.rpartition("/")[2]


def details_of(row: Row) -> str:
    """Say what there is to say about a row, beside its title."""
    if row.width is not None and row.status in {"running", "streaming"}:
        return f"{row.done}/{row.width} {_bar(row.done / max(1, row.width))}"
    if row.status == "running" and row.fraction:
        return f"{_bar(row.fraction)} {one_line(row.message)}"
    if row.status == "streaming":
        return f"… {one_line(row.tail)}" if row.tail else row.decision
    return one_line(row.note) or (_outcome(row) if row.status in _ENDS else row.decision)


def _outcome(row: Row) -> str:
    """Say how a control task that is over had decided."""
    kind = row.drawn.type if row.drawn is not None else ""
    if row.width is not None:
        return count_of(row.width, "item")
    return count_of(row.done, "turn") if kind == WHILE else row.decision if kind in _CHOICES else ""


def _tail(tail: str, items: Iterable[str]) -> str:
    """Let text grow, and show of anything else what came last."""
    for item in items:
        value = decode(item)
        tail = (tail + value)[-TAIL:] if isinstance(value, str) else item[:TAIL]
    return tail


def _bar(fraction: float) -> str:
    full = round(BAR * fraction)
    return f"{'━' * full}{'╌' * (BAR - full)} {fraction:.0%}"
