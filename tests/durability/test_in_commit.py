"""T3: a server dies at most three milliseconds after a transaction of its has begun.

ANABRANCH_COMMITS says how often, ANABRANCH_SEED when.
"""

import pytest

from tests.durability import graphs, verdict
from tests.durability.installation import DEATHS, chance_of, installed, size
from tests.durability.killing import Killing, say

pytestmark = pytest.mark.slow
COMMITS = size("ANABRANCH_COMMITS", 10)
LATEST = 0.003
#: A life begins so many transactions before one is its last.
MOST = 15
PATIENCE = 1.0


def test_a_transaction_that_dies_is_whole_or_absent(own_database, tmp_path):
    """P1."""
    chance = chance_of("in commit", own_database)
    cut = 0
    with installed(own_database, tmp_path) as installation:
        killing = Killing(installation)
        while cut < COMMITS:
            moment, hit = chance.uniform(0.0, LATEST), chance.randint(1, MOST)
            process = killing.begin(f"in_txn_begun=kill:{moment:.6f}@{hit}")
            # One that had to make progress has no alarm, and some runs end too soon for theirs.
            code = installation.end(process, PATIENCE) if killing.is_armed else None
            if code is None:
                installation.kill(process)
            else:
                assert code in DEATHS, installation.log()
                cut += 1
            killing.look_after(process)
        killing.live_to_the_end()
        assert killing.faults == []
        assert verdict.wrong(installation, killing.runs, graphs.expected()) == []
        say(f"{cut} of {killing.figures()}")
