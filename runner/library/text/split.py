"""Text split: passages of about a size."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task

Positive = Annotated[int, Field(ge=1)]


class Split(Task):
    """Cuts texts into passages of about `size` characters, at empty lines where it can."""

    name = "text.split"
    title = "Split into passages"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """Texts by topic, and how long a passage may be."""

        topics: dict[str, str]
        size: Positive = 400

    class Outputs(Ports):
        """Passages with `topic` and `text`."""

        passages: list[dict[str, str]]

    def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Give the passages in the order of the texts."""
        passages = [
            {"topic": topic, "text": passage}
            for topic, text in inputs.topics.items()
            for passage in _passages(text, inputs.size)
        ]
        return {"passages": passages}


def _passages(text: str, size: int) -> Iterator[str]:
    passage = ""
    for paragraph in _pieces(text, size):
        if passage and len(passage) + len(paragraph) + 2 > size:
            yield passage
            passage = ""
        passage = f"{passage}\n\n{paragraph}" if passage else paragraph
    if passage:
        yield passage


def _pieces(text: str, size: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        rest = paragraph.strip("\n")
        while len(rest) > size:
            end = _last_gap(rest, size)
            yield rest[:end].rstrip()
            rest = rest[end:].lstrip("\n")
        if rest.strip():
            yield rest


def _last_gap(text: str, size: int) -> int:
    """Find where to cut: at the last line or word that fits, or through a word that does not."""
    return max(text.rfind("\n", 1, size), 0) or max(text.rfind(" ", 1, size), 0) or size
