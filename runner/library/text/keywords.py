"""The words of a question that say what it is about."""

import re
from typing import Any

from runner.graph.ports import Ports
from runner.graph.task import Task

WORD = re.compile(r"\w+")


_STOP_WORDS = """
a about an and any are as at be by can could do does for from get give has have how i in is it its
me my of on one or please should so some that the them then there these they this to use used using
was what when where which who why will with would you your
"""


STOP_WORDS = frozenset(_STOP_WORDS.split())


class Keywords(Task):
    """The words of a question that say what it is about."""

    name = "text.keywords"
    title = "Keywords"
    effect = "none"

    class Inputs(Ports):
        """A question in plain words."""

        question: str

    class Outputs(Ports):
        """Each word once, in lower case."""

        keywords: list[str]

    async def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Give the keywords in the question's order."""
        return {"keywords": keywords_of(inputs.question)}


def keywords_of(question: str) -> list[str]:
    """Give the words that carry meaning, each once; all of them if none seems to."""
    words = dict.fromkeys(word.lower() for word in WORD.findall(question))
    return [word for word in words if word not in STOP_WORDS] or list(words)
