"""What a body in a child process is given: its context, stream inputs and credentials.

All of it asks the parent, over the child's end of the pipe.
"""

import asyncio
import itertools
import logging
import os
import socket
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from runner.execution.artifacts import Content
from runner.execution.process_artifacts import ParentArtifacts
from runner.execution.process_messages import (
    HEADER,
    Message,
    chunk_text,
    fault_of,
    pack,
    size_of,
    unpack,
)
from runner.execution.secrets import Secret
from runner.graph.artifact import ANY_MEDIA_TYPE, CONTENTS, Artifact
from runner.graph.ports import Port
from runner.graph.task import Task
from runner.graph.values import decode, encode

ORPHANED = 70
#: Each iteration over a stream input has a number.
_readings = itertools.count()


class Line:
    """The child's end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes it by position only
        self._socket = socket.socket(fileno=descriptor)
        self._incoming = self._socket.makefile("rb")
        self._ids = itertools.count(1)
        self._sending = threading.Lock()
        self._open: dict[int, Future[Any]] = {}
        self._is_given_up = False

    def receive(self) -> Message:
        """Wait for one message; ends the process when the parent is gone."""
        header = self._incoming.read(HEADER.size)
        if len(header) < HEADER.size:
            os._exit(ORPHANED)
        return unpack(self._incoming.read(size_of(header)))

    def listen(self) -> None:
        """Take answers from now on, in a thread of its own."""
        threading.Thread(target=self._take_answers, name="parent", daemon=True).start()

    def say(self, message: Message) -> None:
        """Send one message."""
        packed = pack(message)
        with self._sending:
            self._socket.sendall(packed)

    def ask(self, what: str, **rest: Any) -> Future[Any]:
        """Send a question; give its answer to come."""
        number = next(self._ids)
        answer = self._open[number] = Future()
        self.say({"id": number, "ask": what, **rest})
        if self._is_given_up:
            answer.cancel()
        return answer

    def give_up(self) -> None:
        """Let nobody wait for an answer any more: a parent that cancels gives none."""
        self._is_given_up = True
        for answer in list(self._open.values()):
            answer.cancel()

    def _take_answers(self) -> None:
        while True:
            message = self.receive()
            answer = self._open.pop(message["id"])
            if not answer.set_running_or_notify_cancel():
                continue
            if "fault" in message:
                answer.set_exception(fault_of(message["fault"]))
            else:
                answer.set_result(message["value"])


class _Context:
    """What both kinds of context have in common."""

    def __init__(self, line: Line, task: Task, job: Message) -> None:
        self.run: str = job["run"]
        self.path: str = job["path"]
        self.attempt: int = job["attempt"]
        self.idempotency_key: str = job["idempotency_key"]
        self.saved_state = decode(job["saved_state"])
        self.cancelled = False
        log = logging.Logger("runner.task", logging.INFO)  # noqa: LOG001 - its lines go to the parent
        log.addHandler(_ToParent(line))
        self.log = logging.LoggerAdapter(
            log, {"run": self.run, "path": self.path, "attempt": self.attempt}
        )
        self._line = line
        self._outputs = task.outputs
        self._artifacts = ParentArtifacts(line.ask)
        CONTENTS.set(self._artifacts)
        self._unheard: list[Future[Any]] = []

    def close_stream(self, port: str) -> None:
        """Say that no further chunk comes on a port."""
        self._tell("close_stream", port=port)

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the task is: 0 to 1; it is clamped and never falls."""
        self._tell("progress", fraction=float(fraction), message=message)

    def settle(self) -> None:
        """Raise what the parent refused of what was said without waiting."""
        for answer in self._unheard:
            answer.result()

    def _tell(self, what: str, **rest: Any) -> Future[Any]:
        self._unheard = [each for each in self._unheard if not _is_good(each)]
        self._unheard.append(self._line.ask(what, **rest))
        return self._unheard[-1]

    def _push(self, port: str, chunk: Any) -> Future[Any]:
        text = chunk_text(self._outputs.get(port), chunk)
        return self._line.ask("push_chunk", port=port, chunk=text)


