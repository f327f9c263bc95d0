"""All that the inspector says about one task of a run."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.errors import UnreadableCheckpoint
from runner.graph.values import dump
from runner.run.checkpoint import TaskCheckpoint
from workflows.inside import item_rows, with_items
from workflows.large_values import whole
from workflows.models import Chunk, Run, RunEvent
from workflows.outline import Outline, Place, outline_for
from workflows.passing import as_run, passed_ports, stream_behind
from workflows.ports import streaming_ports
from workflows.reading import is_text, replaces, rows_of, said, values_in
from workflows.rows import Row, producer_of
from workflows.shown_values import Value, shown, written

STREAM_LIMIT = 256 * 1024
LINES = 1000
PREVIEW = 2000
_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSoFar:
    """All that a port has streamed, and the number of the chunk that comes next.

    `shown_as` is the port of a control task through which it passes; else empty.
    """

    path: str
    port: str
    attempt: int
    next: int
    size: int
    text: str
    is_text: bool
    replaces: bool
    is_cut: bool
    is_open: bool
    shown_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where one input comes from: another task, the run's own inputs, or the drawing."""

    port: str
    path: str = ""
    source_port: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a task's log."""

    seq: int
    at: Any
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One task of a run, opened up."""

    row: Row
    place: Place
    sentence: str
    outputs: tuple[Value, ...]
    streams: tuple[StreamSoFar, ...]
    inputs: tuple[Given, ...]
    lines: tuple[Line, ...]
    error: Mapping[str, Any] | None
    culprit: str
    events: tuple[RunEvent, ...]
    crumbs: tuple[tuple[str, str], ...]


def inspect(run: Run, path: str) -> Inspection | None:
    """Open one task; None when the run has no such task."""
    outline = outline_for(run)
    place = outline.place_of(path)
    row = _row_of(run, outline, path) if place else None
    if place is None or row is None:
        return None
    events = tuple(run.events.filter(path=path).order_by("-seq")[:LINES])[::-1]
    error, culprit = _error_of(run, path), _culprit_in(events)
    return Inspection(
        row=row,
        place=place,
        sentence=sentence_of(row, culprit),
        outputs=tuple(outputs_of(run, path)),
        streams=tuple(streams_of(run, path)),
        inputs=tuple(_inputs(run, outline, place, path)),
        lines=tuple(_lines(events)),
        error=error,
        culprit=culprit,
        events=events[-200:],
        crumbs=tuple(_crumbs(outline, path)),
    )


def _row_of(run: Run, outline: Outline, path: str) -> Row | None:
    """Find the task's row, in the definition or inside of a closed place."""
    around = outline.closed_around(path)
    if not around:
        return rows_of(run, [path]).get(path)
    place = outline.place_of(path)
    for row in item_rows(run, around[-1], [path]):
        return with_items(row, place, run) if place and place.is_closed else row
    return None


def _crumbs(outline: Outline, path: str) -> Iterator[tuple[str, str]]:
    parts = path.split("/")
    for number in range(1, len(parts)):
        above = "/".join(parts[:number])
        item = above.rfind("[") if above.endswith("]") else len(above)
        place = outline.place_of(above[:item])
        yield (above[:item], place.title if place else above)


_SENTENCES = {
    "pending": "It has not started: what it needs is not there yet.",
    "queued": "It can start, and waits for a free place",
    "running": "It is running.",
    "streaming": "It is running, and its results arrive as they are made.",
    "awaiting": "It {why}{until}. It holds no place meanwhile.",
    "retrying": "It failed and will be tried again",
    "completed": "It completed.",
    "cached": "It did not need to run: its result is",
    "failed": "It failed.",
    "interrupted": "Its process stopped while it ran; it will run again when the run goes on.",
    "cancelling": "It was asked to stop.",
    "cancelled": "It was cancelled.",
    "skipped": "It was left out",
}


