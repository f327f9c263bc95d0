"""The events of a run in a terminal: a live tree, lines, or JSON; and `python -m runner`."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from runner.errors import DefinitionError, InputsError, RunnerError
from runner.execution.host import Host
from runner.execution.memory import STATUS_OF, MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.execution.store import ChunkBatch, Entry, StoredRun
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.registry import default_registry
from runner.graph.task_graph import TaskGraph
from runner.graph.values import decode, encode
from runner.run import events as happened
from runner.run.status import LOOKS, RunStatus

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

FAILED, USAGE, CANCELLED = 1, 2, 130
EXIT_CODES = {RunStatus.COMPLETED: 0, RunStatus.CANCELLED: CANCELLED}
COMPOUND = "flow.graph"
READ_AS_WRITTEN = frozenset({"str", "bytes", "datetime", "decimal", "uuid"})
REDRAWS_PER_SECOND = 10
SECOND_SIGNAL_SECONDS = 1.0
BAR, TAIL, ITEMS = 24, 60, 8

TASK_STATUS: dict[type[happened.Event], str] = {
    happened.TaskStarted: "running",
    happened.StreamOpened: "streaming",
    happened.TaskCompleted: "completed",
    happened.TaskFailed: "failed",
    happened.TaskUpstreamFailed: "upstream-failed",
    happened.TaskCancelled: "cancelled",
    happened.TaskInterrupted: "interrupted",
    happened.TaskSkipped: "skipped",
}
COLOURS = {
    "running": "blue",
    "streaming": "cyan",
    "completed": "green",
    "failed": "red",
    "upstream-failed": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "interrupted": "yellow",
}
#: What would move a terminal's cursor or change its colours does not come from a task.
UNSAFE = {each: "\ufffd" for each in (*range(32), *range(127, 160)) if chr(each) not in "\n\t"}


@dataclass(slots=True)
class Row:
    """One task in the tree, as the events so far left it."""

    path: str
    title: str
    depth: int
    status: str = "pending"
    fraction: float = 0.0
    message: str = ""
    tail: str = ""
    width: int | None = None
    done: int = 0
    inside: int = 1

    @property
    def items_done(self) -> int:
        """How many items of a map are through, each with all that is inside."""
        return self.done // self.inside


class Picture:
    """What a terminal shows of a run: its status, and a row for each task that was drawn."""

    def __init__(self, definition: GraphDefinition) -> None:
        self.title = definition.label
        self.status = "queued"
        self.rows = {row.path: row for row in _rows(definition)}

    def take(self, entry: Entry, items: Sequence[str] = ()) -> None:
        """Follow one event; `items` are the encoded chunks that it says are kept."""
        event = entry.event
        status = STATUS_OF.get(type(event))
        if status is not None:
            self.status = status.value
        path = getattr(event, "path", "")
        if status is None and path:
            self._take_in_row(self._row(path), event, items)

    def visible(self) -> list[Row]:
        """Give the rows to draw: of a map's items, a few that run and a few that failed."""
        shown: list[Row] = []
        room: dict[str, int] = {}
        for row in list(self.rows.values()):
            owner = row.path.partition("[")[0]
            if owner != row.path:
                room[owner] = room.get(owner, ITEMS) - 1
            if room.get(owner, 0) >= 0:
                shown.append(row)
        order = {path: place for place, path in enumerate(list(self.rows))}
        return sorted(shown, key=lambda row: order.get(row.path.partition("[")[0], 0))

    def _row(self, path: str) -> Row:
        row = self.rows.get(path)
        if row is None:
            owner = self.rows.get(path.partition("[")[0])
            row = Row(path, path.rpartition("/")[2] or path, owner.depth + 1 if owner else 0)
            row.title = path[len(owner.path) :] if owner else path
            self.rows[path] = row
        return row

    def _take_in_row(self, row: Row, event: happened.Event, items: Sequence[str]) -> None:
        row.status = TASK_STATUS.get(type(event), row.status)
        if isinstance(event, happened.TaskStarted):
            row.fraction, row.message, row.tail = 0.0, "", ""
        elif isinstance(event, happened.TaskProgressed):
            row.fraction, row.message = event.fraction, event.message
        elif isinstance(event, happened.TaskExpanded):
            row.width = event.decision
        elif isinstance(event, happened.TaskFailed):
            row.message = event.error.message
        elif isinstance(event, happened.ChunksStored):
            row.tail = _tail(row.tail, items)
        if isinstance(event, happened.TaskCompleted):
            self._count_item(row)

    def _count_item(self, row: Row) -> None:
        owner = self.rows.get(row.path.partition("[")[0])
        if owner is not None and owner is not row:
            owner.done += row.path.count("[") == 1
            del self.rows[row.path]


