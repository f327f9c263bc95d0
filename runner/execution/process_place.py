"""ProcessPlace: runs a body in a child process that can be killed, whatever it does.

The child is spawned, never forked, knows nothing of this process's environment, and loads the
task by its import name. One spawn for each body: about 0.2 s of one processor until the body
begins, then 0.15 to 0.25 ms for each chunk in or out; so it is for bodies that work for seconds,
that hold the interpreter, or that may crash it.
"""

import asyncio
import inspect
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from runner.errors import ProcessDied, RunnerError, ValueFault
from runner.execution import process_child
from runner.execution.context import TaskContext
from runner.execution.process_artifacts import ChildArtifacts
from runner.execution.process_messages import (
    HEADER,
    Message,
    fault_of,
    pack,
    said_of,
    size_of,
    unpack,
)
from runner.execution.stream import ChunkReader
from runner.graph.ports import Port
from runner.graph.task import FunctionTask, Task
from runner.graph.values import decode, encode

PROCESSES = 4
GRACE_SECONDS = 2.0
#: What a child may know of this process's environment; never a setting or a credential.
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ")


class ProcessPlace:
    """Runs each body in a child process of its own; bounds how many there are at once.

    A body that reads or writes streams takes no place under the bound, since it may wait for
    another body.
    """

    def __init__(self, processes: int = PROCESSES, grace: float = GRACE_SECONDS) -> None:
        self._room = asyncio.Semaphore(processes)
        self._grace = grace

    async def run(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        """Run a body to its end and give what it returned.

        A cancel asks the child to stop, and kills it after a grace. Raises what the body raised:
        a RunnerError as itself, any other as BodyFailed; ProcessDied when the child ended without
        a word.
        """
        readers = {name: each for name, each in inputs.items() if isinstance(each, ChunkReader)}
        job = _job(task, inputs, context)
        if readers or task.streaming():
            return await self._in_child(task, job, readers, context)
        async with self._room:
            return await self._in_child(task, job, readers, context)

    async def _in_child(
        self, task: Task, job: Message, readers: Mapping[str, ChunkReader], context: TaskContext
    ) -> Any:
        ours, theirs = socket.socketpair()
        outcome = None
        child = _Child(*await asyncio.open_connection(sock=ours), readers, context)
        try:
            with theirs:
                process = await _spawn(theirs.fileno())
            try:
                outcome = await child.serve(job)
            finally:
                await _end(process, self._grace, is_asked=outcome is None)
        finally:
            child.close()
        if outcome is None:
            raise ProcessDied(task.title, _ending(process.returncode))
        return _returned(task, outcome)


class _Child:
    """This process's end of the pipe: answers what one child asks, in the order it asks."""

    def __init__(
        self,
        incoming: asyncio.StreamReader,
        outgoing: asyncio.StreamWriter,
        readers: Mapping[str, ChunkReader],
        context: TaskContext,
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._readers = readers
        # Any, since not every context has credentials and saved state.
        self._context: Any = context
        self._readings: dict[int, AsyncIterator[Any]] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._artifacts = ChildArtifacts(context)
        self._known: dict[str, Callable[[Message], Awaitable[Any]]] = {
            "push_chunk": self._push_chunk,
            "close_stream": self._close_stream,
            "progress": self._progress,
            "save_state": self._save_state,
            "resume_stream": self._resume_stream,
            "secret": self._secret,
            "next_chunk": self._next_chunk,
            "final": self._final,
            **self._artifacts.asked,
        }

    async def serve(self, job: Message) -> Message | None:
        """Give the job away and answer until the outcome comes; None if the child ends before."""
        try:
            self._outgoing.write(pack(job))
            while True:
                message = await self._receive()
                if message is None or "outputs" in message or "failed" in message:
                    return message
                self._take(message)
        finally:
            for answer in self._answers:
                answer.cancel()

    def close(self) -> None:
        """Close the pipe, which ends the child at once."""
        self._outgoing.transport.abort()
        self._artifacts.close()

    async def _receive(self) -> Message | None:
        try:
            size = size_of(await self._incoming.readexactly(HEADER.size))
            return unpack(await self._incoming.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def _take(self, message: Message) -> None:
        if "log" in message:
            self._context.log.log(int(message.get("level", logging.INFO)), "%s", message["log"])
            return
        # Eager, so that chunks are taken in the order in which they came.
        answer = asyncio.Task(
            self._answer(message), loop=asyncio.get_running_loop(), eager_start=True
        )
        if not answer.done():
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)

    async def _answer(self, message: Message) -> None:
        number = message.get("id")
        try:
            value = await self._known[message["ask"]](message)
            answer = pack({"id": number, "value": value})
        except Exception as fault:
            answer = pack({"id": number, "fault": said_of(fault, str(fault))})
        with suppress(ConnectionError):
            self._outgoing.write(answer)
            await self._outgoing.drain()

    async def _push_chunk(self, message: Message) -> None:
        await self._context.push_chunk(message["port"], decode(message["chunk"]))

    async def _close_stream(self, message: Message) -> None:
        self._context.close_stream(message["port"])

    async def _progress(self, message: Message) -> None:
        self._context.progress(message["fraction"], message["message"])

    async def _save_state(self, message: Message) -> None:
        await self._context.save_state(decode(message["value"]))

    async def _resume_stream(self, message: Message) -> None:
        returned = self._context.resume_stream(message["port"])
        if inspect.isawaitable(returned):
            await returned

    async def _secret(self, message: Message) -> Message:
        secret = await self._context.auth.secret(message["name"])
        text = secret.reveal(secret.hosts[0]) if secret.hosts else ""
        return {"name": secret.name, "text": text, "hosts": secret.hosts}

    async def _next_chunk(self, message: Message) -> str | None:
        reader = self._readers[message["port"]]
        reading = self._readings.setdefault(message["reading"], aiter(reader))
        try:
            return reader.port.chunk(await anext(reading))
        except StopAsyncIteration:
            return None

    async def _final(self, message: Message) -> str:
        reader = self._readers[message["port"]]
        return _aggregate(reader.port, await reader.final())


def _job(task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Message:
    """Describe what the child has to do; no credential is in it."""
    plain = {name: each for name, each in inputs.items() if not isinstance(each, ChunkReader)}
    known: Any = context
    return {
        "task": _import_name(task),
        "config": encode(task.config.model_dump(exclude_unset=True)),
        "inputs": {name: task.inputs[name].encode(value) for name, value in plain.items()},
        "streams": [name for name in inputs if name not in plain],
        "run": context.run,
        "path": context.path,
        "attempt": context.attempt,
        "idempotency_key": context.idempotency_key,
        "saved_state": encode(getattr(known, "saved_state", None)),
        "identity": getattr(getattr(known, "auth", None), "identity", ""),
    }


def _import_name(task: Task) -> str:
    kind = type(task)
    name = f"{kind.__module__}:{kind.__qualname__}"
    try:
        found: type[Task] | None = process_child.found(name)
    except (RunnerError, ImportError):
        found = None
    if found is not kind or kind.__module__ == "__main__":
        raise RunnerError(
            f"{task.title} cannot run in a process of its own: "
            "its type has to stand in a module, under its own name."
        )
    return name


async def _spawn(descriptor: int) -> asyncio.subprocess.Process:
    known = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        process_child.__name__,
        str(descriptor),
        pass_fds=(descriptor,),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=2,
        start_new_session=True,
        env={**known, "PYTHONPATH": os.pathsep.join(each or "." for each in sys.path)},
    )


async def _end(process: asyncio.subprocess.Process, grace: float, *, is_asked: bool) -> None:
    """Wait for the child's end; ask for it, if it has not said its last word; then kill."""
    try:
        if is_asked and process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), grace)
    except (TimeoutError, ProcessLookupError):
        pass
    finally:
        # What the body started is in the child's group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _returned(task: Task, outcome: Message) -> Any:
    """Give what the body returned, as `collect` takes it; raises what it raised."""
    if "failed" in outcome:
        raise fault_of(outcome["failed"])
    return returned_by(task, outcome["outputs"])


def returned_by(task: Task, texts: Mapping[str, str]) -> Any:
    """Give what a body returned elsewhere, as `collect` takes it, from encoded outputs."""
    values = {name: task.outputs[name].decode(text) for name, text in texts.items()}
    if isinstance(task, FunctionTask) and task.returns_bare:
        return next(iter(values.values()), None)
    return values


def _aggregate(port: Port, value: Any) -> str:
    """Write what a stream added up to: a value of the port, or a list of them."""
    try:
        return port.chunk(value)
    except ValueFault:
        return f"[{','.join(map(port.chunk, value))}]"
