"""BackgroundRunner: claims queued runs, drives an executor for each, wakes, stops.

The loop waits for any of wake, poll and stop: the wake is an optimisation, the poll is the
guarantee.
"""

import asyncio
import logging

from runner.errors import Fenced, StorageTrouble, ValueFault
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
RENEW_SECONDS = 5.0
RUNS_AT_ONCE = 50


class BackgroundRunner:
    """This process's loop over runs; `executors` holds those under way, by run id."""

    def __init__(
        self,
        store: RunStore,
        registry: TaskRegistry,
        owner: str,
        *,
        host: Host | None = None,
    ) -> None:
        self.owner = owner
        self.executors: dict[str, RunExecutor] = {}
        self._store = store
        self._registry = registry
        self._host = host or Host()
        self._wake = asyncio.Event()
        self._stopping = False
        self._driving: dict[str, asyncio.Task[None]] = {}
        self._loop_task: asyncio.Task[None] | None = None
        self._renewed = 0.0

    def start(self) -> None:
        """Begin the loop; call it on the running event loop."""
        self._loop_task = asyncio.create_task(self._loop(), name="background runner")

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
        if self._driving:
            await asyncio.wait(set(self._driving.values()), timeout=POLL_SECONDS * 5)

    async def _loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._turn()
            except Exception:
                logger.exception("The background runner's turn failed; it goes on.")
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _turn(self) -> None:
        await self._renew()
        await self._answer_requests()
        room = RUNS_AT_ONCE - len(self._driving)
        if room <= 0 or self._stopping:
            return
        for stored in await self._store.claim(self.owner, room):
            if stored.run not in self._driving:
                task = asyncio.create_task(self._drive(stored), name=f"run {stored.run}")
                self._driving[stored.run] = task

    async def _renew(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self.executors or now - self._renewed < RENEW_SECONDS:
            return
        self._renewed = now
        asked = set(self.executors)
        mine = await self._store.renew(self.owner, asked)
        for run in (asked - mine) & self._driving.keys():
            self._driving[run].cancel()

    async def _answer_requests(self) -> None:
        if not self.executors:
            return
        for request in await self._store.requests(list(self.executors)):
            executor = self.executors.get(request.run)
            if executor is not None:
                _answer(executor, request)
            await self._store.mark_handled(request.id)

    async def _drive(self, stored: StoredRun) -> None:
        run = stored.run
        try:
            graph = planned(stored, self._registry)
            executor = RunExecutor(graph, self._store, stored, host=self._host)
            self.executors[run] = executor
            self._wake.set()
            await executor.run()
            self._wake.set()
        except Fenced:
            logger.warning("Run %s has another owner now; this process lets it go.", run)
        except StorageTrouble:
            logger.warning("The storage did not give run %s; it will be tried again.", run)
            await asyncio.sleep(POLL_SECONDS)
        except Exception as fault:
            # A run that any process fails to drive must not be claimed again and again.
            logger.exception("Run %s cannot go on.", run)
            await self._store.quarantine(run, stored.epoch, str(fault) or type(fault).__name__)
        finally:
            self.executors.pop(run, None)
            self._driving.pop(run, None)
            await self._store.release(self.owner, [run])


def planned(stored: StoredRun, registry: TaskRegistry) -> TaskGraph:
    """Plan what a stored run runs, with the workflows it is pinned to; the same every time."""
    workflows = {name: GraphDefinition.from_json(text) for name, text in stored.workflows.items()}
    definition = GraphDefinition.from_json(stored.definition)
    inputs = decode(stored.inputs)
    return plan(definition, inputs, registry.with_workflows(workflows), **stored.options)


def _answer(executor: RunExecutor, request: Request) -> None:
    """Do what a person asked; what makes no sense any more is passed over."""
    actor, payload = request.actor, request.payload
    path = str(payload.get("path", ""))
    try:
        if request.kind == "cancel":
            executor.cancel(actor)
        elif request.kind == "pause":
            executor.pause(actor)
        elif request.kind == "continue":
            executor.go_on(actor)
        elif request.kind == "renew":
            executor.renew(actor)
        elif request.kind == "answer":
            executor.answer(path, payload.get("value"), actor)
        elif request.kind == "decide":
            executor.settle_decision(path, actor, payload)
    except ValueFault as fault:
        logger.warning("Run %s: what %s gave does not fit: %s", request.run, actor, fault)
