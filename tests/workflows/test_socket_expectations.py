"""Who may open which socket: one table, and every socket is in it."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.conf import settings

from tests.conftest import _member
from workflows.models.share import share
from workflows.urls import websocket_urlpatterns

#: Each with more rights than the one before; the place of the first who may open a socket.
PEOPLE = ["nobody", "stranger", "viewer", "runner", "editor", "owner"]
GUESTS_ALONE = len(PEOPLE)
#: Address of a socket -> the first of PEOPLE who may open it without a share link.
TABLE = {
    "runs/<uuid:id>/live": PEOPLE.index("viewer"),
    "workflows/<uuid:id>/edit/live": PEOPLE.index("editor"),
    "s/<uuid:id>/live": GUESTS_ALONE,
}


def test_every_socket_has_its_line():
    addresses = {str(each.pattern) for each in websocket_urlpatterns}
    assert addresses - {""} == set(TABLE)


@pytest.fixture
def opens(transactional_db, run, workflow, team, alice, charlie, client_of):
    """Say whether a person's browser may open a socket about the run, its workflow, its link."""
    from workflows.asgi import application

    link, _ = share(run, alice, life=timedelta(days=1))
    people = {"owner": alice, "stranger": charlie}
    people |= {role: _member(team, role, role) for role in ("viewer", "runner", "editor")}
    name, ids = settings.SESSION_COOKIE_NAME, [run.pk, workflow.pk, link.pk]
    abouts = dict(zip(TABLE, ids, strict=True))

    def opens(who, address):
        headers = [(b"origin", settings.SOCKET_ORIGINS[0].encode()), (b"host", b"localhost")]
        if who in people:
            key = client_of(people[who]).cookies[name].value
            headers.append((b"cookie", f"{name}={key}".encode()))
        path = "/" + address.replace("<uuid:id>", str(abouts[address]))

        async def connects():
            socket = WebsocketCommunicator(application, path, headers=headers)
            accepted, _ = await socket.connect(timeout=5)
            if accepted:
                await socket.disconnect(timeout=5)
            return accepted

        return async_to_sync(connects)()

    return opens


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", TABLE)
def test_each_person_gets_as_far_as_the_table_says(opens, address):
    """R7: a share link's socket is for who holds its cookie, whoever else asks."""
    told = {who: opens(who, address) for who in PEOPLE}
    assert told == {who: place >= TABLE[address] for place, who in enumerate(PEOPLE)}
