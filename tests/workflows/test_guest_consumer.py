"""A guest's socket, over the real application: what it is told, and when it is sent away."""

import asyncio
import contextlib
import json

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.utils import timezone

from tests.guest_tasks import ALOUD, HUSH
from tests.shared_run import fail, linked, log, write
from workflows import consumers, live
from workflows.consumers import FULL
from workflows.guests import signed_visit
from workflows.models import Membership, Run, ShareLink
from workflows.models.share import Audience, revoke, token_in

pytestmark = pytest.mark.django_db(transaction=True)
VIEWS = ("tree", "graph", "timeline")


def visit_by(token):
    """Give what stands in the cookie of who came by a token."""
    found = token_in(token)
    assert found
    return signed_visit(found)


@pytest.fixture
def secretive(transactional_db, secretive):
    """A run that says secrets, for several threads to read."""
    return secretive


@pytest.fixture
def guest_of(secretive, alice):
    """Give the socket of a guest who was let in by a link; of a person, where one is named."""
    from workflows.asgi import application

    def open_as_guest(query="?after=0", session="", cookie=None, **more):
        link, token = linked(secretive, alice, **more)
        visit = visit_by(token) if cookie is None else cookie
        cookies = f"{settings.SHARE_COOKIE_NAME}={visit}"
        cookies += f"; {settings.SESSION_COOKIE_NAME}={session}" if session else ""
        headers = [(b"origin", settings.SOCKET_ORIGINS[0].encode()), (b"host", b"localhost")]
        headers += [(b"cookie", cookies.encode())]
        path = f"/s/{link.pk}/live{query}"
        return link, WebsocketCommunicator(application, path, headers=headers)

    return database_sync_to_async(open_as_guest)


@contextlib.asynccontextmanager
async def connected(socket):
    """Open a socket, and leave no trace of it."""
    accepted, _ = await socket.connect(timeout=5)
    assert accepted
    try:
        yield socket
    finally:
        await socket.disconnect(timeout=5)


async def texts_until(socket, upto):
    """Collect what a socket is sent until the page has seen a number."""
    texts: list[str] = []
    known = -1
    while known < upto:
        text = await socket.receive_from(timeout=5)
        texts.append(text)
        known = json.loads(text).get("upto", -1) if "ping" not in json.loads(text) else known
    return texts


async def close_code(socket, within):
    """Give the code that a socket is closed with, which must come within some seconds."""
    async with asyncio.timeout(within):
        while True:
            message = await socket.receive_output(within)
            if message["type"] == "websocket.close":
                return message["code"]


def act(change, *given):
    """Do something to the database, and ring as its writer does."""

    @database_sync_to_async
    def done(run):
        change(run, *given)
        run.refresh_from_db()
        return run.seq

    async def acted(run):
        seq = await done(run)
        live.publish(str(run.pk), seq)
        return seq

    return acted


@pytest.mark.parametrize("view", VIEWS)
async def test_a_guest_hears_what_was_allowed_and_no_secret(guest_of, secretive, view):
    """R7: catching up and live alike, in each view."""
    link, socket = await guest_of(f"?after=0&view={view}")
    async with connected(socket):
        texts = await texts_until(socket, secretive.seq)
        for change in (
            act(write, "speak", "text", f"{ALOUD}-live", 1),
            act(write, "speak", "key", f"{HUSH}live", 1),
            act(write, "after", "text", f"{HUSH}live", 1),
            act(log, "speak", f"{HUSH}live"),
            act(fail, "speak"),
        ):
            texts += await texts_until(socket, await change(secretive))
    said = "".join(texts)
    assert f"{ALOUD}-live" in said
    assert HUSH not in said
    assert str(secretive.pk) not in said
    chunks = [chunk for text in texts for chunk in json.loads(text).get("chunks", ())]
    assert {(chunk["path"], chunk["port"]) for chunk in chunks} == {("speak", "text")}
    assert not [text for text in texts if "lines" in json.loads(text)]
    assert link.pk


async def test_an_output_appears_as_soon_as_its_task_has_ended(guest_of, secretive):
    """The task fails at first in the fixture; what it gave is allowed here, and only that."""
    _, socket = await guest_of(ports=[("after", "other")])

    def end(run):
        run.task_runs.filter(path="after").update(status="completed")
        log(run, "after", f"{HUSH}late")

    async with connected(socket):
        before = "".join(await texts_until(socket, secretive.seq))
        after = "".join(await texts_until(socket, await act(end)(secretive)))
    assert "shared-after--other" not in before
    assert f"{HUSH}other" in after
    assert HUSH not in after.replace(f"{HUSH}other", "")


async def test_a_guest_of_one_task_hears_of_no_other(guest_of, secretive):
    _, socket = await guest_of(task="speak")
    async with connected(socket):
        texts = await texts_until(socket, secretive.seq)
        texts += await texts_until(socket, await act(fail, "after")(secretive))
    assert "task-row-speak" in "".join(texts)
    assert "after" not in "".join(text.replace('"after"', "") for text in texts)


