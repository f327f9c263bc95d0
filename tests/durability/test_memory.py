"""T13: a task builds 200 MB, and there is room for it or there is not."""

import json

import pytest

from tests.durability import graphs, verdict
from tests.durability.installation import OVER, dashed, installed
from tests.durability.verdict import Snapshot
from tests.durability.watching import wait_until

pytestmark = pytest.mark.slow
MEGABYTES = 200
SECONDS = 60


@pytest.mark.parametrize(
    ("room", "errors"),
    [(3 << 30, {"SizeLimit"}), (96 << 20, {"MemoryError", "SizeLimit"})],
    ids=["room", "no-room"],
)
def test_a_result_that_is_far_too_large_fails_its_own_run_only(tmp_path, room, errors):
    """P1, P6: the size limit comes first; where memory ends before it, the next life goes on."""
    environment = {"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": ""}
    with installed(environment, tmp_path) as installation:
        others = installation.queue(graphs.forty())
        (run,) = installation.queue(graphs.huge(MEGABYTES))
        process = installation.live(room=room)
        assert wait_until(lambda: over(installation, process), SECONDS), installation.log()
        dead, seen = Snapshot.of(installation), len(installation.begun())
        for each in others:
            # What asked for memory meanwhile failed too; a person lets it go on.
            installation.ask(each, "resume")
        survivor = installation.live()
        installation.until_over([run])
        assert wait_until(lambda: installation.statuses()[others[0]] == "completed", SECONDS)
        installation.stop(survivor)
        assert error_of(installation, run) in errors
        assert verdict.wrong(installation, others, graphs.expected()) == []
        assert verdict.done_again(dead, installation.begun()[seen:]) == []
        assert verdict.whole(installation) == []


def over(installation, process):
    """Whether nothing is left to do, and the process has stopped; or it has died."""
    if installation.end(process, 0.0) is not None:
        return True
    if set(installation.statuses().values()) <= OVER:
        installation.stop(process)
        return True
    return False


def error_of(installation, run):
    """Give the type of the error that a run failed by."""
    rows = installation.look("SELECT id, error FROM workflows_run")
    return json.loads({dashed(key): error for key, error in rows}[run])["type"]
