"""What a claimed run starts from: what it took over, what a person reopened, what was asked."""

import pytest
from django.db import OperationalError, connection

from runner.execution.store import CacheEntry
from runner.run.checkpoint import TaskCheckpoint
from runner.run.status import RunStatus
from tests.store_contract import AT
from workflows import claims, models
from workflows.caching import keep_entries, read_entry
from workflows.claims import claim_runs, release_runs
from workflows.models import Run
from workflows.owners import OwnerLocks
from workflows.store import _open_requests

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(tmp_path):
    """Claim the one run that waits; give what it starts from."""
    locks = OwnerLocks(tmp_path)

    def claim():
        locks.hold("me")
        (stored,) = claim_runs("me", 1, locks)
        return stored

    yield claim
    locks.free()


@pytest.fixture
def keep():
    """Keep a result of a task of a run."""

    def keep(run, path, **rest):
        kept = TaskCheckpoint(path=path, attempt=1, seq=1, **rest)
        run.checkpoints.create(path=path, attempt=1, seq=1, epoch=1, value=kept.to_json())
        return kept

    return keep


@pytest.fixture
def rerun(workflow, alice):
    """Queue a run that takes these paths over from another."""

    def rerun(parent, *kept, **rest):
        Run.objects.filter(pk=parent.pk).update(status="completed")
        return Run.objects.start(workflow.latest, alice, {}, parent=parent, kept=kept, **rest)

    return rerun


def test_a_run_starts_from_what_it_was_told(run, alice, workflow, claim):
    Run.objects.filter(pk=run.pk).update(options='{"until":["b"]}', workflows='{"w":"{}"}')
    stored = claim()
    assert (stored.scope, stored.identity) == (str(workflow.team_id), str(alice.pk))
    assert (stored.options, stored.workflows) == ({"until": ["b"]}, {"w": "{}"})
    assert (stored.parent, stored.kept, stored.reopened) == ("", (), False)


def test_a_rerun_gets_what_it_takes_over_and_no_more(run, claim, keep, rerun):
    """Engine 7.6."""
    first = keep(run, "a")
    keep(run, "b")
    keep(run, "m", done=False)
    rerun(run, "a", "m", "gone")
    stored = claim()
    assert (stored.parent, stored.kept) == (str(run.pk), (first,))
    assert stored.checkpoints == ()


@pytest.mark.parametrize("status", ["paused", "awaiting", "cancelling", "interrupted"])
def test_a_run_without_an_owner_is_claimed_as_it_stands(run, claim, status):
    """Engine 5.1: a pause or a wait outlives the process."""
    Run.objects.filter(pk=run.pk).update(status=status)
    stored = claim()
    assert stored.status is RunStatus(status)
    release_runs("me", [stored.run])
    assert claim().status is RunStatus(status)


def test_a_lease_that_is_renewed_just_before_the_claim_is_not_stolen(run, tmp_path, monkeypatch):
    """P3, P4: what was found late need not be late when it is taken."""
    Run.objects.filter(pk=run.pk).update(status="running", owner="other", lease_until=AT)
    take = claims._take

    def renewed_before(*args):
        claims.renew_leases("other", [run.pk])
        return take(*args)

    monkeypatch.setattr(claims, "_take", renewed_before)
    assert claim_runs("me", 1, OwnerLocks(tmp_path)) == []
    assert Run.objects.get(pk=run.pk).owner == "other"


def test_what_was_claimed_before_the_database_failed_is_not_forgotten(
    run, workflow, alice, tmp_path, monkeypatch
):
    """P10: else it would be claimed again and again while connections are lost."""
    Run.objects.start(workflow.latest, alice, {})
    take = claims._take
    taken: list[object] = []

    def failing_after_the_first(*args):
        if taken:
            raise OperationalError("lost")
        taken.append(args)
        return take(*args)

    monkeypatch.setattr(claims, "_take", failing_after_the_first)
    monkeypatch.setattr(connection, "close", lambda: None)
    assert [each.run for each in claim_runs("me", 2, OwnerLocks(tmp_path))] == [str(run.pk)]


def test_only_a_person_reopens_a_run(run, alice, claim):
    Run.objects.filter(pk=run.pk).update(status="interrupted")
    assert claim().reopened is False
    Run.objects.filter(pk=run.pk).update(status="failed", owner="")
    assert run.request("resume", alice)
    stored = claim()
    assert (stored.reopened, stored.status) == (True, RunStatus.INTERRUPTED)


def test_what_was_asked_before_the_end_is_not_asked_when_the_run_goes_on(run, alice, claim):
    Run.objects.filter(pk=run.pk).update(status="running")
    assert run.request("cancel", alice)
    Run.objects.filter(pk=run.pk).update(status="failed")
    assert run.request("resume", alice)
    stored = claim()
    Run.objects.filter(pk=run.pk).update(status="running")
    assert run.request("pause", alice)
    assert [each.kind for each in _open_requests([stored.run])] == ["pause"]


def test_a_request_brings_what_was_said(run, alice):
    Run.objects.filter(pk=run.pk).update(status="awaiting")
    run.task_runs.create(path="a", status="awaiting", reason="input")
    assert run.request("answer", alice, {"path": "a", "value": {"n": 1}})
    (request,) = _open_requests([str(run.pk)])
    assert (request.kind, request.payload) == ("answer", {"path": "a", "value": {"n": 1}})


def test_a_task_that_awaits_has_begun_and_does_not_count_as_a_death(run, claim):
    """Engine 5.7, 7.7."""
    Run.objects.filter(pk=run.pk).update(status="awaiting", owner="dead", lease_until=AT)
    run.task_runs.create(path="a", status="awaiting", attempt=2)
    stored = claim()
    assert (stored.running, stored.attempts) == ((("a", 2),), {"a": 2})
    assert not run.task_deaths.exists()


def test_a_run_that_cannot_be_read_is_set_aside(run, tmp_path):
    Run.objects.filter(pk=run.pk).update(options='{"pins":{"a":{"$decimal":"?"}}}')
    assert claim_runs("me", 1, OwnerLocks(tmp_path)) == []
    assert Run.objects.get(pk=run.pk).status == "quarantined"


def test_a_kept_result_is_its_teams_alone(team):
    """Engine 7.8."""
    scope = str(team.pk)
    entry = CacheEntry(scope=scope, key="k", outputs={"n": "1.50"}, streams={"p": ('"a"', "{}")})
    keep_entries([entry])
    assert read_entry(scope, "k") == entry
    assert read_entry(scope, "other") is None
    assert read_entry("00000000-0000-0000-0000-000000000000", "k") is None


def test_a_newer_result_takes_the_place_of_an_older(team):
    scope = str(team.pk)
    newer = CacheEntry(scope=scope, key="k", outputs={"n": "2"})
    keep_entries([CacheEntry(scope=scope, key="k", outputs={"n": "1"})])
    keep_entries([newer, CacheEntry(scope=scope, key="other", outputs={})])
    assert read_entry(scope, "k") == newer
    assert models.CacheEntry.objects.count() == 2
