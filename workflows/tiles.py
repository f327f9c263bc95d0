"""The boxes of a canvas: tasks with their ports, and the borders of a level (pure).

A box says where it stands in `data-x` and `data-y`: a strict content security policy allows no
style in markup, and the script puts it there.
"""

from dataclasses import dataclass, field
from html import escape

from runner.graph.dataflow import ERROR_PORT
from runner.graph.definition import DefinedTask
from runner.graph.port_types import in_words
from runner.graph.ports import Port
from runner.graph.remembered import ByIdentity
from runner.graph.task import Task

WIDTH = 208
HEAD = 40
ROW = 24
FOOT = 8
#: The boxes of so many tasks are kept: an act changes few of them.
KEPT = 10_000

type Spot = tuple[int, int]
#: Ports of a task that dataflows lead to, or from, in drawn order.
type InUse = tuple[str, ...]


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
    html: str = field(init=False, compare=False, repr=False)
    shape: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Write it once: for the canvas, and for its map."""
        object.__setattr__(self, "html", _written(self))
        object.__setattr__(self, "shape", _shape(self))

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


#: All that a box shows of a task besides what the task says itself.
type _Around = tuple[Task | None, InUse, InUse, Spot, tuple[str, ...]]
_kept: ByIdentity[DefinedTask, tuple[_Around, CanvasBox]] = ByIdentity(KEPT)


def task_box(
    defined: DefinedTask,
    task: Task | None,
    *,
    fed: InUse,
    read: InUse,
    at: Spot,
    problems: tuple[str, ...],
) -> CanvasBox:
    """Draw a task; `task` is what was made of it, None if it cannot be used."""
    around = (task, fed, read, at, problems)
    kept = _kept.get(defined)
    if kept is not None and kept[0][0] is task and kept[0][1:] == around[1:]:
        return kept[1]
    box = _task_box(defined, task, fed=fed, read=read, at=at, problems=problems)
    _kept.put(defined, (around, box))
    return box


def _task_box(
    defined: DefinedTask,
    task: Task | None,
    *,
    fed: InUse,
    read: InUse,
    at: Spot,
    problems: tuple[str, ...],
) -> CanvasBox:
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


def _written(box: CanvasBox) -> str:
    x, y = box.at
    marks = "".join(
        f" data-{name}" for name, on in (("disabled", box.disabled), ("wrong", box.problems)) if on
    )
    title = escape("; ".join(box.problems), quote=True)
    name = escape(box.id, quote=True)
    return (
        f'<div class="tile {box.kind}" id="box-{name}" data-id="{name}" data-x="{x}"'
        f' data-y="{y}" data-height="{box.height}"{marks} tabindex="-1" role="option"'
        f' aria-label="{escape(_spoken(box), quote=True)}">'
        f'<div class="tile-head"{f" title={chr(34)}{title}{chr(34)}" if title else ""}>'
        f"<b>{escape(box.title)}</b><span>{escape(box.under)}</span></div>"
        f'<ul class="plugs into">{"".join(_row(box.id, plug) for plug in box.into)}</ul>'
        f'<ul class="plugs out">{"".join(_row(box.id, plug) for plug in box.out)}</ul></div>'
    )


def _shape(box: CanvasBox) -> str:
    x, y = box.at
    return (
        f'<rect id="map-{escape(box.id, quote=True)}" class="{"wrong" if box.problems else box.kind}"'
        f' x="{x}" y="{y}" width="{WIDTH}" height="{box.height}" />'
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
