"""Where the inputs of a task come from, and their values."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from runner.graph.values import dump
from workflows.kept_outputs import encoded_outputs
from workflows.models import Run
from workflows.outline import Place, outline_for
from workflows.passing import as_run
from workflows.reading import is_text
from workflows.rows import producer_of
from workflows.shown_values import Value, of_text, shown
from workflows.streamed import streamed

_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where one input comes from: another task, the run's own inputs, an item, or the drawing.

    `value` is None as long as it has not been made, and for the item of a map.
    """

    port: str
    path: str = ""
    source_port: str = ""
    item: str = ""
    value: Value | None = None


def given_to(run: Run, place: Place, path: str) -> Iterator[Given]:
    """Give the inputs of a task, by the dataflows that lead to it and what is set there."""
    team = str(run.team_id)
    sources = list(sources_of(run, place, path))
    for source in sources:
        yield source if source.item else replace(source, value=_value_of(run, source))
    for port, value in (place.inputs or {}).items():
        if port not in {source.port for source in sources}:
            yield Given(port=port, value=shown(team, port, dump(value)))


def sources_of(run: Run, place: Place, path: str) -> Iterator[Given]:
    """Say where the inputs of a task come from that dataflows lead to, without their values."""
    outline = outline_for(run)
    group = outline.everywhere.get(place.parent.removesuffix("[]"))
    level = (group.body if group else None) or outline.level
    for flow in level.flows:
        if flow.target != place.path:
            continue
        if place.path in outline.places:
            source, port = producer_of(outline, group, flow.source, flow.source_port)
            yield Given(port=flow.target_port, path=source, source_port=port)
        elif flow.source:
            source = as_run(flow.source, path)
            yield Given(port=flow.target_port, path=source, source_port=flow.source_port)
        else:
            item = f"{_item_of(place, path)}{flow.source_port}"
            yield Given(port=flow.target_port, path=_around(path), item=item)


def _item_of(place: Place, path: str) -> str:
    if not place.parent.endswith("[]"):
        return ""
    return f"item {_ITEM.findall(path)[place.parent.count('[]') - 1][1:-1]} of "


def _around(path: str) -> str:
    """Name the closed task that a path lies in: `map` for `map[3]/digest`."""
    level = path.rpartition("/")[0]
    return level[: level.rindex("[")] if level.endswith("]") else level


def _value_of(run: Run, source: Given) -> Value | None:
    if source.path:
        encoded = encoded_outputs(run, source.path).get(source.source_port)
        if encoded is None:
            batches, text = streamed(run, source.path, source.source_port)
            plain = is_text(run, source.path, source.source_port)
            return of_text(source.port, text, is_text=plain) if batches else None
    else:
        given = json.loads(run.inputs)
        if source.source_port not in given:
            return None
        encoded = dump(given[source.source_port])
    return shown(str(run.team_id), source.port, encoded)
