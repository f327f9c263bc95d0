"""python -m tests.durability.soak --minutes 120: T22, a server under steady work for a long time.

Runs come in, a kill now and then; every ten seconds the process is measured from outside, and in
the end it is asked whether anything grows. It leaves with 1 when something does, or is wrong.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability import graphs, verdict
from tests.durability.installation import SEED, Installation, chance_of, installed, pause
from tests.durability.verdict import Snapshot

RUNS_A_MINUTE = 50
#: A life must last, or nobody can tell what grows in it from what it needs.
KILL_MINUTES = 30.0
SAMPLE_SECONDS = 10.0
#: Of a life, the first samples are warm-up, and what is left must be so many to be judged.
WARM_UP = 30
ENOUGH = 60
MEGABYTE_AN_HOUR = 1 << 20
HEADINGS = ("minute", "life", "RSS MB", "files", "threads", "asyncio tasks", "runs", "DB KB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one process held at one moment, in bytes and counts; `at` is in seconds."""

    at: float
    life: str
    resident: int
    files: int
    threads: int
    tasks: int
    runs: int
    database: int

    def row(self) -> str:
        """Write it as a line of the table."""
        return "  ".join(
            f"{value:>{len(name)}}"
            for name, value in zip(
                HEADINGS,
                (
                    f"{self.at / 60:.1f}",
                    self.life.removeprefix("life-"),
                    f"{self.resident / (1 << 20):.1f}",
                    self.files,
                    self.threads,
                    self.tasks,
                    self.runs,
                    self.database >> 10,
                ),
                strict=True,
            )
        )


@dataclass(slots=True, kw_only=True)
class Soak:
    """What goes on, and what was seen."""

    installation: Installation
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _snapshot: Snapshot | None = None
    _seen: int = 0

    def feed(self, process: int) -> None:
        """Queue what is due by now."""
        due = int((time.monotonic() - self.began) / 60 * RUNS_A_MINUTE) + 1
        if due > len(self.runs):
            self.runs += self.installation.queue(graphs.forty(), due - len(self.runs))
            os.kill(process, signal.SIGUSR1)

    def measure(self, process: int) -> None:
        """Take a sample and print it."""
        folder, proc = (
            Path(self.installation.environment["ANABRANCH_DATA"]),
            Path(f"/proc/{process}"),
        )
        counted = folder / "asyncio-tasks"
        counted.unlink(missing_ok=True)
        os.kill(process, signal.SIGUSR2)
        pause(0.3)
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
        )
        taken = Sample(
            at=time.monotonic() - self.began,
            life=self.installation.name_of(process),
            resident=int(status["VmRSS"].split()[0]) << 10,
            files=len(list((proc / "fd").iterdir())),
            threads=int(status["Threads"]),
            tasks=int(counted.read_text()) if counted.exists() else -1,
            runs=len(self.runs),
            database=sum(each.stat().st_size for each in folder.glob("anabranch.sqlite3*")),
        )
        self.samples.append(taken)
        sys.stdout.write(taken.row() + "\n")
        sys.stdout.flush()

    def judge(self) -> None:
        """Look at what a death has left."""
        before, self._snapshot = self._snapshot, Snapshot.of(self.installation)
        begun = self.installation.begun()
        new, self._seen = begun[self._seen :], len(begun)
        if before is not None:
            self.faults += verdict.lost(before, self._snapshot)
            self.faults += verdict.done_again(before, new)
        self.faults += verdict.torn(self.installation)


def growth(samples: Sequence[Sample]) -> list[str]:
    """Say what grew within lives that lasted; each is judged by its own samples."""
    found = []
    for life in dict.fromkeys(each.life for each in samples):
        warm = [each for each in samples if each.life == life][WARM_UP:]
        if len(warm) < ENOUGH:
            sys.stdout.write(f"{life}: too short to tell what grows\n")
            continue
        slope = statistics.linear_regression(
            [each.at for each in warm], [float(each.resident) for each in warm]
        ).slope
        an_hour = slope * 3600
        sys.stdout.write(f"{life}: {an_hour / (1 << 20):+.2f} MB of RSS an hour\n")
        if an_hour > MEGABYTE_AN_HOUR:
            found.append(f"{life} grew by {an_hour / (1 << 20):.2f} MB an hour")
        half = len(warm) // 2
        for name in ("files", "threads", "tasks"):
            early = max(getattr(each, name) for each in warm[:half])
            late = min(getattr(each, name) for each in warm[half:])
            if late > early:
                found.append(f"{life} had at most {early} {name}, and later never below {late}")
    return found


def soak(minutes: float, kill_minutes: float) -> list[str]:
    """Do it; give what was wrong."""
    with tempfile.TemporaryDirectory(prefix="anabranch-soak-") as name:
        folder = Path(name)
        environment = {
            "ANABRANCH_DATA": str(folder / "data"),
            "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
        }
        chance = chance_of("soak", environment)
        with installed(environment, folder) as installation:
            this = Soak(installation=installation)
            sys.stdout.write("  ".join(HEADINGS) + "\n")
            while (left := minutes * 60 - (time.monotonic() - this.began)) > 0:
                lasts = min(left, chance.uniform(0.5, 1.5) * kill_minutes * 60)
                live_for(this, lasts)
            survivor = installation.live()
            installation.until_over(this.runs)
            installation.stop(survivor)
            this.judge()
            ended = verdict.whole(installation)
            unlike = verdict.wrong(installation, this.runs, graphs.expected())
            return [*this.faults, *ended, *unlike, *growth(this.samples)]


def live_for(this: Soak, lasts: float) -> None:
    """Let a life work for so many seconds, and kill it."""
    process = this.installation.live()
    until = time.monotonic() + lasts
    next_sample = time.monotonic() + SAMPLE_SECONDS
    while time.monotonic() < until:
        this.feed(process)
        if time.monotonic() >= next_sample:
            this.measure(process)
            next_sample += SAMPLE_SECONDS
        pause(0.2)
    this.installation.kill(process)
    this.judge()


def main() -> None:
    """Read what is asked and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--kill-minutes", type=float, default=KILL_MINUTES)
    asked = parser.parse_args()
    faults = soak(asked.minutes, asked.kill_minutes)
    sys.stdout.write(
        f"seed {SEED}: {len(faults)} faults\n" + "".join(f"{each}\n" for each in faults)
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
