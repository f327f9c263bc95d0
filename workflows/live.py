"""One feed for each watched run: read since cursor, draw once, hand out to all who watch here."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import Protocol

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, close_old_connections

from workflows import lags, open_sockets, stalls
from workflows.doorbell import Doorbell
from workflows.frames import missed_by, news_since
from workflows.models import Run
from workflows.outbox import Outbox
from workflows.packing import Frame, News

logger = logging.getLogger(__name__)

TICK = 0.1
#: Each page makes the tick longer by this much, so that a thousand leave time for others.
TICK_A_PAGE = 0.0005
POLL = 1.0
#: So many pages are handed frames before others have their turn.
AT_ONCE = 20
# A feed rests three times as long as it worked, so that watching never starves the run.
REST = 3
#: Closing codes: there is no such run (any more); this feed broke, ask again.
NOT_FOUND = 4404
BROKEN = 1011

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
    """Ring: run so-and-so is at number so-and-so; call it after the write, on the server's loop."""
    _ring_here(run_id)
    _doorbell.ring(run_id, seq)


def stall(run_id: str, seconds: float | None) -> None:
    """Show that the storage takes nothing of a run (None), or takes it again after some seconds."""
    stalls.note(run_id, stalled=seconds is None)
    _ring_here(run_id)


def is_watched(run_id: str) -> bool:
    """Whether somebody watches the run, from this process or from another."""
    return run_id in _watched or _doorbell.is_watched_elsewhere(run_id)


def listen() -> None:
    """Hear from now on what other processes do; watching and publishing begin it as well."""
    _doorbell.listen()


async def stop_listening() -> None:
    """Hear and tell no more."""
    await _doorbell.stop()


def _ring_here(run_id: str) -> None:
    for feed in _watched.get(run_id, ()):
        feed.ring()


# ── what feeds read ─────────────────────────────────────────────────────────────────────────────


class Source(Protocol):
    """What a feed reads of one run, for those who may see the same of it; its key names both."""

    @property
    def key(self) -> str:
        """A name that all of them share."""

    @property
    def run_id(self) -> str:
        """The run."""

    def stand(self) -> tuple[int, str]:
        """Give the number and the status that the run is at; raises ObjectDoesNotExist."""

    def news(self, after: int, views: Collection[str], known_status: str) -> News:
        """Read what happened after a number; raises ObjectDoesNotExist."""

    def missed(self, after: int, upto: int, view: str) -> News:
        """Read what a page missed between two numbers; raises ObjectDoesNotExist."""


@dataclass(frozen=True, slots=True)
class TeamSource:
    """A run as its team sees it."""

    run_id: str

    @property
    def key(self) -> str:
        """The run's id."""
        return self.run_id

    def stand(self) -> tuple[int, str]:
        """Give where the run stands; raises Run.DoesNotExist."""
        return stand_of(self.run_id)

    def news(self, after: int, views: Collection[str], known_status: str) -> News:
        """Read what happened; raises Run.DoesNotExist."""
        return news_since(self.run_id, after, views=views, known_status=known_status)

    def missed(self, after: int, upto: int, view: str) -> News:
        """Read what a page missed; raises Run.DoesNotExist."""
        return missed_by(self.run_id, after, upto, view)


def stand_of(run_id: str) -> tuple[int, str]:
    """Give the number and the status that a run is at; raises Run.DoesNotExist."""
    run = stalls.as_shown(Run.objects.only("seq", "status", "reason").get(pk=run_id))
    return run.seq, run.status


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────


