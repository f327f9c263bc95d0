"""What a run itself was given, and what it puts out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from runner.graph.values import dump
from workflows.large_values import whole
from workflows.models import Run
from workflows.outline import Outline, outline_for
from workflows.passing import stream_behind
from workflows.ports import output_port, streaming_ports
from workflows.rows import producer_of
from workflows.shown_values import Value, shown, written
from workflows.streamed import StreamSoFar, stream_of

#: So much of what a run was given is shown beside the run.
PREVIEW = 2000


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


def secret_outputs(outline: Outline) -> frozenset[str]:
    """Name the outputs that only the team may see, as whoever makes them says."""
    found = set()
    for name, source in outline.outputs:
        task, _, port = source.partition(".")
        path, port = producer_of(outline, None, task if not task.startswith("$") else "", port)
        place = outline.place_of(path) if path else None
        made = output_port(place, port) if place else None
        if made is not None and made.secret:
            found.add(name)
    return frozenset(found)


def _streams(run: Run, outline: Outline, path: str, port: str) -> bool:
    place = outline.place_of(path)
    if place and port in streaming_ports(place):
        return True
    return run.chunks.filter(path=path, port=port, superseded=False).exists()


def inputs_of(run: Run) -> Iterator[Value]:
    """Give what the run was started with."""
    for port, value in json.loads(run.inputs or "{}").items():
        yield shown(str(run.team_id), port, dump(value), PREVIEW)


def whole_input(run: Run, port: str) -> str | None:
    """Give what the run was started with at a port in full; None when there is none.

    Raises MissingArtifact or DamagedArtifact when it was kept as a file that is not right.
    """
    given = json.loads(run.inputs or "{}")
    return written(whole(str(run.team_id), dump(given[port])))[0] if port in given else None
