"""What the engine is known to do wrong: listed, so that nothing new hides behind it.

A line goes when its fault does; a seed that shows only these faults holds.
"""

import re

#: After what breaks these rules there is no use in judging the run any further.
FATAL = {"P5", "P4", "5.5", "golden", "5.3"}
#: What the engine is known to do wrong, each with the shape of the sentence that says it.
KNOWN: dict[str, str] = {
    "a cancelled task begins again with the next owner": r"^I3 .* after TaskCancelled$",
    "a control that is upstream-failed begins again with the next owner": r"^I3 .* after TaskUpstreamFailed$",
    "a compound that has completed is said to be skipped by the next owner": r"^I3 .*TaskSkipped of \S+ after TaskCompleted$",
    "a compound that has failed begins again with the next owner": r"^I3 .* of compound \S+ after TaskFailed$",
    "a command for a task whose control was dropped meanwhile quarantines the run": r"^P5 .* is quarantined: '\S+'$",
    "a retry begins although its executor has let the run go": r"^P3 .* begins for an executor that is over$",
    "what a failed task decided is forgotten when a person has it resumed": r"^1.3 .* decided ",
    "what was skipped is forgotten by the next owner": r"^I3 .* after TaskSkipped$",
    "a loser of a race is not said to have ended": r"^5.3 .* these did not: \['[^']*/a\d'",
    "alternatives of a race that complete together all win": r"^P5 .*TaskCompleted cannot happen to \S+, which is completed",
    "storage in trouble fails the task that looks for what it saved": r"^golden .*failed: the storage is in trouble",
    "a cancel during recovery ends the run before it is resumed": r"^(I3 .*after RunCancelled|P5 .*RunResumed cannot happen to run)",
    "a run that is cancelling begins bodies when it is resumed": r"^P8 .* an earlier owner was told",
    "stop does not wait until runs are released": r"^exit .* left with run \S+ waiting",
    "a run whose release fails is lost to its owner": r"^loop .*never retrieved: StorageTrouble",
    "an owner that could not release a run, or never heard of its claim, keeps it for ever": r"^P4 .* lives and does not drive it$",
    "a request to resume is closed by the owner that has just failed": r"^6.3 .* to resume is closed",
    "a claim that is answered while the process stops is driven on": r"^exit .* while driving it$",
    "a compound is not ended if its owner died between its last task and its end": r"^5.3 .* these compounds did not",
    "a resume forgets what a failed control unfolded into": r"^P5 .* but this graph has no such task",
    "what is inside of a control that unfolds anew counts its attempts from 1 again": r"^(5.5 .* starts twice|I3 .*TaskStarted of \S*\[\d+\]\S* after TaskFailed)$",
    "slots are lost when an executor with tasks in line lets its run go": r"^P4 all: .*\('queued', 0, 0\)",
    "a loop without turns does not wait for what it hands on": r"^P5 .* is quarantined: \('",
    "a race whose decision was lost is settled without one": r"^P5 .*tuple index out of range",
    "a task that is dropped while the run is cancelling waits for ever": r"^P4 all: .*\bcancelling owner=.*\('pending', 1, 1\)",
}


def known_as(said: str) -> str:
    """Give the name of the known fault that a sentence tells of; empty if it is none."""
    return next((name for name, shape in KNOWN.items() if re.search(shape, said)), "")
