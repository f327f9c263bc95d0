"""TaskRunner and TaskGraphRunner: run a task or a graph in a script or a test; no server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from runner.errors import PlanError, RunFault
from runner.execution.background import planned
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.execution.store import StoredRun
from runner.graph.building import Part, as_graph
from runner.graph.compound import GraphAsTask
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry, default_registry
from runner.graph.task_graph import TaskGraph
from runner.graph.values import decode, encode
from runner.run import events
from runner.run.events import Event


class InlineRun:
    """A run under way in this event loop, kept in memory."""

    def __init__(self, graph: TaskGraph, store: MemoryStore, stored: StoredRun, host: Host) -> None:
        self.graph = graph
        self._kept = store.runs[stored.run]
        self._grown = asyncio.Event()
        heard = host.on_commit

        def on_commit(run: str, seq: int) -> None:
            heard(run, seq)
            self._wake()

        telling = replace(host, on_commit=on_commit)
        self.executor = RunExecutor(graph, store, stored, host=telling)
        self._driving = asyncio.create_task(self.executor.run(), name=f"run {stored.run}")
        self._driving.add_done_callback(lambda _: self._wake())

    def cancel(self) -> None:
        """Ask the run to stop."""
        self.executor.cancel("")

    async def outputs(self) -> dict[str, Any]:
        """Wait for the end and give the outputs by port; what was not taken is left out.

        Raises RunFault with the error of the task that failed first, or if the run was cancelled.
        """
        await self._driving
        # A run that was cancelled before it began says nothing.
        last = self._kept.entries[-1].event if self._kept.entries else None
        if isinstance(last, events.RunFailed):
            raise RunFault(f"{last.path} failed: {last.error.message}")
        if not isinstance(last, events.RunCompleted):
            raise RunFault("The run was cancelled.")
        return {port: decode(text) for port, text in last.outputs.items()}

    async def events(self) -> AsyncIterator[Event]:
        """Give everything that happens, from the first event to the last."""
        index = 0
        while True:
            entries = self._kept.entries
            while index < len(entries):
                yield entries[index].event
                index += 1
            if self._driving.done():
                await self._driving
                return
            await self._more()

    async def stream(self, port: str) -> AsyncIterator[Any]:
        """Give the chunks of an output port of the graph as they come; a plain value is one.

        Raises StreamFailed when the attempt that pushed them fails, and PlanError for a port that
        the graph does not have.
        """
        source = self.graph.outputs.get(port)
        if source is None:
            raise PlanError(f"{self.graph.definition.label} has no output '{port}'.")
        values = self.executor.values
        while (stream := values.stream(source)) is None and not self._driving.done():
            await self._more()
        if stream is None:
            outputs = await self.outputs()
            if port in outputs:
                yield outputs[port]
            return
        async for chunk in stream.reader(stream.port, elastic=True):
            yield chunk

    def _wake(self) -> None:
        self._grown.set()

    async def _more(self) -> None:
        self._grown.clear()
        await self._grown.wait()


class TaskGraphRunner:
    """Runs graphs in this process and keeps them in memory."""

    def __init__(
        self, registry: TaskRegistry | None = None, *, host: Host | None = None, identity: str = ""
    ) -> None:
        """Take the task types of definitions (those of the library unless given).

        `identity` names the person whose credentials `host` gives to tasks.
        """
        self._registry = registry
        self._host = host or Host(is_watched=lambda _run: True)
        self._identity = identity
        self._store = MemoryStore()

    def start(
        self, graph: GraphAsTask | GraphDefinition | Part, inputs: Mapping[str, Any] | None = None
    ) -> InlineRun:
        """Start a run; raises PlanError for a graph or inputs that do not fit."""
        definition, registry = self._read(graph)
        run = self._store.submit(definition.to_json(), encode(dict(inputs or {})), self._identity)
        stored = self._store.take(run, owner="inline")
        return InlineRun(planned(stored, registry), self._store, stored, self._host)

    def _read(
        self, graph: GraphAsTask | GraphDefinition | Part
    ) -> tuple[GraphDefinition, TaskRegistry]:
        if isinstance(graph, GraphDefinition):
            return graph, self._registry or default_registry()
        whole = as_graph(graph)
        return whole.definition, whole.registry


class TaskRunner:
    """Runs one task in this process, with all that a run gives it, and waits for the result."""

    def __init__(self, *, host: Host | None = None, identity: str = "") -> None:
        """Take what `TaskGraphRunner` takes."""
        self._runner = TaskGraphRunner(host=host, identity=identity)

    async def run(self, task: Part, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give what a task (a class or an object) gives for these inputs, by port.

        Raises PlanError for inputs that do not fit and RunFault when the task fails.
        """
        return await self._runner.start(task, inputs).outputs()