async def test_guests_and_members_have_feeds_of_their_own(guest_of, secretive):
    """A guest's feed is another than the team's, and than that of another link."""
    (one, first), (other, second) = await guest_of(), await guest_of(ports=())
    async with connected(first), connected(second):
        await texts_until(first, secretive.seq)
        told = "".join(await texts_until(second, secretive.seq))
        run = str(secretive.pk)
        assert set(live._feeds) == {f"{run} {one.pk}", f"{run} {other.pk}"}
        assert live.is_watched(run)
    assert ALOUD not in told
    assert not live.is_watched(run)


async def test_a_revoked_link_closes_its_sockets_at_once(guest_of, secretive, alice, monkeypatch):
    """By the bell alone: no poll is due before."""
    monkeypatch.setattr(live, "POLL", 60)
    monkeypatch.setattr(consumers, "PING", 60)
    live.listen()
    (link, socket), (_, other) = await guest_of(), await guest_of()
    async with connected(socket), connected(other):
        await texts_until(socket, secretive.seq)
        await texts_until(other, secretive.seq)
        await database_sync_to_async(revoke)(link, alice)
        assert await close_code(socket, 2) == live.NOT_FOUND
        assert await other.receive_nothing(0.2)
    await live.stop_listening()


END = {
    "revoked": lambda link: ShareLink.objects.filter(pk=link.pk).update(revoked_at=timezone.now()),
    "expired": lambda link: ShareLink.objects.filter(pk=link.pk).update(expires_at=timezone.now()),
    "removed": lambda link: ShareLink.objects.filter(pk=link.pk).delete(),
    "its maker left": lambda link: Membership.objects.filter(user=link.made_by).delete(),
}


@pytest.mark.parametrize("end", END)
async def test_a_link_that_ends_unheard_closes_its_sockets_within_two_seconds(
    guest_of, secretive, end
):
    """As by another server process without a bell between: the feed looks each second."""
    link, socket = await guest_of()
    async with connected(socket):
        await texts_until(socket, secretive.seq)
        await database_sync_to_async(END[end])(link)
        assert await close_code(socket, 2) == live.NOT_FOUND


@pytest.mark.parametrize("cookie", ["", "nonsense", "bm9uc2Vuc2U:1vNTpI:AAAA"])
async def test_without_the_cookie_of_the_link_no_socket_opens(guest_of, cookie):
    _, socket = await guest_of(cookie=cookie)
    accepted, code = await socket.connect(timeout=5)
    assert (accepted, code) == (False, live.NOT_FOUND)


async def test_the_cookie_of_another_link_opens_no_socket(guest_of, secretive, alice):
    _, token = await database_sync_to_async(linked)(secretive, alice)
    visit = await database_sync_to_async(lambda: visit_by(token))()
    _, socket = await guest_of(cookie=visit)
    accepted, _ = await socket.connect(timeout=5)
    assert not accepted


async def test_a_socket_looks_at_its_visit_again_now_and_then(
    guest_of, secretive, monkeypatch, settings
):
    """A visit ends, although its link goes on."""
    monkeypatch.setattr(consumers, "RECHECK", 0.1)
    monkeypatch.setattr(consumers, "PING", 0.1)
    _, socket = await guest_of()
    async with connected(socket):
        await texts_until(socket, secretive.seq)
        settings.SHARE_VISIT = -1
        assert await close_code(socket, 2) == live.NOT_FOUND


@pytest.mark.parametrize(("who", "sees"), [("bob", True), ("charlie", False), ("", False)])
async def test_a_link_for_the_team_opens_a_socket_to_members_alone(
    guest_of, client_of, bob, charlie, who, sees
):
    people = {"bob": bob, "charlie": charlie}
    signed = database_sync_to_async(lambda: client_of(people[who]).cookies)
    session = (await signed())[settings.SESSION_COOKIE_NAME].value if who else ""
    _, socket = await guest_of(session=session, audience=Audience.TEAM)
    accepted, _ = await socket.connect(timeout=5)
    assert accepted is sees
    if accepted:
        await socket.disconnect()


async def test_so_many_guests_watch_by_a_link_and_no_more(guest_of, secretive, settings):
    settings.SHARE_SOCKETS_A_LINK = 1
    link, socket = await guest_of()
    again = WebsocketCommunicator(socket.application, f"/s/{link.pk}/live")
    again.scope["headers"] = socket.scope["headers"]
    async with connected(socket):
        await texts_until(socket, secretive.seq)
        assert await again.connect(timeout=5) == (False, FULL)
        stranger = WebsocketCommunicator(socket.application, f"/s/{link.pk}/live")
        stranger.scope["headers"] = [
            each for each in socket.scope["headers"] if each[0] != b"cookie"
        ]
        assert await stranger.connect(timeout=5) == (False, live.NOT_FOUND)
    third = WebsocketCommunicator(socket.application, f"/s/{link.pk}/live")
    third.scope["headers"] = socket.scope["headers"]
    async with connected(third):
        assert await texts_until(third, secretive.seq)


async def test_the_end_of_the_run_is_told_and_ends_the_socket(guest_of, secretive):
    _, socket = await guest_of()

    def end(run):
        fail(run, "speak")
        Run.objects.filter(pk=run.pk).update(status="failed", ended_at=timezone.now())

    async with connected(socket):
        await texts_until(socket, secretive.seq)
        texts = await texts_until(socket, await act(end)(secretive))
        assert json.loads(texts[-1])["ended"]
        assert await close_code(socket, 2) == consumers.ENDED
    assert HUSH not in "".join(texts)