class LoopContext(_Context):
    """The context of a body on the child's event loop; as TaskContext."""

    def __init__(self, line: Line, task: Task, job: Message) -> None:
        super().__init__(line, task, job)
        self.auth = _LoopAuth(line, job["identity"])

    async def push_chunk(self, port: str, chunk: Any) -> None:
        """Send one chunk; waits while dependants lag."""
        await asyncio.wrap_future(self._push(port, chunk))

    async def attach_stream(self, port: str, source: AsyncIterable[Any]) -> None:
        """Push every chunk of an async iterator, then close the port."""
        async for chunk in source:
            await self.push_chunk(port, chunk)
        self.close_stream(port)

    async def save_state(self, value: Any) -> None:
        """Keep a value that the next attempt starts from."""
        await asyncio.wrap_future(self._line.ask("save_state", value=encode(value)))

    async def save_artifact(
        self, content: Content, name: str = "", media_type: str = ANY_MEDIA_TYPE
    ) -> Artifact:
        """Keep a file; give it as a value."""
        return await asyncio.to_thread(self._artifacts.save, content, name, media_type)

    def resume_stream(self, port: str) -> asyncio.Future[None]:
        """Keep of a port what was pushed before the saved state; it may be awaited."""
        return asyncio.wrap_future(self._tell("resume_stream", port=port))


class BlockingContext(_Context):
    """The context of a blocking body; as BlockingContext of a thread."""

    def __init__(self, line: Line, task: Task, job: Message) -> None:
        super().__init__(line, task, job)
        self.auth = _BlockingAuth(line, job["identity"])

    def push_chunk(self, port: str, chunk: Any) -> None:
        """Send one chunk; waits while dependants lag."""
        self._push(port, chunk).result()

    def attach_stream(self, port: str, source: Iterable[Any]) -> None:
        """Push every chunk of an iterable, then close the port."""
        for chunk in source:
            self.push_chunk(port, chunk)
        self.close_stream(port)

    def save_state(self, value: Any) -> None:
        """Keep a value that the next attempt starts from."""
        self._line.ask("save_state", value=encode(value)).result()

    def save_artifact(
        self, content: Content, name: str = "", media_type: str = ANY_MEDIA_TYPE
    ) -> Artifact:
        """Keep a file; give it as a value."""
        return self._artifacts.save(content, name, media_type)

    def resume_stream(self, port: str) -> None:
        """Keep of a port what was pushed before the saved state."""
        self._line.ask("resume_stream", port=port).result()


class _LoopAuth:
    """Whose authority the body has; secrets come by a request each."""

    def __init__(self, line: Line, identity: str) -> None:
        self.identity = identity
        self._line = line

    async def secret(self, name: str) -> Secret:
        """Give a declared credential."""
        return Secret(**await asyncio.wrap_future(self._line.ask("secret", name=name)))


class _BlockingAuth:
    """The same for a blocking body."""

    def __init__(self, line: Line, identity: str) -> None:
        self.identity = identity
        self._line = line

    def secret(self, name: str) -> Secret:
        """Give a declared credential."""
        return Secret(**self._line.ask("secret", name=name).result())


class _Reader:
    """A stream input: the child asks its parent for each chunk."""

    def __init__(self, line: Line, port: Port) -> None:
        self._line = line
        self._port = port

    def _ask(self, reading: int) -> Future[Any]:
        return self._line.ask("next_chunk", port=self._port.name, reading=reading)

    def _ask_final(self) -> Future[Any]:
        return self._line.ask("final", port=self._port.name)


class LoopReader(_Reader):
    """An async iterable from chunk 0."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Read from the first chunk on."""
        reading = next(_readings)
        while (text := await asyncio.wrap_future(self._ask(reading))) is not None:
            yield self._port.decode_chunk(text)

    async def final(self) -> Any:
        """Wait for the end and give the aggregate."""
        return self._port.decode_aggregate(await asyncio.wrap_future(self._ask_final()))


class BlockingReader(_Reader):
    """A plain iterable from chunk 0."""

    def __iter__(self) -> Iterator[Any]:
        """Read from the first chunk on."""
        reading = next(_readings)
        while (text := self._ask(reading).result()) is not None:
            yield self._port.decode_chunk(text)

    def final(self) -> Any:
        """Wait for the end and give the aggregate."""
        return self._port.decode_aggregate(self._ask_final().result())


class _ToParent(logging.Handler):
    """Carries log lines to the parent."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        self._line.say({"log": record.getMessage(), "level": record.levelno})


def _is_good(answer: Future[Any]) -> bool:
    return answer.done() and answer.exception() is None
