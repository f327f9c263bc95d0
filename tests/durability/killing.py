"""Lives that are killed, one after the other, with some runs always under way."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.durability import graphs, verdict
from tests.durability.installation import OVER, Installation
from tests.durability.verdict import Snapshot, Task
from tests.durability.watching import wait_until

RUNS_AT_ONCE = 3
#: What ended before the last death, and the pages of the file, are judged again now and then and
#: in the end: to judge all of them each time would take longer than all lives together.
LOOK_EVERY = 25
#: Until the observer wakes a life that has runs to take up.
WAKE_EVERY = 0.2


@dataclass(slots=True)
class Killing:
    """What was seen over all deaths; `faults` are sentences about what must not be.

    A task that is at work at three deaths in a row would rightly be taken for one that kills its
    server (P5). So a life is not killed before what was at work at the two deaths before it
    has a result.
    """

    installation: Installation
    runs: list[str] = field(default_factory=list)
    deaths: int = 0
    faults: list[str] = field(default_factory=list)
    #: Whether the last life has the failpoints that were asked for; one that must progress has none.
    is_armed: bool = True
    snapshot: Snapshot = field(
        default_factory=lambda: Snapshot(results=frozenset(), working=frozenset(), epochs={})
    )
    _stalled: frozenset[Task] = frozenset()
    _seen: int = 0
    #: Runs that had not ended at the last death, or came later.
    _open: list[str] = field(default_factory=list)

    def begin(self, failpoints: str = "") -> int:
        """See that there is work, and begin a life."""
        statuses = self.installation.statuses()
        missing = RUNS_AT_ONCE - sum(each not in OVER for each in statuses.values())
        if missing > 0:
            queued = self.installation.queue(graphs.forty(), missing)
            self.runs += queued
            self._open += queued
        self.is_armed = not self._stalled
        process = self.installation.live(failpoints if self.is_armed else "")
        if self._stalled and not self._comes(process, self._is_unstalled):
            self.faults.append(f"no progress of {self._stalled}")
        return process

    def _is_unstalled(self) -> bool:
        return self._stalled <= Snapshot.of(self.installation, self._open).results

    def _comes(self, process: int, true: Callable[[], bool], seconds: float = 60) -> bool:
        """Wake a life until something is true; say whether it came to be in time."""
        for _ in range(int(seconds / WAKE_EVERY)):
            self.installation.wake(process)
            if wait_until(true, WAKE_EVERY):
                return True
        return False

    def look_after(self, process: int) -> None:
        """Judge what a death has left."""
        self.deaths += 1
        is_whole = self.deaths % LOOK_EVERY == 0
        judged = None if is_whole else self._open
        before = self.snapshot
        self.snapshot = Snapshot.of(self.installation, judged).over(before, judged)
        begun = self.installation.begun()
        new, self._seen = begun[self._seen :], len(begun)
        self.faults += verdict.lost(before, self.snapshot)
        self.faults += verdict.done_again(before, new)
        self.faults += (
            verdict.whole(self.installation)
            if is_whole
            else verdict.torn(self.installation, self._open)
        )
        statuses = self.installation.statuses()
        self._open = [run for run in self._open if statuses[run] not in OVER]
        bodies = {(each.run, each.path) for each in begun}
        self._stalled = before.working & self.snapshot.working & bodies

    def live_to_the_end(self) -> None:
        """Let a last life finish everything, and judge the whole."""
        process = self.installation.live()
        self._comes(process, self._is_over, 120)
        self.installation.until_over(self.runs)
        self.installation.stop(process)
        self._open = list(self.runs)
        self.look_after(process)
        self.deaths -= 1
        self.faults += verdict.whole(self.installation)

    def _is_over(self) -> bool:
        return set(self.installation.statuses().values()) <= OVER

    def figures(self) -> str:
        """Say what was counted."""
        bodies = Counter((each.run, each.path) for each in self.installation.begun())
        again = sum(count - 1 for count in bodies.values())
        return (
            f"{self.deaths} kills over {len(self.runs)} runs, {len(self.snapshot.results)} results: "
            f"{len(self.faults)} faults; {again} bodies in flight ran again\n"
        )


def say(sentence: str) -> None:
    """Print a figure."""
    sys.stdout.write(sentence)
