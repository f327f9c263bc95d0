"""Graphs built in code and run on the memory store: to their end, step by step, or crashed."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest

from runner.execution import run_log
from runner.execution.background import planned
from runner.execution.host import Host
from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.graph.building import GraphBuilder
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry
from runner.graph.values import decode, encode
from runner.run.differences import Difference, differences
from runner.run.events import Event
from runner.run.status import RunStatus
from tests.crashing import Crash, CrashingStore
from tests.tasks import EXECUTED

SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSeen:
    """One task of a run that is over, as `differences` asks for it."""

    status: str
    scopes: int
    not_taken: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run that is over, or that was let go: what was kept, and who drove it last."""

    kept: MemoryRun
    store: MemoryStore
    executor: RunExecutor
    bars: list[float] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, Any]:
        """The run's outputs, decoded."""
        event: Any = self.events[-1]
        return {port: decode(text) for port, text in event.outputs.items()}

    @property
    def error(self) -> str:
        """What the run failed with."""
        event: Any = self.events[-1]
        return str(event.error.message)

    @property
    def events(self) -> list[Event]:
        """All that happened, in order."""
        return [each.event for each in self.kept.entries]

    def of(self, path: str, *kinds: str) -> list[Any]:
        """Give the events of one task, of these kinds or of all."""
        found = [each for each in self.events if getattr(each, "path", None) == path]
        return [each for each in found if not kinds or each.kind in kinds]

    def kinds(self, path: str) -> list[str]:
        """Give the kinds of the events of one task."""
        return [each.kind for each in self.of(path)]

    def status(self, path: str) -> str:
        """Give where a task stands at the end."""
        return str(self.executor.state.tasks[path].status)

    def statuses(self) -> dict[str, str]:
        """Give where every task stands at the end, by path."""
        return {path: str(each.status) for path, each in self.executor.state.tasks.items()}

    def place(self, kind: str, path: str) -> int:
        """Give the place in the log of the first event of this kind of a task."""
        log = [(each.kind, getattr(each, "path", "")) for each in self.events]
        return log.index((kind, path))

    def differences(self) -> list[Difference]:
        """List how the run differs from what was drawn."""
        state = self.executor.state
        seen = {
            path: TaskSeen(
                status=str(each.status),
                scopes=len(each.scopes) if each.unfolds else 0,
                not_taken=frozenset(
                    port for port in each.planned.task.outputs if not each.gives(port)
                ),
            )
            for path, each in state.tasks.items()
        }
        return differences(state.graph, seen)


