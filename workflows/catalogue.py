"""The catalogue of task types: what each takes, gives and needs, and a workflow to try it with."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from django.utils.safestring import SafeString

from runner.editing.draft import Draft
from runner.errors import RunnerError
from runner.graph.building import graph_port
from runner.graph.dataflow import Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput
from runner.graph.port_types import in_words
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.values import decode
from workflows.markdown import rendered

EFFECTS: Mapping[str, str] = {
    "none": "Changes nothing outside, so its results can be kept.",
    "repeatable": "May be run twice after a crash.",
    "once": "Is never run twice by itself: a person decides after a crash.",
}
_LONGEST_DEFAULT = 60
_TASK = "it"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLine:
    """A port or a setting in words; `stream` says when a stream can be read, if it is one."""

    name: str
    title: str
    kind: str
    help: str = ""
    stream: str = ""
    required: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSheet:
    """All that the catalogue says of a task type.

    `origin` names the plug-in that brought it, empty for the library; `drawn` says that its ports
    depend on how it is drawn, and are not known here.
    """

    type: str
    title: str
    help: str
    text: SafeString
    effect: str
    needs: tuple[str, ...] = ()
    place: str = ""
    origin: str = ""
    inputs: tuple[PortLine, ...] = ()
    outputs: tuple[PortLine, ...] = ()
    settings: tuple[PortLine, ...] = ()
    drawn: bool = False

    @property
    def family(self) -> str:
        """The first part of its name."""
        return self.type.partition(".")[0]

    @property
    def streams(self) -> bool:
        """Whether it gives something before its end."""
        return any(line.stream for line in self.outputs)


def sheets(registry: TaskRegistry, words: str = "") -> list[TaskSheet]:
    """Give the task types that match all of some words, by family and title."""
    wanted = words.casefold().split()
    found = [
        sheet
        for sheet in map(_Writer(registry).sheet, registry)
        if all(word in _searched(sheet) for word in wanted)
    ]
    return sorted(found, key=lambda each: (each.family, each.title))


def sheet_called(registry: TaskRegistry, name: str) -> TaskSheet:
    """Give one; raises UnknownTaskType."""
    return _Writer(registry).sheet(registry.get(name))


def trial_of(registry: TaskRegistry, name: str) -> Draft:
    """Draw a workflow of one task, all of whose ports are its own; raises UnknownTaskType."""
    kind = registry.get(name)
    alone = GraphDefinition(
        title=f"Try {kind.title[:1].lower()}{kind.title[1:]}",
        help=kind.help,
        tasks=(DefinedTask(id=_TASK, type=name),),
    )
    try:
        task = kind.build({}, None, registry)
    except RunnerError:
        # It wants settings first: the editor asks for them.
        return Draft(definition=alone)
    wired = replace(
        alone,
        inputs=tuple(graph_port(name, port) for name, port in task.inputs.items()),
        outputs=tuple(GraphOutput(name=name, source=f"{_TASK}.{name}") for name in task.outputs),
        dataflows=tuple(
            Dataflow(source=f"$inputs.{name}", target=f"{_TASK}.{name}") for name in task.inputs
        ),
    )
    return Draft(definition=wired)


@dataclass(frozen=True, slots=True)
class _Writer:
    registry: TaskRegistry

    def sheet(self, kind: type[Task]) -> TaskSheet:
        ports = self._ports(kind)
        return TaskSheet(
            type=kind.name,
            title=kind.title,
            help=kind.help,
            text=rendered(_text_of(kind)),
            effect=EFFECTS[kind.effect],
            needs=tuple(need.name for need in kind.needs),
            place=kind.place,
            origin=self._origin(kind.name),
            inputs=tuple(_lines(ports[0])) if ports else (),
            outputs=tuple(_lines(ports[1])) if ports else (),
            settings=tuple(_lines(kind.config_ports())),
            drawn=ports is None,
        )

    def _ports(self, kind: type[Task]) -> tuple[Mapping[str, Port], Mapping[str, Port]] | None:
        try:
            task = kind.build({}, None, self.registry)
        except RunnerError:
            return None
        return task.inputs, task.outputs

    def _origin(self, name: str) -> str:
        return next((each.origin for each in self.registry.plug_ins if name in each.types), "")


def _text_of(kind: type[Task]) -> str:
    """Give what its documentation says after the first line, which is its help."""
    return inspect.cleandoc(vars(kind).get("__doc__") or "").partition("\n")[2].strip()


def _lines(ports: Mapping[str, Port]) -> Iterator[PortLine]:
    for name, port in ports.items():
        yield PortLine(
            name=name,
            title=port.title or name,
            kind=in_words(port.type),
            help=port.help,
            stream=_stream_of(port),
            required=port.required,
            default=_default_of(port),
        )


def _stream_of(port: Port) -> str:
    if port.reads_stream:
        return "read from the first chunk on"
    if port.streams:
        return f"streams: {'grows' if port.mode == 'append' else 'is replaced'} with each chunk"
    return ""


def _default_of(port: Port) -> str:
    value = None if port.default is None else decode(port.default)
    if value is None or value in ("", [], {}):
        return ""
    text = value if isinstance(value, str) else port.default or ""
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[: _LONGEST_DEFAULT - 1]}…"


def _searched(sheet: TaskSheet) -> str:
    return f"{sheet.type} {sheet.title} {sheet.help}".casefold()
