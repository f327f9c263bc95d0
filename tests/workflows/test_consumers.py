"""A page's socket, over the real application: who may watch, and that nothing is missed or told twice."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import DatabaseError

from workflows import chunk_parts, consumers, frames, live, outbox, window
from workflows.frames import news_since
from workflows.models import Run

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def running(transactional_db, run):
    """A run under way whose task "a" streams."""
    Run.objects.filter(pk=run.pk).update(status="running", started_at=NOW)
    run.task_runs.create(path="a", status="streaming", started_at=NOW)
    return run


def _write(run, number, text):
    """Store one chunk and its event, as the store does: together."""
    run.chunks.create(
        path="a", port="text", attempt=1, first=number, last=number,
        items=json.dumps([text]), size=len(text),
    )  # fmt: skip
    payload = {"path": "a", "port": "text", "attempt": 1, "first": number, "last": number}
    run.events.create(
        seq=number + 1, at=NOW, kind="ChunksStored", path="a",
        payload=json.dumps(payload | {"bytes": len(text)}),
    )  # fmt: skip
    Run.objects.filter(pk=run.pk).update(seq=number + 1)


@database_sync_to_async
def write(run, *numbers, text="word-{}"):
    """Store some chunks."""
    for number in numbers:
        _write(run, number, text.replace("{}", str(number)))


@pytest.fixture
def socket_of(client_of, alice, bob, charlie):
    """Give a socket as a person's browser opens it; "nobody" is not signed in."""
    from workflows.asgi import application

    name = settings.SESSION_COOKIE_NAME
    keys = {
        person.get_username(): client_of(person).cookies[name].value
        for person in (alice, bob, charlie)
    }

    def open_as(person, run, query="", origin=settings.SOCKET_ORIGINS[0]):
        headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
        if person in keys:
            headers.append((b"cookie", f"{name}={keys[person]}".encode()))
        return WebsocketCommunicator(application, f"/runs/{run.pk}/live{query}", headers=headers)

    return open_as


@contextlib.asynccontextmanager
async def connected(socket):
    """Open a socket, and leave no trace of it."""
    accepted, _ = await socket.connect(timeout=5)
    assert accepted
    try:
        yield socket
    finally:
        await socket.disconnect(timeout=5)


async def frames_until(socket, upto):
    """Collect frames until the page has seen a number."""
    frames: list[dict] = []
    while not frames or frames[-1].get("upto", 0) < upto:
        frame = json.loads(await socket.receive_from(timeout=5))
        if "ping" not in frame:
            frames.append(frame)
    return frames


def numbers_in(frames):
    """Give the numbers of the chunks in frames, in order."""
    return [
        chunk["first"] + place
        for frame in frames
        for chunk in frame.get("chunks", [])
        for place in range(chunk["count"])
    ]


async def test_a_late_joiner_misses_nothing_and_is_told_nothing_twice(socket_of, running):
    """R1."""
    await write(running, 0, 1, 2)
    async with connected(socket_of("alice", running, "?after=1")) as socket:
        await write(running, 3)
        live.publish(str(running.pk), 4)
        frames = await frames_until(socket, 4)
        await write(running, 4, 5)
        live.publish(str(running.pk), 6)
        frames += await frames_until(socket, 6)

    assert numbers_in(frames) == [1, 2, 3, 4, 5]
    assert frames[0]["after"] == 1
    assert all(later["after"] <= earlier["upto"] for earlier, later in pairwise(frames))


async def test_a_second_viewer_who_joins_midway_gets_the_same(socket_of, running):
    first, second = socket_of("alice", running, "?after=0"), socket_of("bob", running, "?after=0")
    async with connected(first):
        await write(running, 0, 1)
        live.publish(str(running.pk), 2)
        early = await frames_until(first, 2)
        async with connected(second):
            late = await frames_until(second, 2)
            await write(running, 2)
            live.publish(str(running.pk), 3)
            early += await frames_until(first, 3)
            late += await frames_until(second, 3)

    assert numbers_in(early) == numbers_in(late) == [0, 1, 2]


async def test_a_lost_doorbell_only_costs_time(socket_of, running):
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        await write(running, 0)
        frames = await frames_until(socket, 1)

    assert numbers_in(frames) == [0]


async def test_a_frame_shows_a_task_and_the_whole_run_escaped(socket_of, running):
    await write(running, 0, text=HOSTILE)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        frames = await frames_until(socket, 1)
    fragments = "".join(html for frame in frames for html in frame.get("fragments", []))

    assert 'id="run-header"' in fragments
    assert 'id="task-row-a"' in fragments
    assert HOSTILE not in fragments
    assert frames[-1]["chunks"][0]["items"] == [HOSTILE]


async def test_the_graph_gets_boxes_instead_of_rows(socket_of, running):
    await write(running, 0)
    async with connected(socket_of("alice", running, "?after=0&view=graph")) as socket:
        frames = await frames_until(socket, 1)
    fragments = "".join(html for frame in frames for html in frame.get("fragments", []))

    assert 'id="task-box-a"' in fragments
    assert "task-row-a" not in fragments


