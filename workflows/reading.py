"""What pages read of a run: its rows, merged with the outline of its definition."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import F, Max, Q, Sum

from runner.errors import RunnerError
from runner.graph.checking import examine
from runner.graph.definition import GraphDefinition
from runner.graph.trial import Trial
from runner.graph.values import decode
from runner.run.status import TaskStatus
from workflows.as_run import Differing, KeptTask, differing
from workflows.inside import OPEN, row_of, with_items
from workflows.large_values import reference_in, whole
from workflows.models import Chunk, Run, RunEvent, TaskRun
from workflows.models.kept import HANDLED
from workflows.models.workflow import registry_with
from workflows.outline import CHOICES, Outline, Place, outline_for
from workflows.ports import output_port
from workflows.rows import FAILED, SETTLED, Count, Row, Streamed, counted, status_of_group

TAIL = 60
BATCHES_OF_A_TAIL = 12


def rows_of(run: Run, streams_of_paths: Collection[str] | None = None) -> dict[str, Row]:
    """Give a row for every task of the definition, started or not, in the definition's order.

    With `streams_of_paths`, only these rows say what they stream.
    """
    outline = outline_for(run)
    kept = _kept(run, outline)
    streams = read_streams(run, streams_of_paths)
    rows: dict[str, Row] = {}
    for place in reversed(list(outline.places.values())):
        row = row_of(place, kept.get(place.path), streams.get(place.path, {}))
        if place.is_closed:
            row = with_items(row, place, run)
        elif place.kind == "compound":
            row = _with_inside(row, place, rows)
        rows[place.path] = row
    rows |= _left_over(outline, rows)
    problems = _culprits(run, [row for row in rows.values() if row.status == "upstream-failed"])
    return {path: problems.get(path, rows[path]) for path in outline.places}


def _kept(run: Run, outline: Outline) -> dict[str, TaskRun]:
    """Read what is kept of the tasks that stand in the outline."""
    kept = run.task_runs.defer("detail")
    if any(place.is_closed for place in outline.places.values()):
        # There may be thousands of items, which have no row of their own.
        kept = kept.filter(path__in=list(outline.places))
    return {each.path: each for each in kept}


def _left_over(outline: Outline, rows: Mapping[str, Row]) -> dict[str, Row]:
    """Give the rows of alternatives that were not needed, or whose failure led to the next."""
    found: dict[str, Row] = {}
    for place in outline.places.values():
        if place.type in CHOICES and rows[place.path].status in SETTLED and place.body:
            for inner in place.body.walk():
                if rows[inner.path].status == "pending":
                    found[inner.path] = replace(
                        rows[inner.path], status="skipped", reason="it was not needed"
                    )
                elif rows[inner.path].status == "failed":
                    found[inner.path] = replace(rows[inner.path], reason=HANDLED)
    return found


def _with_inside(row: Row, place: Place, rows: Mapping[str, Row]) -> Row:
    inside = [rows[each.path] for each in place.body.places] if place.body else []
    statuses: dict[str, int] = {}
    for each in inside:
        statuses[each.status] = statuses.get(each.status, 0) + 1
    status = row.status if row.status not in OPEN else _status_inside(statuses, len(inside))
    done = sum(each.done if each.is_group else each.status in SETTLED for each in inside)
    total = sum(each.total if each.is_group else 1 for each in inside)
    is_settled = place.type in CHOICES and row.status in SETTLED
    return replace(
        row,
        status=status,
        done=done,
        total=done if is_settled else total,
        counts=_counts_inside(inside, is_settled=is_settled),
        started_at=row.started_at or min(_times(each.started_at for each in inside), default=None),
    )


def _counts_inside(inside: Iterable[Row], *, is_settled: bool) -> tuple[Count, ...]:
    """Count the tasks inside of a compound; a failure that something deals with is none."""
    numbers: Counter[str] = Counter()
    for each in inside:
        if each.is_group:
            numbers.update({count.status: count.number for count in each.counts})
        elif not each.is_handled:
            numbers[each.status] += 1
    if is_settled:
        for status in FAILED:
            numbers.pop(status, None)
    return counted(numbers)


def _status_inside(statuses: Mapping[str, int], total: int) -> str:
    begun = {status: number for status, number in statuses.items() if status != "pending"}
    return status_of_group(begun, total=total)


def _times(times: Iterable[Any]) -> list[Any]:
    return [time for time in times if time is not None]


def _culprits(run: Run, rows: list[Row]) -> dict[str, Row]:
    """Say for rows that could not begin which task is to blame."""
    if not rows:
        return {}
    events = run.events.filter(kind="TaskUpstreamFailed", path__in=[row.path for row in rows])
    blamed = {each.path: json.loads(each.payload).get("culprit", "") for each in events}
    return {
        row.path: replace(row, problem=f"needs {blamed[row.path]}, which failed")
        for row in rows
        if blamed.get(row.path)
    }


# ── beside its definition ───────────────────────────────────────────────────────────────────────


def differing_of(run: Run) -> list[Differing]:
    """Say how a run differs from its definition so far, task by task."""
    told = Q(status__in=[TaskStatus.CACHED, TaskStatus.SKIPPED]) | Q(width__isnull=False)
    kept = run.task_runs.filter(told | ~Q(decision="")).order_by("id")
    pinned, left_out = _trial_of(run)
    return differing(
        outline_for(run),
        GraphDefinition.from_json(run.version.definition),
        [KeptTask(*each) for each in kept.values_list("path", "status", "width", "decision")],
        pinned=pinned,
        left_out=left_out,
    )


def _trial_of(run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the tasks that a trial run was given and those it leaves out, while they are known."""
    options = dict(decode(run.options))
    options.pop("draft", None)
    if not options:
        return (), ()
    try:
        definition = GraphDefinition.from_json(run.version.definition)
        checked = examine(definition, registry_with(json.loads(run.workflows)))
        trial = Trial(checked, **options)
    except RunnerError:
        return (), ()  # a task type is gone
    return trial.pinned, trial.left_out


