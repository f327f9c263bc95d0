"""RunValues: the encoded values and streams of one run, and what a task is given of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

from runner.errors import RunnerError, ValueFault
from runner.execution.store import RunStore, patiently
from runner.execution.stream import ChunkReader, Stream, kept_stream
from runner.graph.ports import Port
from runner.graph.task_graph import (
    Computed,
    Constant,
    ItemOf,
    Otherwise,
    OutputOf,
    PlannedTask,
    Several,
    Source,
    producers,
)
from runner.graph.values import decode, encode
from runner.run.checkpoint import TaskCheckpoint
from runner.run.moves import OVER
from runner.run.state import RunState
from runner.run.status import TaskStatus

_WITH_RESULT = frozenset({TaskStatus.COMPLETED, TaskStatus.CACHED})


class RunValues:
    """Finds the value behind a source; every consumer decodes its own copy.

    `passing` says which source an output of a control task stands for: what passes through a
    branch, a merge or a sub-graph is kept once, where it was made.
    """

    def __init__(self, state: RunState) -> None:
        self.outputs: dict[str, dict[str, str]] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self.passing: dict[tuple[str, str], Source] = {}
        self._state = state
        self._items: dict[tuple[str, str], list[str]] = {}
        self._aggregates: dict[tuple[str, str], str] = {}

    def let_go(self) -> None:
        """Free what may be large, once the run was driven.

        The parts of a run know one another, so all of it stays until the garbage collector
        comes; and that counts objects, not bytes.
        """
        for stream in self.streams.values():
            stream.chunks.clear()
        for kept in (self.outputs, self.streams, self._items, self._aggregates):
            kept.clear()

    async def restore(self, kept: Iterable[TaskCheckpoint], store: RunStore, run: str) -> None:
        """Put back the outputs of finished tasks; read kept chunks where they are needed."""
        ends = [each for each in kept if each.done and each.path in self._state.tasks]
        if not ends:
            return
        for each in ends:
            self.outputs[each.path] = dict(each.outputs)
        self._restore_passing()
        needed = self._needed_streams()
        for each in ends:
            ports = self._state.tasks[each.path].planned.task.outputs
            for name, count in each.streams.items():
                if (each.path, name) in needed:
                    chunks = await kept_chunks(store, run, each.path, name, each.attempt)
                    if len(chunks) < count:
                        raise RunnerError(f"Chunks of port {name} of {each.path} are missing.")
                    stream = kept_stream(each.path, ports[name], each.attempt, chunks[:count])
                    self.streams[each.path, name] = stream

    def _restore_passing(self) -> None:
        for path, state in self._state.tasks.items():
            if state.control is not None and state.status in _WITH_RESULT:
                self.let_pass(path, self._state.scopes.settle(state))

    def _needed_streams(self) -> set[tuple[str, str]]:
        state = self._state
        sources = list(state.graph.outputs.values())
        for each in state.tasks.values():
            if each.status not in OVER:
                sources += each.planned.takes
            if each.unfolds:
                for outputs in state.scopes.outputs(each):
                    sources += outputs.values()
        sources += self.passing.values()
        return {(each.path, each.port) for each in producers(sources)}

    # ── what an output stands for ────────────────────────────────────────────────────────────

    def let_pass(self, path: str, sources: Mapping[str, Source]) -> None:
        """Let outputs of a control task stand for these sources, where it is one source each."""
        for port, source in sources.items():
            if not isinstance(source, Several):
                self.passing[path, port] = source

    def resolve(self, source: Source) -> Source:
        """Give the source that stands behind an output which something passes through."""
        while True:
            if isinstance(source, Otherwise):
                gives = self._state.gives(source.source)
                source = source.source if gives else Constant(source.text)
            behind = self._behind(source)
            if behind is None:
                return source
            source = behind

    def _behind(self, source: Source) -> Source | None:
        if not isinstance(source, OutputOf):
            return None
        return self.passing.get((source.path, source.port))

    def stream(self, source: Source) -> Stream | None:
        """Give the stream behind a source, if it streams and has begun."""
        behind = self.resolve(source)
        if not isinstance(behind, OutputOf):
            return None
        return self.streams.get((behind.path, behind.port))

    def outputs_behind(self, planned: PlannedTask) -> Iterator[OutputOf]:
        """Give the outputs that a task's inputs come from, also those of a map's items."""
        for source in planned.takes:
            yield from self._outputs_behind(source)

    def _outputs_behind(self, source: Source) -> Iterator[OutputOf]:
        source = self.resolve(source)
        if isinstance(source, ItemOf):
            source = self._state.tasks[source.path].planned.sources[source.port]
            yield from self._outputs_behind(source)
        elif isinstance(source, Several | Computed):
            for each in source.sources:
                yield from self._outputs_behind(each)
        elif isinstance(source, OutputOf):
            yield source

    # ── values ───────────────────────────────────────────────────────────────────────────────

    def text(self, source: Source) -> str:
        """Give the encoded value behind a source whose producers have ended."""
        if type(source) is OutputOf and not self.passing:
            return self._output(source.path, source.port)
        source = self.resolve(source)
        if isinstance(source, Constant):
            return source.text
        if isinstance(source, OutputOf):
            return self._output(source.path, source.port)
        if isinstance(source, ItemOf):
            return self.items(source.path, source.port)[source.index]
        # What is computed was worked out before the body, and stands here as a constant.
        return self._text_of_several(cast("Several", source))

    def _text_of_several(self, source: Several) -> str:
        if not self._state.some_not_taken:
            return "[" + ",".join(map(self.text, source.sources)) + "]"
        gives = self._state.gives
        if source.aligned:
            texts = [self.text(each) if gives(each) else "null" for each in source.sources]
        else:
            texts = [self.text(each) for each in source.sources if gives(each)]
        return "[" + ",".join(texts) + "]"

    def _output(self, path: str, port: str) -> str:
        given = self.outputs.get(path)
        if given is not None and port in given:
            return given[port]
        key = (path, port)
        if key not in self._aggregates:
            self._aggregates[key] = self.streams[key].aggregate()
        return self._aggregates[key]

    def forget(self, path: str) -> None:
        """Forget what a task gave: it will run again."""
        self.outputs.pop(path, None)
        task = self._state.tasks[path].planned.task
        for port in task.outputs:
            self._aggregates.pop((path, port), None)
            self.passing.pop((path, port), None)
        for port in task.inputs:
            self._items.pop((path, port), None)

    def items(self, path: str, port: str) -> list[str]:
        """Give the encoded items of one of a control's list inputs."""
        key = (path, port)
        if key not in self._items:
            self._items[key] = self._split(self._state.tasks[path].planned.sources[port])
        return self._items[key]

    def item_came(self, path: str, port: str, text: str) -> None:
        """Take the next item of a map that goes along a stream."""
        self._items.setdefault((path, port), []).append(text)

    def _split(self, source: Source) -> list[str]:
        stream = self.stream(source)
        if stream is not None and stream.port.mode == "append":
            return list(stream.chunks)
        return [encode(each) for each in decode(self.text(source))]

    def inputs_for(self, planned: PlannedTask) -> dict[str, Any]:
        """Give a task's inputs: decoded values, and readers for its stream ports."""
        ports = planned.task.inputs
        found: dict[str, Any] = {}
        for name, source in planned.sources.items():
            port = ports[name]
            if port.reads_stream:
                found[name] = self._readers(planned, port, source)
            elif type(source) is Constant:
                found[name] = port.decode(source.text)
            elif not self._state.some_not_taken or self._state.gives(source):
                found[name] = port.decode(self.text(source))
        return found

    def texts_for(self, planned: PlannedTask) -> dict[str, str]:
        """Give the encoded values of a task's inputs; streams as what they add up to."""
        return {
            name: self.text(source)
            for name, source in planned.sources.items()
            if self._state.gives(source)
        }

    def texts_of(self, source: Computed) -> dict[str, str]:
        """Give the encoded values that an expression reads, by name; without what is not taken."""
        gives = self._state.gives
        return {name: self.text(each) for name, each in source.names if gives(each)}

    def _readers(self, planned: PlannedTask, port: Port, source: Source) -> Any:
        if isinstance(source, Several) and port.several_streams:
            given = [each for each in source.sources if self._state.gives(each)]
            return [self._reader(planned, port, each) for each in given]
        return self._reader(planned, port, source)

    def _reader(self, planned: PlannedTask, port: Port, source: Source) -> ChunkReader:
        stream = self.stream(source)
        if stream is None:
            chunks = port.split(self.text(source))
            return kept_stream(planned.path, port, 1, chunks).reader(port, elastic=True)
        elastic = port.name in planned.elastic or port.name not in planned.first_chunk
        return stream.reader(port, elastic=elastic, read=port.reader())


def outputs_given(planned: PlannedTask, given: Any) -> dict[str, str]:
    """Encode outputs that a person gives in a task's place; raise ValueFault if they do not fit."""
    ports = planned.task.outputs
    if not isinstance(given, Mapping):
        raise ValueFault(f"Give the outputs of {planned.title} by port.")
    unknown = [str(port) for port in given if port not in ports]
    if unknown:
        raise ValueFault(f"{planned.title} has no output {unknown[0]!r:.80}.")
    missing = [port for port in ports if port not in given]
    if missing:
        raise ValueFault(f"{planned.title} also needs a value for port {missing[0]}.")
    return {name: port.encode(given[name]) for name, port in ports.items()}


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


async def kept_chunks(store: RunStore, run: str, path: str, port: str, attempt: int) -> list[str]:
    """Read the kept chunks of one port and attempt."""
    batches = await patiently(lambda: store.read_chunks(run, path, port, attempt))
    return [item for batch in batches for item in batch.items]