@pytest.mark.parametrize("person", ["charlie", "nobody"])
async def test_a_stranger_is_refused(socket_of, running, person):
    accepted, code = await socket_of(person, running).connect(timeout=5)

    assert not accepted
    assert code == live.NOT_FOUND


async def test_another_origin_is_refused(socket_of, running):
    socket = socket_of("alice", running, origin="http://127.0.0.1:9")

    assert not (await socket.connect(timeout=5))[0]


@pytest.mark.parametrize("lost", ["membership", "session", "account"])
async def test_who_loses_the_right_is_sent_away(socket_of, alice, running, monkeypatch, lost):
    monkeypatch.setattr(consumers, "RECHECK", 0.1)
    monkeypatch.setattr(consumers, "PING", 0.1)

    def lose():
        from django.contrib.sessions.models import Session

        if lost == "membership":
            alice.memberships.all().delete()
        elif lost == "session":
            Session.objects.all().delete()
        else:
            type(alice).objects.filter(pk=alice.pk).update(is_active=False)

    async with connected(socket_of("alice", running, "?after=0")) as socket:
        await database_sync_to_async(lose)()
        message = await _closing(socket)

    assert message["code"] == live.NOT_FOUND


async def _closing(socket):
    message = await socket.receive_output(timeout=5)
    while message["type"] != "websocket.close":
        message = await socket.receive_output(timeout=5)
    return message


async def test_an_ended_run_says_so_and_the_socket_closes(socket_of, running):
    await write(running, 0)
    await database_sync_to_async(Run.objects.filter(pk=running.pk).update)(status="completed")
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        frames = await frames_until(socket, 1)
        message = await _closing(socket)

    assert frames[-1]["ended"] is True
    assert message.get("code", 1000) == 1000


async def test_a_quiet_run_pings(socket_of, running, monkeypatch):
    monkeypatch.setattr(consumers, "PING", 0.05)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        first = json.loads(await socket.receive_from(timeout=5))
        while "ping" not in first:
            first = json.loads(await socket.receive_from(timeout=5))

    assert first == {"ping": True}


@pytest.mark.parametrize("after", ["99", "999999999999"])
async def test_a_page_ahead_of_the_run_is_told_to_load_again(socket_of, running, after):
    async with connected(socket_of("alice", running, f"?after={after}")) as socket:
        assert json.loads(await socket.receive_from(timeout=5)) == {"reload": True}


async def test_a_page_too_far_behind_is_told_to_load_again(socket_of, running, monkeypatch):
    monkeypatch.setattr(frames, "EVENT_LIMIT", 2)
    await write(running, 0, 1, 2)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        assert json.loads(await socket.receive_from(timeout=5)) == {"reload": True}


async def test_a_page_that_stopped_taking_is_closed(socket_of, running, monkeypatch):
    """P9. R14."""
    monkeypatch.setattr(window, "UNSENT", 10)
    monkeypatch.setattr(window, "PATIENCE", 0.1)
    async with connected(socket_of("alice", running, "?after=0")) as stopped:
        await write(running, 0)
        live.publish(str(running.pk), 1)
        assert (await _closing(stopped))["code"] == consumers.TOO_SLOW


async def test_nothing_is_kept_for_a_page_that_is_behind_and_all_of_it_read_again(
    socket_of, running, monkeypatch
):
    """P9: a slow page misses nothing."""
    monkeypatch.setattr(window, "UNSENT", 10)
    monkeypatch.setattr(outbox, "OUTBOX", 10)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        for number in range(4):
            await write(running, number)
            live.publish(str(running.pk), number + 1)
            await _feed_at(running, number + 1)
        (mine,) = live._feeds[str(running.pk)].outboxes
        assert (mine.is_behind, len(mine._frames)) == (True, 0)
        await socket.send_to(text_data='{"taken": 1}')
        await socket.send_to(text_data='{"taken": 2}')
        assert numbers_in(await frames_until(socket, 4)) == [0, 1, 2, 3]


async def _feed_at(run, seq):
    """Wait until the run's feed has handed a number out, or nobody watches any more."""
    async with asyncio.timeout(5):
        while (feed := live._feeds.get(str(run.pk))) and feed.cursor < seq:
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.01))])


async def test_what_a_page_took_lets_more_through(socket_of, running, monkeypatch):
    monkeypatch.setattr(window, "UNSENT", 10)
    await write(running, 0)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        await frames_until(socket, 1)
        for text in ("nonsense", "[1]", '{"taken": -1}', '{"taken": "1"}'):
            await socket.send_to(text_data=text)
        await write(running, 1)
        live.publish(str(running.pk), 2)
        assert numbers_in(await frames_until(socket, 2)) == [1]


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_no_page_stays_with_a_feed_that_ended(socket_of, running, monkeypatch, is_deleted):
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        await frames_until(socket, 0)
        if is_deleted:
            await database_sync_to_async(running.delete)()
        else:
            monkeypatch.setattr(live, "news_since", lambda *_, **__: 1 / 0)
        live.publish(str(running.pk), 1)
        code = live.NOT_FOUND if is_deleted else live.BROKEN
        assert (await _closing(socket))["code"] == code
    assert not live.is_watched(str(running.pk))


