"""Passages of about a size, cut from a text that may still be growing."""

import re
from collections.abc import Iterable, Iterator

from runner.errors import ValueFault

_BETWEEN = "\n\n"
_EMPTY_LINE = re.compile(r"\n\s*\n")


def check_overlap(size: int, overlap: int) -> None:
    """Refuse passages that would be more overlap than text; raises ValueFault."""
    if overlap * 2 > size:
        raise ValueFault("Passages may overlap by up to half of their size; lower `overlap`.")


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
