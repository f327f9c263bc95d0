"""BackgroundRunner: claims queued runs, drives an executor for each, wakes, stops.

The loop waits for any of wake, poll and stop: the wake is an optimisation, the poll is the
guarantee.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from runner.errors import Fenced, RunnerError, StorageTrouble, ValueFault
from runner.execution.admission import admit
from runner.execution.deciding import settle_decision
from runner.execution.heartbeat import BEAT_SECONDS, Heartbeat
from runner.execution.host import Host
from runner.execution.run_executor import RunExecutor
from runner.execution.store import Request, RunStore, StoredRun
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.registry import TaskRegistry
from runner.graph.task_graph import TaskGraph
from runner.graph.values import decode

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
RUNS_AT_ONCE = 50
LOST = "Run %s has another owner now; this process lets it go."
#: From this size of a definition on, planning takes longer than other runs should wait.
LARGE_CHARACTERS = 100_000


class BackgroundRunner:
    """This process's loop over runs; `executors` holds those under way, by run id."""

    def __init__(
        self,
        store: RunStore,
        registry: TaskRegistry,
        owner: str,
        *,
        host: Host | None = None,
        renew_seconds: float = BEAT_SECONDS,
    ) -> None:
        self.owner = owner
        self.executors: dict[str, RunExecutor] = {}
        self._store = store
        self._registry = registry
        self._host = host or Host()
        self._wake = asyncio.Event()
        self._stopping = False
        self._driving: dict[str, asyncio.Task[None]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._loop_task: asyncio.Task[None] | None = None
        self._heartbeat = Heartbeat(
            store, owner, lambda: self.executors, self._lose, seconds=renew_seconds
        )

    def start(self) -> None:
        """Begin the loop; call it on the running event loop."""
        self._loop_task = asyncio.create_task(self._loop(), name="background runner")
        self._heartbeat.start()

    def wake(self) -> None:
        """Look for work now; call it on the loop's own thread."""
        self._wake.set()

    async def stop(self) -> None:
        """Take no further run, checkpoint and release those under way."""
        self._stopping = True
        self._wake.set()
        if self._loop_task is not None:
            await self._loop_task
        await asyncio.gather(*(each.stop() for each in list(self.executors.values())))
        ending = {*self._driving.values(), *self._closing.values()}
        if ending:
            await asyncio.wait(ending, timeout=POLL_SECONDS * 5)
        await self._heartbeat.stop()
        await self._host.expressions.close()
        await self._host.programs.close()

    async def _loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._turn()
            except StorageTrouble as trouble:
                logger.warning("The storage gives no work at the moment: %s", trouble)
            except Exception:
                logger.exception("The background runner's turn failed; it goes on.")
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _turn(self) -> None:
        await self._answer_requests()
        resting = sum(map(_rests, self.executors.values()))
        room = RUNS_AT_ONCE - len(self._driving) + resting
        if room <= 0 or self._stopping:
            return
        claimed = await self._store.claim(self.owner, room, list(self._driving))
        if self._stopping:
            await self._store.release(self.owner, [stored.run for stored in claimed])
            return
        for stored in claimed:
            # One that was lost, and whose executor here has not heard of it, may come back.
            if stored.run not in self._driving:
                task = asyncio.create_task(self._drive(stored), name=f"run {stored.run}")
                self._driving[stored.run] = task

    def _lose(self, run: str) -> None:
        """Let go of a run that another process has taken over."""
        logger.warning(LOST, run)
        self._driving[run].cancel()

    async def _answer_requests(self) -> None:
        begun = [run for run, executor in self.executors.items() if executor.begun.done()]
        if not begun:
            return
        for request in await self._store.requests(begun):
            executor = self.executors.get(request.run)
            if executor is not None and request.id not in self._closing:
                self._answer(executor, request)

    def _answer(self, executor: RunExecutor, request: Request) -> None:
        if _answer(executor, request):
            executor.log.answered(request.id)
            closing = asyncio.create_task(self._close(executor, request))
            self._closing[request.id] = closing

    async def _asked_before(self, executor: RunExecutor) -> list[Callable[[], None]]:
        """Give what was asked of a run as a whole before it begins or goes on, oldest first."""
        return [
            partial(self._answer, executor, request)
            for request in await self._store.requests([executor.run_id])
            if request.kind in _OF_RUNS
        ]

    async def _close(self, executor: RunExecutor, request: Request) -> None:
        """Close a request once what came of it is kept; else the run's next owner takes it up."""
        try:
            await executor.log.until_durable(executor.log.seq)
            await self._store.mark_handled(request.id)
        except RunnerError as fault:
            logger.warning("A request of run %s stays open: %s", request.run, fault)
        finally:
            del self._closing[request.id]

    async def _drive(self, stored: StoredRun) -> None:
        run = stored.run
        try:
            admitted = await admit(stored, self._store, self._registry, self._host.on_commit)
            if admitted is None:
                return
            graph = await self._plan(admitted)
            if self._stopping:
                return
            executor = RunExecutor(graph, self._store, admitted, host=self._host)
            self.executors[run] = executor
            executor.begun.add_done_callback(lambda _: self._wake.set())
            await executor.run(partial(self._asked_before, executor))
        except Fenced:
            logger.warning(LOST, run)
        except StorageTrouble:
            logger.warning("The storage gives or takes nothing of run %s; it is let go.", run)
            await asyncio.sleep(POLL_SECONDS)
        except Exception as fault:
            # A run that any process fails to drive must not be claimed again and again.
            logger.exception("Run %s cannot go on.", run)
            await self._store.quarantine(run, stored.epoch, str(fault) or type(fault).__name__)
        finally:
            if (ended := self.executors.pop(run, None)) is not None:
                ended.values.let_go()
            try:
                await self._release(run, stored.epoch)
            finally:
                self._driving.pop(run, None)
                self._wake.set()

    async def _plan(self, stored: StoredRun) -> TaskGraph:
        """Plan a run; a large one beside the loop, which would else stand still meanwhile."""
        if len(stored.definition) < LARGE_CHARACTERS:
            return planned(stored, self._registry)
        return await asyncio.to_thread(planned, stored, self._registry)

    async def _release(self, run: str, epoch: int) -> None:
        """Give a run up; if that fails, the next claim finds that nobody drives it."""
        try:
            await self._store.release(self.owner, [run], epoch)
        except StorageTrouble:
            logger.warning("The storage did not let run %s go; it will be claimed again.", run)


def planned(stored: StoredRun, registry: TaskRegistry) -> TaskGraph:
    """Plan what a stored run runs, with the workflows it is pinned to; the same every time."""
    workflows = {name: GraphDefinition.from_json(text) for name, text in stored.workflows.items()}
    definition = GraphDefinition.from_json(stored.definition)
    inputs = decode(stored.inputs)
    return plan(definition, inputs, registry.with_workflows(workflows), **stored.options)


def _rests(executor: RunExecutor) -> bool:
    """Whether a run only waits or is paused: then it takes no other's place in this process."""
    state = executor.state
    waits = state.paused or state.awaiting > 0
    return waits and not state.busy and executor.begun.done()


def _answer(executor: RunExecutor, request: Request) -> bool:
    """Do what a person asked; false if it is too early for that.

    What makes no sense, or none any more, is passed over.
    """
    said: Any = request.payload
    payload = said if isinstance(said, Mapping) else {}
    path = str(payload.get("path", ""))
    try:
        return _ACTS.get(request.kind, _pass_over)(executor, path, request.actor, payload)
    except ValueFault as fault:
        logger.warning("Run %s: what %s gave does not fit: %s", request.run, request.actor, fault)
    except Exception:
        logger.exception("Run %s: the request '%s' failed.", request.run, request.kind)
    return True


#: What changes whether anything of a run may start at all.
_OF_RUNS = frozenset({"cancel", "pause", "continue"})

type _Act = Callable[[RunExecutor, str, str, Mapping[str, Any]], bool]


def _on_run(act: Callable[[RunExecutor, str], None]) -> _Act:
    def on_run(executor: RunExecutor, _path: str, actor: str, _payload: Mapping[str, Any]) -> bool:
        act(executor, actor)
        return True

    return on_run


def _give_answer(executor: RunExecutor, path: str, actor: str, payload: Mapping[str, Any]) -> bool:
    """Give an answer; one to a question of an earlier process waits until it is asked again."""
    return executor.answer(path, payload.get("value"), actor) or not executor.will_ask(path)


def _decide(executor: RunExecutor, path: str, actor: str, payload: Mapping[str, Any]) -> bool:
    settle_decision(executor, path, actor, payload)
    return True


def _leave_open(
    _executor: RunExecutor, _path: str, _actor: str, _payload: Mapping[str, Any]
) -> bool:
    """Leave a resume to the claim that it asks for: the run's end may have been just before it."""
    return False


def _pass_over(
    _executor: RunExecutor, _path: str, _actor: str, _payload: Mapping[str, Any]
) -> bool:
    return True


_ACTS: dict[str, _Act] = {
    "cancel": _on_run(RunExecutor.cancel),
    "pause": _on_run(RunExecutor.pause),
    "continue": _on_run(RunExecutor.go_on),
    "renew": _on_run(RunExecutor.renew),
    "answer": _give_answer,
    "decide": _decide,
    "resume": _leave_open,
}
