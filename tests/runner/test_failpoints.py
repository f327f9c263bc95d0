"""Failpoints: armed by one line, off without it, and they do what they say."""

import signal
import subprocess
import sys
import threading

import pytest

from runner.errors import ValueFault
from runner.execution import failpoints
from runner.execution.failpoints import FailpointReached, arm, reach


@pytest.fixture(autouse=True)
def disarmed():
    """Leave none armed for other tests."""
    yield
    arm("")


def test_a_failpoint_acts_on_the_hit_it_names_and_no_other():
    arm("before_event=raise@2")
    reach("before_event")
    with pytest.raises(FailpointReached, match="before_event was reached"):
        reach("before_event")
    reach("before_event")
    reach("claimed")


def test_without_a_number_it_acts_on_every_hit():
    arm("finalize=raise")
    for _ in range(2):
        with pytest.raises(FailpointReached):
            reach("finalize")


def test_arming_anew_forgets_what_was_armed_before():
    arm("finalize=raise")
    arm(" claimed=sleep:0.01 , ")
    reach("finalize")
    reach("claimed")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nowhere=kill", "has no failpoint 'nowhere'; there are after_commit, "),
        ("claimed", "has 'claimed'; write it as in"),
        ("claimed=burn", "write it as in"),
        ("claimed=kill@0", "write it as in"),
        ("claimed=kill@-1", "write it as in"),
        ("claimed=sleep", "sleep takes seconds"),
        ("claimed=raise:2", "raise takes none"),
    ],
)
def test_what_is_no_failpoint_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ValueFault, match=sentence):
        arm(text)


@pytest.mark.parametrize(
    ("armed", "sign"),
    [("claimed=kill@2", signal.SIGKILL), ("claimed=kill:0.01@2", signal.SIGALRM)],
)
def test_a_kill_leaves_the_process_no_word(armed, sign):
    lives = (
        "import sys, time\n"
        "from runner.execution.failpoints import arm_from_environment, reach\n"
        "arm_from_environment()\n"
        "try:\n"
        "    reach('claimed'); print('first', flush=True)\n"
        "    reach('claimed'); time.sleep(30)\n"
        "finally:\n"
        "    print('a last word', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", lives],
        check=False,
        env={failpoints.VARIABLE: armed},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == -sign
    assert done.stdout == "first\n"


def test_a_kill_after_a_while_comes_as_an_alarm_that_nobody_handles():
    """This process handles it, to live on."""
    heard = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: heard.set())
    try:
        arm("claimed=kill:0.001")
        reach("claimed")
        assert heard.wait(10)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_the_environment_says_is_armed_and_nothing_else(monkeypatch):
    arm("finalize=raise")
    monkeypatch.setenv(failpoints.VARIABLE, "claimed=raise")
    failpoints.arm_from_environment()
    reach("finalize")
    with pytest.raises(FailpointReached):
        reach("claimed")
    monkeypatch.delenv(failpoints.VARIABLE)
    failpoints.arm_from_environment()
    reach("claimed")
