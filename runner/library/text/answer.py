"""An answer that quotes passages, word by word."""

import asyncio
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.text.keywords import keywords_of

Positive = Annotated[int, Field(ge=1)]


NOTHING_FOUND = "The texts say nothing about this."


class Answer(Task):
    """Quotes the passages that fit a question best, word by word; no model, no network."""

    name = "text.answer"
    title = "Extractive answer"
    effect = "none"

    class Inputs(Ports):
        """The question, and passages with `topic` and `text`, the best one first."""

        question: str
        hits: list[dict[str, Any]]

    class Outputs(Ports):
        """The answer, which arrives word by word."""

        text: str

    class Config(Ports):
        """How long the answer may be, and how long to wait before each word."""

        words: Positive = 150
        pace: Annotated[float, Field(ge=0, le=5)] = 0.03

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first word."""
        return {"text": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the answer."""
        answer = answer_of(inputs.question, inputs.hits, self.config.words)
        for word in words_of(answer):
            await asyncio.sleep(self.config.pace)
            await context.push_chunk("text", word)


def words_of(text: str) -> list[str]:
    """Cut a text behind each word, so that together they are the text."""
    return re.findall(r"\S+\s*", text)


def answer_of(question: str, hits: Iterable[dict[str, Any]], limit: int) -> str:
    """Quote the passages from where they fit a question, `limit` words in all."""
    wanted = keywords_of(question)
    parts, room = [], limit
    for hit in hits:
        words = words_of(_around(str(hit.get("text", "")), wanted))[:room]
        room -= len(words)
        if words:
            parts.append(f"From “{hit.get('topic', '')}”:\n{''.join(words).strip()}")
    return "\n\n".join(parts) or NOTHING_FOUND


def _around(text: str, wanted: Iterable[str]) -> str:
    """Give a passage from the first line on that has a keyword."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if any(word in line.lower() for word in wanted):
            return "\n".join(lines[number:])
    return text
