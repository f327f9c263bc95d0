"""Text split: passages of about a size."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task

Positive = Annotated[int, Field(ge=1)]
_BETWEEN = "\n\n"
_EMPTY_LINE = re.compile(r"\n\s*\n")


class Split(Task):
    """Cuts texts into passages of about `size` characters, at empty lines where it can.

    Texts come by `topic`, or as one `text`, which may still be growing; its passages have the
    topic of the setting. Where one passage ends, the next begins with the last `overlap`
    characters of it, from a word on, so that what stands at a cut is found from both sides. Each
    passage flows on as soon as it is whole.
    """

    name = "text.split"
    title = "Split into passages"
    version = "2"
    compatible_with = ("1",)
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """Texts by topic, or a text, and how long a passage may be."""

        topics: dict[str, str] = {}
        text: Chunks[str] = ""  # type: ignore[assignment] # a text that is all there is read like one that grows
        size: Positive = 400
        overlap: Annotated[int, Field(ge=0)] = 0

    class Outputs(Ports):
        """Passages with `topic` and `text`."""

        passages: list[dict[str, str]]

    class Config(Ports):
        """What the passages of `text` are called."""

        topic: Annotated[str, Field(max_length=200, title="Topic of the text")] = ""

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first passage."""
        return {"passages": Stream()}

    def execute(self, inputs: Any, context: Any) -> None:
        """Stream the passages in the order of the texts."""
        if inputs.overlap * 2 > inputs.size:
            raise ValueFault("Passages may overlap by up to half of their size; lower `overlap`.")
        for topic, text in inputs.topics.items():
            for passage in passages_of([text], inputs.size, inputs.overlap):
                context.push_chunk("passages", {"topic": topic, "text": passage})
        for passage in passages_of(inputs.text, inputs.size, inputs.overlap):
            context.push_chunk("passages", {"topic": self.config.topic, "text": passage})


def passages_of(chunks: Iterable[str], size: int, overlap: int = 0) -> Iterator[str]:
    """Give the passages of a text that comes in chunks, each as soon as it is whole."""
    passage, longest = "", max(1, size - overlap - len(_BETWEEN)) if overlap else size
    for piece in _pieces(chunks, longest):
        if passage and len(passage) + len(_BETWEEN) + len(piece) > size:
            yield passage
            passage = _tail(passage, overlap, size - len(piece) - len(_BETWEEN))
        passage = f"{passage}{_BETWEEN}{piece}" if passage else piece
    if passage:
        yield passage


def _tail(passage: str, overlap: int, room: int) -> str:
    """Give the end of a passage from a word on, no longer than there is room for."""
    length = min(overlap, room)
    if length <= 0:
        return ""
    return passage[-length:].partition(" ")[2].strip() or passage[-length:]


def _pieces(chunks: Iterable[str], size: int) -> Iterator[str]:
    for paragraph in _paragraphs(chunks, size):
        rest = paragraph.strip("\n")
        while len(rest) > size:
            end = _last_gap(rest, size)
            yield rest[:end].rstrip()
            rest = rest[end:].lstrip("\n")
        if rest.strip():
            yield rest


def _paragraphs(chunks: Iterable[str], size: int) -> Iterator[str]:
    """Give what stands between empty lines; what is longer than twice the size comes in parts."""
    rest = ""
    for chunk in chunks:
        *whole, rest = _EMPTY_LINE.split(rest + chunk)
        yield from whole
        while len(rest) > 2 * size:
            end = _last_gap(rest, size)
            yield rest[:end].rstrip()
            rest = rest[end:].lstrip("\n")
    yield rest


def _last_gap(text: str, size: int) -> int:
    """Find where to cut: at the last line or word that fits, or through a word that does not."""
    return max(text.rfind("\n", 1, size), 0) or max(text.rfind(" ", 1, size), 0) or size