def sentence_of(row: Row, culprit: str = "") -> str:
    """Say why a task stands where it stands."""
    if row.status == "upstream-failed":
        return f"It could not run, because {culprit or 'a task it needs'} failed."
    sentence = _with_reason(row, _SENTENCES.get(row.status, "Its state is unknown."))
    if row.is_handled:
        sentence += " Another task deals with its error."
    if row.stuck:
        sentence += " It ignores that it was stopped, and was abandoned."
    if row.is_group and row.total:
        sentence += f" {row.done} of {row.total} tasks inside are done."
    elif row.message and row.is_moving:
        sentence += f" It says: {row.message}"
    return sentence


def _with_reason(row: Row, sentence: str) -> str:
    """End an open sentence: with its reason, with the time it goes on, or as it is."""
    if row.status == "awaiting":
        until = f", until {row.until:%d %b %H:%M:%S} UTC" if row.until else ""
        return sentence.format(why=row.why, until=until)
    if sentence.endswith("."):
        return sentence
    if row.status == "cached":
        return f"{sentence} {row.why}."
    why = f": {row.why}" if row.why else ""
    until = f", at {row.until:%H:%M:%S} UTC" if row.until else ""
    return f"{sentence}{why}{until}."


# ── values ──────────────────────────────────────────────────────────────────────────────────────


def outputs_of(run: Run, path: str) -> Iterator[Value]:
    """Give what a finished task put out, except for what it streamed."""
    for port, encoded in _kept_outputs(run, path).items():
        yield shown(str(run.team_id), port, encoded)


def whole_output(run: Run, path: str, port: str) -> str | None:
    """Give a port's value in full, for a download; None when there is none.

    Raises MissingArtifact or DamagedArtifact when it was kept as a file that is not right.
    """
    encoded = _kept_outputs(run, path).get(port)
    if encoded is not None:
        return written(whole(str(run.team_id), encoded))[0]
    batches, text = _streamed(run, path, port)
    return text if batches else None


def _kept_outputs(run: Run, path: str) -> dict[str, str]:
    kept = run.checkpoints.filter(path=path).first()
    if kept is None:
        return {}
    try:
        return dict(TaskCheckpoint.from_json(kept.value).outputs)
    except UnreadableCheckpoint:
        return {}


# ── streams ─────────────────────────────────────────────────────────────────────────────────────


def streams_of(run: Run, path: str) -> Iterator[StreamSoFar]:
    """Give every port of a task that has streamed."""
    place = outline_for(run).place_of(path)
    declared = streaming_ports(place) if place else []
    kept = run.chunks.filter(path=path).order_by("port").values_list("port", flat=True).distinct()
    for port in dict.fromkeys([*declared, *kept]):
        yield stream_of(run, path, port)
    for port in passed_ports(run, place, path) if place else ():
        end = stream_behind(run, path, port)
        if end != (path, port) and run.chunks.filter(path=end[0], port=end[1]).exists():
            yield replace(stream_of(run, *end), shown_as=port)


def stream_of(run: Run, path: str, port: str) -> StreamSoFar:
    """Give what one port has streamed in its current attempt."""
    batches, text = _streamed(run, path, port)
    closed = run.events.filter(
        path=path,
        kind__in=["StreamClosed", "TaskCompleted", "TaskCached", "TaskFailed", "TaskCancelled"],
    )
    return StreamSoFar(
        path=path,
        port=port,
        attempt=batches[-1].attempt if batches else 0,
        next=batches[-1].last + 1 if batches else 0,
        size=sum(each.size for each in batches),
        text=text[-STREAM_LIMIT:],
        is_text=is_text(run, path, port),
        replaces=replaces(run, path, port),
        is_cut=len(text) > STREAM_LIMIT,
        is_open=not run.is_over and not closed.exists(),
    )


def _streamed(run: Run, path: str, port: str) -> tuple[list[Chunk], str]:
    """Give the batches of a port's last attempt and what they add up to."""
    kept = list(run.chunks.filter(path=path, port=port, superseded=False).order_by("first"))
    attempt = max((each.attempt for each in kept), default=0)
    batches = [each for each in kept if each.attempt == attempt]
    texts = [said(value) for batch in batches for value in values_in(batch)]
    if texts and replaces(run, path, port):
        return batches, texts[-1]
    return batches, _joined(texts, text=is_text(run, path, port))


