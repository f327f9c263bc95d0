"""Text: splitting, keywords, an extractive answer, a word counter, a report."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task

Positive = Annotated[int, Field(ge=1)]
WORD = re.compile(r"\w+")
_STOP_WORDS = """
a about an and any are as at be by can could do does for from get give has have how i in is it its
me my of on one or please should so some that the them then there these they this to use used using
was what when where which who why will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
NOTHING_FOUND = "The texts say nothing about this."


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
        answer = _answer(inputs.question, inputs.hits, self.config.words)
        for word in re.findall(r"\S+\s*", answer):
            await asyncio.sleep(self.config.pace)
            await context.push_chunk("text", word)


class CountWords(Task):
    """Counts the words of a text while it arrives."""

    name = "text.count_words"
    title = "Count words"
    effect = "none"

    class Inputs(Ports):
        """A text, in chunks that need not end where words do."""

        text: Chunks[str]

    class Outputs(Ports):
        """The count so far; the last one counts."""

        count: int

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Show each new count in place of the one before."""
        return {"count": Stream(readiness="first-chunk", mode="replace")}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the count."""
        count, between = 0, True
        await context.push_chunk("count", count)
        async for chunk in inputs.text:
            before = count
            for character in chunk:
                count += between and not character.isspace()
                between = character.isspace()
            if count != before:
                await context.push_chunk("count", count)


class Report(Task):
    """Puts question, answer and word count on one page of Markdown."""

    name = "text.report"
    title = "Report"
    effect = "none"

    class Inputs(Ports):
        """What to report."""

        question: str
        text: str
        words: int

    class Outputs(Ports):
        """The page, as Markdown."""

        report: str

    async def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Write the page."""
        quoted = "\n".join(f"> {line}".rstrip() for line in inputs.question.splitlines())
        return {
            "report": f"# Answer\n\n{quoted}\n\n{inputs.text.strip()}\n\n{inputs.words} words\n"
        }


def keywords_of(question: str) -> list[str]:
    """Give the words that carry meaning, each once; all of them if none seems to."""
    words = dict.fromkeys(word.lower() for word in WORD.findall(question))
    return [word for word in words if word not in STOP_WORDS] or list(words)


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


def _answer(question: str, hits: Iterable[dict[str, Any]], limit: int) -> str:
    wanted = keywords_of(question)
    parts, room = [], limit
    for hit in hits:
        words = re.findall(r"\S+\s*", _around(str(hit.get("text", "")), wanted))[:room]
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
