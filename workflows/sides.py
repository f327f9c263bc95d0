"""What a comparison of runs reads of one of them: times, ends and outputs of its tasks."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Sum

from runner.errors import RunnerError, UnreadableCheckpoint
from runner.graph.values import dump
from runner.run.checkpoint import TaskCheckpoint
from workflows.comparing import Side
from workflows.large_values import Reference, inputs_whole, is_large
from workflows.models import Run
from workflows.outline import outline_for
from workflows.reading import replaces, rows_of, values_in
from workflows.rows import Row
from workflows.shown_values import written

#: A run that streamed more bytes is not compared in what it streamed.
STREAMED = 4 * 1024 * 1024


def sides_of(run: Run) -> dict[str, Side]:
    """Give every task of a run's drawing by path, in a fixed number of queries."""
    rows = rows_of(run, [])
    outputs, streamed = _outputs(run), _Streamed(run)
    return {path: _side(row, outputs.get(path), streamed) for path, row in rows.items()}


def inputs_of_side(run: Run) -> dict[str, str]:
    """Give what a run was started with, as texts by port; raises nothing."""
    try:
        inputs = json.loads(inputs_whole(str(run.team_id), run.inputs))
    except RunnerError as fault:
        return {"inputs": f"[{fault}]"}
    return {name: written(json.dumps(value))[0] for name, value in inputs.items()}


def _side(row: Row, kept: TaskCheckpoint | None, streamed: "_Streamed") -> Side:
    result = kept if kept is not None and kept.has_result else None
    return Side(
        title=row.title,
        status=row.status,
        seconds=_seconds(row),
        outputs={**result.outputs, **streamed.of(row.path)} if result else None,
        unread=frozenset(result.streams) if result and streamed.is_too_much else frozenset(),
    )


def _seconds(row: Row) -> float | None:
    if row.started_at is None or row.ended_at is None:
        return None
    return float((row.ended_at - row.started_at).total_seconds())


def _outputs(run: Run) -> dict[str, TaskCheckpoint]:
    places = list(outline_for(run).places)
    kept = run.checkpoints.filter(path__in=places).values_list("value", flat=True)
    return {each.path: each for each in _readable(kept)}


def _readable(records: Any) -> Iterator[TaskCheckpoint]:
    for text in records:
        try:
            yield TaskCheckpoint.from_json(text)
        except UnreadableCheckpoint:
            continue


class _Streamed:
    """What the tasks of a run have streamed, put together."""

    def __init__(self, run: Run) -> None:
        self._run = run
        chunks = run.chunks.filter(superseded=False, path__in=list(outline_for(run).places))
        self.is_too_much = (chunks.aggregate(size=Sum("size"))["size"] or 0) > STREAMED
        self._values: dict[str, dict[str, list[Any]]] = {}
        if not self.is_too_much:
            for chunk in chunks.select_related("run").order_by("attempt", "first"):
                port = self._values.setdefault(chunk.path, {}).setdefault(chunk.port, [])
                port.extend(values_in(chunk))

    def of(self, path: str) -> Mapping[str, str]:
        """Give what each port of a task adds up to, encoded as a result would be kept."""
        ports = self._values.get(path, {})
        return {port: _as_kept(self._sum(path, port, values)) for port, values in ports.items()}

    def _sum(self, path: str, port: str, values: list[Any]) -> Any:
        if replaces(self._run, path, port):
            return values[-1]
        return "".join(values) if all(isinstance(each, str) for each in values) else values


def _as_kept(value: Any) -> str:
    text = dump(value)
    if not is_large(text):
        return text
    encoded = text.encode()
    return str(Reference(hashlib.sha256(encoded).hexdigest(), len(encoded)))
