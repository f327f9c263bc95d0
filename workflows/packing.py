"""Frames: parts of what a page is told, packed into messages of a bounded size."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

FRAME_LIMIT = 48 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message to a page; who has it knows the run up to a number."""

    text: str
    size: int  # bytes
    upto: int
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened after a number: the frames to send, for each view, up to another number.

    `first_at` is when the first of it happened; None where nothing did.
    """

    upto: int
    status: str
    frames: dict[str, list[Frame]] = field(default_factory=dict)
    first_at: datetime | None = None


def frame_of(content: dict[str, Any], upto: int, *, ended: bool = False) -> Frame:
    """Write a frame as JSON."""
    text = json.dumps(content, ensure_ascii=False)
    return Frame(text=text, size=len(text.encode()), upto=upto, ended=ended)


def in_frames(
    parts: Iterable[tuple[str, Any]], about: dict[str, Any], after: int, upto: int, *, ended: bool
) -> Iterator[Frame]:
    """Pack parts, each with its kind; only the last frame moves the cursor, or says the end."""
    packs = list(_packed(parts))
    for number, pack in enumerate(packs):
        is_last = number == len(packs) - 1
        known, is_end = (upto, ended) if is_last else (after, False)
        content = {"after": after, "upto": known, "ended": is_end} | about
        content["now"] = timezone.now().isoformat()
        yield frame_of(content | pack, known, ended=is_end)


def _packed(parts: Iterable[tuple[str, Any]]) -> Iterator[dict[str, list[Any]]]:
    """Put parts together to frames of a bounded size; at least one."""
    pack: dict[str, list[Any]] = {}
    size = 0
    for kind, part in parts:
        weight = len(json.dumps(part, ensure_ascii=False).encode())
        if pack and size + weight > FRAME_LIMIT:
            yield pack
            pack, size = {}, 0
        pack.setdefault(kind, []).append(part)
        size += weight
    yield pack
