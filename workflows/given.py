"""Where the inputs of a task come from, and their values."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from runner.graph.values import dump
from workflows.kept_outputs import encoded_outputs
from workflows.models import Run
from workflows.outline import Place, outline_for
from workflows.passing import as_run
from workflows.reading import said
from workflows.rows import producer_of
from workflows.shown_values import shown

PREVIEW = 2000
_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where one input comes from: another task, the run's own inputs, or the drawing."""

    port: str
    path: str = ""
    source_port: str = ""
    text: str = ""


def given_to(run: Run, place: Place, path: str) -> Iterator[Given]:
    """Give the inputs of a task, by the dataflows that lead to it and what is set there."""
    outline = outline_for(run)
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
    encoded = encoded_outputs(run, path).get(port)
    text = shown(str(run.team_id), port, encoded, PREVIEW).text if encoded is not None else ""
    return Given(port=into, path=path, source_port=port, text=text)