class Feed:
    """All that this process's pages see of one run, by one source."""

    def __init__(self, source: Source, cursor: int, status: str) -> None:
        self.source = source
        self.cursor = cursor
        self.outboxes: set[Outbox] = set()
        self._status = status
        self._rung = asyncio.Event()
        self._missed: dict[tuple[str, int, int], asyncio.Task[News]] = {}
        self._task = asyncio.create_task(self._run(), name=f"feed {source.key}")

    def ring(self) -> None:
        """Look again at the next tick."""
        self._rung.set()

    async def close(self) -> None:
        """Stop, after the last page left."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def missed(self, view: str, after: int, upto: int) -> News:
        """Read what a page missed; once for all who missed the same."""
        key = (view, after, upto)
        if key not in self._missed:
            read = partial(self.source.missed, after, upto, view)
            self._missed[key] = asyncio.create_task(reading(read), name=f"missed {self.source.key}")
            self._missed[key].add_done_callback(lambda _: self._missed.pop(key, None))
        return await asyncio.shield(self._missed[key])

    async def _run(self) -> None:
        """Tick until the last page leaves; whatever happens, no page stays that hears nothing."""
        code = BROKEN
        try:
            await self._tick()
        except ObjectDoesNotExist:
            code = NOT_FOUND
        except Exception:
            logger.exception("the feed of run %s broke", self.source.run_id)
        _close(self)
        for outbox in self.outboxes:
            outbox.close(code)

    async def _tick(self) -> None:
        is_told = False
        while True:
            # The doorbell may be lost; the poll is the guarantee.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), POLL)
            self._rung.clear()
            began = time.monotonic()
            try:
                await self._hand_out()
                is_told = False
            except DatabaseError as trouble:
                if not is_told:
                    logger.warning("watching run %s waits: %s", self.source.run_id, trouble)
                is_told = True
                await asyncio.sleep(POLL)
            await asyncio.sleep(max(self._pause(), REST * (time.monotonic() - began)))

    async def _hand_out(self) -> None:
        news = await reading(self._news)
        taking = self._move_to(news)
        if taking and news.first_at is not None:
            lags.note(news.first_at)
        # A thousand at once would be a third of a second in which no other page is answered.
        for some in batched(taking, AT_ONCE):
            for outbox in some:
                outbox.put(news.frames[outbox.view])
            await asyncio.sleep(0)

    def _move_to(self, news: News) -> list[Outbox]:
        """Know the run as far as the news tell; give those that take them.

        In one go: who joins or catches up does so before, and is told, or after, and knows it all.
        """
        moved = (self.cursor, self._status) != (news.upto, news.status)
        self.cursor, self._status = news.upto, news.status
        taking = [each for each in self.outboxes if not each.is_behind]
        for outbox in [each for each in taking if each.view not in news.frames]:
            taking.remove(outbox)
            if moved:
                # It joined or caught up while the others' frames were drawn.
                outbox.fall_behind()
        return taking

    def _pause(self) -> float:
        return min(POLL, TICK + TICK_A_PAGE * len(self.outboxes))

    def _news(self) -> News:
        """Draw for those who keep up; who is behind is read for when it is ready."""
        views = {outbox.view for outbox in set(self.outboxes) if not outbox.is_behind}
        return self.source.news(self.cursor, views, self._status)


#: The feeds by the keys of their sources, and all of a run by its id.
_feeds: dict[str, Feed] = {}
_watched: dict[str, set[Feed]] = {}
_doorbell = Doorbell(
    on_ring=_ring_here, watched_here=_watched.keys, on_rights=open_sockets.look_again
)


async def join(source: Source, outbox: Outbox) -> None:
    """Let a page take part in a feed; raises ObjectDoesNotExist."""
    if source.key not in _feeds:
        cursor, status = await reading(source.stand)
        # Another page may have opened the feed while this one read.
        if source.key not in _feeds:
            _feeds[source.key] = Feed(source, cursor, status)
            _watched.setdefault(source.run_id, set()).add(_feeds[source.key])
            # The process that executes it stores chunks more often from now on.
            _doorbell.tell_watched()
    _feeds[source.key].outboxes.add(outbox)


async def leave(key: str, outbox: Outbox) -> None:
    """Take a page out of the feed of a source, by its key; the last one ends the feed."""
    feed = _feeds.get(key)
    if feed is None:
        return
    feed.outboxes.discard(outbox)
    if not feed.outboxes:
        _close(feed)
        await feed.close()


def _close(feed: Feed) -> None:
    if _feeds.get(feed.source.key) is feed:
        del _feeds[feed.source.key]
    others = _watched.get(feed.source.run_id, set())
    others.discard(feed)
    if not others:
        _watched.pop(feed.source.run_id, None)


async def catch_up(key: str, outbox: Outbox) -> list[Frame]:
    """Give what a page that is behind has missed; from then on the feed's frames follow."""
    feed = _feeds.get(key)
    if feed is None:
        outbox.close(BROKEN)
        return []
    outbox.is_behind = False
    upto = feed.cursor
    news = await feed.missed(outbox.view, outbox.known, upto)
    if news.upto < upto:
        outbox.fall_behind()
    return news.frames[outbox.view]
