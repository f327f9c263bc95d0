"""What the engine is known to do wrong: listed, so that nothing new hides behind it.

A line goes when its fault does; a seed that shows only these faults holds.
"""

import re

#: After what breaks these rules there is no use in judging the run any further.
FATAL = {"P5", "P4", "5.5", "golden", "5.3"}
#: What the engine is known to do wrong, each with the shape of the sentence that says it.
KNOWN: dict[str, str] = {
    "what a failed task decided is forgotten when a person has it resumed": r"^1.3 .* decided ",
}


def known_as(said: str) -> str:
    return next((name for name, shape in KNOWN.items() if re.search(shape, said)), "")
