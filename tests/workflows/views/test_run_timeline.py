"""The timeline on the run's page."""

import pytest

from tests.workflows.views.conftest import HOSTILE, NOW


@pytest.fixture
def timed(rich_run):
    """Two events of one task that streams."""
    for seq, kind in [(5, "TaskStarted"), (6, "StreamOpened")]:
        rich_run.events.create(seq=seq, at=NOW, kind=kind, path="answer", payload="{}")
    return rich_run


def test_the_timeline_draws_bars_and_says_them_in_a_table(client_of, bob, timed):
    page = client_of(bob).get(f"/runs/{timed.pk}/?view=timeline").content.decode()

    assert 'class="bar" data-state="streaming"' in page
    assert 'class="mark"' in page
    assert "First chunk after" in page
    assert HOSTILE not in page
    assert "style=" not in page


def test_htmx_gets_the_timeline_alone(client_of, bob, timed, hx):
    page = client_of(bob).get(f"/runs/{timed.pk}/?view=timeline", headers=hx).content.decode()

    assert "<html" not in page
    assert 'id="timeline"' in page


def test_a_stranger_finds_no_timeline_and_nobody_signs_in(client, client_of, charlie, timed):
    address = f"/runs/{timed.pk}/?view=timeline"

    assert client_of(charlie).get(address).status_code == 404
    assert client.get(address).url.startswith("/sign-in/")
