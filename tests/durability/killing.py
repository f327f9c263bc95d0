"""Lives that are killed, one after the other, with some runs always under way."""

import sys
from collections import Counter
from dataclasses import dataclass, field

from tests.durability import graphs, verdict
from tests.durability.installation import OVER, Installation
from tests.durability.verdict import Snapshot, Task
from tests.durability.watching import wait_until

RUNS_AT_ONCE = 3
#: Pages of the file are checked now and then, and in the end.
LOOK_EVERY = 25


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

    def begin(self, failpoints: str = "") -> int:
        """See that there is work, and begin a life."""
        statuses = self.installation.statuses()
        missing = RUNS_AT_ONCE - sum(each not in OVER for each in statuses.values())
        if missing > 0:
            self.runs += self.installation.queue(graphs.forty(), missing)
        self.is_armed = not self._stalled
        process = self.installation.live(failpoints if self.is_armed else "")
        if self._stalled:
            self._wait_for_progress()
        return process

    def _wait_for_progress(self) -> None:
        came = wait_until(lambda: self._stalled <= Snapshot.of(self.installation).results, 30)
        if not came:
            self.faults.append(f"no progress of {self._stalled}")

    def look_after(self, process: int) -> None:
        """Judge what a death has left."""
        before, self.snapshot = self.snapshot, Snapshot.of(self.installation)
        self.deaths += 1
        begun = self.installation.begun()
        new, self._seen = begun[self._seen :], len(begun)
        self.faults += verdict.lost(before, self.snapshot)
        self.faults += verdict.done_again(before, new)
        self.faults += verdict.torn(self.installation)
        if self.deaths % LOOK_EVERY == 0:
            self.faults += verdict.whole(self.installation)
        bodies = {(each.run, each.path) for each in begun}
        self._stalled = before.working & self.snapshot.working & bodies

    def live_to_the_end(self) -> None:
        """Let a last life finish everything, and judge the whole."""
        process = self.installation.live()
        self.installation.until_over(self.runs)
        self.installation.stop(process)
        self.look_after(process)
        self.deaths -= 1
        self.faults += verdict.whole(self.installation)

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
