"""RunValues: the encoded values and streams of one run, and what a task is given of them."""

from collections.abc import Collection, Mapping
from typing import Any

from runner.errors import RunnerError
from runner.execution.store import RunStore, StoredRun
from runner.execution.stream import ChunkReader, Stream, kept_stream
from runner.graph.control import Map
from runner.graph.ports import Port
from runner.graph.task_graph import Constant, ItemOf, OutputOf, PlannedTask, Source, producers
from runner.graph.values import decode, encode
from runner.run.state import RunState
from runner.run.status import TaskStatus

ITEMS_AT_MOST = 10_000


class RunValues:
    """Finds the value behind a source; every consumer decodes its own copy."""

    def __init__(self, state: RunState) -> None:
        self.outputs: dict[str, dict[str, str]] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self._state = state
        self._items: dict[str, dict[str, list[str]]] = {}
        self._aggregates: dict[tuple[str, str], str] = {}

    async def restore(self, stored: StoredRun, store: RunStore) -> None:
        """Put back the outputs of finished tasks; read kept chunks where they are needed."""
        needed = self._needed_streams()
        for kept in stored.checkpoints:
            if not kept.done:
                continue
            self.outputs[kept.path] = dict(kept.outputs)
            ports = self._state.tasks[kept.path].planned.task.outputs
            for name, count in kept.streams.items():
                if (kept.path, name) in needed:
                    chunks = await _kept_chunks(store, stored.run, kept.path, name, kept.attempt)
                    if len(chunks) < count:
                        raise RunnerError(f"Chunks of port {name} of {kept.path} are missing.")
                    stream = kept_stream(kept.path, ports[name], kept.attempt, chunks[:count])
                    self.streams[kept.path, name] = stream

    def _needed_streams(self) -> set[tuple[str, str]]:
        state = self._state
        sources = list(state.graph.outputs.values())
        for each in state.tasks.values():
            if each.status is not TaskStatus.COMPLETED:
                sources += each.planned.sources.values()
            if each.width is not None:
                for item in state.item_outputs[each.planned.path]:
                    sources += item.values()
        return {(each.path, each.port) for each in producers(sources)}

    def text(self, source: Source) -> str:
        """Give the encoded value behind a source whose producers have ended."""
        if isinstance(source, Constant):
            return source.text
        if isinstance(source, OutputOf):
            return self._output(source.path, source.port)
        if isinstance(source, ItemOf):
            return self.items(source.path)[source.port][source.index]
        return "[" + ",".join(self.text(each) for each in source.sources) + "]"

    def _output(self, path: str, port: str) -> str:
        value = self.outputs.get(path, {}).get(port)
        if value is not None:
            return value
        key = (path, port)
        if key not in self._aggregates:
            self._aggregates[key] = self.streams[key].aggregate()
        return self._aggregates[key]

    def items(self, path: str) -> dict[str, list[str]]:
        """Give the encoded items of a map's list inputs by port.

        Raises RunnerError when the lists differ in length or are too long.
        """
        if path not in self._items:
            planned = self._state.tasks[path].planned
            lists = {
                port: [encode(each) for each in decode(self.text(planned.sources[port]))]
                for port in _over(planned)
            }
            _check_lengths(planned.title, {port: len(each) for port, each in lists.items()})
            self._items[path] = lists
        return self._items[path]

    def width(self, path: str) -> int:
        """Give how many items a map unfolds into."""
        return max((len(each) for each in self.items(path).values()), default=0)

    def gather(self, path: str) -> dict[str, str]:
        """Put a map's list outputs together from its items, in item order."""
        items = self._state.item_outputs[path]
        ports = self._state.tasks[path].planned.task.outputs
        return {
            port: "[" + ",".join(self.text(item[port]) for item in items) + "]" for port in ports
        }

    def inputs_for(self, planned: PlannedTask) -> dict[str, Any]:
        """Give a task's inputs: decoded values, and readers for its stream ports."""
        ports = planned.task.inputs
        return {
            name: self._reader(planned, ports[name], source)
            if ports[name].reads_stream
            else ports[name].decode(self.text(source))
            for name, source in planned.sources.items()
        }

    def _reader(self, planned: PlannedTask, port: Port, source: Source) -> ChunkReader:
        stream = (
            self.streams.get((source.path, source.port)) if isinstance(source, OutputOf) else None
        )
        if stream is None:
            chunks = port.split(self.text(source))
            return kept_stream(planned.path, port, 1, chunks).reader(port, elastic=True)
        elastic = port.name in planned.elastic or port.name not in planned.first_chunk
        return stream.reader(port, elastic=elastic)


def check_streams(values: Mapping[str, str], streams: Mapping[str, Stream], title: str) -> None:
    """Raise RunnerError when a task returned something else than what it streamed."""
    for port, stream in streams.items():
        if port in values and decode(values[port]) != decode(stream.aggregate()):
            raise RunnerError(
                f"{title} returned a value for port {port} that differs from what it streamed; "
                "leave the port out of the return value."
            )


def check_complete(planned: PlannedTask, given: Collection[str]) -> None:
    """Raise RunnerError when a body ended without a value for one of its output ports."""
    missing = [port for port in planned.task.outputs if port not in given]
    if missing:
        raise RunnerError(
            f"{planned.title} ended without a value for port {missing[0]}; return one."
        )


def streams_with_value(streams: Mapping[str, Stream]) -> set[str]:
    """Name the ports whose chunks add up to a value; no last word among none does."""
    return {
        name for name, stream in streams.items() if stream.chunks or stream.port.mode == "append"
    }


def streaming_port(planned: PlannedTask, name: str) -> Port:
    """Give an output port that streams; raise RunnerError for any other name."""
    port = planned.task.outputs.get(name)
    if port is None or not port.streams:
        raise RunnerError(
            f"{planned.title} cannot push chunks to {name}; list that output in streaming()."
        )
    return port


def _over(planned: PlannedTask) -> tuple[str, ...]:
    """Name the input ports whose items a map goes through."""
    return planned.task.over if isinstance(planned.task, Map) else ()


def _check_lengths(title: str, lengths: Mapping[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{port} has {count}" for port, count in lengths.items())
        raise RunnerError(f"The lists that {title} goes over differ in length: {said}.")
    if max(lengths.values(), default=0) > ITEMS_AT_MOST:
        raise RunnerError(f"{title} would unfold into more than {ITEMS_AT_MOST} items.")


async def _kept_chunks(store: RunStore, run: str, path: str, port: str, attempt: int) -> list[str]:
    batches = await store.read_chunks(run, path, port, attempt)
    return [item for batch in batches for item in batch.items]
