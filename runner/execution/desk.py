"""TaskDesk: what the contexts of a run's tasks pass on to: streams, logs, state, waits."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError
from runner.execution.artifacts import RunArtifacts
from runner.execution.chunk_flush import ChunkFlush
from runner.execution.context import Kept
from runner.execution.mail import Mail
from runner.execution.masking import ChunkMasker, Masker
from runner.execution.network import Network
from runner.execution.programs import Emit, Program, Say
from runner.execution.run_values import (
    check_complete,
    check_streams,
    kept_chunks,
    streaming_port,
    streams_with_value,
)
from runner.execution.secrets import Secret
from runner.execution.store import ChunkBatch
from runner.execution.stream import ChunkReader, Stream, resumed_stream
from runner.execution.waits import Waits
from runner.graph.task_graph import PlannedTask
from runner.graph.values import decode, encode
from runner.run import commands, events
from runner.run.checkpoint import SavedState

if TYPE_CHECKING:
    from runner.execution.body import Body
    from runner.execution.run_executor import RunExecutor


class TaskDesk:
    """One run's desk; each call names the task it is about."""

    def __init__(self, executor: "RunExecutor") -> None:
        self.masker = Masker()
        self.waits = Waits(executor, self.masker)
        self._executor = executor
        self._artifacts = RunArtifacts(executor.host.artifacts, executor.stored.scope)
        self._values = executor.values
        self._flush = ChunkFlush(
            self._keep_chunks, lambda: executor.host.is_watched(executor.run_id)
        )
        self._maskers: dict[Stream, ChunkMasker] = {}
        #: By path: the chunks that were kept with the saved state of an earlier attempt.
        self._prefixes: dict[str, dict[str, list[str]]] = {}
        self._usable: dict[str, SavedState] = {}

    # ── streams ──────────────────────────────────────────────────────────────────────────────

    def open_stream(self, path: str, port: str) -> Stream:
        """Give the stream of an output port, opening it at the first use."""
        stream = self._values.streams.get((path, port))
        if stream is None:
            state = self._executor.state.tasks[path]
            opened = streaming_port(state.planned, port)
            stream = Stream(
                path,
                opened,
                state.attempt,
                write=opened.writer(),
                on_chunks=self._chunks_came,
                meter=self._executor.bodies.get(path),
                most=self._executor.host.stream_bytes,
            )
            self._values.streams[path, port] = stream
        return stream

    def take(self, stream: Stream, chunk: Any) -> bool:
        """Take one chunk; give whether its readers lag, or may: then wait for its throttle."""
        text = stream.write(chunk)
        if self.masker.finder is None:
            return stream.append(text)
        self._heard(stream.path)
        masker = self._maskers.get(stream)
        if masker is None:
            masker = self._maskers[stream] = ChunkMasker(self.masker, stream.port)
        for each in masker.push(text):
            stream.append(each)
        return True

    async def throttle(self, stream: Stream) -> None:
        """Wait while readers lag, and while too much that the run gave is not kept yet."""
        await stream.throttle()
        log = self._executor.log
        if log.is_far_ahead and stream.meter is not None:
            stream.meter.waits()
            try:
                await log.room()
            finally:
                stream.meter.works()

    def close_stream(self, stream: Stream) -> None:
        """Keep what is left and announce the close."""
        if stream.closed:
            return
        self._let_out(stream)
        stream.close()
        self._flush.now(stream)
        self._maskers.pop(stream, None)
        self._executor.record(
            events.StreamClosed(stream.path, stream.port.name, stream.attempt, len(stream.chunks))
        )

    def close_streams(self, planned: PlannedTask, outputs: Mapping[str, str]) -> dict[str, Stream]:
        """Close the streams of a body that returned `outputs`, those without a chunk too.

        Raises RunnerError for a port that was streamed and returned with another value, and for
        one that has no value.
        """
        path = planned.path
        for name in planned.task.streaming():
            if name not in outputs:
                self.open_stream(path, name)
        streams = self.streams_of(path) if self._values.streams else {}
        for stream in streams.values():
            self._let_out(stream)
        check_streams(outputs, streams, planned.title)
        if len(outputs) != len(planned.task.outputs):
            check_complete(planned, outputs.keys() | streams_with_value(streams))
        for stream in streams.values():
            self.close_stream(stream)
        return streams

    def keep(self, stream: Stream) -> None:
        """Keep a stream that came whole."""
        self._flush.now(stream)

    def streams_of(self, path: str) -> dict[str, Stream]:
        """Give the streams of a task by port, as far as they have begun."""
        ports = self._executor.state.tasks[path].planned.task.outputs
        streams = self._values.streams
        return {name: streams[path, name] for name in ports if (path, name) in streams}

    def supersede(self, path: str) -> None:
        """Let the streams of an attempt that ended without result count no longer."""
        for name, stream in self.streams_of(path).items():
            self._flush.forget(stream)
            self._maskers.pop(stream, None)
            was_told = bool(stream.chunks) or stream.closed
            stream.fail()
            del self._values.streams[path, name]
            if was_told:
                self._executor.apply(events.StreamSuperseded(path, name, stream.attempt))

    def flush_all(self) -> None:
        """Hand on all chunks that wait to be kept."""
        self._flush.all()

    def stop(self) -> None:
        """Keep nothing further: the executor lets the run go."""
        self._flush.stop()
        self.waits.stop()

    def _let_out(self, stream: Stream) -> None:
        """Give what was held back because it might have been the beginning of a secret."""
        masker = self._maskers.get(stream)
        for text in masker.flush() if masker is not None else ():
            stream.append(text)

    def _chunks_came(self, stream: Stream) -> None:
        if len(stream.chunks) == 1:
            self._executor.record(
                events.StreamOpened(stream.path, stream.port.name, stream.attempt)
            )
        self._heard(stream.path)
        self._flush.take(stream)

    def _keep_chunks(self, batch: ChunkBatch, size: int) -> None:
        last = batch.first + len(batch.items) - 1
        event = events.ChunksStored(batch.path, batch.port, batch.attempt, batch.first, last, size)
        self._executor.record(event, chunks=batch)
        if last > batch.first:
            # The first of them was heard of as it came, the others were not.
            self._heard(batch.path)

    def _heard(self, path: str) -> None:
        body = self._executor.bodies.get(path)
        if body is not None:
            body.heard()

    # ── progress and logs ────────────────────────────────────────────────────────────────────

    def progressed(self, path: str, attempt: int, fraction: float, message: str) -> None:
        """Record progress."""
        self._heard(path)
        said = self.masker.mask(message)
        self._executor.record(events.TaskProgressed(path, attempt, fraction, said))

    def queued(self, path: str, why: str) -> None:
        """Record what a body waits for in the job queue; its slots are free meanwhile."""
        self._executor.bodies.speaking(path).waits_elsewhere()
        self._executor.do(commands.Record(events.TaskQueued(path, why)))

    def taken(self, path: str, attempt: int) -> None:
        """Record that a worker has begun a body that waited for one."""
        if self._executor.bodies.speaking(path).works_elsewhere():
            self._executor.do(commands.Record(events.TaskStarted(path, attempt)))

    def mask(self, text: str) -> str:
        """Take the secrets that the run's tasks were given out of a text."""
        return self.masker.mask(text)

    def logged(self, path: str, attempt: int, level: str, message: str) -> None:
        """Record a log line."""
        self._executor.record(events.TaskLogged(path, attempt, level, self.masker.mask(message)))

    # ── what is kept ─────────────────────────────────────────────────────────────────────────

    async def save_state(self, path: str, value: Any) -> None:
        """Keep a body's state with its place in its streams, and wait until it is kept."""
        text = self.masker.mask_json(encode(value))
        body = self._executor.bodies.speaking(path)
        streams = self.streams_of(path)
        for stream in streams.values():
            self._let_out(stream)
            self._flush.now(stream)
        body.heard()
        saved = SavedState(
            attempt=body.context.attempt,
            value=text,
            outputs={port: len(stream.chunks) for port, stream in streams.items()},
            inputs=self._positions(path, body),
        )
        event = events.StateSaved(path, body.context.attempt, len(text))
        await self._executor.record_durably(event, changes={"saved": saved})

    def _positions(self, path: str, body: "Body") -> dict[str, tuple[str, str, int, int]]:
        """Say of each stream how far it was read, and which attempt gave what else may change."""
        state = self._executor.state.tasks[path]
        found = {
            key: (stream.path, stream.port.name, stream.attempt, reader.position)
            for key, reader in _readers(body.inputs).items()
            if (stream := reader.stream).path != path
        }
        if state.provisional:
            for place, output in enumerate(self._values.outputs_behind(state.planned)):
                attempt = self._executor.state.tasks[output.path].attempt
                if self._values.stream(output) is None:
                    found[f"[{place}]"] = (output.path, output.port, attempt, 0)
        return found

    async def find_saved(self, path: str) -> None:
        """Look whether what an earlier attempt saved still holds, and read its chunks."""
        saved = self._executor.records.saved(path)
        self._usable.pop(path, None)
        self._prefixes.pop(path, None)
        if saved is None or not await self._holds(path, saved):
            return
        prefixes = {}
        for port, count in saved.outputs.items():
            chunks = await self._kept_chunks(path, port, saved.attempt)
            if len(chunks) < count:
                return
            prefixes[port] = chunks[:count]
        self._prefixes[path] = prefixes
        self._usable[path] = saved

    async def _holds(self, path: str, saved: SavedState) -> bool:
        """Whether all it had read then is the same now."""
        readers = _readers(self._executor.bodies.speaking(path).inputs)
        for key, (producer, port, attempt, position) in saved.inputs.items():
            reader = readers.get(key)
            if reader is None:
                now = self._executor.state.tasks.get(producer)
                same = now is not None and now.attempt == attempt and now.gives(port)
            else:
                same = await self._reads_the_same(reader, (producer, port), attempt, position)
            if not same:
                return False
        return True

    async def _reads_the_same(
        self, reader: ChunkReader, source: tuple[str, str], attempt: int, position: int
    ) -> bool:
        """Whether a stream is that of the attempt, or begins with the same chunks as it did."""
        stream = reader.stream
        if (stream.path, stream.port.name) != source:
            return False
        if stream.attempt == attempt:
            return True
        before = await self._kept_chunks(*source, attempt)
        return len(before) >= position and before[:position] == stream.chunks[:position]

    async def _kept_chunks(self, path: str, port: str, attempt: int) -> list[str]:
        executor = self._executor
        return await kept_chunks(executor.store, executor.run_id, path, port, attempt)

    def saved_state(self, path: str) -> Any:
        """Give the state that an earlier attempt kept; None if there is none."""
        saved = self._usable.get(path)
        return None if saved is None else decode(saved.value)

    def resume_stream(self, path: str, port: str) -> int:
        """Begin a port with the chunks that were kept with the saved state; give how many."""
        saved = self._usable.get(path)
        if saved is None:
            raise RunnerError(f"{path} has no saved state; look at saved_state before resuming.")
        if (path, port) in self._values.streams:
            raise RunnerError(f"Port {port} of {path} has chunks already; resume it first.")
        state = self._executor.state.tasks[path]
        chunks = self._prefixes[path].get(port, [])
        if not chunks:
            self.open_stream(path, port)
            return 0
        opened = streaming_port(state.planned, port)
        stream = resumed_stream(
            path,
            opened,
            state.attempt,
            chunks,
            write=opened.writer(),
            on_chunks=self._chunks_came,
            meter=self._executor.bodies.get(path),
            most=self._executor.host.stream_bytes,
        )
        self._values.streams[path, port] = stream
        self._executor.record(events.StreamResumed(path, port, state.attempt, len(chunks)))
        self._executor.record(events.StreamOpened(path, port, state.attempt))
        self._flush.now(stream)
        return len(chunks)

    def kept(self, path: str) -> Kept:
        """Give the decisions of a task, and the chunks that were kept with its saved state."""
        return Kept(
            decisions=self._executor.records.decisions(path),
            chunks={port: len(each) for port, each in self._prefixes.get(path, {}).items()},
        )

    # ── decisions, waits, authority ──────────────────────────────────────────────────────────

    def decision(self, path: str, name: str) -> tuple[bool, Any]:
        """Say whether a task has decided this before, and how."""
        decisions = self._executor.records.decisions(path)
        return (True, decode(decisions[name])) if name in decisions else (False, None)

    async def keep_decision(self, path: str, name: str, value: Any) -> Any:
        """Keep a decision; give it as it will be read back."""
        text = self.masker.mask_json(encode(value))
        decisions = {**self._executor.records.decisions(path), name: text}
        attempt = self._executor.state.tasks[path].attempt
        event = events.DecisionMade(path, attempt, name, text)
        await self._executor.record_durably(event, changes={"decisions": decisions})
        return decode(text)

    async def ask(self, path: str, question: Mapping[str, Any]) -> Any:
        """Wait for a person's answer."""
        return await self.waits.ask(path, question)

    async def wait_until(self, path: str, at: datetime) -> None:
        """Wait for a time."""
        await self.waits.wait_until(path, at)

    @property
    def network(self) -> Network:
        """Give what may be reached of other machines."""
        return self._executor.host.network

    async def send_mail(self, mail: Mail) -> str:
        """Send a message; give its id."""
        return await self._executor.host.mailer.send(mail)

    def artifacts(self) -> RunArtifacts:
        """Give what saves and reads the run's artifacts."""
        return self._artifacts

    def identity(self) -> str:
        """Name the person whose authority the run has."""
        return self._executor.stored.identity

    async def secret(self, path: str, name: str) -> Secret:
        """Give a credential, waiting while it is missing."""
        return await self.waits.secret(path, name)

    async def evaluate(self, source: str, values: Mapping[str, Any]) -> Any:
        """Give what an expression gives over named values."""
        return await self._executor.host.expressions.evaluate(source, values)

    async def run_program(self, program: Program, emit: Emit, say: Say) -> dict[str, Any]:
        """Give what a person's code gives by name."""
        return await self._executor.host.programs.run(program, emit, say)


def _readers(inputs: Mapping[str, Any]) -> dict[str, ChunkReader]:
    """Give what a body reads of streams, by port, and by place where a port has several."""
    found = {}
    for port, value in inputs.items():
        if isinstance(value, ChunkReader):
            found[port] = value
        elif isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, ChunkReader):
                    found[f"{port}[{place}]"] = each
    return found
