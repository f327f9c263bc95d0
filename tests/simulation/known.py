"""What the engine is known to do wrong: listed, so that nothing new hides behind it.

A line goes when its fault does; a seed that shows only these faults holds.
"""

import re

#: After what breaks these rules there is no use in judging the run any further.
FATAL = {"P5", "P4", "5.5", "golden", "5.3"}
#: What the engine is known to do wrong, each with the shape of the sentence that says it.
KNOWN: dict[str, str] = {
    "a command for a task whose control was dropped meanwhile quarantines the run": r"^P5 .* is quarantined: '\S+'$",
    "a request that was carried out, but not closed, is carried out again": r"^P2 .* although it may only once$",
    "an error that did not happen is read": r"^golden .*'\[error\]'",
    "a map without items does not wait for its other inputs": r"^5.3 .* RunState.check: \S+ \(flow",
    "what a failed task decided is forgotten when a person has it resumed": r"^1.3 .* decided ",
    "a run that is cancelling begins bodies when it is resumed": r"^P8 .* an earlier owner was told",
    "an owner that could not release a run, or never heard of its claim, keeps it for ever": r"^P4 .* lives and does not drive it$",
    "a request to resume is closed by the owner that has just failed": r"^6.3 .* to resume is closed",
    "a claim that is answered while the process stops is driven on": r"^exit .* while driving it$",
    "a compound is not ended if its owner died between its last task and its end": r"^5.3 .* these compounds did not",
    "a resume forgets what a failed control unfolded into": r"^P5 .* but this graph has no such task",
    "slots are lost when an executor with tasks in line lets its run go": r"^P4 all: .*\('queued', 0, 0\)",
    "a loop without turns does not wait for what it hands on": r"^P5 .* is quarantined: \('",
    "a task that is dropped while the run is cancelling waits for ever": r"^P4 all: .*\('pending', 1, 1\)",
    "a cancelled run does not end although its last task has": r"^P4 all: .*\bcancelling owner=.*: \{\}",
}


def known_as(said: str) -> str:
    """Give the name of the known fault that a sentence tells of; empty if it is none."""
    return next((name for name, shape in KNOWN.items() if re.search(shape, said)), "")
