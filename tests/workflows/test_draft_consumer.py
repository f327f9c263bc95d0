"""The socket of an open draft, over the real application: who is here, and when to look again."""

import asyncio
import contextlib
import json

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings

from workflows import draft_consumer
from workflows.draft_bell import group_of
from workflows.live import NOT_FOUND
from workflows.models.drafting import act

pytestmark = pytest.mark.django_db(transaction=True)
ADD = {"op": "add", "type": "text.split"}


@pytest.fixture
def cookies(client_of, alice, bob, charlie, workflow):
    """The session of each browser; Bob edits as well."""
    workflow.team.memberships.filter(user=bob).update(role="editor")
    name = settings.SESSION_COOKIE_NAME
    return {
        person.get_username(): f"{name}={client_of(person).cookies[name].value}"
        for person in (alice, bob, charlie)
    }


@pytest.fixture
def socket_of(cookies, workflow):
    from workflows.asgi import application

    def open_as(person, origin=settings.SOCKET_ORIGINS[0]):
        headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
        if person in cookies:
            headers.append((b"cookie", cookies[person].encode()))
        return WebsocketCommunicator(
            application, f"/workflows/{workflow.pk}/edit/live", headers=headers
        )

    return open_as


@contextlib.asynccontextmanager
async def connected(socket):
    accepted, _ = await socket.connect(timeout=10)
    assert accepted
    try:
        yield socket
    finally:
        await socket.disconnect(timeout=10)


async def said(socket, wanted):
    """Wait for a message that says something; give it."""
    while True:
        message = json.loads(await socket.receive_from(timeout=10))
        if wanted(message):
            return message


async def people(socket, *wanted):
    """Wait until the page shows these people, and where they are."""
    expected = [{"name": name, "at": at} for name, at in wanted]
    await said(socket, lambda message: message.get("people") == expected)


async def test_an_act_rings_at_every_page_that_has_the_draft_open(socket_of, workflow, alice):
    async with connected(socket_of("alice")) as one, connected(socket_of("bob")) as other:
        await people(one, ("bob", ""))
        await people(other, ("alice", ""))
        await database_sync_to_async(act)(workflow, alice, 0, ADD)
        assert (await said(one, lambda each: "revision" in each))["revision"] == 1
        assert (await said(other, lambda each: "revision" in each))["revision"] == 1


async def test_what_is_refused_does_not_ring(socket_of, workflow, alice, bob):
    async with connected(socket_of("bob")) as socket:
        with contextlib.suppress(Exception):
            await database_sync_to_async(act)(workflow, alice, 0, {"op": "remove", "ids": ["x"]})
        await database_sync_to_async(act)(workflow, alice, 0, ADD)
        assert (await said(socket, lambda each: "revision" in each))["revision"] == 1


async def test_people_come_choose_a_task_and_go(socket_of):
    async with connected(socket_of("alice")) as one:
        async with connected(socket_of("bob")) as other:
            await people(one, ("bob", ""))
            await other.send_to(json.dumps({"at": "clean/hash"}))
            await people(one, ("bob", "clean/hash"))
        await people(one)


async def test_a_second_tab_of_the_same_person_is_nobody_else(socket_of):
    async with connected(socket_of("alice")) as one, connected(socket_of("alice")) as other:
        async with connected(socket_of("bob")):
            await people(one, ("bob", ""))
            await people(other, ("bob", ""))
        await people(one)


async def test_who_vanished_without_a_word_is_forgotten(socket_of, monkeypatch, workflow):
    monkeypatch.setattr(draft_consumer, "SIGN_OF_LIFE", 0.1)
    monkeypatch.setattr(draft_consumer, "HERE_FOR", 0.5)
    layer = get_channel_layer()
    assert layer is not None
    ghost = {"type": "draft.here", "page": "x", "name": "ghost", "at": "", "asks": False}
    async with connected(socket_of("alice")) as socket:
        await asyncio.sleep(0.2)
        await layer.group_send(group_of(workflow.pk), ghost)
        await people(socket, ("ghost", ""))
        await people(socket)


@pytest.mark.parametrize("rubbish", ["null", "{", "[]", '{"at": 5}', '{"at": ["x"]}', "[" * 4000])
async def test_rubbish_from_a_page_is_not_heard(socket_of, rubbish):
    async with connected(socket_of("alice")) as one, connected(socket_of("bob")) as other:
        await people(one, ("bob", ""))
        await other.send_to(rubbish)
        await other.send_to(json.dumps({"at": "a" * 5000}))
        await other.send_to(json.dumps({"at": "b"}))
        await people(one, ("bob", "b"))


@pytest.mark.parametrize("person", ["charlie", "nobody"])
async def test_a_stranger_is_refused(socket_of, person):
    assert await socket_of(person).connect(timeout=10) == (False, NOT_FOUND)


async def test_another_origin_is_refused(socket_of):
    assert not (await socket_of("alice", origin="http://127.0.0.1:9").connect(timeout=10))[0]


async def test_who_may_no_longer_edit_is_sent_away(socket_of, workflow, bob, monkeypatch):
    monkeypatch.setattr(draft_consumer, "RECHECK", 0.1)
    viewer = workflow.team.memberships.filter(user=bob).update
    async with connected(socket_of("bob")) as socket:
        await database_sync_to_async(viewer)(role="viewer")
        while (message := await socket.receive_output(timeout=10))["type"] != "websocket.close":
            pass
    assert message["code"] == NOT_FOUND


async def test_an_act_is_kept_while_the_channel_layer_is_away(workflow, alice, monkeypatch):
    class Away:
        async def group_send(self, group, message):
            raise OSError

    monkeypatch.setattr("workflows.draft_bell.get_channel_layer", Away)
    done = await database_sync_to_async(act)(workflow, alice, 0, ADD)
    assert done is not None
    assert done.revision == 1
