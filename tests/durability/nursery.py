"""python -m tests.durability.nursery: a process that has loaded everything, and forks lives.

A life is a server without pages: the background runner as a server starts it, on the database that
the environment names. To load takes a second, to fork some milliseconds; so a thousand kills take
minutes. The nursery has no thread and keeps no connection; that is why it may fork.

It reads a JSON object from each line of its input and answers with one; `ACTS` says which.
"""

import asyncio
import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.database import add_people, queue_run, set_up

PR_SET_PDEATHSIG = 1
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def live(*, life: str, failpoints: str = "", room: int = 0) -> int:
    """Fork a life; give its process id. It gets `room` further bytes of address space, if given."""
    return _fork(life, failpoints, lambda: asyncio.run(_live()), room)


def work(*, life: str, jobs: int) -> int:
    """Fork a job queue runner that carries out so many jobs at a time; give its process id."""
    return _fork(life, "", lambda: _work(jobs))


def _fork(life: str, failpoints: str, act: Callable[[], None], room: int = 0) -> int:
    # Held back until the life can hear them.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return child
    status = 1
    try:
        _die_with_parent()
        _say_to(Path(os.environ["ANABRANCH_DATA"]) / "life.log")
        os.environ |= {"ANABRANCH_LIFE": life, "ANABRANCH_FAILPOINTS": failpoints}
        _bound(room)
        act()
        status = 0
    finally:
        os._exit(status)


def _die_with_parent() -> None:
    """A life must not outlive the test that began it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _say_to(log: Path) -> None:
    """The pipes are the nursery's own."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(0)


def _bound(room: int) -> None:
    if room:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + room
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


async def _live() -> None:
    """Run until told to stop; SIGUSR1 is the doorbell that a page would ring."""
    from runner.execution.failpoints import arm_from_environment
    from workflows import background

    arm_from_environment()
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_signal_handler(signal.SIGUSR1, background.wake)
    loop.add_signal_handler(signal.SIGUSR2, _count_tasks)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    await background.start()
    await told.wait()
    await background.stop()


def _work(jobs: int) -> None:
    from django.core.management import call_command

    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    call_command("run_job_queue", jobs=jobs)


def _count_tasks() -> None:
    """Write down how many tasks of asyncio there are: nobody else can see them."""
    counted = Path(os.environ["ANABRANCH_DATA"]) / "asyncio-tasks"
    counted.write_text(str(len(asyncio.all_tasks())))


def end(*, process: int, seconds: float = 30.0) -> int | None:
    """Wait for the end of a life; give its exit code, -9 for SIGKILL; None if it lives on."""
    until = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.001)


def queue(*, definition: str, runs: int = 1) -> list[str]:
    """Queue runs; give their ids."""
    return [queue_run(definition) for _ in range(runs)]


def ask(*, run: str, kind: str) -> bool:
    """Ask something of a run as a person would; False when refused."""
    from django.contrib.auth.models import User

    from workflows.models import Run

    return Run.objects.get(pk=run).request(kind, User.objects.get(username="bench"))


ACTS: dict[str, Callable[..., Any]] = {
    "live": live, "work": work, "end": end, "queue": queue, "ask": ask,
}  # fmt: skip


def main() -> None:
    """Prepare the database if it is new, and do what is asked until the input ends."""
    from django.db import connections

    new = os.environ.get("ANABRANCH_COPIED", "") == ""
    set_up(Path(os.environ["ANABRANCH_DATA"]), migrated=not new)
    if new:
        add_people()
    # Loaded here once, and not in each life.
    from runner.execution.background import BackgroundRunner  # noqa: F401
    from runner.graph.registry import default_registry
    from workflows import live as _feed  # noqa: F401
    from workflows.job_worker import JobWorker  # noqa: F401
    from workflows.store import DatabaseStore  # noqa: F401

    default_registry()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    connections.close_all()
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        said = json.loads(line)
        answer = ACTS[said.pop("do")](**said)
        connections.close_all()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
