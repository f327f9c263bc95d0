"""simulate(seed): one world from its first process to its verdict."""

import json
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from runner.execution import run_log
from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.slots import Slots
from runner.graph.values import encode
from tests.simulation import graphs, scenario, tasks, verdict
from tests.simulation.lasting import EPOCH, register_lasting
from tests.simulation.model import expected
from tests.simulation.people import People
from tests.simulation.scenario import Scenario, Strike
from tests.simulation.store import LeasedStore, Line
from tests.simulation.witness import Witness
from tests.simulation.world import Process, Standstill, World

#: By when every run must have ended, in virtual seconds.
PATIENCE = 900.0
REGISTRY = register_lasting(tasks.registry_of_simulation())


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a seed; `broken` is empty if every invariant held."""

    seed: int
    broken: tuple[str, ...]
    trace: tuple[str, ...] = field(default=(), repr=False)
    steps: int = 0
    executions: int = 0
    deaths: int = 0


class Listener(logging.Handler):
    """Puts what the engine writes to its log into the trace, with the trace of an exception."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line."""
        self._witness.say("log", self.format(record))


class Simulation:
    """One seed: its world, its store, its people, and what befalls its processes."""

    def __init__(self, seed: int, *, traced: bool = True) -> None:
        self.seed = seed
        self.traced = traced
        self.definition = graphs.draw(Random(f"{seed}/graph"), controls=True)
        self.scenario: Scenario = scenario.draw(Random(f"{seed}/scenario"))
        self.world = World(seed)
        self.witness = Witness(self.world)
        self.store = LeasedStore(lambda: self.world.now, self.scenario.lease)
        self.expected = expected(self.definition)
        self.runners: dict[str, BackgroundRunner] = {}
        self.executors: dict[str, Any] = {}
        self.deaths = 0
        self._strikes: deque[Strike] = deque(self.scenario.strikes)
        self._left = self._strikes[0].count if self._strikes else 0
        self.halted: set[str] = set()
        self._halted = 0
        self._closing = False
        self._leaving: set[str] = set()
        self.people = People(self)
        self.world.before_step = self._before_step
        self.world.complain = lambda name, said: self.witness.blame("loop", name, said)
        self.witness.executor_of = self.executor_of

    # ── the story ────────────────────────────────────────────────────────────────────────

    def run(self) -> Report:
        """Let it all happen, and judge it."""
        text = json.dumps(self.definition)
        for _ in range(self.scenario.runs):
            run = self.store.submit(text, encode({}))
            self.witness.records[run] = verdict.record_of(run)
            self.people.watch(run)
        with self._watched():
            self._spawn()
            if self.scenario.second_at is not None:
                self.world.later(self.scenario.second_at, self._spawn)
            self._live()
            verdict.judge(self)
        return self._report()

    def _live(self) -> None:
        try:
            self.world.run(self._is_over, PATIENCE)
            if not self.witness.broken:
                self._closing = True
                self._strikes.clear()
                for process in list(self.world.processes):
                    self._leave(process)
                self.world.run(lambda: not self.world.processes, self.world.now + PATIENCE)
        except Standstill as still:
            verdict.judge_standstill(self, str(still))

    def _is_over(self) -> bool:
        if self.witness.broken:
            return True
        if self._halted or not self.world.processes:
            return False
        return all(map(self.people.is_done_with, self.store.runs))

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Let the witness hear the bodies; keep the log quiet; clean up behind the world."""
        batch, run_log.BATCH_ENTRIES = run_log.BATCH_ENTRIES, self.scenario.batch
        logger = logging.getLogger("runner")
        level = logger.level
        logger.setLevel(logging.WARNING if self.traced else logging.CRITICAL + 1)
        logger.propagate = False
        listener = Listener(self.witness)
        logger.addHandler(listener)
        tasks.observers.append(self.witness)
        try:
            yield
        finally:
            logger.removeHandler(listener)
            logger.setLevel(logging.CRITICAL + 1)
            self.world.clear()
            tasks.observers.pop()
            logger.propagate = True
            logger.setLevel(level)
            run_log.BATCH_ENTRIES = batch

    def _report(self) -> Report:
        records = self.witness.records.values()
        return Report(
            seed=self.seed,
            broken=tuple(self.witness.broken),
            trace=tuple(verdict.lines(self.witness.trace)) if self.traced else (),
            steps=self.world.steps,
            executions=sum(sum(each.executions.values()) for each in records),
            deaths=self.deaths,
        )

    # ── processes ────────────────────────────────────────────────────────────────────────

    def executor_of(self, process: Process, run: str) -> Any:
        """Give what drives a run in a process; None if nothing does."""
        runner = self.runners.get(process.name)
        return runner.executors.get(run) if runner is not None else None

    def _spawn(self) -> None:
        if self._closing:
            return
        process = self.world.spawn(f"p{len(self.runners) + 1}")
        line = Line(self.store, self.world, process, self.scenario.weather, self)
        watched = self.world.random.random() < 0.3

        def begin() -> None:
            host = Host(
                now=lambda: EPOCH + timedelta(seconds=self.world.now),
                chance=self.world.random.random,
                is_watched=lambda _run: watched,
                slots=Slots(self.scenario.slots),
            )
            runner = BackgroundRunner(line, REGISTRY, process.name, host=host)
            self.runners[process.name] = runner
            runner.start()

        self.witness.say(process.name, "begins")
        self.world.inside(process, begin)

    def _end(self, process: Process, how: str) -> None:
        self.witness.say(process.name, how)
        self._leaving.discard(process.name)
        self.world.kill(process)
        if self.scenario.sees_death:
            self.store.dead.add(process.name)

    def _leave(self, process: Process) -> None:
        """Ask a process to end in order, as SIGTERM does."""
        if process.name in self._leaving or not process.alive:
            return
        self._leaving.add(process.name)
        self.witness.say(process.name, "is asked to leave")

        async def leave() -> None:
            await self.runners[process.name].stop()
            self.world.later(0.0, lambda: self._left_in_order(process))

        self.world.inside(process, lambda: process.loop.create_task(leave(), name="leave"))

    def _left_in_order(self, process: Process) -> None:
        if process.alive:
            verdict.judge_exit(self, process)
            self._end(process, "has left")

    # ── strikes ──────────────────────────────────────────────────────────────────────────

    def _before_step(self, process: Process) -> None:
        self.people.look(process)
        if self._strikes and not self._strikes[0].call:
            self._count(process)

    def asked(self, process: Process, call: str) -> None:
        """A process asks the store for something."""
        strike = self._strikes[0] if self._strikes else None
        if strike is not None and strike.call == call and not strike.after:
            self._count(process)

    def carried_out(self, process: Process, call: str, subject: Any, answer: Any) -> None:
        """The store did what it was asked."""
        if call == "commit" and answer is None:
            executor = self.executor_of(process, subject.run)
            if executor is not None:
                self.executors[subject.run] = executor
            self.witness.kept(process, subject)
            self.people.see(subject.run, [each.event for each in subject.entries])
        elif call == "claim" and not isinstance(answer, Exception):
            for stored in answer:
                self.witness.claimed(process, stored)
        elif call == "mark_handled":
            self.people.see_closed()
        elif call == "quarantine":
            self.witness.blame("P5", subject[0], f"it is quarantined: {subject[1]}")
        elif isinstance(answer, Exception):
            self.witness.say(process.name, f"is refused a {call}: {answer}")
        strike = self._strikes[0] if self._strikes else None
        if strike is not None and strike.call == call and strike.after and process.runs:
            self._count(process)

    def _count(self, process: Process) -> None:
        self._left -= 1
        if self._left > 0:
            return
        strike = self._strikes.popleft()
        self._left = self._strikes[0].count if self._strikes else 0
        if strike.blow == "kill":
            self._kill(process, strike.seconds)
        elif strike.blow == "leave":
            self._leave(process)
            self._replace(strike.seconds)
        else:
            self._halt(process, strike.seconds)

    def _kill(self, process: Process, seconds: float) -> None:
        self.deaths += 1
        self._end(process, "is killed")
        self._replace(seconds)

    def _halt(self, process: Process, seconds: float) -> None:
        self.witness.say(process.name, f"is halted for {seconds:.3f} s")
        process.stopped = True
        self.halted.add(process.name)
        self._halted += 1

        def go_on() -> None:
            self._halted -= 1
            process.stopped = False
            self.witness.say(process.name, "goes on")

        self.world.later(seconds, go_on)
        self._replace(0.1)

    def _replace(self, seconds: float) -> None:
        """Begin another process soon, if no other is there to take over."""
        staying = [
            each for each in self.world.processes
            if each.runs and each.name not in self._leaving
        ]  # fmt: skip
        if not staying:
            self.world.later(seconds, self._spawn)


def simulate(seed: int) -> Report:
    """Play one seed; the report has no trace."""
    return Simulation(seed, traced=False).run()