def _joined(texts: list[str], *, text: bool) -> str:
    return "".join(texts) if text else "".join(f"{each}\n" for each in texts)


# ── inputs ──────────────────────────────────────────────────────────────────────────────────────


def _inputs(run: Run, outline: Outline, place: Place, path: str) -> Iterator[Given]:
    group = outline.everywhere.get(place.parent.removesuffix("[]"))
    level = (group.body if group else None) or outline.level
    fed = [flow for flow in level.flows if flow.target == place.path]
    for flow in fed:
        if place.path in outline.places:
            source, port = producer_of(outline, group, flow.source, flow.source_port)
            yield _given(run, flow.target_port, source, port)
        elif flow.source:
            yield _given(run, flow.target_port, as_run(flow.source, path), flow.source_port)
        else:
            yield Given(port=flow.target_port, text=f"{_item_of(place, path)}{flow.source_port}")
    for port, value in (place.inputs or {}).items():
        if port not in {flow.target_port for flow in fed}:
            yield Given(port=port, text=said(value)[:PREVIEW])


def _item_of(place: Place, path: str) -> str:
    if not place.parent.endswith("[]"):
        return ""
    return f"item {_ITEM.findall(path)[place.parent.count('[]') - 1][1:-1]} of "


def _given(run: Run, into: str, path: str, port: str) -> Given:
    if not path:
        given = json.loads(run.inputs).get(port, "")
        text = shown(str(run.team_id), port, dump(given), PREVIEW).text
        return Given(port=into, source_port=port, text=text)
    encoded = _kept_outputs(run, path).get(port)
    text = shown(str(run.team_id), port, encoded, PREVIEW).text if encoded is not None else ""
    return Given(port=into, path=path, source_port=port, text=text)


# ── what it said and why it failed ──────────────────────────────────────────────────────────────


def _lines(events: tuple[RunEvent, ...]) -> Iterator[Line]:
    for event in events:
        if event.kind == "TaskLogged":
            said_so = json.loads(event.payload)
            yield Line(
                seq=event.seq,
                at=event.at,
                level=str(said_so.get("level", "INFO")),
                message=str(said_so.get("message", "")),
            )


def _error_of(run: Run, path: str) -> Mapping[str, Any] | None:
    """Give a task's error as data; None when it has none."""
    kept = run.task_runs.filter(path=path).exclude(error="").first()
    if kept is None:
        return None
    try:
        document = json.loads(kept.error)
    except ValueError:
        return {"message": kept.error}
    return document if isinstance(document, dict) else {"message": kept.error}


def _culprit_in(events: tuple[RunEvent, ...]) -> str:
    blamed = [each for each in events if each.kind == "TaskUpstreamFailed"]
    return str(json.loads(blamed[-1].payload).get("culprit", "")) if blamed else ""


# ── the run's own result ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One output of the run: final, streaming, or still to come."""

    port: str
    path: str
    value: Value | None = None
    stream: StreamSoFar | None = None


def results_of(run: Run) -> Iterator[Result]:
    """Give the run's outputs, as far as they are there."""
    outline = outline_for(run)
    finals = json.loads(run.outputs or "{}")
    for name, source in outline.outputs:
        task, _, port = source.partition(".")
        path, port = producer_of(outline, None, task if not task.startswith("$") else "", port)
        end = stream_behind(run, path, port)
        if path and _streams(run, outline, *end):
            yield Result(port=name, path=path, stream=stream_of(run, *end))
        elif name in finals:
            value = shown(str(run.team_id), name, dump(finals[name]))
            yield Result(port=name, path=path, value=value)
        else:
            yield Result(port=name, path=path)


def _streams(run: Run, outline: Outline, path: str, port: str) -> bool:
    place = outline.place_of(path)
    if place and port in streaming_ports(place):
        return True
    return run.chunks.filter(path=path, port=port, superseded=False).exists()


def inputs_of(run: Run) -> Iterator[Value]:
    """Give what the run was started with."""
    for port, value in json.loads(run.inputs or "{}").items():
        yield shown(str(run.team_id), port, dump(value), PREVIEW)
