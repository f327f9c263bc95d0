"""The dataflows of a definition as wires: what each leads from and to, and whose chunks (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from workflows.outline import Flow, Level, Outline, Place, outline_of, slug_of
from workflows.ports import reads_stream
from workflows.rows import producer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A dataflow of one level: the same however the drawing is folded.

    `group` is the path of the compound around it, empty for the whole definition; `producer` is
    the task that makes what it carries, through all compounds, and `target` what it leads to.
    """

    slug: str
    group: str
    flow: Flow
    producer: str
    producer_port: str
    target: str
    first_chunk: bool
    spoken: str


@lru_cache(maxsize=64)
def wires_of(definition: str) -> tuple[Wire, ...]:
    """Give every dataflow that is drawn when all compounds are open, level by level."""
    outline = outline_of(definition)
    return tuple(
        _wire(outline, group, flow)
        for group, level in levels_of(outline)
        for flow in level.flows
        if flow.source or group
    )


def levels_of(outline: Outline) -> Iterator[tuple[Place | None, Level]]:
    """Give every level of the drawing with the compound that it is the inside of."""
    yield None, outline.level
    for place in outline.places.values():
        if place.kind == "compound" and place.body is not None:
            yield place, place.body


def ends_of(flow: Flow) -> tuple[str, str, str, str]:
    """Name a dataflow by its ends, as the layout does."""
    return flow.source, flow.source_port, flow.target, flow.target_port


def _wire(outline: Outline, group: Place | None, flow: Flow) -> Wire:
    producer, port = producer_of(outline, group, flow.source, flow.source_port)
    inside = group.path if group else ""
    return Wire(
        slug=slug_of(
            f"{flow.source or inside}.{flow.source_port}..{flow.target or inside}.{flow.target_port}"
        ),
        group=inside,
        flow=flow,
        producer=producer,
        producer_port=port,
        target=flow.target or inside,
        first_chunk=reads_stream(outline.places.get(flow.target), flow.target_port),
        spoken=f"{flow.source or 'inputs'}.{flow.source_port} to "
        f"{flow.target or inside or 'outputs'}.{flow.target_port}",
    )
