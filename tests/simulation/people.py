"""People: what they ask for during a simulation: cancel, resume, pause, continue, answers.

Who asks for something looks again after a while, and asks again if nothing came of it.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.run.status import RunStatus
from tests.simulation.graphs import failures_in
from tests.simulation.lasting import ANSWER
from tests.simulation.world import Process

if TYPE_CHECKING:
    from tests.simulation.simulate import Simulation

#: After how many seconds somebody looks whether anything came of what they asked.
LOOK_AGAIN = 5.0
#: A task that fails inside of a map fails once for each item, one after the other.
RESUMES_A_FAILURE = 80
#: What they say, by what a task waits for.
ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "input": ("answer", {"value": ANSWER}),
    "decision": ("decide", {"action": "retry"}),
}


class People:
    """Everybody who looks at the runs of one simulation."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._world = simulation.world
        self._store = simulation.store
        self._witness = simulation.witness
        self._scenario = simulation.scenario
        self._cancel_in = simulation.scenario.cancel_at
        self._pause_in = simulation.scenario.pause_at
        self._resumes: dict[str, int] = {}

    def watch(self, run: str) -> None:
        """Care about a run."""
        fails = failures_in(self._simulation.definition)
        self._resumes[run] = 2 + fails * RESUMES_A_FAILURE

    def look(self, process: Process) -> None:
        """Think, before a callback, of whether now is the time to cancel or pause."""
        if self._cancel_in is not None:
            self._cancel_in -= 1
            if self._cancel_in <= 0:
                self._cancel_in = None
                self._ask_if_under_way("cancel", process)
        if self._pause_in is not None:
            self._pause_in -= 1
            if self._pause_in <= 0:
                self._pause_in = None
                run = self._ask_if_under_way("pause", process)
                self._world.later(self._scenario.pause_seconds, lambda: self._go_on(run))

    def see(self, run: str, events: list[Any]) -> None:
        """See what was kept: answer questions, and have resumed what failed."""
        for event in events:
            if event.kind == "TaskAwaiting" and event.reason in ANSWERS:
                self._later(partial(self._answer, run, event.path, event.reason))
        if self._store.runs[run].status.is_over and self.will_resume(run):
            self._later(lambda: self._resume(run))

    def is_done_with(self, run: str) -> bool:
        """Whether nobody wants anything more of a run."""
        over = self._store.runs[run].status.is_over
        return over and not self.will_resume(run) and not self._store.is_asked(run, "resume")

    def will_resume(self, run: str) -> bool:
        """Whether somebody has an ended run resumed."""
        status = self._store.runs[run].status
        if self._resumes[run] <= 0:
            return False
        if status is RunStatus.CANCELLED:
            return self._scenario.resumes_cancelled
        return status is RunStatus.FAILED and not self._simulation.expected.lost

    def see_closed(self) -> None:
        """See whether a request to resume was closed by who does not resume."""
        for request in self._store.closed:
            if request.kind == "resume" and self._store.runs[request.run].status.is_over:
                sentence = "a request to resume is closed and nothing comes of it"
                self._witness.blame("6.3", request.run, sentence)
                self._resumes[request.run] += 1
                self._later(partial(self._resume, request.run))
        self._store.closed.clear()

    def _later(self, act: Callable[[], None]) -> None:
        self._world.later(self._world.random.random() * 3, act)

    def _ask(self, run: str, kind: str, **payload: Any) -> None:
        self._witness.say("person", f"asks {kind} of {run} {payload or ''}")
        self._store.ask(run, kind, "someone", payload)

    def _ask_if_under_way(self, kind: str, process: Process) -> str:
        run = next(iter(self._store.runs))
        if not self._store.runs[run].status.is_over:
            self._ask(run, kind)
            runner = self._simulation.runners[process.name]
            if process.runs and self._world.random.random() < 0.5:
                self._world.inside(process, runner.wake)
        return run

    def _go_on(self, run: str) -> None:
        """Let a paused run go on, also if the pause is heard of only after a resume."""
        if self.is_done_with(run):
            return
        over = self._store.runs[run].status.is_over
        if not over and not self._store.is_asked(run, "continue"):
            self._ask(run, "continue")
        self._world.later(LOOK_AGAIN, lambda: self._go_on(run))

    def _answer(self, run: str, path: str, reason: str) -> None:
        if path not in self._witness.records[run].awaiting:
            return
        kind, payload = ANSWERS[reason]
        if not self._store.is_asked(run, kind):
            self._witness.records[run].begun_once.discard(path)
            self._ask(run, kind, path=path, **payload)
        self._world.later(LOOK_AGAIN, lambda: self._answer(run, path, reason))

    def _resume(self, run: str) -> None:
        if not self._store.runs[run].status.is_over:
            return
        self._resumes[run] -= 1
        self._witness.reopened(run)
        self._ask(run, "resume")