# ── streams ─────────────────────────────────────────────────────────────────────────────────────


def read_streams(run: Run, paths: Collection[str] | None = None) -> dict[str, dict[str, Streamed]]:
    """Say for each port how much it streamed, and its last words."""
    if paths is None:
        paths = outline_for(run).places
    wanted = run.chunks.filter(superseded=False, path__in=list(paths))
    totals = list(
        wanted.values("path", "port")
        .annotate(
            chunks=Sum(F("last") - F("first") + 1),
            bytes=Sum("size"),
            newest=Max("id"),
        )
        .order_by("newest")
    )
    newest = Chunk.objects.in_bulk([each["newest"] for each in totals])
    streams: dict[str, dict[str, Streamed]] = {}
    for each in totals:
        streams.setdefault(each["path"], {})[each["port"]] = Streamed(
            chunks=each["chunks"], size=each["bytes"], tail=_tail(run, newest[each["newest"]])
        )
    return streams


def _tail(run: Run, chunk: Chunk) -> str:
    """Give a port's last words: the end of its text, or its last item."""
    if reference_in(chunk.items):
        return "…"
    if replaces(run, chunk.path, chunk.port) or not is_text(run, chunk.path, chunk.port):
        text = said(values_in(chunk)[-1])
    else:
        text = _last_text(chunk)
    words = " ".join(text.split())
    return words if len(words) <= TAIL else f"…{words[-TAIL:]}"


def _last_text(chunk: Chunk) -> str:
    text = _text_of(chunk)
    if len(text) >= TAIL or not chunk.first:
        return text
    before = Chunk.objects.filter(
        run=chunk.run_id, path=chunk.path, port=chunk.port, attempt=chunk.attempt
    )
    earlier = before.filter(first__lt=chunk.first).order_by("-first")[:BATCHES_OF_A_TAIL]
    return "".join(_text_of(each) for each in reversed(earlier)) + text


def _text_of(chunk: Chunk) -> str:
    return "".join(said(value) for value in values_in(chunk))


def values_in(chunk: Chunk) -> list[Any]:
    """Give a stored batch as the values that were pushed; a sentence if they cannot be read."""
    if reference_in(chunk.items) is None:
        return list(json.loads(chunk.items))
    try:
        return list(json.loads(whole(str(chunk.run.team_id), chunk.items)))
    except RunnerError as fault:
        return [f"[{fault}]"]


def said(value: Any) -> str:
    """Write a chunk for reading: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def is_text(run: Run, path: str, port: str) -> bool:
    """Whether a port's chunks add up to one text (and not to a list of items)."""
    place = outline_for(run).place_of(path)
    declared = output_port(place, port) if place else None
    return declared is None or declared.type is str


def replaces(run: Run, path: str, port: str) -> bool:
    """Whether each chunk of a port takes the place of the one before."""
    place = outline_for(run).place_of(path)
    declared = output_port(place, port) if place else None
    return bool(declared and declared.mode == "replace")


# ── the run as a whole ──────────────────────────────────────────────────────────────────────────


#: What a person looks at first, the most pressing first.
_PROBLEMS = ("failed", "interrupted", "awaiting")
_QUIET = SETTLED | {"pending", "queued"}
#: So many tasks of closed places are looked through for the innermost.
_LOOKED_THROUGH = 50


def first_problem(run: Run, rows: Mapping[str, Row], outline: Outline) -> Row | None:
    """Find the task to look at first: failed, interrupted or awaiting; None when all is well.

    It is the innermost one, also inside of maps, loops and workflows. A failure that something
    else deals with is well.
    """
    inside = {
        path: _innermost(run, outline, path)
        for path in outline.places
        if rows[path].is_closed and rows[path].status not in _QUIET
    }
    for status in _PROBLEMS:
        for path in outline.places:
            row = rows[path]
            if inner := inside.get(path, {}).get(status):
                return inner
            if row.status == status and row.kind != "compound" and not row.is_handled:
                return row
    return None


def _innermost(run: Run, outline: Outline, outer: str) -> dict[str, Row]:
    """Find by status the first of the deepest tasks inside of a closed place that stand so."""
    opens = outline.places[outer].opens
    inside = run.task_runs.filter(path__gt=f"{outer}{opens}", path__lt=f"{outer}{_after(opens)}")
    kept = inside.filter(status__in=_PROBLEMS).exclude(reason=HANDLED).order_by("id")
    found: dict[str, Row] = {}
    for each in kept[:_LOOKED_THROUGH]:
        place = outline.place_of(each.path)
        deepest = found.get(each.status)
        if place is None or place.kind == "compound":
            continue
        if deepest is None or each.path.count("/") > deepest.path.count("/"):
            found[each.status] = replace(row_of(place, each, {}), path=each.path)
    return found


def _after(sign: str) -> str:
    return chr(ord(sign) + 1)


def last_event(run: Run) -> RunEvent | None:
    """Give the newest event; None before the first."""
    return run.events.order_by("-seq").first()
