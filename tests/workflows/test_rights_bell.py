"""The bell of rights: whoever signs out or loses a right is out of every open page at once."""

import asyncio
import contextlib
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from workflows import consumers, draft_consumer, live, open_sockets, window
from workflows.models import Membership, Run
from workflows.models.belonging import change_role, remove
from workflows.models.leaving import remove_person, remove_team
from workflows.rights_bell import GROUP, ring_for

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 2.0
PASSWORD = "river-delta-42"


@pytest.fixture
def bob_edits(team, bob):
    Membership.objects.filter(user=bob).update(role="editor")
    return bob


@pytest.fixture
async def open_page(request, bob_edits, client_of, run, workflow):
    """Give a socket of each kind as bob's browser opens it; whoever listens hears the bell."""
    from workflows.asgi import application

    await database_sync_to_async(Run.objects.filter(pk=run.pk).update)(status="running")
    live.listen()
    layer: Any = get_channel_layer()
    async with asyncio.timeout(5):
        while not layer.groups.get(GROUP):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)

    @contextlib.asynccontextmanager
    async def opened(kind, client):
        address = f"/runs/{run.pk}/live" if kind == "run" else f"/workflows/{workflow.pk}/edit/live"
        name = settings.SESSION_COOKIE_NAME
        cookie = f"{name}={client.cookies[name].value}".encode()
        headers = [(b"origin", settings.SOCKET_ORIGINS[0].encode()), (b"cookie", cookie)]
        socket = WebsocketCommunicator(application, address, headers=headers)
        accepted, code = await socket.connect(timeout=10)
        assert accepted, code
        try:
            yield socket
        finally:
            await socket.disconnect(timeout=10)

    yield opened
    await live.stop_listening()


async def closing_of(socket):
    while (message := await socket.receive_output(timeout=10))["type"] != "websocket.close":
        pass
    return message["code"]


def _sign_out(client, bob, alice):
    client.post(reverse("sign-out"))


def _other_password(client, bob, alice):
    given = {"old_password": PASSWORD, "new_password1": "of-Oceans-77", "new_password2": "of-Oceans-77"}  # fmt: skip
    other = type(client)()
    other.force_login(bob)
    assert other.post(reverse("password"), given).status_code == 303


def _out_of_the_team(client, bob, alice):
    remove(bob.memberships.get(), alice)


def _team_dissolved(client, bob, alice):
    remove_team(bob.memberships.get().team, alice)


def _let_go(client, bob, alice):
    remove_person(bob, alice)


@pytest.mark.parametrize("kind", ["run", "draft"])
@pytest.mark.parametrize(
    "lose", [_sign_out, _other_password, _out_of_the_team, _team_dissolved, _let_go]
)
async def test_who_signs_out_or_loses_a_right_is_out_at_once(
    open_page, client_of, bob, alice, kind, lose
):
    """S12: not at the next look, but within two seconds."""
    client = await database_sync_to_async(client_of)(bob)
    async with open_page(kind, client) as socket:
        await database_sync_to_async(lose)(client, bob, alice)
        async with asyncio.timeout(AT_ONCE):
            assert await closing_of(socket) == live.NOT_FOUND


async def test_a_lower_role_ends_a_draft_and_leaves_a_run_open(open_page, client_of, bob, alice):
    client = await database_sync_to_async(client_of)(bob)
    async with open_page("run", client) as watching, open_page("draft", client) as drawing:
        demote = database_sync_to_async(lambda: change_role(bob.memberships.get(), "viewer", alice))
        await demote()
        async with asyncio.timeout(AT_ONCE):
            assert await closing_of(drawing) == live.NOT_FOUND
        assert (await watching.receive_output(timeout=5))["type"] == "websocket.send"


async def test_signing_out_in_one_browser_leaves_the_other_open(open_page, client_of, bob):
    clients = [await database_sync_to_async(client_of)(bob) for _ in range(2)]
    async with open_page("run", clients[0]) as left, open_page("run", clients[1]) as stays:
        await database_sync_to_async(clients[0].post)(reverse("sign-out"))
        async with asyncio.timeout(AT_ONCE):
            assert await closing_of(left) == live.NOT_FOUND
        assert (await stays.receive_output(timeout=5))["type"] == "websocket.send"
        assert open_sockets.count() == 2
    assert open_sockets.count() == 0


@pytest.mark.parametrize("kind", ["run", "draft"])
async def test_a_lost_bell_only_costs_time(open_page, client_of, bob, kind, monkeypatch):
    for module in (consumers, draft_consumer):
        monkeypatch.setattr(module, "RECHECK", 0.1)
    monkeypatch.setattr(consumers, "PING", 0.1)
    client = await database_sync_to_async(client_of)(bob)
    async with open_page(kind, client) as socket:
        lost = User.objects.filter(pk=bob.pk).update
        await database_sync_to_async(lost)(is_active=False)
        assert await closing_of(socket) == live.NOT_FOUND


def test_nobody_watches_for_longer_than_half_a_minute_without_the_right_to():
    """S12: the looks of a run's page may wait for a page that takes nothing, a draft's for a sign."""
    of_runs = consumers.RECHECK + consumers.PING + window.PATIENCE
    of_drafts = consumers.RECHECK + draft_consumer.SIGN_OF_LIFE + draft_consumer.PAUSE
    assert max(of_runs, of_drafts) <= 30


async def test_a_right_is_kept_while_the_layer_is_away(bob, monkeypatch, caplog):
    class Away:
        async def group_send(self, group, message):
            raise OSError

    monkeypatch.setattr("workflows.rights_bell.get_channel_layer", Away)
    await database_sync_to_async(ring_for)([bob.pk])
    assert "open pages hear later of changed rights: OSError" in caplog.text


@pytest.mark.parametrize("kind", ["run", "draft"])
async def test_a_person_has_so_many_pages_kept_up_to_date_and_no_more(
    open_page, client_of, bob, settings, kind
):
    settings.SOCKETS_A_PERSON = 2
    client = await database_sync_to_async(client_of)(bob)
    async with open_page(kind, client), open_page(kind, client):
        with pytest.raises(AssertionError, match=str(consumers.FULL)):
            async with open_page(kind, client):
                pass
    async with open_page(kind, client):
        assert open_sockets.count_of(bob.pk) == 1
