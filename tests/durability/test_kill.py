"""T1: kill -9 at random moments, again and again.

ANABRANCH_KILLS says how often, ANABRANCH_SEED which moments.
"""

import pytest

from tests.durability import graphs, verdict
from tests.durability.installation import chance_of, installed, pause, size
from tests.durability.killing import Killing, say

pytestmark = pytest.mark.slow
KILLS = size("ANABRANCH_KILLS", 15)
LONGEST_LIFE = 0.4


def test_nothing_kept_is_lost_or_done_again_however_often_a_server_is_killed(
    own_database, tmp_path
):
    """P1, P2."""
    chance = chance_of("kill", own_database)
    with installed(own_database, tmp_path) as installation:
        killing = Killing(installation)
        while killing.deaths < KILLS:
            process = killing.begin()
            pause(chance.uniform(0.0, LONGEST_LIFE))
            installation.kill(process)
            killing.look_after(process)
        killing.live_to_the_end()
        assert killing.faults == []
        assert verdict.wrong(installation, killing.runs, graphs.expected()) == []
        say(killing.figures())
