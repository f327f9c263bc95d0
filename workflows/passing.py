"""Whose stream leaves a control task's port: it passes on what a task inside or before it streams."""

import json
import re
from collections.abc import Iterator
from typing import Any

from workflows.models import Run
from workflows.outline import BRANCH, CHOICES, MERGE, Flow, Outline, Place, outline_for

type End = tuple[str, str]

_ITEM = re.compile(r"\[\d+\]")
#: A drawing that leads in a circle is refused when it is drawn; a page must end in any case.
_STEPS = 200


def stream_behind(run: Run, path: str, port: str) -> End:
    """Follow a port to the task and the port that really stream; itself when nothing passes."""
    outline, end = outline_for(run), (path, port)
    for _ in range(_STEPS):
        found = _before(run, outline, *end)
        if found is None:
            break
        end = found
    return end


def passed_ports(run: Run, place: Place, path: str) -> list[str]:
    """Name the output ports of a control or compound through which a stream may pass."""
    decision = _decision(run, path)
    if place.type == BRANCH:
        return [str(each) for each in decision] if isinstance(decision, list) else []
    if place.type == MERGE:
        return ["value"]
    if place.type in CHOICES:
        chosen = _chosen(place, decision)
        inner = run.chunks.filter(path=as_run(chosen.path, path)) if chosen else run.chunks.none()
        return list(inner.order_by("port").values_list("port", flat=True).distinct())
    if place.kind in {"compound", "workflow"} and place.body:
        return [flow.target_port for flow in place.body.flows if not flow.target]
    return []


def as_run(pattern: str, path: str) -> str:
    """Put the items of a task's path into the path of another task beside it."""
    first, *rest = pattern.split("[]")
    items = _ITEM.findall(path)
    return first + "".join(f"{item}{each}" for item, each in zip(items, rest, strict=False))


def _before(run: Run, outline: Outline, path: str, port: str) -> End | None:
    """Take one step towards the source; None where a port is a task's own."""
    place = outline.place_of(path)
    if place is None:
        return None
    if place.type in {BRANCH, MERGE}:
        return _routed(outline, place, path, port, _decision(run, path))
    if place.type in CHOICES:
        chosen = _chosen(place, _decision(run, path))
        return (as_run(chosen.path, path), port) if chosen else None
    if place.kind in {"compound", "workflow"} and place.body:
        for flow in place.body.flows:
            if not flow.target and flow.target_port == port:
                return _source(outline, place, flow, path)
    return None


def _routed(outline: Outline, place: Place, path: str, port: str, decision: Any) -> End | None:
    if place.type == BRANCH:
        taken = isinstance(decision, list) and port in decision
        return next(_feeds(outline, place, path, "value"), None) if taken else None
    feeds = list(_feeds(outline, place, path, "values"))
    known = isinstance(decision, int) and 0 <= decision < len(feeds)
    return feeds[decision] if known else None


def _feeds(outline: Outline, place: Place, path: str, port: str) -> Iterator[End | None]:
    """Give what is drawn to an input port, in drawn order; None for the item of a map."""
    group = outline.everywhere.get(place.parent.removesuffix("[]"))
    level = (group.body if group else None) or outline.level
    for flow in level.flows:
        if flow.target != place.path or flow.target_port != port:
            continue
        if flow.source:
            yield as_run(flow.source, path), flow.source_port
        elif group is not None and group.kind != "map":
            yield next(_feeds(outline, group, path, flow.source_port), None)
        else:
            yield None


def _source(outline: Outline, place: Place, flow: Flow, path: str) -> End | None:
    if flow.source:
        return as_run(flow.source, path), flow.source_port
    return next(_feeds(outline, place, path, flow.source_port), None)


def _chosen(place: Place, decision: Any) -> Place | None:
    """Give the alternative under way, or the winner; None while there is none."""
    places = place.body.places if place.body else ()
    known = isinstance(decision, int) and 0 <= decision < len(places)
    return places[decision] if known else None


def _decision(run: Run, path: str) -> Any:
    text = run.task_runs.filter(path=path).values_list("decision", flat=True).first()
    return json.loads(text) if text else None
