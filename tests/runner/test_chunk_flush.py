"""ChunkFlush: how soon chunks are kept, told by a clock that a test sets."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from runner.execution.chunk_flush import (
    FLUSH_BYTES,
    UNWATCHED_SECONDS,
    WATCHED_SECONDS,
    ChunkFlush,
)
from runner.execution.store import ChunkBatch
from runner.execution.stream import Stream, resumed_stream
from runner.graph.ports import Port

OUT = Port(name="text", type=str, readiness="first-chunk", mode="append")
INSTANT = 0.001


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Timer":
        self.timers.append(Timer(self, self.now + delay, callback))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and min(each.at for each in self.timers) <= until:
            first = min(self.timers, key=lambda each: each.at)
            self.timers.remove(first)
            self.now = first.at
            first.callback()
        self.now = until


class Timer:
    """A call that comes later, unless it is called off."""

    def __init__(self, clock: Clock, at: float, callback: Callable[[], None]) -> None:
        self.clock = clock
        self.at = at
        self.callback = callback

    def cancel(self) -> None:
        self.clock.timers.remove(self)


class Shelf:
    """A flush, what it has kept, and when: (seconds, port, first, items)."""

    def __init__(self, *, watched: bool) -> None:
        self.watched = watched
        self.clock = Clock()
        self.kept: list[tuple[float, str, int, int]] = []
        self.sizes: list[int] = []
        self.flush = ChunkFlush(self._keep, lambda: self.watched, call_later=self.clock.call_later)

    def _keep(self, batch: ChunkBatch, size: int) -> None:
        self.kept.append((round(self.clock.now, 4), batch.path, batch.first, len(batch.items)))
        self.sizes.append(size)

    def stream(self, path: str = "say") -> Stream:
        return Stream(path, OUT, 1, on_chunks=self.flush.take)


def test_a_watched_port_keeps_its_first_chunk_at_once():
    """Engine 4.11."""
    shelf = Shelf(watched=True)

    shelf.stream().append('"a"')

    assert shelf.kept == [(0.0, "say", 0, 1)]


def test_a_watched_port_keeps_the_rest_every_50_ms():
    """Engine 4.11."""
    shelf = Shelf(watched=True)
    stream = shelf.stream()
    for _ in range(100):
        stream.append('"a"')
        shelf.clock.advance(0.004)
    shelf.clock.advance(WATCHED_SECONDS)

    gaps = [round(b[0] - a[0], 4) for a, b in pairwise(shelf.kept)]
    assert sum(items for *_, items in shelf.kept) == 100
    assert all(WATCHED_SECONDS <= gap <= WATCHED_SECONDS + 0.008 for gap in gaps)


def test_an_unwatched_port_keeps_every_250_ms():
    """Engine 4.11."""
    shelf = Shelf(watched=False)
    stream = shelf.stream()
    stream.append('"a"')
    stream.append('"b"')
    shelf.clock.advance(UNWATCHED_SECONDS - INSTANT)
    assert shelf.kept == []

    shelf.clock.advance(INSTANT)

    assert shelf.kept == [(UNWATCHED_SECONDS, "say", 0, 2)]


@pytest.mark.parametrize("watched", [True, False])
def test_64_kib_are_kept_at_once(watched):
    """Engine 4.11."""
    shelf = Shelf(watched=watched)
    stream = shelf.stream()
    stream.append('"a"')
    stream.append("x" * (FLUSH_BYTES - 4))
    before = sum(items for *_, items in shelf.kept)

    stream.append('"bcd"')

    assert before < 2
    assert sum(items for *_, items in shelf.kept) == 3
    assert sum(shelf.sizes) == stream.size


def test_after_a_flush_the_next_64_kib_count_from_there():
    """Engine 4.11."""
    shelf = Shelf(watched=False)
    stream = shelf.stream()
    for _ in range(4):
        stream.append("x" * (FLUSH_BYTES // 2))

    assert [first for _, _, first, _ in shelf.kept] == [0, 2]


@pytest.mark.parametrize("watched", [True, False])
def test_a_first_chunk_is_not_starved_by_a_busy_neighbour(watched):
    """Engine 4.11: flushing one port by size does not put off the others."""
    shelf = Shelf(watched=watched)
    busy, quiet = shelf.stream("busy"), shelf.stream("quiet")
    busy.append("x" * FLUSH_BYTES)
    busy.append('"a"')
    shelf.clock.advance(0.01)
    quiet.append('"a"')
    for _ in range(30):
        busy.append("x" * FLUSH_BYTES)
        shelf.clock.advance(0.01)

    at = next(seconds for seconds, path, *_ in shelf.kept if path == "quiet")
    assert at == 0.01 if watched else at <= UNWATCHED_SECONDS


def test_who_begins_to_watch_sees_the_next_ports_first_chunk_at_once():
    """Engine 4.11: though a timer of an unwatched run is still under way."""
    shelf = Shelf(watched=False)
    shelf.stream("one").append('"a"')
    shelf.watched = True

    shelf.stream("two").append('"a"')

    assert [path for _, path, *_ in shelf.kept] == ["two"]


def test_batches_join_without_gap():
    """Engine 4.11: stored batches keep the boundaries of chunks."""
    shelf = Shelf(watched=True)
    stream = shelf.stream()
    for index in range(50):
        stream.append(f"{index}")
        shelf.clock.advance(0.01 * (index % 3))
    shelf.flush.all()

    expected = 0
    for _, _, first, items in shelf.kept:
        assert first == expected
        expected += items
    assert expected == 50


def test_nothing_is_kept_twice():
    shelf = Shelf(watched=True)
    stream = shelf.stream()
    stream.append('"a"')

    shelf.flush.now(stream)
    shelf.flush.all()
    shelf.clock.advance(1)

    assert len(shelf.kept) == 1


def test_a_stream_that_counts_no_longer_is_not_kept():
    """Engine 4.7: what a superseded attempt still held is dropped."""
    shelf = Shelf(watched=False)
    stream = shelf.stream()
    stream.append('"a"')

    shelf.flush.forget(stream)
    shelf.clock.advance(1)

    assert shelf.kept == []


def test_what_a_resumed_stream_begins_with_is_not_kept_again():
    """Engine 7.4."""
    shelf = Shelf(watched=False)
    stream = resumed_stream("say", OUT, 2, ['"a"', '"b"'], on_chunks=shelf.flush.take)
    shelf.flush.count_as_kept(stream)
    shelf.flush.all()
    stream.append('"c"')
    shelf.clock.advance(1)

    assert [(first, items) for _, _, first, items in shelf.kept] == [(2, 1)]


def test_a_busy_stream_is_told_of_seldom():
    """Engine 4.11: the flush looks at a stream once a flush or so, not at each chunk."""
    shelf = Shelf(watched=False)
    looks = 0

    def take(stream: Stream) -> None:
        nonlocal looks
        looks += 1
        shelf.flush.take(stream)

    stream = Stream("say", OUT, 1, on_chunks=take)
    for _ in range(1000):
        stream.append("x" * 100)

    assert looks <= 2 * len(shelf.kept) + 2
    assert shelf.kept


@pytest.mark.parametrize("begun", [True, False])
def test_after_the_stop_no_timer_is_left(begun):
    shelf = Shelf(watched=False)
    if begun:
        shelf.stream().append('"a"')

    shelf.flush.stop()

    assert shelf.clock.timers == []


async def test_without_another_clock_the_event_loop_tells_the_time():
    kept: list[ChunkBatch] = []
    flush = ChunkFlush(lambda batch, _: kept.append(batch), lambda: True)
    flush.take(stream := resumed_stream("say", OUT, 1, ['"a"', '"b"']))

    assert not kept
    flush.stop()
    flush.now(stream)
    assert kept[0].items == ('"a"', '"b"')