class Driven:
    """A run under way in this loop; `async with` starts it and sees it end."""

    def __init__(
        self,
        graph: GraphBuilder,
        inputs: Mapping[str, Any] | None = None,
        *,
        workflows: Mapping[str, GraphDefinition] | None = None,
        options: Mapping[str, Any] | None = None,
        host: Host | None = None,
    ) -> None:
        texts = {name: each.to_json() for name, each in (workflows or {}).items()}
        self.store = MemoryStore()
        self.run = self.store.submit(
            graph.definition.to_json(), encode(dict(inputs or {})),
            workflows=texts, options=options or {},
        )  # fmt: skip
        self.registry: TaskRegistry = graph.registry
        self.host = replace(host or Host(), on_commit=lambda _run, _seq: self._grown.set())
        self.executor: RunExecutor
        self.bars: list[float] = []
        self._grown = asyncio.Event()
        self._driving: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self.take_up()
        return self

    async def __aexit__(self, *fault: object) -> None:
        self._driving.cancel()
        await asyncio.wait({self._driving})

    async def take_up(self, commits: int | None = None) -> None:
        """Claim the run and begin to drive it, on a store that dies after so many commits."""
        (stored,) = await self.store.claim("test", 1)
        store = self.store if commits is None else CrashingStore(self.store, commits)
        graph = planned(stored, self.registry)
        self.executor = RunExecutor(graph, store, stored, host=self.host)
        self._watch(self.executor)
        self._driving = asyncio.create_task(self.executor.run())

    def _watch(self, executor: RunExecutor) -> None:
        handle = executor.state.handle

        def watched(event: Event) -> Any:
            following = handle(event)
            self.bars.append(executor.state.progress.fraction)
            return following

        executor.state.handle = watched  # type: ignore[method-assign] # the tests' own eye

    async def until(self, kind: str, path: str = "", *, times: int = 1) -> None:
        """Wait until this has happened so often and is kept."""
        async with asyncio.timeout(SECONDS):
            while self._count(kind, path) < times:
                self._grown.clear()
                await self._grown.wait()

    def _count(self, kind: str, path: str) -> int:
        entries = self.store.runs[self.run].entries
        found = [each.event for each in entries if each.event.kind == kind]
        return sum(getattr(each, "path", "") == path for each in found)

    async def end(self) -> Ran:
        """Wait for the end; see that no invariant is broken."""
        await asyncio.wait_for(self._driving, SECONDS)
        self.executor.state.check()
        return self.seen()

    async def stop(self) -> None:
        """Let go of the run as a process that is stopped does; it can be taken up again."""
        await self.executor.stop(1.0)
        await asyncio.wait_for(self._driving, SECONDS)
        await self.store.release("test", [self.run])

    async def crash(self, commits: int) -> set[str]:
        """Drive the run until its process dies; give what ran though it was kept as done."""
        kept = self.store.runs[self.run].checkpoints.items()
        done = {path for path, each in kept if each.has_result and each.error is None}
        EXECUTED.clear()
        await self.take_up(commits)
        try:
            await asyncio.wait_for(self._driving, SECONDS)
        except Crash:
            await self.store.release("test", [self.run])
        return done & {path for _, path in EXECUTED}

    def seen(self) -> Ran:
        """Give what is known of the run now."""
        kept = self.store.runs[self.run]
        return Ran(kept=kept, store=self.store, executor=self.executor, bars=self.bars)


async def run(graph: GraphBuilder, inputs: Mapping[str, Any] | None = None, **more: Any) -> Ran:
    """Run a graph to its end; the bar must not fall, and be full if the run completed."""
    async with Driven(graph, inputs, **more) as driven:
        ran = await driven.end()
    assert ran.bars == sorted(ran.bars)
    if ran.kept.status is RunStatus.COMPLETED:
        assert (ran.kept.progress.done, ran.bars[-1]) == (ran.kept.progress.total, 1.0)
    return ran


async def crash_everywhere(
    graph: GraphBuilder,
    monkeypatch: pytest.MonkeyPatch,
    inputs: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[Ran]:
    """Crash a run after every number of commits, resume it, and compare with the whole run.

    Every resumed run is crashed once more, soon. Outputs and end are the same, nothing committed
    runs again, nothing is decided twice in another way. Engine 1.3, 7.9; P1.
    """
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    whole = await run(graph, inputs, **more)
    found = []
    for commits in range(len(whole.kept.entries)):
        driven = Driven(graph, inputs, **more)
        lives = (commits, commits % 5, 10**6)
        for each in lives:
            if not driven.store.runs[driven.run].status.is_over:
                assert await driven.crash(each) == set(), commits
        ran = driven.seen()
        ran.executor.state.check()
        assert ran.kept.status is whole.kept.status, commits
        if whole.kept.status is RunStatus.COMPLETED:
            assert ran.outputs == whole.outputs, commits
            assert ran.kept.progress.fraction == 1.0
        assert decided_once(ran), commits
        found.append(ran)
    return found


def decided_once(ran: Ran) -> bool:
    """Whether no control decided differently, or completed more often than once."""
    decisions: dict[tuple[str, int], Any] = {}
    for event in ran.events:
        if event.kind in {"TaskExpanded", "TaskDecided"}:
            known: Any = event
            key = (known.path, getattr(known, "turn", -1))
            if decisions.setdefault(key, known.decision) != known.decision:
                return False
    ends = Counter(getattr(each, "path", "") for each in ran.events if each.kind == "TaskCompleted")
    return all(count == 1 for count in ends.values())