class Renderer:
    """Shows events as they come: as JSON lines, as a live tree, or as one line a change."""

    def __init__(self, definition: GraphDefinition, out: TextIO, *, as_json: bool = False) -> None:
        self.picture = Picture(definition)
        self.outputs: Mapping[str, str] = {}
        self._out = out
        self._as_json = as_json
        self._live = _live(self._draw, out) if not as_json and _is_lively(out) else None

    def show(self, entry: Entry, items: Sequence[str] = ()) -> None:
        """Show one event, with the encoded chunks that it says are kept."""
        self.picture.take(entry, items)
        if isinstance(entry.event, happened.RunCompleted):
            self.outputs = entry.event.outputs
        if self._as_json:
            self._print(json.dumps(_as_object(entry, items)))
        elif self._live is None:
            for line in _lines(entry):
                self._print(line)

    def close(self) -> None:
        """Draw the last picture; then give the run's outputs to the person who waits."""
        if self._live is not None:
            self._live.stop()
        if not self._as_json:
            for name, text in self.outputs.items():
                self._print(f"\n{name}:\n{_said(text).translate(UNSAFE).rstrip()}")

    def _print(self, line: str) -> None:
        try:
            print(line, file=self._out, flush=True)
        except BrokenPipeError:
            # Nobody reads any more; the run goes on, and the exit must not complain either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())

    def _draw(self) -> "RenderableType":
        from rich.text import Text  # noqa: PLC0415 - only a terminal needs it

        picture = self.picture
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{LOOKS[picture.status].glyph} ", COLOURS.get(picture.status, ""))
        text.append(picture.title.translate(UNSAFE), "bold")
        text.append(f" {LOOKS[picture.status].word}")
        for row in picture.visible():
            text.append(f"\n{'  ' * (row.depth + 1)}{LOOKS[row.status].glyph} ", _colour(row))
            text.append(f"{_one_line(row.title)} {_details(row)}".rstrip())
        return text


