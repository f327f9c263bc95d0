"""One level of a draft as its canvas shows it: boxes with ports, wires, notes, frames (pure).

Every part has an id, so that two canvases of one level can be compared part by part. A part says
where it stands in `data-x` and `data-y`: a strict content security policy allows no style in
markup, and the script puts it there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from runner.editing.draft import BORDERS, Draft, joined
from runner.errors import Problem
from runner.graph.checking import CheckedGraph, examine
from runner.graph.dataflow import ERROR_PORT, Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.port_types import in_words
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from workflows.drawing import arranged

WIDTH = 208
HEAD = 40
ROW = 24
FOOT = 8
GRID = 16
INPUTS, OUTPUTS = BORDERS

type Spot = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plug:
    """A port of a box: what it is called, and what a person wants to know of it."""

    name: str
    title: str = ""
    kind: str = ""
    help: str = ""
    streams: bool = False
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasBox:
    """A task, or a border of the level, with its ports."""

    id: str
    title: str
    under: str
    kind: str = "task"
    into: tuple[Plug, ...] = ()
    out: tuple[Plug, ...] = ()
    disabled: bool = False
    problems: tuple[str, ...] = ()
    at: Spot = (0, 0)

    @property
    def height(self) -> int:
        """How high it is, in pixels."""
        return HEAD + ROW * max(len(self.into), len(self.out), 1) + FOOT

    def spot(self, port: str, *, leaving: bool) -> Spot:
        """Where a wire to or from a port ends."""
        names = [plug.name for plug in (self.out if leaving else self.into)]
        row = names.index(port) if port in names else 0
        x, y = self.at
        return x + (WIDTH if leaving else 0), y + HEAD + ROW * row + ROW // 2


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
    parts |= {f"box-{name}": _box(box) for name, box in boxes.items()}
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


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────


def _boxes(
    draft: Draft, level: str, graph: GraphDefinition, checked: CheckedGraph, problems: list[Problem]
) -> Iterator[CanvasBox]:
    spots = draft.sheet.positions
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        if problem.task is not None:
            wrong.setdefault(problem.task, []).append(problem.sentence)
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
        inside = [
            each for name, each in wrong.items() if name == path or name.startswith(f"{path}/")
        ]
        yield _task_box(
            task,
            checked,
            fed=fed.get(task.id, {}),
            read=read.get(task.id, {}),
            at=spots.get(path, (320 + GRID * (number % 40), GRID * (number % 40))),
            problems=tuple(sentence for each in inside for sentence in each),
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


def _graph_plug(name: str, kind: str, title: str) -> Plug:
    return Plug(name=name, title=title or name, kind=kind)


#: The ports of a task that dataflows lead to, or from, in drawn order.
type InUse = dict[str, None]


def _ports_in_use(graph: GraphDefinition) -> tuple[dict[str, InUse], dict[str, InUse]]:
    """Give by task the input ports that are fed, and the output ports that are read."""
    fed: dict[str, InUse] = {}
    read: dict[str, InUse] = {}
    for flow in graph.dataflows:
        task_id, port = _end(flow.target)
        fed.setdefault(task_id, {})[port] = None
    for end in [
        *(flow.source for flow in graph.dataflows),
        *(each.source for each in graph.outputs),
    ]:
        task_id, port = _end(end)
        read.setdefault(task_id, {})[port] = None
    return fed, read


def _task_box(
    defined: DefinedTask,
    checked: CheckedGraph,
    *,
    fed: InUse,
    read: InUse,
    at: Spot,
    problems: tuple[str, ...],
) -> CanvasBox:
    task = checked.tasks.get(defined.id)
    if task is None:
        into = [Plug(name=name, state="fed") for name in fed]
        out = [Plug(name=name) for name in read]
        kind, under = "unknown", f"not usable: {defined.type}"
    else:
        into = [_into(port, defined, fed) for port in task.inputs.values()]
        out = [_plug(port) for port in task.outputs.values()]
        kind, under = ("compound" if defined.graph is not None else "task"), defined.type
        if ERROR_PORT in read:
            out.append(Plug(name=ERROR_PORT, title="error", kind="what went wrong"))
    return CanvasBox(
        id=defined.id,
        title=defined.title or (task.title if task else defined.id),
        under=under,
        kind=kind,
        into=tuple(into),
        out=tuple(out),
        disabled=defined.disabled,
        problems=problems,
        at=at,
    )


def _plug(port: Port, state: str = "") -> Plug:
    return Plug(
        name=port.name,
        title=port.title or port.name,
        kind=in_words(port.type),
        help=port.help,
        streams=port.readiness == "first-chunk" or port.reads_stream,
        state=state,
    )


def _into(port: Port, defined: DefinedTask, fed: InUse) -> Plug:
    if port.name in fed:
        return _plug(port, "fed")
    if port.name in defined.inputs:
        return _plug(port, "set")
    return _plug(port, "needed" if port.required else "")


def _box(box: CanvasBox) -> str:
    x, y = box.at
    marks = "".join(
        f" data-{name}" for name, on in (("disabled", box.disabled), ("wrong", box.problems)) if on
    )
    title = escape("; ".join(box.problems), quote=True)
    name = escape(box.id, quote=True)
    return (
        f'<div class="tile {box.kind}" id="box-{name}" data-id="{name}" data-x="{x}"'
        f' data-y="{y}" data-height="{box.height}"{marks} tabindex="-1" role="group"'
        f' aria-label="{escape(_spoken(box), quote=True)}">'
        f'<div class="tile-head"{f" title={chr(34)}{title}{chr(34)}" if title else ""}>'
        f"<b>{escape(box.title)}</b><span>{escape(box.under)}</span></div>"
        f'<ul class="plugs into">{"".join(_row(box.id, plug) for plug in box.into)}</ul>'
        f'<ul class="plugs out">{"".join(_row(box.id, plug) for plug in box.out)}</ul></div>'
    )


def _row(box: str, plug: Plug) -> str:
    about = ": ".join(each for each in (plug.kind, plug.help) if each)
    stream = " data-streams" if plug.streams else ""
    return (
        f'<li class="plug" data-end="{escape(f"{box}.{plug.name}", quote=True)}" data-state="{plug.state}"{stream}'
        f' title="{escape(about, quote=True)}"><i></i><span>{escape(plug.title or plug.name)}</span></li>'
    )


def _spoken(box: CanvasBox) -> str:
    parts = [box.title]
    parts += [box.under] if box.under else []
    parts += ["disabled"] if box.disabled else []
    parts += [f"{len(box.into)} inputs, {len(box.out)} outputs"]
    parts += [f"{len(box.problems)} problems"] if box.problems else []
    return ", ".join(parts)


# ── wires, notes, frames ────────────────────────────────────────────────────────────────────────


def _wires(graph: GraphDefinition, boxes: Mapping[str, CanvasBox]) -> Iterator[tuple[str, str]]:
    flows = [(flow.source, flow.target) for flow in graph.dataflows]
    flows += [(output.source, f"{OUTPUTS}.{output.name}") for output in graph.outputs]
    for source, target in flows:
        (from_id, leaves), (to_id, enters) = _end(source), _end(target)
        if from_id in boxes and to_id in boxes:
            start = boxes[from_id].spot(leaves, leaving=True)
            end = boxes[to_id].spot(enters, leaving=False)
            name = f"wire-{source}..{target}"
            yield name, _wire(name, source, target, curve(start, end))


def _wire(name: str, source: str, target: str, line: str) -> str:
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
                    f' role="note">{escape(note.text)}</div>'
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
                    f' tabindex="-1" role="note"><b>{escape(each.title)}</b></div>'
                ),
            )


def _ends(flow: Dataflow) -> tuple[str, str, str, str]:
    return (*_end(flow.source), *_end(flow.target))


def _end(end: str) -> tuple[str, str]:
    task_id, _, port = end.partition(".")
    return task_id, port
