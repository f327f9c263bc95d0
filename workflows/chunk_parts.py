"""What was streamed between two numbers, as parts of frames: the newest of it, in pieces."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from django.db.models import QuerySet

from workflows.happened import Happened
from workflows.models import Chunk, Run
from workflows.packing import FRAME_LIMIT
from workflows.reading import replaces, said, values_in

# Of more than this at a time, the newest is sent and the rest named with its size.
CHUNK_LIMIT = 512 * 1024
type Make = Callable[..., dict[str, Any]]


def chunk_parts(run: Run, events: Sequence[Happened]) -> Iterator[dict[str, Any]]:
    room = CHUNK_LIMIT
    for (path, port, attempt), (first, last) in _ranges(events).items():
        stored = run.chunks.filter(path=path, port=port, attempt=attempt)
        batches = stored.filter(first__gte=first, last__lte=last)
        if replaces(run, path, port):
            yield from _in_parts(batches.order_by("-first")[:1])
            continue
        left_out, size = _oldest(batches, room)
        if left_out:
            begin, end = left_out[0][0], left_out[-1][1]
            make: Make = partial(dict, path=path, port=port, attempt=attempt)
            weight = sum(size for _, _, size in left_out)
            yield _left_out(make(first=begin, count=end - begin + 1, weight=weight))
            batches = batches.filter(first__gt=end)
        room -= size
        yield from _in_parts(batches.order_by("first").iterator(chunk_size=100))


def _ranges(events: Sequence[Happened]) -> dict[tuple[str, str, int], tuple[int, int]]:
    """Give the first and the last number of what was stored, by path, port and attempt."""
    ranges: dict[tuple[str, str, int], tuple[int, int]] = {}
    for event in events:
        if event.kind == "ChunksStored":
            stored = json.loads(event.payload)
            key = (stored["path"], stored["port"], stored["attempt"])
            first, last = ranges.get(key, (stored["first"], stored["last"]))
            ranges[key] = (first, max(last, stored["last"]))
    return ranges


def _oldest(batches: QuerySet[Chunk], room: int) -> tuple[list[tuple[int, int, int]], int]:
    """Give the batches (first, last, size) for which there is no room, and how much is taken.

    The newest have the room; none is read for this, since all of them may be hundreds of MB.
    """
    sizes = list(batches.order_by("first").values_list("first", "last", "size"))
    taken = 0
    for number in range(len(sizes) - 1, -1, -1):
        if taken + sizes[number][2] > room:
            return sizes[: number + 1], taken
        taken += sizes[number][2]
    return [], taken


def _in_parts(batches: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
    """Cut batches so that no part is larger than a frame."""
    for batch in batches:
        make: Make = partial(dict, path=batch.path, port=batch.port, attempt=batch.attempt)
        items: list[str] = []
        first, weight = batch.first, 0
        if batch.size > CHUNK_LIMIT:
            # It may be a file, which nobody reads only to leave it out.
            count = batch.last - batch.first + 1
            yield _left_out(make(first=first, count=count, items=[], weight=batch.size))
            continue
        for value in values_in(batch):
            text = said(value)
            size = len(text.encode())
            if items and weight + size > FRAME_LIMIT:
                yield make(first=first, count=len(items), items=items, weight=weight)
                first, items, weight = first + len(items), [], 0
            items.append(text)
            weight += size
        if weight > FRAME_LIMIT:
            yield _left_out(make(first=first, count=len(items), items=items, weight=weight))
        else:
            yield make(first=first, count=len(items), items=items, weight=weight)


def _left_out(part: dict[str, Any]) -> dict[str, Any]:
    """Say that chunks were left out, and how much they were; never leave out silently."""
    return {**part, "items": [], "skipped": part["weight"]}


# ── how much it is ──────────────────────────────────────────────────────────────────────────────


def portion(events: Sequence[Happened]) -> list[Happened]:
    """Give the first events, as many as stand for CHUNK_LIMIT of chunks; at least one."""
    sums = accumulate(map(bytes_in, events))
    return [
        event
        for number, (event, size) in enumerate(zip(events, sums, strict=True))
        if not number or size <= CHUNK_LIMIT
    ]


def bytes_in(event: Happened) -> int:
    return int(json.loads(event.payload)["bytes"]) if event.kind == "ChunksStored" else 0
