"""One level of a draft as its canvas shows it: boxes with ports, wires, notes, frames (pure).

Every part has an id, so that two canvases of one level can be compared part by part. A part says
where it stands in `data-x` and `data-y`: a strict content security policy allows no style in
markup, and the script puts it there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

from runner.editing.draft import BORDERS, Draft, joined
from runner.editing.placing import spot_by_itself
from runner.errors import Problem
from runner.graph.checking import CheckedGraph, examine
from runner.graph.dataflow import ERROR_PORT, Dataflow
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry
from workflows.arrangement import arranged
from workflows.markdown import rendered
from workflows.tiles import KEPT, WIDTH, CanvasBox, InUse, Plug, Spot, task_box

GRID = 16
INPUTS, OUTPUTS = BORDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """All parts of a level, by id, in the order in which they are drawn."""

    level: str
    boxes: Mapping[str, CanvasBox]
    parts: Mapping[str, str] = field(default_factory=dict)

    def changed_since(self, before: "Canvas") -> dict[str, str | None]:
        """Give the parts that are other ones than before; None for those that are gone."""
        gone: dict[str, str | None] = dict.fromkeys(before.parts.keys() - self.parts.keys())
        return gone | {
            name: html for name, html in self.parts.items() if before.parts.get(name) != html
        }


def canvas_of(
    draft: Draft, level: str, registry: TaskRegistry, problems: Iterable[Problem] = ()
) -> Canvas:
    """Draw a level; raises DefinitionError when there is none of this path."""
    graph = draft.level(level)
    checked = examine(graph, registry)
    boxes = {box.id: box for box in _boxes(draft, level, graph, checked, list(problems))}
    parts = dict(_frames(draft, level))
    parts |= dict(_wires(graph, boxes))
    parts |= {f"box-{name}": box.html for name, box in boxes.items()}
    parts |= {f"map-{name}": box.shape for name, box in boxes.items()}
    parts |= dict(_notes(draft, level))
    return Canvas(level=level, boxes=boxes, parts=parts)


def tidied_spots(draft: Draft, level: str, registry: TaskRegistry) -> dict[str, Spot]:
    """Lay one level out; give a place on the grid for every box, by path."""
    graph = draft.level(level)
    boxes = {box.id: box for box in _boxes(draft, level, graph, examine(graph, registry), [])}
    ends = [_ends(flow) for flow in graph.dataflows]
    ends += [(*_end(output.source), OUTPUTS, output.name) for output in graph.outputs]
    placed = arranged(
        {
            "boxes": [{"path": box.id, "size": [WIDTH, box.height]} for box in boxes.values()],
            "wires": [list(each) for each in ends if each[0] in boxes and each[2] in boxes],
        }
    )["boxes"]
    return {
        joined(level, name): (
            GRID * round(placed[name][0] / GRID),
            GRID * round(placed[name][1] / GRID),
        )
        for name in boxes
    }


def laid_out(draft: Draft, registry: TaskRegistry) -> Draft:
    """Give a drawing that nobody has arranged a place for everything on all of its levels."""
    if draft.sheet.positions:
        return draft
    spots: dict[str, Spot] = {}
    for level, _ in draft.walk():
        spots |= tidied_spots(draft, level, registry)
    return draft.on(positions=spots)


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────


def _boxes(
    draft: Draft, level: str, graph: GraphDefinition, checked: CheckedGraph, problems: list[Problem]
) -> Iterator[CanvasBox]:
    spots = draft.sheet.positions
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        if problem.task is not None and problem.task.startswith(joined(level, "")):
            wrong.setdefault(_task_here(level, problem.task), []).append(problem.sentence)
    if graph.inputs or level:
        yield CanvasBox(
            id=INPUTS,
            title="Inputs",
            under="",
            kind="border",
            out=tuple(_graph_plug(port.name, port.type, port.title) for port in graph.inputs),
            at=spots.get(joined(level, INPUTS), (0, 0)),
        )
    fed, read = _ports_in_use(graph)
    for number, task in enumerate(graph.tasks):
        path = joined(level, task.id)
        yield task_box(
            task,
            checked.tasks.get(task.id),
            fed=fed.get(task.id, ()),
            read=read.get(task.id, ()),
            at=spots.get(path, spot_by_itself(number)),
            problems=tuple(wrong.get(path, ())),
        )
    if graph.outputs or level:
        yield CanvasBox(
            id=OUTPUTS,
            title="Outputs",
            under="",
            kind="border",
            into=tuple(
                Plug(name=output.name, title=output.title or output.name, state="fed")
                for output in graph.outputs
            ),
            at=spots.get(joined(level, OUTPUTS), (960, 0)),
        )


def _task_here(level: str, path: str) -> str:
    """Give the path of the task of a level that something is wrong in, or inside of."""
    outside = joined(level, "")
    return outside + path.removeprefix(outside).partition("/")[0]


def _graph_plug(name: str, kind: str, title: str) -> Plug:
    return Plug(name=name, title=title or name, kind=kind)


def _ports_in_use(graph: GraphDefinition) -> tuple[dict[str, InUse], dict[str, InUse]]:
    """Give by task the input ports that are fed, and the output ports that are read."""
    fed: dict[str, dict[str, None]] = {}
    read: dict[str, dict[str, None]] = {}
    for flow in graph.dataflows:
        task_id, port = flow.target_end
        fed.setdefault(task_id, {})[port] = None
    for end in [
        *(flow.source_end for flow in graph.dataflows),
        *(_end(each.source) for each in graph.outputs),
    ]:
        task_id, port = end
        read.setdefault(task_id, {})[port] = None
    return _names(fed), _names(read)


def _names(ports: Mapping[str, Mapping[str, None]]) -> dict[str, InUse]:
    return {task_id: tuple(names) for task_id, names in ports.items()}


# ── wires, notes, frames ────────────────────────────────────────────────────────────────────────


def _wires(graph: GraphDefinition, boxes: Mapping[str, CanvasBox]) -> Iterator[tuple[str, str]]:
    flows = [(flow.source, flow.target) for flow in graph.dataflows]
    flows += [(output.source, f"{OUTPUTS}.{output.name}") for output in graph.outputs]
    for source, target in flows:
        (from_id, leaves), (to_id, enters) = _end(source), _end(target)
        if from_id in boxes and to_id in boxes:
            start = boxes[from_id].spot(leaves, leaving=True)
            end = boxes[to_id].spot(enters, leaving=False)
            yield f"wire-{source}..{target}", _wire(source, target, start, end)


@lru_cache(maxsize=KEPT)
def _wire(source: str, target: str, start: Spot, end: Spot) -> str:
    name, line = f"wire-{source}..{target}", curve(start, end)
    error = " data-error" if source.endswith(ERROR_PORT) else ""
    return (
        f'<g class="wire" id="{escape(name, quote=True)}" data-source="{escape(source)}"'
        f' data-target="{escape(target)}"{error}><path class="hit" d="{line}" />'
        f'<path class="line" d="{line}" /></g>'
    )


def curve(start: Spot, end: Spot) -> str:
    """Draw a wire from port to port; the script draws the same while something is dragged."""
    pull = max(32, abs(end[0] - start[0]) // 2)
    return (
        f"M{start[0]} {start[1]}C{start[0] + pull} {start[1]} "
        f"{end[0] - pull} {end[1]} {end[0]} {end[1]}"
    )


def _notes(draft: Draft, level: str) -> Iterator[tuple[str, str]]:
    for name, note in draft.sheet.notes.items():
        if note.inside == level:
            x, y, width, height = note.box
            yield (
                f"note-{name}",
                (
                    f'<div class="note" id="note-{escape(name)}" data-note="{escape(name)}" data-text="{escape(note.text, quote=True)}" data-x="{x}"'
                    f' data-y="{y}" data-width="{width}" data-height="{height}" tabindex="-1"'
                    f' role="option">{rendered(note.text)}</div>'
                ),
            )


def _frames(draft: Draft, level: str) -> Iterator[tuple[str, str]]:
    for name, each in draft.sheet.frames.items():
        if each.inside == level:
            x, y, width, height = each.box
            yield (
                f"frame-{name}",
                (
                    f'<div class="around" id="frame-{escape(name)}" data-frame="{escape(name)}"'
                    f' data-x="{x}" data-y="{y}" data-width="{width}" data-height="{height}"'
                    f' tabindex="-1" role="option"><b>{escape(each.title)}</b></div>'
                ),
            )


def _ends(flow: Dataflow) -> tuple[str, str, str, str]:
    return (*_end(flow.source), *_end(flow.target))


def _end(end: str) -> tuple[str, str]:
    task_id, _, port = end.partition(".")
    return task_id, port
