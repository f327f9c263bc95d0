"""The doorbell, and one feed for each watched run: read since cursor, draw once, hand out."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from channels.layers import get_channel_layer
from django.db import close_old_connections

from workflows.frames import CATCH_UP_LIMIT, News, news_since
from workflows.models import Run

TICK = 0.1
CROWD = 200
TICK_OF_A_CROWD = 0.25
POLL = 1.0
OUTBOX = 256
# A feed rests three times as long as it worked, so that watching never starves the run.
REST = 3

# Readers have threads of their own: a slow page must not delay what others watch.
_READERS = ThreadPoolExecutor(4, "live-reader")


async def reading[T](read: Callable[[], T]) -> T:
    """Run one unit of reading in the pool of the feeds and sockets."""
    return await asyncio.get_running_loop().run_in_executor(_READERS, partial(_read, read))


def _read[T](read: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return read()
    finally:
        close_old_connections()


# ── the doorbell ────────────────────────────────────────────────────────────────────────────────


def publish(run_id: str, seq: int) -> None:
    """Ring: run so-and-so is at number so-and-so; call it after the write, on the server's loop.

    It carries no content, because a channel layer may drop it; a feed looks again anyway.
    """
    feed = _feeds.get(run_id)
    if feed is not None:
        feed.ring()
    _doorbell.ring(run_id, seq)


def is_watched(run_id: str) -> bool:
    """Whether somebody watches the run from this process."""
    return run_id in _feeds


class Doorbell:
    """Tells other processes; what rings again before it was told is told once."""

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._telling: asyncio.Task[None] | None = None

    def ring(self, run_id: str, seq: int) -> None:
        """Note a number to tell."""
        self._waiting[run_id] = seq
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="doorbell")

    async def _tell(self) -> None:
        layer = get_channel_layer()
        while self._waiting and layer is not None:
            run_id, seq = self._waiting.popitem()
            await layer.group_send(group_of(run_id), {"type": "run.changed", "seq": seq})


def group_of(run_id: str) -> str:
    """Name the channel group of a run."""
    return f"run.{run_id}"


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────


class Outbox:
    """Frames on their way to one socket; bounded, so that a slow browser costs nothing."""

    def __init__(self, view: str) -> None:
        self.view = view
        self.frames: asyncio.Queue[tuple[str, bool]] = asyncio.Queue(OUTBOX)
        self.overflowed = False

    def put(self, news: News) -> None:
        """Take the frames for this socket's view; one that is full is given up."""
        texts = news.texts.get(self.view, [])
        try:
            for number, text in enumerate(texts):
                last = number == len(texts) - 1
                self.frames.put_nowait((text, news.ended and last))
        except asyncio.QueueFull:
            self.overflowed = True


class Feed:
    """All that this process's pages see of one run."""

    def __init__(self, run_id: str, cursor: int, status: str) -> None:
        self.run_id = run_id
        self.cursor = cursor
        self.outboxes: set[Outbox] = set()
        self._status = status
        self._rung = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"feed {run_id}")

    def ring(self) -> None:
        """Look again at the next tick."""
        self._rung.set()

    async def close(self) -> None:
        """Stop, after the last socket left."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="feed listens")
            tasks.create_task(self._tick(), name="feed ticks")

    async def _listen(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        channel = await layer.new_channel()
        await layer.group_add(group_of(self.run_id), channel)
        try:
            while True:
                await layer.receive(channel)
                self.ring()
        finally:
            await layer.group_discard(group_of(self.run_id), channel)

    async def _tick(self) -> None:
        while True:
            # The doorbell may be lost; the poll is the guarantee.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), POLL)
            self._rung.clear()
            began = time.monotonic()
            news = await reading(self._news)
            self.cursor, self._status = news.upto, news.status
            for outbox in self.outboxes:
                outbox.put(news)
            await asyncio.sleep(max(self._pause(), REST * (time.monotonic() - began)))

    def _pause(self) -> float:
        return TICK if len(self.outboxes) <= CROWD else TICK_OF_A_CROWD

    def _news(self) -> News:
        views = {outbox.view for outbox in set(self.outboxes)}
        return news_since(self.run_id, self.cursor, views=views, known_status=self._status)


_feeds: dict[str, Feed] = {}
_doorbell = Doorbell()


async def join(run_id: str, outbox: Outbox) -> int:
    """Let a socket take part in the run's feed; what comes after the number given will arrive."""
    if run_id not in _feeds:
        cursor, status = await reading(partial(_stand, run_id))
        # Another socket may have opened the feed while this one read.
        if run_id not in _feeds:
            _feeds[run_id] = Feed(run_id, cursor, status)
    feed = _feeds[run_id]
    feed.outboxes.add(outbox)
    return feed.cursor


async def leave(run_id: str, outbox: Outbox) -> None:
    """Take a socket out; the last one ends the feed."""
    feed = _feeds.get(run_id)
    if feed is None:
        return
    feed.outboxes.discard(outbox)
    if not feed.outboxes:
        del _feeds[run_id]
        await feed.close()


async def catch_up(run_id: str, after: int, upto: int, view: str) -> News:
    """Give what a page missed before its socket joined the feed."""
    read = partial(news_since, run_id, after, upto=upto, views=[view], chunk_limit=CATCH_UP_LIMIT)
    return await reading(read)


def _stand(run_id: str) -> tuple[int, str]:
    seq, status = Run.objects.values_list("seq", "status").get(pk=run_id)
    return seq, status
