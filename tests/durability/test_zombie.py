"""T6: an owner stands still for longer than its lease, and wakes when another has its run.

ANABRANCH_ZOMBIES says how often.
"""

import os
import re
import signal
from contextlib import ExitStack

import pytest

from tests.durability.observed import lines_of
from tests.durability.watching import look, process, queue, wait_until

pytestmark = pytest.mark.slow
ZOMBIES = int(os.environ.get("ANABRANCH_ZOMBIES", "1"))
LEASE = 1.5
LENGTH = 6
#: Bodies that began before it stands still.
BEGUN = 3
#: A heartbeat, a look at what waits, and a machine that has more to do.
SOON = LEASE / 6 + 1 + 3


@pytest.mark.parametrize("time_", range(ZOMBIES))
@pytest.mark.parametrize("held", ["", "t2"], ids=["would-write", "still-works"])
def test_an_owner_that_wakes_too_late_keeps_nothing_more(own_database, tmp_path, held, time_):
    """P3, P4: what it would write is refused, and what it works at is stopped."""
    environment = own_database | {"ANABRANCH_LEASE_SECONDS": str(LEASE)}
    queue(environment, 1, LENGTH)
    began = tmp_path / "began"
    with ExitStack() as stack:
        owners = [
            stack.enter_context(process(environment, "owner", tmp_path, held)) for _ in range(2)
        ]
        assert wait_until(lambda: len(lines_of(began)) >= BEGUN)
        late = next(each for each in owners if str(each.pid) == lines_of(began)[-1][-1])
        late.send_signal(signal.SIGSTOP)
        kept = finished(environment)
        assert wait_until(lambda: owner_of_last(began) != str(late.pid), LEASE + SOON)
        late.send_signal(signal.SIGCONT)
        if held:
            assert wait_until(lambda: lines_of(tmp_path / "stopped"), SOON)
        assert wait_until(lambda: status(environment) == "completed")
        late.communicate(timeout=SOON)
    assert [line[-1] for line in lines_of(tmp_path / "stopped")] == [str(late.pid)] * bool(held)
    assert "has another owner now" in (tmp_path / f"{late.pid}.log").read_text()
    check(environment, lines_of(began), kept, str(late.pid))


def owner_of_last(began):
    """Give the process of the last body."""
    return lines_of(began)[-1][-1]


def check(environment, bodies, kept, first):
    """The late one began nothing more; what was finished was not done again, and all is right."""
    after = [line for line in bodies if line[-1] != first]
    assert bodies == [line for line in bodies if line[-1] == first] + after
    assert kept.isdisjoint(path for _, path, _, _ in after)
    ((output,),) = look(environment, "SELECT outputs FROM workflows_run")
    assert re.findall(r"\d+", output) == [str(LENGTH)]
    assert look(environment, LATE) == [(0,)]


#: Results of the first epoch that were kept after the next one had begun.
LATE = (
    "SELECT count(*) FROM workflows_checkpoint WHERE epoch = 1 AND seq > "
    "(SELECT min(seq) FROM workflows_runevent WHERE kind = 'RunResumed')"
)


def finished(environment):
    """Give the paths of the tasks that have a result."""
    return {path for (path,) in look(environment, "SELECT path FROM workflows_checkpoint")}


def status(environment):
    """Give the run's status."""
    return look(environment, "SELECT status FROM workflows_run")[0][0]
