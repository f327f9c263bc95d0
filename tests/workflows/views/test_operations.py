"""How the installation is doing, for its operator: true figures that cost few queries."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.utils import timezone

from workflows import lags, open_sockets
from workflows.models import JobWorker, Run, RunEvent, Tick
from workflows.operations import kinds, queue, retention, runners
from workflows.owners import OwnerLocks

ADDRESS = "/admin/ops/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client_of):
    return client_of(User.objects.create_superuser("root", password="river-delta-42"))


def text(client):
    return " ".join(client.get(ADDRESS).text.split())


@pytest.mark.parametrize(("is_staff", "may", "code"), [(True, True, 200), (True, False, 404), (False, True, 404)])  # fmt: skip
def test_it_is_for_staff_that_may_look_at_runs(client_of, alice, is_staff, may, code):
    alice.is_staff = is_staff
    alice.save()
    if may:
        alice.user_permissions.add(Permission.objects.get(codename="view_run"))
    assert client_of(alice).get(ADDRESS).status_code == code


def test_an_installation_without_anything_shows_it(root):
    page = text(root)
    assert "No process drives runs." in page
    assert "nobody watched yet" in page


def test_it_says_which_process_lives_and_when_it_was_last_heard_of(root, run, settings):
    locks = OwnerLocks(settings.DATA_DIR / "owners")
    locks.hold("1-idle")
    lease = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS - 3)
    Run.objects.update(status="running", owner="2-far", lease_until=lease)
    JobWorker.objects.create(name="worker-1", host="delta", jobs=4, seen_at=timezone.now())
    found = {each.owner: (each.runs, each.is_alive) for each in runners()}
    page = text(root)
    locks.free()
    assert found == {"1-idle": (0, True), "2-far": (1, None)}
    assert "2-far · elsewhere" in page
    assert "worker-1 on delta" in page


def test_it_says_how_much_waits_and_for_how_long(root, run):
    at = timezone.now() - timedelta(minutes=9)
    Run.objects.update(created_at=at)
    assert (queue().depth, queue().oldest) == (1, at)
    assert "1, the first for 9 min" in text(root)


def test_it_says_how_many_pages_are_open_and_how_late_they_are_told(root):
    lags.forget()
    for seconds in range(100):
        lags.note(timezone.now() - timedelta(seconds=seconds))
    open_sockets.opened(1, lags.forget)
    page = text(root)
    open_sockets.closed(1, lags.forget)
    lags.forget()
    assert '<th scope="row">open sockets</th><td>1</td>' in page
    assert "<td>95.00 s</td>" in page


def test_it_estimates_what_fills_the_database_and_what_goes_next(root, run, settings):
    run.events.bulk_create(
        RunEvent(run=run, seq=n, at=run.created_at, kind="RunStarted") for n in range(1200)
    )
    old = timezone.now() - timedelta(days=40)
    Run.objects.update(status="completed", ended_at=old)
    Tick.objects.create(name="prune", at=timezone.now())
    events = next(each for each in kinds() if each.name == "events")
    if connection.vendor == "sqlite":
        assert (events.rows, events.size) == (1200, None)
    else:
        assert (events.size or 0) > 0
    assert (retention().due.streams, retention().due.outputs) == (1, 0)
    assert retention().next_at > timezone.now() + timedelta(hours=23)
    assert "streams and logs due</th><td>1 runs" in text(root)


def test_a_look_costs_few_queries(root, run, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        root.get(ADDRESS)