def read_inputs(definition: GraphDefinition, pairs: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` pairs as the definition's inputs want them; raises InputsError."""
    types = {port.name: port.type for port in definition.inputs}
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputsError({name: f"Write --input name=value, not '{name}'."})
        found[name] = text if types.get(name) in READ_AS_WRITTEN else _value(text)
    return found


def exit_code_of(status: str) -> int:
    """Give the exit code that says how a run ended."""
    return EXIT_CODES.get(RunStatus(status), FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a definition from a file on the memory store; give the exit code."""
    options = _parser().parse_args(arguments)
    try:
        definition = _definition_of(Path(options.graph))
        inputs = read_inputs(definition, options.input)
        # Plan what the store gives back: a value that cannot be kept is refused here.
        kept = encode(inputs)
        graph = plan(definition, decode(kept), default_registry())
    except RunnerError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return USAGE
    renderer = Renderer(definition, sys.stdout, as_json=options.json)
    return _run(graph, kept, renderer)


def _run(graph: TaskGraph, inputs: str, renderer: Renderer) -> int:
    try:
        return exit_code_of(asyncio.run(_run_here(graph, inputs, renderer)))
    except KeyboardInterrupt:
        return CANCELLED
    except RunnerError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return FAILED
    finally:
        renderer.close()


async def _run_here(graph: TaskGraph, inputs: str, renderer: Renderer) -> str:
    store = MemoryStore()
    run = store.submit(graph.definition.to_json(), inputs)
    (stored,) = await store.claim("console", 1)
    executor = _executor(graph, store, stored, renderer)
    with_signals(lambda: executor.cancel("console"))
    await executor.run()
    return store.runs[run].status


def _executor(
    graph: TaskGraph, store: MemoryStore, stored: StoredRun, renderer: Renderer
) -> RunExecutor:
    kept = store.runs[stored.run]
    shown = _Shown(kept.entries, kept.chunks, renderer)
    return RunExecutor(
        graph,
        store,
        stored,
        host=Host(on_commit=lambda _run, _seq: shown.catch_up(), is_watched=lambda _run: True),
    )


def with_signals(cancel: Callable[[], None]) -> None:
    """Let Ctrl+C, or SIGTERM, cancel the run; a later Ctrl+C ends the process."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # Not at once: one key press may arrive twice, from the terminal and from a parent.
        loop.call_later(SECOND_SIGNAL_SECONDS, loop.remove_signal_handler, signal.SIGINT)
        cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


class _Shown:
    """How far the kept events are shown; chunks are kept in the order of their events."""

    def __init__(
        self, entries: Sequence[Entry], chunks: Sequence[ChunkBatch], renderer: Renderer
    ) -> None:
        self._entries = entries
        self._chunks = chunks
        self._renderer = renderer
        self._next_entry = 0
        self._next_chunk = 0

    def catch_up(self) -> None:
        """Show what was kept since the last time."""
        while self._next_entry < len(self._entries):
            entry = self._entries[self._next_entry]
            self._next_entry += 1
            items: tuple[str, ...] = ()
            if isinstance(entry.event, happened.ChunksStored):
                items = self._chunks[self._next_chunk].items
                self._next_chunk += 1
            self._renderer.show(entry, items)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m runner", description="Run a graph from a file.")
    parser.add_argument("graph", help="a definition as JSON")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true", help="one JSON object an event")
    return parser


def _definition_of(path: Path) -> GraphDefinition:
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise DefinitionError(f"{path} cannot be read: {reason}.") from fault
    return GraphDefinition.from_json(text)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _rows(definition: GraphDefinition, above: str = "", depth: int = 0) -> Iterator[Row]:
    for each in definition.tasks:
        path = f"{above}{each.id}"
        inside = list(_rows(each.graph, f"{path}/", depth + 1)) if each.graph else []
        is_compound = each.type == COMPOUND
        yield Row(path, each.title or each.id, depth, inside=1 if is_compound else len(inside) or 1)
        if is_compound:
            yield from inside


def _is_lively(out: TextIO) -> bool:
    return out.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


def _live(draw: "Callable[[], RenderableType]", out: TextIO) -> "Live":
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.live import Live  # noqa: PLC0415

    live = Live(
        get_renderable=draw, console=Console(file=out), refresh_per_second=REDRAWS_PER_SECOND
    )
    live.start()
    return live


def _colour(row: Row) -> str:
    return COLOURS.get(row.status, "dim")


def _details(row: Row) -> str:
    if row.width is not None:
        return f"{row.items_done}/{row.width} {_bar(row.items_done / max(1, row.width))}"
    if row.status == "running" and row.fraction:
        return f"{_bar(row.fraction)} {_one_line(row.message)}"
    if row.status == "streaming":
        return f"… {_one_line(row.tail)}"
    return _one_line(row.message) if row.status in {"failed", "upstream-failed"} else ""


def _tail(tail: str, items: Iterable[str]) -> str:
    """Let text grow, and show of anything else what came last."""
    for item in items:
        value = decode(item)
        tail = (tail + value)[-TAIL:] if isinstance(value, str) else item[:TAIL]
    return tail


def _bar(fraction: float) -> str:
    full = round(BAR * fraction)
    return f"{'━' * full}{'╌' * (BAR - full)} {fraction:.0%}"


def _one_line(text: str) -> str:
    return " ".join(text.split()).translate(UNSAFE)


def _lines(entry: Entry) -> Iterator[str]:
    event = entry.event
    path = getattr(event, "path", "")
    status = STATUS_OF.get(type(event)) or TASK_STATUS.get(type(event))
    if status is not None:
        look = LOOKS[status]
        name = path if type(event) in TASK_STATUS else "run"
        yield _stamped(entry, f"{look.glyph} {name} {look.word}{_reason(event)}")
    elif isinstance(event, happened.TaskExpanded):
        yield _stamped(entry, f"{LOOKS['running'].glyph} {path} has {event.decision} items")
    elif isinstance(event, happened.TaskLogged):
        yield _stamped(entry, f"  {path} {event.level}: {event.message}")


def _stamped(entry: Entry, text: str) -> str:
    return f"{entry.at.astimezone():%H:%M:%S} {_shortened(text)}"


def _shortened(text: str) -> str:
    return text.replace("\n", " ").translate(UNSAFE)


def _reason(event: happened.Event) -> str:
    if isinstance(event, happened.TaskFailed | happened.RunFailed):
        return f": {event.error.message}"
    if isinstance(event, happened.TaskUpstreamFailed):
        return f" by {event.culprit}"
    return ""


def _as_object(entry: Entry, items: Collection[str]) -> dict[str, Any]:
    event = entry.event
    about = {"seq": entry.seq, "at": entry.at.isoformat(), "kind": event.kind}
    chunks = {"items": list(map(decode, items))} if items else {}
    return about | event.to_json() | chunks


def _said(text: str) -> str:
    """Show an encoded value: text as it is, anything else as JSON."""
    value = decode(text)
    return value if isinstance(value, str) else text