async def test_a_feed_goes_on_when_the_database_is_back(socket_of, running, monkeypatch, caplog):
    away = [DatabaseError("gone")] * 2

    def read(*arguments, **options):
        if away:
            raise away.pop()
        return news_since(*arguments, **options)

    monkeypatch.setattr(live, "news_since", read)
    monkeypatch.setattr(live, "POLL", 0.05)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        await write(running, 0)
        assert numbers_in(await frames_until(socket, 1)) == [0]
    assert caplog.text.count("waits: gone") == 1


async def test_who_missed_much_is_given_it_in_portions(socket_of, running, monkeypatch):
    monkeypatch.setattr(chunk_parts, "CHUNK_LIMIT", 10)
    monkeypatch.setattr(frames, "CATCH_UP_LIMIT", 24)
    await write(running, 0, 1, 2, 3)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        got = await frames_until(socket, 4)
    assert numbers_in(got) == [0, 1, 2, 3]
    assert [frame["upto"] for frame in got] == [1, 2, 3, 4]


async def test_who_missed_too_much_is_given_the_newest_and_told_of_the_rest(
    socket_of, running, monkeypatch
):
    monkeypatch.setattr(chunk_parts, "CHUNK_LIMIT", 12)
    monkeypatch.setattr(frames, "CATCH_UP_LIMIT", 23)
    await write(running, 0, 1, 2, 3)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        got = await frames_until(socket, 4)
    left_out, *shown = [chunk for frame in got for chunk in frame["chunks"]]
    assert (left_out["first"], left_out["count"], left_out["skipped"]) == (0, 2, 12)
    assert [chunk["items"] for chunk in shown] == [["word-2"], ["word-3"]]


async def test_the_last_socket_ends_the_feed(socket_of, running):
    async with connected(socket_of("alice", running, "?after=0")):
        await _until(lambda: live.is_watched(str(running.pk)))
    await _until(lambda: not live.is_watched(str(running.pk)))

    assert not live.is_watched(str(running.pk))


async def _until(holds):
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.01))])


async def test_others_have_their_turn_while_many_pages_are_handed_frames(running, monkeypatch):
    """P9. And each of the pages is handed them once."""
    monkeypatch.setattr(live, "AT_ONCE", 2)
    order: list[object] = []
    run = str(running.pk)

    class Page(outbox.Outbox):
        def put(self, frames):
            order.append(self)
            super().put(frames)

    async def others():
        while True:
            order.append("others")
            await asyncio.sleep(0)

    pages = [Page("tree", 0) for _ in range(6)]
    for page in pages:
        await live.join(live.TeamSource(run), page)
        await live.catch_up(run, page)
    ticking = asyncio.create_task(others())
    await write(running, 0)
    live.publish(run, 1)
    taken = [await page.next(5) for page in pages]
    ticking.cancel()
    for page in pages:
        await live.leave(run, page)
    assert [frame and json.loads(frame.text)["upto"] for frame in taken] == [1] * 6
    handed = [each for each in order if each != "others"]
    assert set(handed) == set(pages)
    assert len(handed) == len(pages)
    first, last = order.index(handed[0]), order.index(handed[-1])
    assert order[first:last].count("others") >= 2


async def test_frames_stay_small_and_only_the_last_moves_the_cursor(
    socket_of, running, monkeypatch
):
    await write(running, 0, 1, 2, text="x" * 30_000)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        frames = await frames_until(socket, 3)

    assert len(frames) > 1
    assert [frame["upto"] for frame in frames] == [0] * (len(frames) - 1) + [3]
    assert all(len(json.dumps(frame)) < 64 * 1024 for frame in frames)
    assert numbers_in(frames) == [0, 1, 2]


async def test_a_chunk_too_large_for_a_frame_is_named_and_not_sent(socket_of, running):
    await write(running, 0, text="x" * 100_000)
    async with connected(socket_of("alice", running, "?after=0")) as socket:
        frames = await frames_until(socket, 1)
    chunk = frames[-1]["chunks"][0]

    assert chunk["items"] == []
    assert chunk["skipped"] == 100_000


@pytest.mark.parametrize(("view", "told"), [("tree", False), ("items", True)])
async def test_only_a_page_that_shows_items_hears_of_them(socket_of, running, view, told):
    definition = json.loads(running.version.definition)
    definition["tasks"] = [{"id": "m", "type": "flow.map", "graph": {"tasks": definition["tasks"]}}]

    def expand():
        type(running.version).objects.update(definition=json.dumps(definition))
        running.task_runs.create(path="m[4]/a", status="running", started_at=NOW)
        running.events.create(seq=1, at=NOW, kind="TaskStarted", path="m[4]/a")
        Run.objects.filter(pk=running.pk).update(seq=1)

    await database_sync_to_async(expand)()
    async with connected(socket_of("alice", running, f"?after=0&view={view}")) as socket:
        frames = await frames_until(socket, 1)
    fragments = "".join(html for frame in frames for html in frame["fragments"])

    assert 'id="task-row-m"' in fragments
    assert ('id="task-row-m-_4--a"' in fragments) is told
