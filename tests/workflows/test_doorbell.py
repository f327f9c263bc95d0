"""The doorbell between processes, over the layer in memory and over a real Redis."""

import asyncio
import contextlib
import signal

import pytest
from channels.layers import InMemoryChannelLayer

from workflows import doorbell
from workflows.channel_layers import layer_in
from workflows.doorbell import Doorbell
from workflows.rights_bell import GROUP


@pytest.fixture(params=["memory", "redis"])
def layer(request, monkeypatch):
    """A channel layer of each kind."""
    url = request.getfixturevalue("redis").url if request.param == "redis" else ""
    return _used(_layer(url), monkeypatch)


def _used(layer, monkeypatch):
    monkeypatch.setattr(doorbell, "get_channel_layer", lambda: layer)
    return layer


def _layer(url):
    if not url:
        return InMemoryChannelLayer()
    from channels_redis.pubsub import RedisPubSubChannelLayer

    return RedisPubSubChannelLayer(**layer_in(url)["CONFIG"])


class Process:
    """What a process knows: who rang, and what is watched elsewhere."""

    def __init__(self, *watched):
        self.heard: list[str] = []
        self.watched = list(watched)
        self.people: list[str] = []
        self.bell = Doorbell(
            on_ring=self.heard.append,
            watched_here=lambda: self.watched,
            on_rights=self.people.append,
        )


@contextlib.asynccontextmanager
async def processes(layer, *made):
    """Let them listen; end them, and the layer's connections."""
    for each in made:
        each.bell.listen()
    try:
        yield
    finally:
        for each in made:
            await each.bell.stop()
        await layer.flush()


async def until(holds, seconds=10):
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.01))])


async def rung_until(ringing, hearing):
    """Ring until it is heard: who has only begun to listen may miss the first."""
    async with asyncio.timeout(20):
        while not hearing.heard:
            ringing.bell.ring("r", 1)
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.05))])


async def test_a_ring_is_heard_by_the_others_and_not_by_oneself(layer):
    one, other = Process(), Process()
    async with processes(layer, one, other):
        await rung_until(one, other)
        assert set(other.heard) == {"r"}
        assert one.heard == []


async def test_what_is_watched_in_one_process_is_known_in_the_others(layer):
    """P9: a watched port flushes at once, wherever it is watched."""
    watching, executing = Process("r"), Process()
    async with processes(layer, watching, executing):
        await until(lambda: executing.bell._is_away is False)
        watching.bell.tell_watched()
        async with asyncio.timeout(10):
            while not executing.bell.is_watched_elsewhere("r"):
                watching.bell.tell_watched()
                await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.05))])
        assert not watching.bell.is_watched_elsewhere("r")


async def test_what_was_watched_elsewhere_is_forgotten(layer, monkeypatch):
    monkeypatch.setattr(doorbell, "WATCHED_FOR", 0.0)
    watching, executing = Process("r"), Process()
    async with processes(layer, watching, executing):
        await rung_until(watching, executing)
        assert not executing.bell.is_watched_elsewhere("r")


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_a_membership_that_ended_is_begun_again(layer, monkeypatch):
    """The in-memory layer ends it after a day, and where a message has waited for a minute."""
    monkeypatch.setattr(doorbell, "SIGN_OF_LIFE", 0.05)
    one, other = Process(), Process()
    async with processes(layer, one, other):
        await rung_until(one, other)
        layer.groups.clear()
        other.heard.clear()
        await rung_until(one, other)
        assert len(layer.groups[GROUP]) == 2


async def test_rings_close_together_are_one_message(layer, monkeypatch):
    one, other = Process(), Process()
    async with processes(layer, one, other):
        await rung_until(one, other)
        other.heard.clear()
        for seq in range(1000):
            one.bell.ring("s", seq)
        await until(lambda: "s" in other.heard)
        assert other.heard.count("s") <= 2


async def test_a_redis_that_goes_away_and_comes_back_is_told_in_two_lines(
    redis, monkeypatch, caplog
):
    layer = _used(_layer(redis.url), monkeypatch)
    caplog.set_level("INFO", logger="workflows")
    one, other = Process(), Process()
    async with processes(layer, one, other):
        await rung_until(one, other)
        redis.end()
        await _ring_until(one, lambda: "is away" in caplog.text)
        await asyncio.to_thread(redis.start)
        other.heard.clear()
        await rung_until(one, other)
        await until(lambda: "is back" in caplog.text)
    lines = [each.getMessage() for each in caplog.records if each.name == "workflows.doorbell"]
    assert ["is away" in line for line in lines] == [True, False]
    assert not any("\n" in line for line in lines)


@pytest.mark.slow
async def test_a_redis_that_hangs_delays_no_one_who_rings(redis, monkeypatch, caplog):
    layer = _used(_layer(redis.url), monkeypatch)
    one, other = Process(), Process()
    async with processes(layer, one, other):
        await rung_until(one, other)
        redis.process.send_signal(signal.SIGSTOP)
        await _ring_until(one, lambda: "is away" in caplog.text)
        redis.process.send_signal(signal.SIGCONT)
        other.heard.clear()
        await rung_until(one, other)


async def _ring_until(process, holds):
    async with asyncio.timeout(20):
        while not holds():
            process.bell.ring("r", 1)
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.05))])


async def test_a_redis_that_comes_later_is_found(redis, monkeypatch):
    monkeypatch.setattr(doorbell, "RETRY", 0.1)
    layer = _used(_layer(redis.url), monkeypatch)
    redis.end()
    one, other = Process(), Process()
    async with processes(layer, one, other):
        await _ring_until(one, lambda: one.bell._is_away and other.bell._is_away)
        await asyncio.to_thread(redis.start)
        await rung_until(one, other)
        await rung_until(other, one)
